"""Updates that are kept for members that lack them, whoever made them.

- Rule N1: an update is kept until every member has it on its disk, as far as there is room. Of too many the
  oldest go: whoever lacks them gets them by an exchange. They come and go in bundles, as they were taken.
"""

from bisect import bisect_right
from collections import deque
from collections.abc import Iterator
from typing import Final

from trivet.core.gossip.bundles import BUNDLE_BYTES, Bundle, bundles_of
from trivet.core.lattice.clock import Clock
from trivet.core.lattice.delta import Delta

NUMBER_MAX: Final = 1 << 63
SHARE: Final = 8
"""A bundle takes no more of the room than one part of so many, unless an update is larger."""

Rows = dict[int, list[tuple[int, int]]]
"""By actor: ranges of numbers (first, last), rising."""


def _rows_of(ranges: list[tuple[int, int, int]]) -> Rows:
    rows: Rows = {}
    for actor, first, last in sorted(ranges):
        rows.setdefault(actor, []).append((first, last))
    return rows


def _wanted_of(bundle: Bundle, rows: Rows) -> int:
    """How many of its updates are in the ranges, which don't overlap."""
    count = 0
    for actor, (first, last) in bundle.spans.items():
        row = rows.get(actor)
        if row is None:
            continue
        place = max(0, bisect_right(row, (first, NUMBER_MAX)) - 1)
        while place < len(row) and row[place][0] <= last:
            count += max(0, min(last, row[place][1]) - max(first, row[place][0]) + 1)
            place += 1
    return count


def _is_wanted(delta: Delta, rows: Rows) -> bool:
    row = rows.get(delta.actor)
    if row is None:
        return False
    place = bisect_right(row, (delta.number, NUMBER_MAX)) - 1
    return place >= 0 and delta.number <= row[place][1]


class Retained:
    """See the module."""

    def __init__(self, bytes_max: int) -> None:
        self.bytes = 0
        self._bytes_max = bytes_max
        self._bundle_bytes_max = min(BUNDLE_BYTES, bytes_max // SHARE)
        self._count = 0
        self._order: deque[Bundle] = deque()
        """As they were taken: an order in which they can be taken elsewhere."""

    def __len__(self) -> int:
        return self._count

    def keep(self, bundles: list[Bundle]) -> None:
        """Some more, that were just taken here; small ones become one."""
        order = self._order
        for bundle in bundles:
            if not order or not order[-1].join(bundle, self._bundle_bytes_max):
                order.append(bundle.copy())
            self._count += bundle.count
            self.bytes += bundle.bytes
        while self.bytes > self._bytes_max:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        bundle = self._order.popleft()
        self._count -= bundle.count
        self.bytes -= bundle.bytes

    def forget(self, stable: Clock) -> None:
        """Every member has these."""
        order = self._order
        while order and order[0].is_in(stable):
            self._drop_oldest()

    def has(self, ranges: list[tuple[int, int, int]]) -> bool:
        """Whether all of these are kept; ranges don't overlap."""
        wanted = 0
        for _, first, last in ranges:
            wanted += last - first + 1
        if wanted > self._count:
            return False
        rows = _rows_of(ranges)
        return wanted == sum([_wanted_of(bundle, rows) for bundle in self._order])

    def of(self, ranges: list[tuple[int, int, int]]) -> Iterator[Bundle]:
        """Those of them that are kept, in an order in which they can be taken. Ranges don't overlap."""
        rows = _rows_of(ranges)
        for bundle in list(self._order):
            wanted = _wanted_of(bundle, rows)
            if wanted == bundle.count:
                yield bundle.copy()
            elif wanted:
                yield from bundles_of([delta for delta in bundle.deltas() if _is_wanted(delta, rows)])
