"""Deadlines of the registers held here: what is late goes, also if nobody asks for it.

On the path: nowhere. Strategy: a member knows what its acceptor has accepted, and so when that ends; for the
registers that it is preferred for it submits a task without calls, which takes a late value away.

- Rule S1: what others are to remove is looked at again after a while: its member may have died.
- Rule S2: nothing is removed by what is known here: the task finds the value that counts, whose deadline may
  be another by now.
"""

from typing import Final

from trivet.core.base.ids import Instant, NodeId, WallMs
from trivet.core.group.register_errands import Errands
from trivet.core.group.register_keys import db_of, key_of
from trivet.core.group.register_runs import Part
from trivet.core.machine.register import Task
from trivet.core.paxos.content import VALUE_AT, Sealed, value_start
from trivet.core.paxos.preference import preferred
from trivet.core.values.codec import DEADLINE_WITHIN_BYTES, deadline_of, may_have_deadlines
from trivet.core.values.deadlines import NEVER, Deadlines
from trivet.core.wire.reply import Error, Reply

SWEPT_MAX: Final = 64
"""So many are on their way out at a time."""
AGAIN_MS: Final = 1_000
"""What is late and still there is looked at again after so long."""
_SIZE_BYTES: Final = 32


class _Removal(Part):
    """A task without calls."""

    __slots__ = ("_place", "_sweeper")

    def __init__(self, sweeper: "Sweeper", place: bytes, now_ms: Instant) -> None:
        super().__init__(Task(db_of(place), key_of(place), []), len(place) + _SIZE_BYTES, now_ms)
        self._sweeper = sweeper
        self._place = place

    def done(self, replies: list[Reply], version: int, there: bool) -> None:
        """As ``Part``; what counts may be another value than the one that is held here, and not late."""
        self._sweeper.ended(self._place, there)

    def failed(self, error: Error) -> None:
        """As ``Part``: it is tried again (Rule S1)."""
        self._sweeper.under_way.pop(self._place, None)

    def moved(self) -> None:
        """As ``Part``: it is another group's to remove."""
        self._sweeper.under_way.pop(self._place, None)


class Sweeper:
    """See the module."""

    def __init__(self, errands: Errands) -> None:
        self.under_way: dict[bytes, None] = {}
        self._errands = errands
        self._deadlines = Deadlines()
        self._late: dict[bytes, WallMs] = {}
        """Registers whose deadline was met -> when to look at them again, in that order."""

    def __len__(self) -> int:
        return len(self._deadlines) + len(self._late)

    def holds_all(self, places: list[bytes], contents: list[Sealed]) -> None:
        """What this node's acceptor has accepted."""
        if self._late or self._deadlines.count or may_have_deadlines(contents, VALUE_AT):
            for place, content in zip(places, contents, strict=True):
                self.holds(place, content)

    def holds(self, place: bytes, content: Sealed | None) -> None:
        """The same of one; None: nothing any more."""
        start = None if content is None else value_start(content, DEADLINE_WITHIN_BYTES)
        deadline_ms = -1 if start is None else deadline_of(start)
        if self._late:
            self._late.pop(place, None)
        if deadline_ms != -1:
            self._deadlines.put(place, deadline_ms)
        elif self._deadlines.count:
            self._deadlines.drop(place)

    def clear(self) -> None:
        """It holds nothing any more."""
        self._deadlines = Deadlines()
        self._late.clear()

    @property
    def next_deadline_ms(self) -> WallMs:
        """When ``turn`` has something to do."""
        next_ms = self._deadlines.next_ms() if self._deadlines.count else NEVER
        return min(next_ms, next(iter(self._late.values()))) if self._late else next_ms

    def turn(self, own: NodeId, alive: list[NodeId], now_ms: Instant, wall_ms: WallMs) -> None:
        """Remove what is late, as far as this node is preferred for it."""
        left = SWEPT_MAX - len(self.under_way)
        while left > 0 and self._late and next(iter(self._late.values())) <= wall_ms:
            place = next(iter(self._late))
            del self._late[place]
            left -= self._look(place, own, alive, now_ms, wall_ms)
        while left > 0 and (due := self._deadlines.due(wall_ms, left)):
            for place in due:
                self._deadlines.drop(place)
                left -= self._look(place, own, alive, now_ms, wall_ms)

    def _look(self, place: bytes, own: NodeId, alive: list[NodeId], now_ms: Instant, wall_ms: WallMs) -> bool:
        self._late[place] = wall_ms + AGAIN_MS
        if preferred(place, alive) != own or place in self.under_way:
            return False
        self.under_way[place] = None
        self._errands.add(_Removal(self, place, now_ms), now_ms)
        return True

    def ended(self, place: bytes, there: bool) -> None:
        """A removal has ended; ``there``: what it found is not late."""
        self.under_way.pop(place, None)
        if there:
            self._late.pop(place, None)

    def is_late(self, place: bytes, wall_ms: WallMs) -> bool:
        """Whether its deadline has passed, as far as is known here."""
        if place in self._late:
            return True
        deadline_ms = self._deadlines.get(place) if self._deadlines.count else None
        return deadline_ms is not None and deadline_ms <= wall_ms
