"""Updates that are kept for members that lack them, whoever made them.

- Rule N1: an update is kept until every member has it on its disk, as far as there is room. Of too many the
  oldest go: whoever lacks them gets them by an exchange.
"""

from bisect import bisect_right
from collections import deque
from collections.abc import Iterator
from typing import Final

from trivet.core.lattice.clock import Clock
from trivet.core.lattice.delta import Delta

DELTA_BYTES: Final = 200
NUMBER_MAX: Final = 1 << 63


def size_of(delta: Delta) -> int:
    """What an update takes, about, in memory and in messages."""
    total = DELTA_BYTES + len(delta.key) + 20 * len(delta.after)
    for change in delta.changes:
        total += 40 + len(change.name) + 20 * len(change.removed)
        if change.bases:
            total += 40 * len(change.bases)
        if change.payload is not None:
            total += len(change.payload)
    return total


class Retained:
    """See the module."""

    def __init__(self, bytes_max: int) -> None:
        self.bytes = 0
        self._bytes_max = bytes_max
        self._by_actor: dict[int, dict[int, Delta]] = {}
        self._order: deque[tuple[Delta, int]] = deque()
        """With their sizes, as they were taken: an order in which they can be taken elsewhere."""

    def __len__(self) -> int:
        return len(self._order)

    def keep(self, delta: Delta) -> None:
        """One more, that was just taken here."""
        self._by_actor.setdefault(delta.actor, {})[delta.number] = delta
        size = size_of(delta)
        self._order.append((delta, size))
        self.bytes += size
        while self.bytes > self._bytes_max:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        delta, size = self._order.popleft()
        self.bytes -= size
        numbers = self._by_actor[delta.actor]
        del numbers[delta.number]
        if not numbers:
            del self._by_actor[delta.actor]

    def forget(self, stable: Clock) -> None:
        """Every member has these."""
        order = self._order
        while order and stable.has(order[0][0].actor, order[0][0].number):
            self._drop_oldest()

    def has(self, actor: int, first: int, last: int) -> bool:
        """Whether all of these are kept."""
        numbers = self._by_actor.get(actor)
        if numbers is None or len(numbers) < last - first + 1:
            return False
        return all(number in numbers for number in range(first, last + 1))

    def of(self, ranges: list[tuple[int, int, int]]) -> Iterator[Delta]:
        """Those of them that are kept, in an order in which they can be taken."""
        wanted: dict[int, list[tuple[int, int]]] = {}
        for actor, first, last in sorted(ranges):
            wanted.setdefault(actor, []).append((first, last))
        for delta, _ in list(self._order):
            rows = wanted.get(delta.actor)
            if rows is not None:
                place = bisect_right(rows, (delta.number, NUMBER_MAX)) - 1
                if place >= 0 and delta.number <= rows[place][1]:
                    yield delta
