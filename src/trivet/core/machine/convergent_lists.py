"""Lists: which places their items have, beside the view; and what has changed between two lists."""

from collections import deque

from trivet.core.lattice.cell import AnyCell, winner
from trivet.core.lattice.lattice import Lattice
from trivet.core.machine.convergent_values import shown_value
from trivet.core.values.list_value import List


class ListPlaces:
    """The places of one list's items, in order."""

    __slots__ = ("_places",)

    def __init__(self, places: list[bytes]) -> None:
        self._places = deque(places)

    def __len__(self) -> int:
        return len(self._places)

    def first(self) -> bytes | None:
        """Of the item at the left end."""
        return self._places[0] if self._places else None

    def last(self) -> bytes | None:
        """Of the item at the right end."""
        return self._places[-1] if self._places else None

    def all(self) -> list[bytes]:
        """Of all items."""
        return list(self._places)

    def push(self, places: list[bytes], left: bool) -> None:
        """Items were put at an end; ``places`` are in the order of the list."""
        if left:
            self._places.extendleft(reversed(places))
        else:
            self._places.extend(places)

    def pop(self, count: int, left: bool) -> list[bytes]:
        """So many items were taken from an end: their places."""
        take = self._places.popleft if left else self._places.pop
        return [take() for _ in range(count)]

    def follow(self, value: List, place: bytes, cell: AnyCell | None) -> bool:
        """An item came, or went (None), by another replica's update; False: in the middle."""
        places = self._places
        best = None if cell is None else winner(cell)
        if best is not None:
            if not places or place > places[-1]:
                places.append(place)
                value.push(best[3], False)
            elif place < places[0]:
                places.appendleft(place)
                value.push(best[3], True)
            else:
                return False
        elif len(places) > 1 and place == places[0]:
            places.popleft()
            value.take(True)
        elif len(places) > 1 and place == places[-1]:
            places.pop()
            value.take(False)
        else:
            return False
        return True


class Places:
    """Of all lists of a view."""

    __slots__ = ("_by_key",)

    def __init__(self) -> None:
        self._by_key: dict[bytes, ListPlaces] = {}

    def of(self, key: bytes, lattice: Lattice) -> ListPlaces:
        """Of one list, as the lattice has it."""
        found = self._by_key.get(key)
        if found is None:
            found = self._by_key[key] = ListPlaces(shown_value(lattice.state(key))[1])
        return found

    def put(self, key: bytes, places: list[bytes]) -> None:
        """The list's items have these places."""
        self._by_key[key] = ListPlaces(places)

    def forget(self, key: bytes) -> None:
        """There is no such list."""
        if self._by_key:
            self._by_key.pop(key, None)


class Difference:
    """A stretch of the list before: it is kept, or other items stand there."""

    __slots__ = ("items", "keep", "replaces", "start", "stop")

    def __init__(self, keep: bool, start: int, stop: int, items: list[bytes], replaces: bool = False) -> None:
        self.keep = keep
        self.start = start
        self.stop = stop
        self.items = items
        self.replaces = replaces
        """Item by item: each is still the same one, with another value."""


def differences(before: list[bytes], after: list[bytes]) -> list[Difference]:
    """How ``after`` comes of ``before``, from left to right; what one command does to a list."""
    size = min(len(before), len(after))
    head = 0
    while head < size and before[head] == after[head]:
        head += 1
    tail = 0
    while tail < size - head and before[-1 - tail] == after[-1 - tail]:
        tail += 1
    old = before[head : len(before) - tail]
    new = after[head : len(after) - tail]
    found = [Difference(True, 0, head, [])]
    if old or new:
        if new and len(new) < len(old) and (kept := _subsequence(old, new)) is not None:
            found.extend(_without(kept, head, len(old)))
        else:
            found.append(Difference(False, head, head + len(old), new, len(old) == len(new)))
    found.append(Difference(True, len(before) - tail, len(before), []))
    return found


def _subsequence(old: list[bytes], new: list[bytes]) -> list[int] | None:
    """The positions in ``old`` of the items of ``new``, if nothing but removal makes the one of the other."""
    kept: list[int] = []
    at = 0
    for item in new:
        while at < len(old) and old[at] != item:
            at += 1
        if at == len(old):
            return None
        kept.append(at)
        at += 1
    return kept


def _without(kept: list[int], start: int, size: int) -> list[Difference]:
    found: list[Difference] = []
    at = 0
    for position in [*kept, size]:
        if position > at:
            found.append(Difference(False, start + at, start + position, []))
        if position < size:
            found.append(Difference(True, start + position, start + position + 1, []))
        at = position + 1
    return found
