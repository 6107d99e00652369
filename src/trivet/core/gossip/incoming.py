"""Updates of others that have come, until they are taken.

Nearly all come in the order in which they can be taken, and are: so many in a turn that clients are served
between. They are read when it is their turn, not before; and where all of a message are taken, its bytes are
what is logged and kept for others. What comes before what it builds upon waits (``waiting``).

- Rule N9: a stamp too far ahead is refused and counted. It keeps out what builds upon it, and nothing else,
  until the clocks have caught up.
"""

from collections import deque
from typing import Final, Protocol

import msgspec

from trivet.core.base.ids import WallMs
from trivet.core.gossip.bundles import Bundle, bundles_of, count_of
from trivet.core.gossip.waiting import Waiting
from trivet.core.lattice.clock import Clock
from trivet.core.lattice.delta import Delta, decode_deltas, problem_of
from trivet.core.lattice.hlc import Hlc
from trivet.core.lattice.lattice import Lattice

TAKE_MAX: Final = 500
"""Updates that a turn takes, if they come in order; the rest of a message goes with its first."""
CAME_MAX: Final = 100_000
CAME_BYTES_MAX: Final = 32 << 20
"""When more have yet to be looked at, what comes is dropped: it is in nobody's eyes seen here."""


class Taken:
    """What a turn has taken.

    To be logged in this order, after what this member has made before: states, ``clock``, ``bundles``. An
    update that removes what came with a state must not come before it.
    """

    __slots__ = ("bundles", "clock", "states")

    def __init__(self) -> None:
        self.states: list[tuple[bytes, bytes, bytes]] = []
        """(key, state, clock)."""
        self.clock = b""
        """Not empty: all of this has been seen."""
        self.bundles: list[Bundle] = []
        """Updates."""

    @property
    def is_empty(self) -> bool:
        """Nothing is to be logged."""
        return not (self.bundles or self.states or self.clock)


class Holder(Protocol):
    """Who holds the lattice, and shows what it says to clients."""

    lattice: Lattice
    hlc: Hlc

    def merge_plain(self, delta: Delta) -> bool:
        """Take an update at once that is but the next string at its key; False: it is another one."""
        ...

    def merge(self, delta: Delta) -> None:
        """An update is taken that awaits nothing."""
        ...

    def merge_state(self, key: bytes, state: bytes, clock: Clock) -> None:
        """The state of a key elsewhere is joined; raises ``ValueError`` when it is nonsense."""
        ...


class Incoming:
    """See the module."""

    def __init__(self, holder: Holder, waiting_bytes_max: int, actors_max: int) -> None:
        self.refused = 0
        """Updates that were too far ahead, or nonsense, or of too many actors."""
        self.waiting = Waiting(waiting_bytes_max)
        self.own = 0
        """As whom this member makes updates."""
        self.has_own = False
        """Something of its own came that it does not know (Rule N10)."""
        self._holder = holder
        self._actors_max = actors_max
        self._came: deque[msgspec.Raw] = deque()
        """To be looked at, in order."""
        self._came_count = 0
        self._came_bytes = 0
        self._too_early: dict[int, int] = {}
        """By actor: its update that was refused last."""

    @property
    def has_more(self) -> bool:
        """There is more to be looked at."""
        return bool(self._came)

    def put(self, data: msgspec.Raw) -> bool:
        """Some that have come, as ``encode_deltas`` writes them; whether there are any."""
        count = count_of(data)
        if count and self._came_count <= CAME_MAX and self._came_bytes <= CAME_BYTES_MAX:
            self._came.append(data)
            self._came_count += count
            self._came_bytes += len(memoryview(data))
        return count > 0

    def _next(self) -> tuple[msgspec.Raw, list[Delta]]:
        """The first of what has come, which is read now."""
        data = self._came.popleft()
        self._came_count -= count_of(data)
        self._came_bytes -= len(memoryview(data))
        try:
            return data, decode_deltas(data)
        except ValueError:
            self.refused += 1
            return data, []

    def clear(self) -> None:
        """This node is no member any more."""
        self._came.clear()
        self._came_count = self._came_bytes = 0
        self.waiting.clear()

    def set_aside(self) -> None:
        """What has come can't be taken now."""
        while self._came:
            for delta in self._next()[1]:
                if self._is_news(delta):
                    self.waiting.put(delta)

    def _is_news(self, delta: Delta) -> bool:
        """It is not known yet, and nothing is wrong with it."""
        clock = self._holder.lattice.clock
        actor = delta.actor
        if clock.has(actor, delta.number):
            return False
        if problem_of(delta) or (not clock.base(actor) and len(clock.actors) >= self._actors_max):
            self.refused += 1
            return False
        if actor == self.own:
            self.has_own = True
            return False
        return True

    def take_at_once(self, taken: list[Bundle], wall_ms: WallMs) -> None:
        """What has come in order; the rest waits."""
        left = TAKE_MAX
        while self._came and left > 0:
            data, deltas = self._next()
            left -= max(1, len(deltas))
            took = self._take_these(deltas, wall_ms)
            bundle = Bundle(bytes(data), took) if took and len(took) == len(deltas) else None
            if bundle is None or bundle.has_gap:
                taken.extend(bundles_of(took))
            else:
                taken.append(bundle)

    def _take_these(self, deltas: list[Delta], wall_ms: WallMs) -> list[Delta]:
        """Those of them that can be taken, which are."""
        holder, waiting = self._holder, self.waiting
        lattice, hlc, own = holder.lattice, holder.hlc, self.own
        merge_plain, clock = holder.merge_plain, lattice.clock
        took: list[Delta] = []
        for delta in deltas:
            actor = delta.actor
            base = clock.base(actor)
            waits = len(waiting) > 0 and waiting.next_of(actor, delta.number) is not None
            is_next = base > 0 and delta.number == base + 1 and actor != own and not waits
            if is_next and not self._too_early and hlc.observe(delta.stamp, wall_ms) and merge_plain(delta):
                took.append(delta)
            elif self._is_news(delta):
                if waits or lattice.awaits(delta) or self._is_too_early(delta, wall_ms):
                    waiting.put(delta)
                else:
                    holder.merge(delta)
                    took.append(delta)
        return took

    def take_waiting(self, taken: list[Bundle], held: Clock | None, wall_ms: WallMs) -> None:
        """Those that waited and need not any more, but what is in ``held`` (Rule X1)."""
        took: list[Delta] = []
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
                    took.append(delta)
                    moved = True
        taken.extend(bundles_of(took))

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


__all__ = ["Holder", "Incoming", "Taken"]
