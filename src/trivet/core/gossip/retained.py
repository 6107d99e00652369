"""Updates that are kept for members that lack them, whoever made them.

- Rule N1: an update is kept until every member has it on its disk, as far as there is room. Of too many the
  oldest go: whoever lacks them gets them by an exchange. They come and go in bundles, as they were taken.
"""

from bisect import bisect_right
from collections import deque
from collections.abc import Iterator
from typing import Final

from trivet.core.lattice.clock import Clock
from trivet.core.lattice.delta import Delta

DELTA_BYTES: Final = 200
CHANGE_BYTES: Final = 40
NUMBER_MAX: Final = 1 << 63
BUNDLE: Final = 64
"""Updates that come and go together, at most."""


def size_of(delta: Delta) -> int:
    """What an update takes, about, in memory and in messages."""
    total = DELTA_BYTES + len(delta.key) + 20 * len(delta.after)
    for change in delta.changes:
        total += CHANGE_BYTES + len(change.name)
        if change.removed:
            total += 20 * len(change.removed)
        if change.bases:
            total += 40 * len(change.bases)
        if change.payload is not None:
            total += len(change.payload)
    return total


class _Bundle:
    """Some that were taken one after the other."""

    __slots__ = ("bytes", "deltas", "spans")

    def __init__(self, deltas: list[Delta]) -> None:
        self.deltas = deltas
        self.bytes = sum([size_of(delta) for delta in deltas])
        self.spans: dict[int, tuple[int, int]] = {}
        """By actor: the lowest and the highest of its numbers in it."""
        for delta in deltas:
            actor, number = delta.actor, delta.number
            span = self.spans.get(actor)
            if span is None:
                self.spans[actor] = (number, number)
            elif number > span[1]:
                self.spans[actor] = (span[0], number)
            elif number < span[0]:
                self.spans[actor] = (number, span[1])

    def is_in(self, clock: Clock) -> bool:
        """Whether the clock has all of them, and all that came before them."""
        return all(clock.base(actor) >= span[1] for actor, span in self.spans.items())


Rows = dict[int, list[tuple[int, int]]]
"""By actor: ranges of numbers (first, last), rising."""


def _rows_of(ranges: list[tuple[int, int, int]]) -> Rows:
    rows: Rows = {}
    for actor, first, last in sorted(ranges):
        rows.setdefault(actor, []).append((first, last))
    return rows


def _may_have(bundle: _Bundle, rows: Rows) -> bool:
    for actor, ranges in rows.items():
        span = bundle.spans.get(actor)
        if span is not None and span[0] <= ranges[-1][1] and span[1] >= ranges[0][0]:
            return True
    return False


class Retained:
    """See the module."""

    def __init__(self, bytes_max: int) -> None:
        self.bytes = 0
        self._bytes_max = bytes_max
        self._count = 0
        self._order: deque[_Bundle] = deque()
        """As they were taken: an order in which they can be taken elsewhere."""

    def __len__(self) -> int:
        return self._count

    def keep(self, deltas: list[Delta]) -> None:
        """Some more, that were just taken here."""
        for first in range(0, len(deltas), BUNDLE):
            bundle = _Bundle(deltas[first : first + BUNDLE])
            self._order.append(bundle)
            self._count += len(bundle.deltas)
            self.bytes += bundle.bytes
        while self.bytes > self._bytes_max:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        bundle = self._order.popleft()
        self._count -= len(bundle.deltas)
        self.bytes -= bundle.bytes

    def forget(self, stable: Clock) -> None:
        """Every member has these."""
        order = self._order
        while order and order[0].is_in(stable):
            self._drop_oldest()

    def has(self, ranges: list[tuple[int, int, int]]) -> bool:
        """Whether all of these are kept."""
        wanted = 0
        for _, first, last in ranges:
            wanted += last - first + 1
        return wanted <= self._count and wanted == sum([1 for _ in self.of(ranges)])

    def of(self, ranges: list[tuple[int, int, int]]) -> Iterator[Delta]:
        """Those of them that are kept, in an order in which they can be taken. Ranges don't overlap."""
        rows = _rows_of(ranges)
        for bundle in list(self._order):
            if not _may_have(bundle, rows):
                continue
            for delta in bundle.deltas:
                row = rows.get(delta.actor)
                if row is not None:
                    place = bisect_right(row, (delta.number, NUMBER_MAX)) - 1
                    if place >= 0 and delta.number <= row[place][1]:
                        yield delta
