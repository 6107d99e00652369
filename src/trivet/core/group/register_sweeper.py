"""Deadlines of the registers held here (stand-in: nothing is swept)."""

from trivet.core.base.ids import Instant, NodeId, WallMs
from trivet.core.group.register_errands import Errands
from trivet.core.values.deadlines import NEVER


class Sweeper:
    """Removes what is late."""

    def __init__(self, errands: Errands) -> None:
        self.next_deadline_ms: WallMs = NEVER

    def holds(self, place: bytes, value: bytes | None) -> None:
        """What this node's acceptor has accepted; None: nothing any more."""

    def clear(self) -> None:
        """It holds nothing any more."""

    def turn(self, own: NodeId, alive: list[NodeId], now_ms: Instant, wall_ms: WallMs) -> None:
        """Remove what is late, as far as this node is preferred for it."""

    def is_late(self, place: bytes, wall_ms: WallMs) -> bool:
        """Whether its deadline has passed."""
        return False
