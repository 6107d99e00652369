"""What commands ask of whoever keeps the groups of this node as the map wants them (``steward``)."""

from typing import Protocol

from trivet.core.base.ids import GroupId, NodeId
from trivet.core.cluster.actions import Action
from trivet.core.cluster.facts import Facts


class Steward(Protocol):
    """The keeper of this node's groups, as its clients may ask it."""

    def facts(self) -> Facts | None:
        """What is known of all nodes and groups; None: only the leader of the system group knows."""
        ...

    def plan(self) -> list[Action] | None:
        """What would be done now; None: only the leader of the system group plans."""
        ...

    def lead(self, group: GroupId, node: NodeId) -> bool:
        """Let ``node`` lead a group that another node leads; False: that can't be asked from here."""
        ...

    def progress(self, move: int) -> tuple[int, int] | None:
        """Of a move: keys sent, and keys that are left, as far as is known here; None: nothing is."""
        ...
