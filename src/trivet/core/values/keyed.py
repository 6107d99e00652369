"""What hashes, sets and sorted sets have in common: bytes keys, each with a value.

Strategy: a plain dict while there are at most ``SMALL_MAX`` keys, and a ``Table``
from then on, which never pauses to resize and has scan cursors. A container that
grew stays a ``Table`` (which shrinks by itself), so its representation is a
function of its history, not of its size. ``shape`` is what a snapshot must keep of
it: together with the keys in iteration order it restores a container that behaves
identically ever after, chance included.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final, Generic, TypeVar

from trivet.core.base.prng import Prng
from trivet.core.values.table import Table

V = TypeVar("V")

SMALL_MAX: Final = 1024
"""Keys above which a container becomes a ``Table``."""

_MANY: Final = 32
"""Choosing fewer keys than this is never worth a look at all buckets."""
_DENSE: Final = 4
"""Choosing more than one key in so many, listing them all first is cheaper than looking one by one."""


class Keyed(Generic[V]):
    """Bytes keys with values, in an order that is the same on every replica. No value is None."""

    __slots__ = ("_large", "_small")

    def __init__(self, shape: int = 0) -> None:
        self._small: dict[bytes, V] = {}
        self._large: Table[V] | None = Table(shape) if shape else None

    @property
    def shape(self) -> int:
        """0 for a plain dict, else the bucket count of the table."""
        return 0 if self._large is None else self._large.bucket_count

    def __len__(self) -> int:
        large = self._large
        return len(self._small) if large is None else len(large)

    def __contains__(self, key: bytes) -> bool:
        large = self._large
        return key in self._small if large is None else key in large

    def get(self, key: bytes) -> V | None:
        """The value of ``key``, or None."""
        large = self._large
        return self._small.get(key) if large is None else large.get(key)

    def put(self, key: bytes, value: V) -> bool:
        """Create or replace; True when the key is new. A replaced key keeps its place in the order."""
        large = self._large
        if large is not None:
            before = len(large)
            large.put(key, value)
            return len(large) != before
        small = self._small
        before = len(small)
        small[key] = value
        size = len(small)
        if size > SMALL_MAX:
            self._enlarge()
        return size != before

    def pop(self, key: bytes) -> V | None:
        """Remove ``key`` and give its value, or None when it is missing."""
        large = self._large
        return self._small.pop(key, None) if large is None else large.pop(key)

    def keys(self) -> Iterable[bytes]:
        """All keys in order. The container must not change meanwhile."""
        large = self._large
        return self._small if large is None else large.keys()

    def items(self) -> Iterable[tuple[bytes, V]]:
        """All pairs in order. The container must not change meanwhile."""
        large = self._large
        return self._small.items() if large is None else large.items()

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.keys())

    def to_dict(self) -> dict[bytes, V]:
        """A dict of its own with all pairs in order."""
        large = self._large
        if large is None:
            return self._small.copy()
        merged: dict[bytes, V] = {}
        for index in range(large.bucket_count):
            merged.update(large.bucket(index))
        return merged

    def to_list(self) -> list[bytes]:
        """A list of its own with all keys in order."""
        large = self._large
        if large is None:
            return list(self._small)
        merged: list[bytes] = []
        for index in range(large.bucket_count):
            merged.extend(large.bucket(index))
        return merged

    def scan(self, cursor: int, count: int) -> tuple[int, list[bytes]]:
        """Keys from ``cursor`` on, and the cursor to go on from (``Table.scan``). All at once while small."""
        large = self._large
        return (0, list(self._small)) if large is None else large.scan(cursor, count)

    def random_key(self, prng: Prng) -> bytes:
        """One key, each about equally likely. The container is not empty."""
        large = self._large
        if large is None:
            small = self._small
            return next(islice(small, prng.below(len(small)), None))
        key = large.random_key(prng)
        assert key is not None
        return key

    def _is_listed(self, count: int) -> bool:
        """Whether ``count`` keys by chance are best taken from a list of all."""
        large = self._large
        if large is None or count * _DENSE > len(self):
            return True
        return count >= _MANY and not large.is_even()

    def draw(self, prng: Prng, count: int) -> list[bytes]:
        """``count`` keys, each drawn from all: a key may come several times. Not empty."""
        if self._is_listed(count):
            keys = self.to_list()
            return [keys[prng.below(len(keys))] for _ in range(count)]
        return [self.random_key(prng) for _ in range(count)]

    def sample(self, prng: Prng, count: int) -> list[bytes]:
        """``count`` different keys by chance, or all of them when there are fewer."""
        size = len(self)
        if count >= size:
            return self.to_list()
        if self._is_listed(count):
            return shuffled_prefix(self.to_list(), prng, count)
        chosen: dict[bytes, bool] = {}
        while len(chosen) < count:
            chosen[self.random_key(prng)] = True
        return list(chosen)

    def ends(self, count: int) -> tuple[int, list[tuple[bytes, V]]]:
        """How many keys are held, and up to ``count`` pairs, some first and some last in the order (0: all).

        To judge by: keys that a subclass hides are among them, so only a change changes the answer.
        """
        large = self._large
        size = len(self._small) if large is None else len(large)
        half = count // 2
        if large is None:
            if count == 0 or size <= count:
                return size, list(self._small.items())
            last = self._small
            first = islice(self._small.items(), count - half)
        else:
            if count == 0 or size <= count:
                return size, list(large.items())
            last = large.bucket(large.bucket_count - 1)
            first = islice(large.items(), count - half)
        return size, [*first, *islice(reversed(last.items()), half)]

    def fill(self, items: Iterable[tuple[bytes, V]]) -> None:
        """Put all ``items``, in their order."""
        for key, value in items:
            self.put(key, value)

    def fill_from(self, other: "Keyed[V]") -> None:
        """Become a copy of ``other``, its shape and order included. Empty before, and of that shape."""
        if other._large is None:
            self._small = other._small.copy()
        else:
            self.fill(other._large.items())

    def check_invariants(self) -> None:
        """One representation is in use, and it is in order."""
        assert len(self._small) <= SMALL_MAX
        if self._large is not None:
            assert not self._small
            self._large.check_invariants()

    def _enlarge(self) -> None:
        large: Table[V] = Table()
        for key, value in self._small.items():
            large.put(key, value)
        self._small = {}
        self._large = large


def shuffled_prefix(items: list[bytes], prng: Prng, count: int) -> list[bytes]:
    """The first ``count`` of the items after a shuffle (Fisher-Yates, stopped early). Changes ``items``."""
    size = len(items)
    for i in range(count):
        j = i + prng.below(size - i)
        items[i], items[j] = items[j], items[i]
    return items[:count]
