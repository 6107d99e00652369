"""Updates of others that have come, until they are taken.

Nearly all come in the order in which they can be taken, and are: so many in a turn that clients are served
between. What comes before what it builds upon waits (``waiting``).

- Rule N9: a stamp too far ahead is refused and counted. It keeps out what builds upon it, and nothing else,
  until the clocks have caught up.
"""

from collections import deque
from typing import Final, Protocol

from trivet.core.base.ids import WallMs
from trivet.core.gossip.waiting import Waiting
from trivet.core.lattice.clock import Clock
from trivet.core.lattice.delta import Delta
from trivet.core.lattice.hlc import Hlc
from trivet.core.lattice.lattice import Lattice

TAKE_MAX: Final = 500
"""Updates that a turn takes, if they come in order."""
CAME_MAX: Final = 50_000
"""When more have yet to be looked at, all are put to those that wait: there room is bounded."""


class Holder(Protocol):
    """Who holds the lattice, and shows what it says to clients."""

    lattice: Lattice
    hlc: Hlc

    def merge(self, delta: Delta) -> None:
        """An update is taken that awaits nothing."""
        ...

    def merge_state(self, key: bytes, state: bytes, clock: Clock) -> None:
        """The state of a key elsewhere is joined; raises ``ValueError`` when it is nonsense."""
        ...


class Incoming:
    """See the module."""

    def __init__(self, holder: Holder, waiting_bytes_max: int) -> None:
        self.refused = 0
        """Updates that were too far ahead."""
        self.waiting = Waiting(waiting_bytes_max)
        self._holder = holder
        self._came: deque[Delta] = deque()
        """To be looked at, in order."""
        self._too_early: dict[int, int] = {}
        """By actor: its update that was refused last."""

    @property
    def has_more(self) -> bool:
        """There is more to be looked at."""
        return bool(self._came)

    def put(self, delta: Delta) -> None:
        """One that has come."""
        self._came.append(delta)

    def clear(self) -> None:
        """This node is no member any more."""
        self._came.clear()
        self.waiting.clear()

    def set_aside(self) -> None:
        """What has come can't be taken now."""
        while self._came:
            self.waiting.put(self._came.popleft())

    def take_at_once(self, taken: list[Delta], wall_ms: WallMs) -> None:
        """What has come in order; the rest waits."""
        came, waiting, lattice, merge = self._came, self.waiting, self._holder.lattice, self._holder.merge
        clock = lattice.clock
        for _ in range(min(len(came), TAKE_MAX)):
            delta = came.popleft()
            if clock.has(delta.actor, delta.number):
                continue
            waits = len(waiting) > 0 and waiting.next_of(delta.actor, delta.number) is not None
            if waits or lattice.awaits(delta) or self._is_too_early(delta, wall_ms):
                waiting.put(delta)
            else:
                merge(delta)
                taken.append(delta)
        if len(came) > CAME_MAX:
            self.set_aside()

    def take_waiting(self, taken: list[Delta], held: Clock | None, wall_ms: WallMs) -> None:
        """Those that waited and need not any more, but what is in ``held`` (Rule X1)."""
        waiting, lattice, merge = self.waiting, self._holder.lattice, self._holder.merge
        clock = lattice.clock
        moved = len(waiting) > 0
        while moved:
            moved = False
            for actor in waiting.actors:
                while True:
                    delta = waiting.next_of(actor, clock.base(actor) + 1)
                    if delta is None or (held is not None and held.has(actor, delta.number)):
                        break
                    if lattice.awaits(delta) or self._is_too_early(delta, wall_ms):
                        break
                    waiting.remove(delta)
                    merge(delta)
                    taken.append(delta)
                    moved = True

    def _is_too_early(self, delta: Delta, wall_ms: WallMs) -> bool:
        """Rule N9."""
        if self._holder.hlc.observe(delta.stamp, wall_ms):
            if self._too_early:
                self._too_early.pop(delta.actor, None)
            return False
        if self._too_early.get(delta.actor) != delta.number:
            self._too_early[delta.actor] = delta.number
            self.refused += 1
        return True


__all__ = ["Holder", "Incoming"]
