"""A dictionary by bytes keys that never pauses to resize.

The keyspace of a database and large collections live in it. Linear hashing
(Litwin, VLDB 1980) over crc32 of the key: a list of plain dicts, the buckets,
of about 128 keys each (fewer where a table's owner looks through whole buckets).
Growth splits one bucket at a time and shrinking merges one, so no operation costs
more than two buckets' keys.

Bucket ``i`` holds the hashes whose low bits are ``i``. Read with their bits
reversed, those hashes are one contiguous range that starts at ``reverse32(i)``.
A scan's cursor is a point of that reversed space, so it stays valid through any
splits and merges, and on another replica whose table has another shape.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Final, Generic, Protocol, TypeVar
from zlib import crc32

from trivet.core.base.prng import Prng

V = TypeVar("V")


class ReshapeHook(Protocol):
    """Who wants to see a bucket before its keys move to another."""

    def before_reshape(self, bucket: int) -> None:
        """``bucket`` is about to be split or merged; nothing has happened yet."""
        ...


LOAD_MAX: Final = 128
"""Keys per bucket, on average, above which a bucket is split, unless a table's owner says otherwise."""

_MERGE_FACTOR: Final = 4
"""Two buckets are merged when there are this many times fewer keys than would split one."""

_PLACES_FACTOR: Final = 3
"""No bucket is expected to hold more than this many times the average maximum."""

_UNEVEN_FACTOR: Final = 16
"""A bucket with more than this many times the average maximum was made so by somebody."""

SPACE: Final = 1 << 32
_SPACE: Final = SPACE
_REVERSED_BYTE: Final = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def reversed_bytes(number: int) -> bytes:
    """The 32 bits of ``number`` in reverse order, big-endian."""
    return number.to_bytes(4, "little").translate(_REVERSED_BYTE)


def reverse32(number: int) -> int:
    """``number`` with its 32 bits in reverse order."""
    return int.from_bytes(reversed_bytes(number), "big")


