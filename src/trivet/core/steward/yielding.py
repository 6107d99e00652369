"""Who is cut off from the leader of the system group, or from most nodes, leads no longer than it must.

On the path: nowhere. A node that some members of its groups hear, and most others do not, goes on leading
them for those members: a majority is there. But it hears nothing of the map, so it does not know where other
groups are, and nodes that do not reach it can't write to what it leads. Raft itself sees nothing wrong there.

- Rule K7: a node that has not heard of a leader of the system group for a while hands each group that it
  leads to another voter: once per group until it hears of one again. If nobody leads the system group at all,
  that costs each group one hand-over per member, and no more.
- Rule K14: so does, with the system group too, who for a while hears fewer than half of the others that all
  together hold to be alive; and nobody gives it anything to lead.
"""

from typing import Final

from trivet.core.base.ids import SYSTEM_GROUP, GroupId, Instant, NodeId
from trivet.core.raft.state import Role
from trivet.core.steward.desk import Desk

PATIENCE_MS: Final = 1_500
"""So long nobody is heard to lead the system group, or few are heard: longer than an election takes."""
AGAIN_MS: Final = 1_000
"""After a hand-over that came to nothing, the next try."""


class Yielding:
    """See the module."""

    def __init__(self, desk: Desk, up: dict[NodeId, None]) -> None:
        """``up``: the nodes to which the links are up."""
        self._desk = desk
        self._up = up
        self._silent: dict[NodeId, None] = {}
        """Nodes of whom nothing comes, whether the links to them are up or not."""
        self._since_ms: Instant = 0
        """Since when it is cut off; 0: it is not."""
        self._next_ms: dict[GroupId, Instant] = {}
        """Of groups that were to be handed over: when to try again."""
        self._yielded: dict[GroupId, None] = {}
        self.count = 0
        """Hand-overs asked for, ever."""

    def tick(self) -> None:
        """Once per tick (Rules K7, K14)."""
        desk = self._desk
        few = self.hears_few()
        if desk.groups[SYSTEM_GROUP].leader and not few:
            if self._since_ms:
                self._since_ms = 0
                self._next_ms, self._yielded = {}, {}
            return
        if not self._since_ms:
            self._since_ms = desk.now_ms
        if desk.now_ms - self._since_ms < PATIENCE_MS:
            return
        for number, group in desk.groups.items():
            if (number == SYSTEM_GROUP and not few) or number in self._yielded:
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

    def on_silent(self, node: NodeId) -> None:
        """Nothing has come of ``node`` for a while."""
        self._silent[node] = None

    def on_beat(self, node: NodeId) -> None:
        """It says that it is there."""
        self._silent.pop(node, None)

    def hears_few(self) -> bool:
        """Rule K14. Of two others one is half."""
        desk, cluster = self._desk, self._desk.map
        if cluster is None:
            return False
        others = [node for node in cluster.members if node != desk.node]
        missed = [node for node in others if node not in self._up or node in self._silent]
        alive = [node for node in missed if desk.hearsay.alive_ms(node, desk.now_ms) >= desk.now_ms]
        return len(alive) > len(others) - len(missed)
