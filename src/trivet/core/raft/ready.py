"""What comes out of a member: everything its owner must do, as data.

On the path: the group takes one ``Ready`` per turn: sends the messages, stages
the save, applies the committed entries, answers the reads, in any order.
"""

import msgspec

from trivet.core.base.ids import Index, NodeId, Term
from trivet.core.raft.messages import Entry, Message, SnapshotChunk, SnapshotReply


class HardState(msgspec.Struct, frozen=True):
    """What a member must remember across a crash, besides its log (§3.8)."""

    term: Term = 0
    vote: NodeId = 0
    commit: Index = 0


class Save(msgspec.Struct, frozen=True):
    """To be written and synced, in order of ``save_id``; then ``Raft.saved(save_id)``.

    Entries replace the log from ``first_index`` on (0: no entries). ``prev_term`` is the
    term just before them; (last_index, last_term) is the end of the log afterwards.
    """

    save_id: int
    term: Term
    vote: NodeId
    commit: Index
    first_index: Index
    entries: list[Entry]
    prev_term: Term
    last_index: Index
    last_term: Term


class Ready:
    """One turn's outcome."""

    __slots__ = (
        "chunks", "committed", "committed_first", "digests", "messages", "more", "reads", "reads_dropped",
        "save", "snapshot_replies", "snapshots_wanted",
    )  # fmt: skip

    def __init__(self) -> None:
        self.messages: list[tuple[NodeId, Message]] = []
        """May leave at once. The same message to several peers is the same object."""
        self.save: Save | None = None
        self.committed: list[Entry] = []
        self.committed_first: Index = 0
        """The index of the first committed entry."""
        self.reads: list[tuple[int, Index]] = []
        """(read_id, index): linearizable once ``index`` is applied."""
        self.reads_dropped: list[int] = []
        """Read ids that got no answer: ask again, later."""
        self.chunks: list[tuple[NodeId, SnapshotChunk]] = []
        self.snapshot_replies: list[tuple[NodeId, SnapshotReply]] = []
        self.snapshots_wanted: list[NodeId] = []
        """Peers that need what the log has forgotten: stream them a snapshot. Named again while they wait.
        Only a leader names them."""
        self.digests: list[tuple[Index, bytes]] = []
        """(index, digest): what the leader's machine was at ``index``."""
        self.more = False
        """Something is left that did not fit: call ``ready()`` again."""

    def is_empty(self) -> bool:
        """Nothing has come out."""
        return not (
            self.messages or self.save or self.committed or self.reads or self.reads_dropped
            or self.chunks or self.snapshot_replies or self.snapshots_wanted or self.digests
        )  # fmt: skip