class Table(Generic[V]):
    """Keys to values. Iteration order is a function of the operations done, the same on every replica.

    A table with the same ``bucket_count``, filled in the order of ``items()``, behaves
    identically ever after: this is how a snapshot restores one whose order matters.
    """

    __slots__ = ("_buckets", "_high_mask", "_length", "_load_max", "_low_mask", "_merge_below",
                 "_split_above", "walk")  # fmt: skip

    def __init__(self, bucket_count: int = 1, load_max: int = LOAD_MAX) -> None:
        assert bucket_count >= 1
        assert load_max >= _MERGE_FACTOR
        self._load_max = load_max
        self._buckets: list[dict[bytes, V]] = [{} for _ in range(bucket_count)]
        self._length = 0
        self.walk: ReshapeHook | None = None
        """A snapshot walk in progress: it is told before buckets change places, and delays nothing."""
        self._low_mask = (1 << (bucket_count.bit_length() - 1)) - 1
        self._high_mask = self._low_mask * 2 + 1
        self._split_above = 0
        self._merge_below = 0
        self._set_limits()

    def __len__(self) -> int:
        return self._length

    def __contains__(self, key: bytes) -> bool:
        return key in self._buckets[self.bucket_of(key)]

    @property
    def bucket_count(self) -> int:
        """How many buckets there are: the table's shape."""
        return len(self._buckets)

    def bucket_of(self, key: bytes) -> int:
        """The number of the bucket that holds ``key``, if the table does."""
        index = crc32(key) & self._high_mask
        if index >= len(self._buckets):
            index &= self._low_mask
        return index

    def bucket(self, index: int) -> dict[bytes, V]:
        """The bucket itself, to read. A split puts another dict in its place."""
        return self._buckets[index]

    def get(self, key: bytes) -> V | None:
        """The value of ``key``."""
        buckets = self._buckets
        index = crc32(key) & self._high_mask
        if index >= len(buckets):
            index &= self._low_mask
        return buckets[index].get(key)

    def put(self, key: bytes, value: V) -> None:
        """Create or replace. A replaced key keeps its place in the order."""
        buckets = self._buckets
        index = crc32(key) & self._high_mask
        if index >= len(buckets):
            index &= self._low_mask
        bucket = buckets[index]
        before = len(bucket)
        bucket[key] = value
        if len(bucket) != before:
            self._length += 1
            if self._length > self._split_above:
                self._split()

    def pop(self, key: bytes) -> V | None:
        """Remove ``key`` and give its value, or None when it is missing."""
        value = self._buckets[self.bucket_of(key)].pop(key, None)
        if value is not None:
            self._length -= 1
            if self._length < self._merge_below:
                self._merge()
        return value

    def scan(self, cursor: int, count: int) -> tuple[int, list[bytes]]:
        """Keys from ``cursor`` on, whole buckets, about ``count`` of them; and the cursor to go on from.

        0 starts, and 0 comes back at the end. A key that is present throughout is
        returned at least once; one may come twice when the shape changes between.
        """
        found: list[bytes] = []
        visits_left = count * 10
        cursor &= _SPACE - 1
        while True:
            index, end = self._range_at(cursor)
            found.extend(self._buckets[index])
            visits_left -= 1
            if end >= _SPACE:
                return 0, found
            cursor = end
            if len(found) >= count or visits_left <= 0:
                return cursor, found

    def range_at(self, cursor: int) -> tuple[int, int]:
        """The bucket that holds the point ``cursor`` of the reversed hash space, and where its range ends.

        ``SPACE`` is the end of all. The keys of a bucket are those with ``reverse32`` of their hash in
        its range, so who goes from range to range meets every key once, whatever splits in between.
        """
        return self._range_at(cursor)

    def random_key(self, prng: Prng) -> bytes | None:
        """A key, each about equally likely; None when there is none.

        A bucket by chance, then a place in it by chance: a place beyond the bucket's
        end rejects both, which evens out buckets of different fill.
        """
        if self._length == 0:
            return None
        buckets = self._buckets
        places = len(buckets[0]) if len(buckets) == 1 else _PLACES_FACTOR * self._load_max
        for _ in range(64):
            bucket = buckets[prng.below(len(buckets))]
            place = prng.below(places)
            if place < len(bucket):
                return next(islice(bucket, place, None))
        start = prng.below(len(buckets))
        while not buckets[start]:
            start = (start + 1) % len(buckets)
        return next(islice(buckets[start], prng.below(len(buckets[start])), None))

    def is_even(self) -> bool:
        """Whether no bucket is out of all proportion, as keys with equal hashes would make it."""
        most = _UNEVEN_FACTOR * self._load_max
        return all(len(bucket) <= most for bucket in self._buckets)

    def __iter__(self) -> Iterator[bytes]:
        return self.keys()

    def keys(self) -> Iterator[bytes]:
        """All keys, bucket by bucket. The table must not change meanwhile."""
        for bucket in self._buckets:
            yield from bucket

    def items(self) -> Iterator[tuple[bytes, V]]:
        """All pairs, bucket by bucket. The table must not change meanwhile."""
        for bucket in self._buckets:
            yield from bucket.items()

    def check_invariants(self) -> None:
        """Every key is in its bucket, and the bookkeeping adds up."""
        assert self._length == sum(len(bucket) for bucket in self._buckets)
        assert self._low_mask + 1 <= len(self._buckets) <= self._high_mask
        for index, bucket in enumerate(self._buckets):
            for key in bucket:
                assert self.bucket_of(key) == index

    def _range_at(self, cursor: int) -> tuple[int, int]:
        """The bucket whose reversed range holds ``cursor``, and where that range ends."""
        hashed = reverse32(cursor)
        index = hashed & self._high_mask
        width = self._high_mask + 1
        base = self._low_mask + 1
        if index >= len(self._buckets) or len(self._buckets) - base <= index < base:
            index &= self._low_mask
            width = base
        return index, reverse32(index) + _SPACE // width

    def _split(self) -> None:
        """Divide the first bucket not yet divided in this round. Both halves are new dicts, without holes."""
        base = self._low_mask + 1
        source = len(self._buckets) - base
        if self.walk is not None:
            self.walk.before_reshape(source)
        stay: dict[bytes, V] = {}
        move: dict[bytes, V] = {}
        for key, value in self._buckets[source].items():
            if crc32(key) & base:
                move[key] = value
            else:
                stay[key] = value
        self._buckets[source] = stay
        self._buckets.append(move)
        if len(self._buckets) > self._high_mask:
            self._low_mask = self._high_mask
            self._high_mask = self._high_mask * 2 + 1
        self._set_limits()

    def _merge(self) -> None:
        """Undo the last split."""
        if len(self._buckets) == self._low_mask + 1:
            self._high_mask = self._low_mask
            self._low_mask >>= 1
        last = len(self._buckets) - 1
        if self.walk is not None:
            self.walk.before_reshape(last)
            self.walk.before_reshape(last - self._low_mask - 1)
        moved = self._buckets.pop()
        self._buckets[len(self._buckets) - self._low_mask - 1].update(moved)
        self._set_limits()

    def _set_limits(self) -> None:
        count = len(self._buckets)
        self._split_above = count * self._load_max
        self._merge_below = self._split_above // _MERGE_FACTOR if count > 1 else 0
