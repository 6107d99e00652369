"""When keys expire: key -> deadline, and the next ones due.

Beside the table of deadlines stands one number per bucket, the bucket's earliest
deadline, and a heap of those numbers. A change looks through its bucket (a dozen
or two of integers) only when it takes the earliest one away. So there is no heap
entry per key, and no long clean-up of dead entries.

Whoever chooses keys whose hashes are equal gets a bucket that no split makes smaller. A
bucket that is crowded so keeps its deadlines sorted besides, and is never looked through.

Keys fall due in the order (deadline, reversed hash, key), which does not depend on
the table's shape: with a limit, every replica removes the same ones.
"""

from heapq import heapify, heappop, heappush
from itertools import takewhile
from typing import Final
from zlib import crc32

from sortedcontainers import SortedList

from trivet.core.base.prng import Prng
from trivet.core.values.table import Table, reverse32

NEVER: Final = 1 << 63
"""Later than every deadline."""

_LOAD_MAX: Final = 16
"""Keys per bucket: few, because a bucket is looked through for every key that falls due."""

_CROWDED_ABOVE: Final = 256
"""Keys of one bucket above which it keeps its deadlines sorted; honest keys never come to that."""

_DEAD_FACTOR: Final = 2
"""Heap entries per bucket, dead ones included, above which the heap is built anew."""


