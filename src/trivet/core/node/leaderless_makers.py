"""Groups that nobody leads: who makes those of which mode, when a node starts or as the map tells.

On the path: nowhere. A further such mode is a further line in ``makers_of``.
"""

from collections.abc import Callable
from typing import Protocol

from trivet.core.base.disk import Storage
from trivet.core.base.ids import GroupId
from trivet.core.base.prng import Prng
from trivet.core.group.leaderless import LeaderlessReplica
from trivet.core.machine.machine import Machine
from trivet.core.node.eventual_replicas import EventualMaker
from trivet.core.node.making import Making
from trivet.core.node.register_replicas import RegisterMaker
from trivet.core.wal.recovery import Recovery
from trivet.core.wal.replay import RecoveredGroup

System = Callable[[], Machine]
"""The machine of the system group, as it is now; it knows users, scripts and settings."""


class LeaderlessMaker(Protocol):
    """What the groups of one mode have in common on a node."""

    mode: str
    kind: bytes
    """What stands in the log of such a group where another has its membership (Rule B7)."""

    def restore(
        self, found: RecoveredGroup, storage: Storage, recovery: Recovery, system: System, prng: Prng
    ) -> LeaderlessReplica:
        """A group as the disk has kept it."""
        ...

    def create(self, group: GroupId, system: System, prng: Prng) -> LeaderlessReplica:
        """One that was never here, or of which a damaged log has lost everything (Rule W15)."""
        ...


Makers = dict[str, LeaderlessMaker]
"""By mode."""


def makers_of(making: Making) -> Makers:
    """All of them."""
    makers: list[LeaderlessMaker] = [RegisterMaker(making), EventualMaker(making)]
    return {maker.mode: maker for maker in makers}
