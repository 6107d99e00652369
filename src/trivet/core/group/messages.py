"""What groups say to each other beside Raft's own messages.

A node that is no member of a group serves its clients through members (see ``remote_group``); a member
whose disk is full reads through the leader (Rule L3).
"""

from typing import Annotated, Final

import msgspec

from trivet.core.base.ids import ConnectionId, NodeId, Term
from trivet.core.machine.entry import Call
from trivet.core.raft.messages import Message

CLIENTS_MAX: Final = 10_000
"""Clients in one ``Woken``."""
KEYS_MAX: Final = 10_000
"""Keys in one ``Invalidate``; more are told as all of them."""

Place = Annotated[int, msgspec.Meta(ge=0)]


class OfReplica(msgspec.Struct, array_like=True, frozen=True):
    """A message of one replica to another that is none of Raft's."""


class Forward(OfReplica, array_like=True, tag=64, frozen=True):
    """A batch of writes for the leader, encoded by the node whose clients sent it.

    Not answered to a member: its node sees the batch applied in its own copy of the log, and sends it
    again when the leader changes or nothing comes (Rule S1 makes that harmless). ``answer``: its node
    has no copy, so whoever applies it answers with ``BatchReplies``, and who does not lead with
    ``NotLeader``. An empty batch asks who leads, and gets a ``NotLeader`` from the leader too.
    """

    batch: bytes
    answer: bool = False


class ForwardRead(OfReplica, array_like=True, tag=65, frozen=True):
    """Reads to run, from a node without a copy, or whose full disk keeps its copy behind (Rule L3).

    ``incarnation`` is the asking node's and comes back with the replies: its next life counts anew.
    ``stale``: the present state is good enough. ``tracks``: tell that node when what is read changes.
    """

    read_id: int
    calls: list[Call]
    incarnation: int = 0
    stale: bool = False
    tracks: bool = False
    epoch: int = 0
    """Of the cluster map by which that node chose this group."""


class ReadReplies(OfReplica, array_like=True, tag=66, frozen=True):
    """The replies to a ``ForwardRead``, as ``encode_replies`` writes them.

    ``total`` is not 0: a chunk of so many bytes, from ``offset`` on. The receiver confirms it with ``Taken``.
    """

    read_id: int
    replies: bytes
    incarnation: int = 0
    offset: Place = 0
    total: Place = 0


class BatchReplies(OfReplica, array_like=True, tag=67, frozen=True):
    """A batch was applied: its replies, or a chunk, as ``ReadReplies``. Empty: nobody remembers them."""

    sequence: int
    incarnation: int
    replies: bytes
    offset: Place = 0
    total: Place = 0


class NotLeader(OfReplica, array_like=True, tag=68, frozen=True):
    """Who leads in the sender's term (0: nobody knows); the sender itself, when it was asked.

    Term 0: the sender has no replica.
    """

    leader: NodeId
    term: Term


class Woken(OfReplica, array_like=True, tag=69, frozen=True):
    """Clients of the receiver whose waiting calls were served or forgotten."""

    clients: Annotated[list[ConnectionId], msgspec.Meta(max_length=CLIENTS_MAX)]


class Follow(OfReplica, array_like=True, tag=70, frozen=True):
    """Tell me of every change, answered with an ``Invalidate`` of everything; or of none any more."""

    everything: bool


class Invalidate(OfReplica, array_like=True, tag=71, frozen=True):
    """Keys that have changed since the receiver read them here; ``everything``: any may have."""

    keys: Annotated[list[bytes], msgspec.Meta(max_length=KEYS_MAX)]
    everything: bool = False


class Taken(OfReplica, array_like=True, tag=72, frozen=True):
    """Chunks of replies of so many bytes have come: as many more may leave."""

    size_bytes: Place


class KillScript(OfReplica, array_like=True, tag=75, frozen=True):
    """For the leader: clients here want the ``script``-th script, from 1, in the entry at ``index`` to end.

    Said again until it does.
    """

    index: int
    script: int


GroupMessage = (
    Message
    | Forward
    | ForwardRead
    | ReadReplies
    | BatchReplies
    | NotLeader
    | Woken
    | Follow
    | Invalidate
    | Taken
    | KillScript
)

ToOutsider = (ReadReplies, BatchReplies, NotLeader, Woken, Invalidate)
"""What members say to nodes without a replica. Such a node may be getting one, which is not meant."""
