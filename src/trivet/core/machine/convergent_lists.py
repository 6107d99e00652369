"""Lists: which places their items have, beside the view."""

from bisect import bisect_left
from collections import deque

from trivet.core.lattice.cell import AnyCell, winner
from trivet.core.lattice.lattice import Lattice
from trivet.core.machine.convergent_values import shown_value
from trivet.core.values.list_value import List


class ListPlaces:
    """The places of one list's items, in order: quick at both ends, as the list is."""

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

    def at(self, index: int) -> bytes:
        """Of one item."""
        return self._places[index]

    def all(self) -> list[bytes]:
        """Of all items."""
        return list(self._places)

    def push(self, places: list[bytes], left: bool) -> None:
        """Items were put at an end; ``places`` are in the order of the list."""
        if left:
            self._places.extendleft(reversed(places))
        else:
            self._places.extend(places)

    def insert(self, index: int, place: bytes) -> None:
        """An item was put before the one at ``index``."""
        self._places.insert(index, place)

    def pop(self, count: int, left: bool) -> list[bytes]:
        """So many items were taken from an end: their places."""
        take = self._places.popleft if left else self._places.pop
        return [take() for _ in range(count)]

    def take_at(self, indexes: list[int]) -> list[bytes]:
        """The items at these indexes were taken out: their places."""
        if len(indexes) == 1:
            place = self._places[indexes[0]]
            del self._places[indexes[0]]
            return [place]
        gone = dict.fromkeys(indexes)
        places = self._places
        self._places = deque([place for at, place in enumerate(places) if at not in gone])
        return [place for at, place in enumerate(places) if at in gone]

    def follow(self, value: List, place: bytes, cell: AnyCell | None) -> bool:
        """An item came, changed, or went (None), by another replica's update; False: none would be left."""
        places = self._places
        size = len(places)
        if not size:
            return False
        best = None if cell is None else winner(cell)
        if place > places[-1]:
            at = size
        elif place <= places[0]:
            at = 0
        else:
            at = bisect_left(places, place)
        stands = at < size and places[at] == place
        if best is None:
            if stands:
                if size == 1:
                    return False
                del places[at]
                value.remove_at(at)
        elif stands:
            value.put_at(at, best[3])
        else:
            places.insert(at, place)
            value.insert(at, best[3])
        return True


class Places:
    """Of all lists of a view."""

    __slots__ = ("_by_key",)

    def __init__(self) -> None:
        self._by_key: dict[bytes, ListPlaces] = {}

    def __len__(self) -> int:
        return len(self._by_key)

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