class Deadlines:
    """The deadlines of one database's keys, in Unix ms."""

    __slots__ = ("_crowded", "_earliest", "_heap", "_table", "count")

    def __init__(self) -> None:
        self.count = 0
        """Keys with a deadline."""
        self._table: Table[int] = Table(1, _LOAD_MAX)
        self._earliest: list[int] = [NEVER]
        """By bucket."""
        self._heap: list[tuple[int, int]] = []
        """(earliest deadline, first point of the bucket's range); dead when it is no longer the earliest."""
        self._crowded: dict[int, SortedList[tuple[int, int, bytes]]] = {}
        """By bucket, of those that are crowded: (deadline, reversed hash, key)."""

    def __len__(self) -> int:
        return self.count

    def get(self, key: bytes) -> int | None:
        """The deadline of ``key``."""
        return self._table.get(key)

    def put(self, key: bytes, deadline_ms: int) -> None:
        """Set or change the deadline of ``key``."""
        table = self._table
        old = table.get(key)
        table.put(key, deadline_ms)
        if old is None:
            self.count += 1
            if table.bucket_count != len(self._earliest):
                self._follow_shape()
        index = table.bucket_of(key)
        if index in self._crowded or len(table.bucket(index)) > _CROWDED_ABOVE:
            self._put_in_crowd(index, key, old, deadline_ms)
            return
        earliest = self._earliest[index]
        if deadline_ms < earliest:
            self._set_earliest(index, deadline_ms)
        elif old == earliest:
            self._look_through(index)

    def drop(self, key: bytes) -> bool:
        """Forget the deadline of ``key``; True when there was one."""
        table = self._table
        old = table.pop(key)
        if old is None:
            return False
        self.count -= 1
        if table.bucket_count != len(self._earliest):
            self._follow_shape()
        index = table.bucket_of(key)
        crowd = self._crowded.get(index)
        if crowd is not None:
            crowd.discard((old, *_order(key)))
            if not crowd:
                del self._crowded[index]
        if old == self._earliest[index]:
            self._look_through(index)
        return True

    def next_ms(self) -> int:
        """The earliest deadline; ``NEVER`` when there is none."""
        index = self._first_bucket()
        return NEVER if index < 0 else self._earliest[index]

    def due(self, now_ms: int, limit: int) -> list[bytes]:
        """The first keys with deadline <= ``now_ms``, all of one bucket and one deadline, at most ``limit``.

        The caller drops them and asks again until the list is empty.
        """
        index = self._first_bucket()
        if index < 0 or self._earliest[index] > now_ms:
            return []
        deadline_ms = self._earliest[index]
        crowd = self._crowded.get(index)
        if crowd is not None:
            first = takewhile(lambda one: one[0] == deadline_ms, crowd)
            return [key for _, (_, _, key) in zip(range(limit), first, strict=False)]
        keys = [key for key, at in self._table.bucket(index).items() if at == deadline_ms]
        if len(keys) > 1:
            keys.sort(key=_order)
        return keys[:limit]

    def random_key(self, prng: Prng) -> bytes | None:
        """Some key that has a deadline."""
        return self._table.random_key(prng)

    def check_invariants(self) -> None:
        """Each bucket's earliest deadline is that, and is in the heap."""
        self._table.check_invariants()
        assert self.count == len(self._table)
        assert len(self._earliest) == self._table.bucket_count
        entries = dict.fromkeys(self._heap)
        for index, earliest in enumerate(self._earliest):
            assert earliest == min(self._table.bucket(index).values(), default=NEVER)
            crowd = self._crowded.get(index)
            assert crowd is None or {key: at for at, _, key in crowd} == self._table.bucket(index)
            assert earliest == NEVER or (earliest, reverse32(index)) in entries

    def _first_bucket(self) -> int:
        """The bucket of the earliest deadline of all, or -1. Ties: the one whose keys hash lowest."""
        heap, earliest = self._heap, self._earliest
        while heap:
            deadline_ms, start = heap[0]
            index = reverse32(start)
            if index < len(earliest) and earliest[index] == deadline_ms:
                return index
            heappop(heap)
        return -1

    def _put_in_crowd(self, index: int, key: bytes, old: int | None, deadline_ms: int) -> None:
        """``key`` is in the bucket already; perhaps its crowd was made after that."""
        crowd = self._crowded.get(index)
        if crowd is not None:
            order = _order(key)
            if old is not None:
                crowd.discard((old, *order))
            if (deadline_ms, *order) not in crowd:
                crowd.add((deadline_ms, *order))
        self._look_through(index)

    def _look_through(self, index: int) -> None:
        bucket = self._table.bucket(index)
        crowd = self._crowded.get(index)
        if crowd is None and len(bucket) > _CROWDED_ABOVE:
            crowd = self._crowded[index] = SortedList([(at, *_order(key)) for key, at in bucket.items()])
        if crowd is not None:
            self._set_earliest(index, crowd[0][0])
        else:
            self._set_earliest(index, min(bucket.values(), default=NEVER))

    def _set_earliest(self, index: int, deadline_ms: int) -> None:
        if deadline_ms == self._earliest[index]:
            return
        self._earliest[index] = deadline_ms
        if deadline_ms == NEVER:
            return
        heappush(self._heap, (deadline_ms, reverse32(index)))
        if len(self._heap) > _DEAD_FACTOR * len(self._earliest) + 64:
            self._rebuild()

    def _rebuild(self) -> None:
        """Leave the dead entries behind."""
        earliest = self._earliest
        self._heap = [
            (earliest[index], reverse32(index)) for index in range(len(earliest)) if earliest[index] != NEVER
        ]
        heapify(self._heap)

    def _follow_shape(self) -> None:
        """The table split or merged buckets: their earliest deadlines are looked up anew."""
        earliest, count = self._earliest, self._table.bucket_count
        while len(earliest) > count:
            earliest.pop()
            self._crowded.pop(len(earliest), None)
            self._crowded.pop(_buddy(len(earliest)), None)
            self._look_through(_buddy(len(earliest)))
        while len(earliest) < count:
            earliest.append(NEVER)
            index = len(earliest) - 1
            self._crowded.pop(_buddy(index), None)
            self._look_through(index)
            self._look_through(_buddy(index))


def _buddy(index: int) -> int:
    """The bucket that ``index`` was split from: its number without the highest bit."""
    return index - (1 << (index.bit_length() - 1))


def _order(key: bytes) -> tuple[int, bytes]:
    return reverse32(crc32(key)), key
