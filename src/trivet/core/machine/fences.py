"""Fencing numbers of a group with a log (``FENCE``): the machine's time and a count, part of the state.

A number is 2^12 times the machine's time (since 2020), or one more than the last number if that is greater.
The time is there because it does not fall when slots move (Rule I5); indexes of two logs say nothing about
each other. A key's number says nothing about the key: all keys of a group share the count.

- Rule G1: every number that an entry gives is greater than all that were told before, by entries or by reads.
- Rule G2: a read tells the last number that was given, or one just below the next. It changes nothing.
- Rule G3: with ``IMPORT READY`` the numbers of the target rise above those of the source.
"""

from typing import Final

from trivet.core.base.ids import WallMs
from trivet.core.values.databases import Databases

_SINCE_MS: Final = 1_577_836_800_000
"""2020-01-01: the numbers stay below 2^53 until 2089 (Rule F3)."""
_COUNT_BITS: Final = 12


class Fences:
    """Of one group: asked by calls in entries."""

    __slots__ = ("_databases", "last")

    def __init__(self, databases: Databases) -> None:
        self.last = 0
        """The highest number that was given."""
        self._databases = databases

    def tell(self) -> int:
        """A number that nobody was told (Rule G1)."""
        self.last = max(self.last + 1, _first_of(self._databases.now_ms))
        return self.last

    def present(self) -> int:
        """No less than what was given, and less than what will be (Rule G2)."""
        return max(self.last, _first_of(self._databases.now_ms) - 1)

    def time_ms(self) -> WallMs:
        """The machine's time, or the later one of the last number: numbers can be ahead of the time."""
        return max(self._databases.now_ms, (self.last >> _COUNT_BITS) + _SINCE_MS if self.last else 0)

    def rise_above(self, time_ms: WallMs) -> None:
        """From now on above all numbers of that time (Rule G3)."""
        self.last = max(self.last, _first_of(time_ms + 1) - 1)


class FencesRead:
    """The same, asked by reads."""

    __slots__ = ("_fences",)

    def __init__(self, fences: Fences) -> None:
        self._fences = fences

    def tell(self) -> int:
        """See ``Fences.present``."""
        return self._fences.present()


def _first_of(time_ms: WallMs) -> int:
    return max(time_ms - _SINCE_MS, 0) << _COUNT_BITS
