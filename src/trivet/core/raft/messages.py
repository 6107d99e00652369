"""What the members of a group say to each other.

On the path: the frames between nodes carry these. Each is one msgpack array that
starts with its tag; tags and fields are never reused or reordered, new fields are
appended with defaults. Every message carries its sender's term, which is settled
before anything else is read (README rule 1).
"""

from typing import Annotated, Union

import msgspec

from trivet.core.base.entry import Entry as Entry

Count = Annotated[int, msgspec.Meta(ge=0)]
"""Terms, indexes, sequence numbers: nothing below zero gets past the decoder."""


class PreVote(msgspec.Struct, array_like=True, tag=1, frozen=True):
    """Would you vote for me? ``term`` is the term that the sender would campaign in (§9.6)."""

    term: Count
    last_index: Count
    last_term: Count


class PreVoteReply(msgspec.Struct, array_like=True, tag=2, frozen=True):
    """``term`` repeats the asked term when granted, and is the voter's own when refused."""

    term: Count
    granted: bool


class RequestVote(msgspec.Struct, array_like=True, tag=3, frozen=True):
    """Vote for me (§3.4). ``transfer``: the leader asked for this, so do not stick to it (§4.2.3)."""

    term: Count
    last_index: Count
    last_term: Count
    transfer: bool = False


class RequestVoteReply(msgspec.Struct, array_like=True, tag=4, frozen=True):
    """A granted vote leaves only after it is durable."""

    term: Count
    granted: bool


class AppendEntries(msgspec.Struct, array_like=True, tag=5, frozen=True):
    """Entries that follow (prev_index, prev_term), and how far the leader has committed (§3.5).

    ``read_seq``: the leader's latest round of reads; the reply repeats it (§6.4).
    ``digest``: the leader's digest of its machine at ``digest_index`` (0: none).
    """

    term: Count
    prev_index: Count
    prev_term: Count
    commit: Count
    entries: list[Entry]
    read_seq: Count = 0
    digest_index: Count = 0
    digest: bytes = b""


class AppendReply(msgspec.Struct, array_like=True, tag=6, frozen=True):
    """``ok``: durable and equal to the leader's log up to ``index``.

    Otherwise ``index`` is the refused prev_index, and (hint_index, hint_term) the last
    place at which the logs may still agree. ``lost``: the sender lost entries that it
    had acknowledged, so the leader must lower what it believes. ``full``: no room.
    """

    term: Count
    ok: bool
    index: Count
    hint_index: Count = 0
    hint_term: Count = 0
    read_seq: Count = 0
    lost: bool = False
    full: bool = False


class Heartbeat(msgspec.Struct, array_like=True, tag=7, frozen=True):
    """I lead. The receiver itself limits ``commit`` to what it has verified (rule 8).

    ``quiet``: the last one until something happens (rule 20).
    """

    term: Count
    commit: Count
    read_seq: Count = 0
    quiet: bool = False


class HeartbeatReply(msgspec.Struct, array_like=True, tag=8, frozen=True):
    """``match``: durable and verified up to here, so that lost acknowledgements are made good.

    ``doubtful``: the sender does not vote, because it may have forgotten something (README rule 10).
    """

    term: Count
    match: Count
    read_seq: Count = 0
    full: bool = False
    doubtful: bool = False


class SnapshotChunk(msgspec.Struct, array_like=True, tag=9, frozen=True):
    """``data`` of the snapshot (index, snapshot_term) at byte ``offset`` (§5).

    ``membership``: who takes part at ``index``, encoded; empty from a node of an older version, under
    which no membership changes.
    """

    term: Count
    index: Count
    snapshot_term: Count
    offset: Count
    data: bytes
    last: bool
    membership: bytes = b""


class SnapshotReply(msgspec.Struct, array_like=True, tag=10, frozen=True):
    """``offset``: the byte wanted next. Not ``ok``: stop sending this snapshot."""

    term: Count
    index: Count
    offset: Count
    ok: bool


class TimeoutNow(msgspec.Struct, array_like=True, tag=11, frozen=True):
    """Campaign at once: leadership is handed to you (§3.10)."""

    term: Count


class ReadIndexRequest(msgspec.Struct, array_like=True, tag=12, frozen=True):
    """A follower's batch of reads asks for an index to wait for (§6.4).

    ``lost``: the sender has forgotten even its term, and asks how much may be missing. Its own word must
    not count for the answer (README rule 10).
    """

    term: Count
    seq: Count
    lost: bool = False


class ReadIndexReply(msgspec.Struct, array_like=True, tag=13, frozen=True):
    """``ok``: the reads under ``seq`` may run once ``index`` is applied."""

    term: Count
    seq: Count
    index: Count
    ok: bool


class LineageRequest(msgspec.Struct, array_like=True, tag=14, frozen=True):
    """A member whose log is of an earlier generation asks the leader where generations began (rule 21)."""

    term: Count


class Lineage(msgspec.Struct, array_like=True, tag=15, frozen=True):
    """(generation, the index of its first entry in the leader's log), rising."""

    term: Count
    generations: Annotated[list[tuple[Count, Count]], msgspec.Meta(max_length=1024)]


Message = Union[  # noqa: UP007 (one typed decoder)
    PreVote,
    PreVoteReply,
    RequestVote,
    RequestVoteReply,
    AppendEntries,
    AppendReply,
    Heartbeat,
    HeartbeatReply,
    SnapshotChunk,
    SnapshotReply,
    TimeoutNow,
    ReadIndexRequest,
    ReadIndexReply,
    LineageRequest,
    Lineage,
]
