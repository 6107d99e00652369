"""Reads that other replicas ask this one, as leader, to confirm (``ReadIndexRequest``).

On the path: a follower's reads -> the leader's **queue** -> ``raft.step``. They wait here while the log has
to say first that a deadline has passed (Rule L2).
"""

from collections import deque

from trivet.core.base.ids import Index, NodeId
from trivet.core.raft.messages import ReadIndexRequest
from trivet.core.raft.raft import Raft


class PeerReads:
    """Questions that are not with Raft yet."""

    __slots__ = ("_held", "_new")

    def __init__(self) -> None:
        self._new: list[tuple[NodeId, ReadIndexRequest]] = []
        self._held: deque[tuple[Index, NodeId, ReadIndexRequest]] = deque()
        """Until this index is applied."""

    def add(self, sender: NodeId, request: ReadIndexRequest) -> None:
        """One more."""
        self._new.append((sender, request))

    def clear(self) -> None:
        """Another leader, or term: those who ask will ask again."""
        self._new.clear()
        self._held.clear()

    def ask(self, raft: Raft, applied: Index, time_entry: Index) -> None:
        """Hand Raft what may be asked; ``time_entry`` not 0: new ones wait until that is applied."""
        while self._held and self._held[0][0] <= applied:
            _, sender, request = self._held.popleft()
            raft.step(sender, request)
        if self._new:
            new, self._new = self._new, []
            for sender, request in new:
                if time_entry:
                    self._held.append((time_entry, sender, request))
                else:
                    raft.step(sender, request)

    def may_go_on(self, applied: Index) -> bool:
        """Whether what some of them wait for is applied."""
        return bool(self._held) and self._held[0][0] <= applied
