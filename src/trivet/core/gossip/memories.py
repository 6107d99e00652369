"""When a member looks whether others keep the memories of removals that it keeps.

- Rule N11: who keeps some while all have told the same compares with one member after the other, now and
  then: what that does not keep any more is over (Rule C6 of ``core/lattice``). Only so they end where the
  actor concerned has gone before everybody had found them over.
"""

from typing import Final

WAIT_MAX: Final = 64
"""So many times the first wait may pass until the next look."""


class Memories:
    """Counts ticks."""

    __slots__ = ("_first_ticks", "_ticks", "_wait_ticks")

    def __init__(self, first_ticks: int) -> None:
        self._first_ticks = first_ticks
        self._wait_ticks = first_ticks
        """So long it waits now: twice as long each time."""
        self._ticks = 0

    def is_due(self, count: int, is_free: bool) -> bool:
        """Once per tick: ``count`` are kept; ``is_free``: nothing else is to be done."""
        if not count:
            self._ticks, self._wait_ticks = 0, self._first_ticks
            return False
        self._ticks = self._ticks + 1 if is_free else 0
        if self._ticks < self._wait_ticks:
            return False
        self._ticks = 0
        self._wait_ticks = min(2 * self._wait_ticks, WAIT_MAX * self._first_ticks)
        return True
