"""Stamps of updates: a hybrid logical clock.

Source: Kulkarni, Demirbas, Madappa, Avva, Leone: "Logical Physical Clocks" (2014). A stamp is one number: the
wall clock in ms, and 16 bits that count within one. It is above all stamps that this node has seen, so what
was written later *by somebody who had seen the earlier* is later; and it is near the wall clock.

- Rule L8: a stamp too far ahead of this node's wall clock is refused: one bad clock must not carry all others
  along, nor win every time for years.
"""

from typing import Final

from trivet.core.base.ids import WallMs

DRIFT_MS_MAX: Final = 60_000
"""So far ahead a stamp may be."""
COUNT_BITS: Final = 16


def wall_of(stamp: int) -> WallMs:
    """The wall clock of a stamp."""
    return stamp >> COUNT_BITS


class Hlc:
    """The clock of one node for one group."""

    __slots__ = ("last", "refused")

    def __init__(self, last: int = 0) -> None:
        self.last = last
        """The highest stamp that was given or seen."""
        self.refused = 0
        """Stamps that were too far ahead, ever."""

    def now(self, wall_ms: WallMs) -> int:
        """The stamp of an update that is made now."""
        stamp = wall_ms << COUNT_BITS
        self.last = stamp if stamp > self.last else self.last + 1
        return self.last

    def observe(self, stamp: int, wall_ms: WallMs) -> bool:
        """A stamp was seen; False: it is refused (Rule L8)."""
        if stamp <= self.last:
            return True
        if stamp >> COUNT_BITS > wall_ms + DRIFT_MS_MAX:
            self.refused += 1
            return False
        self.last = stamp
        return True
