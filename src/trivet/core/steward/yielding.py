"""Who is cut off from the leader of the system group leads no longer than it must.

On the path: nowhere. A node that some members of its groups hear, and most others do not, goes on leading
them for those members: a majority is there. But it hears nothing of the map, so it does not know where other
groups are, and nodes that do not reach it can't write to what it leads. Raft itself sees nothing wrong there.

- Rule K7: a node that has not heard of a leader of the system group for a while hands each group that it
  leads to another voter: once per group until it hears of one again. If nobody leads the system group at all,
  that costs each group one hand-over per member, and no more.
"""

from typing import Final

from trivet.core.base.ids import SYSTEM_GROUP, GroupId, Instant
from trivet.core.raft.state import Role
from trivet.core.steward.desk import Desk

PATIENCE_MS: Final = 1_500
"""So long nobody is heard to lead the system group: longer than an election takes."""
AGAIN_MS: Final = 1_000
"""After a hand-over that came to nothing, the next try."""


class Yielding:
    """See the module."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._since_ms: Instant = 0
        """Since when nobody is heard; 0: somebody is."""
        self._next_ms: dict[GroupId, Instant] = {}
        """Of groups that were to be handed over: when to try again."""
        self._yielded: dict[GroupId, None] = {}
        self.count = 0
        """Hand-overs asked for, ever."""

    def tick(self) -> None:
        """Once per tick (Rule K7)."""
        desk = self._desk
        if desk.groups[SYSTEM_GROUP].leader:
            if self._since_ms:
                self._since_ms = 0
                self._next_ms, self._yielded = {}, {}
            return
        if not self._since_ms:
            self._since_ms = desk.now_ms
        if desk.now_ms - self._since_ms < PATIENCE_MS:
            return
        for number, group in desk.groups.items():
            if number == SYSTEM_GROUP or number in self._yielded:
                continue
            if group.raft.role is not Role.LEADER:
                if number in self._next_ms:
                    self._yielded[number] = None
            elif desk.now_ms >= self._next_ms.get(number, 0):
                self._next_ms[number] = desk.now_ms + AGAIN_MS
                successor = group.raft.successor()
                if successor and group.raft.transfer(successor):
                    self.count += 1
                    group.stir()
