"""What groups say to each other beside Raft's own messages."""

import msgspec

from trivet.core.machine.entry import Call


class Forward(msgspec.Struct, array_like=True, tag=64, frozen=True):
    """A batch of writes for the leader, encoded by the node whose clients sent it.

    Not answered: its node sees the batch applied in its own copy of the log, and sends it
    again when the leader changes or nothing comes (Rule S1 makes that harmless).
    """

    batch: bytes


class ForwardRead(msgspec.Struct, array_like=True, tag=65, frozen=True):
    """Reads for the leader to run, from a node whose full disk keeps its own copy behind (Rule L3)."""

    read_id: int
    calls: list[Call]


class ReadReplies(msgspec.Struct, array_like=True, tag=66, frozen=True):
    """The replies to a ``ForwardRead``, as ``encode_replies`` writes them."""

    read_id: int
    replies: bytes
