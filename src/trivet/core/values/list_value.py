"""A list of bytes: a deque, which is quick at both ends and compact between.

Positions here are those of the deque, from 0; what a negative index means is the
command's business. Work in the middle costs what lies between it and the nearer end.
"""

from collections import deque
from collections.abc import Iterable
from itertools import islice
from typing import Final, final

_FEW: Final = 16
"""Items that are found one by one, a step per 64 items from the nearer end, cheaper than by walking there."""


@final
class List:
    """Items in an order that clients decide. Items may repeat."""

    __slots__ = ("_items",)

    def __init__(self, items: Iterable[bytes] = ()) -> None:
        self._items: deque[bytes] = deque(items)

    def __len__(self) -> int:
        return len(self._items)

    def at(self, index: int) -> bytes:
        """The item at ``index``, which is in range."""
        return self._items[index]

    def put_at(self, index: int, item: bytes) -> None:
        """Replace the item at ``index``, which is in range."""
        self._items[index] = item

    def push(self, item: bytes, left: bool) -> None:
        """Add at one end."""
        if left:
            self._items.appendleft(item)
        else:
            self._items.append(item)

    def push_all(self, items: list[bytes], left: bool) -> None:
        """Add the items one after the other at one end."""
        if left:
            self._items.extendleft(items)
        else:
            self._items.extend(items)

    def take(self, left: bool) -> bytes:
        """Remove and give the item at one end; there is one."""
        return self._items.popleft() if left else self._items.pop()

    def take_many(self, count: int, left: bool) -> list[bytes]:
        """Remove and give up to ``count`` items, the one at the end first."""
        items = self._items
        if count >= len(items):
            taken = list(items) if left else list(reversed(items))
            items.clear()
            return taken
        if left:
            return [items.popleft() for _ in range(count)]
        return [items.pop() for _ in range(count)]

    def between(self, start: int, stop: int) -> list[bytes]:
        """The items at [start, stop), which is within the list."""
        items = self._items
        size = len(items)
        if start == 0 and stop == size:
            return list(items)
        count = stop - start
        after = size - stop
        if count <= _FEW:
            return [items[index] for index in range(start, stop)]
        if start <= after:
            return list(islice(items, start, stop))
        found = list(islice(reversed(items), after, after + count))
        found.reverse()
        return found

    def keep(self, start: int, stop: int) -> None:
        """Remove all but the items at [start, stop), which is within the list."""
        items = self._items
        size = len(items)
        if (stop - start) * 2 < size:
            self._items = deque(self.between(start, stop))
            return
        for _ in range(size - stop):
            items.pop()
        for _ in range(start):
            items.popleft()

    def find(self, item: bytes) -> int:
        """The first position of ``item``, or -1."""
        try:
            return self._items.index(item)
        except ValueError:
            return -1

    def insert(self, index: int, item: bytes) -> None:
        """Insert before position ``index``; the length appends."""
        self._items.insert(index, item)

    def remove_at(self, index: int) -> None:
        """Remove the item at ``index``, which is in range."""
        del self._items[index]

    def remove(self, item: bytes, count: int, backwards: bool) -> int:
        """Remove up to ``count`` items equal to ``item`` (all when 0) from one end on; how many were."""
        matches = self._items.count(item)
        if matches == 0:
            return 0
        left = matches if count == 0 else min(count, matches)
        removed = left
        kept: deque[bytes] = deque()
        for candidate in reversed(self._items) if backwards else self._items:
            if left and candidate == item:
                left -= 1
            elif backwards:
                kept.appendleft(candidate)
            else:
                kept.append(candidate)
        self._items = kept
        return removed

    def positions(self, item: bytes, skip: int, count: int, look_max: int, backwards: bool) -> list[int]:
        """Where ``item`` stands, looking from one end: ``skip`` matches are passed over.

        Up to ``count`` positions (0: all) among the first ``look_max`` items looked at (0: all).
        """
        size = len(self._items)
        look = size if look_max == 0 else min(look_max, size)
        found: list[int] = []
        looking = reversed(self._items) if backwards else self._items
        for looked, candidate in enumerate(islice(looking, look)):
            if candidate == item:
                if skip:
                    skip -= 1
                else:
                    found.append(size - 1 - looked if backwards else looked)
                    if len(found) == count:
                        break
        return found

    def copy(self) -> "List":
        """A list of its own with the same items."""
        return List(self._items)

    def dump(self) -> list[bytes]:
        """The items: all that ``load`` needs."""
        return list(self._items)

    @staticmethod
    def load(items: list[bytes]) -> "List":
        """The list that ``dump`` described."""
        return List(items)
