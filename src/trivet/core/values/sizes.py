"""About how many bytes a value takes, here, in CPython: what ``MEMORY USAGE`` and ``maxmemory`` go by.

Strategy: a string is exact; of a collection a few elements at both ends are looked at and
stand for the others, so that it costs the same whatever its size. The result is a function of
the value alone, in its order, so it is the same on every replica, and a sum over all keys can
be kept by differences without drifting.
"""

from collections.abc import Callable, Iterable
from typing import Final

from trivet.core.values.databases import Databases
from trivet.core.values.hash_value import Hash, MortalHash
from trivet.core.values.list_value import List
from trivet.core.values.set_value import Set
from trivet.core.values.sorted_set import SortedSet
from trivet.core.values.stream import Stream
from trivet.core.values.types import Value

SAMPLES: Final = 8
"""Elements that are looked at."""

BASE_BYTES: Final = 1 << 20
"""What an empty store counts as, about as in Redis."""
BYTES_OVERHEAD: Final = 33
KEY_BYTES: Final = BYTES_OVERHEAD + 58
"""A key beside its own bytes: the object, and its share of the table."""
STRING_BYTES: Final = KEY_BYTES + BYTES_OVERHEAD
"""A key that holds a string, beside the bytes of both."""
DEADLINE_BYTES: Final = 130
_CONTAINER_BYTES: Final = 280
_DEQUE_BYTES: Final = 760
_SLOT_BYTES: Final = 50
_SCORE_BYTES: Final = 24 + 56 + 8
_POINTER_BYTES: Final = 8
_SAMPLED_BUCKETS: Final = 16


def value_bytes(value: Value, samples: int = SAMPLES) -> int:
    """The size of a value; ``samples`` elements of a collection are looked at (0: all)."""
    if type(value) is bytes:
        return BYTES_OVERHEAD + len(value)
    return _MEASURES[type(value)](value, samples)


def item_bytes(key: bytes, value: Value, has_deadline: bool, samples: int = SAMPLES) -> int:
    """The size of a key with its value and its deadline."""
    size = KEY_BYTES + len(key) + value_bytes(value, samples)
    return size + DEADLINE_BYTES if has_deadline else size


def _scaled(looked_at: int, count: int, size: int) -> int:
    """The size of ``size`` elements of which ``count`` take ``looked_at`` bytes."""
    return looked_at if count == size or count == 0 else looked_at * size // count


def _hash(value: Value, samples: int) -> int:
    assert isinstance(value, Hash)
    size, pairs = value.ends(samples)
    total = sum([len(field) + len(content) for field, content in pairs])
    total += len(pairs) * (2 * BYTES_OVERHEAD + _SLOT_BYTES)
    deadlines = value.deadlines.count * DEADLINE_BYTES if isinstance(value, MortalHash) else 0
    return _CONTAINER_BYTES + _scaled(total, len(pairs), size) + deadlines


def _set(value: Value, samples: int) -> int:
    assert isinstance(value, Set)
    size, pairs = value.ends(samples)
    total = sum([len(member) for member, _ in pairs]) + len(pairs) * (BYTES_OVERHEAD + _SLOT_BYTES)
    return _CONTAINER_BYTES + _scaled(total, len(pairs), size)


def _list(value: Value, samples: int) -> int:
    assert isinstance(value, List)
    size = len(value)
    count = size if not samples else min(samples, size)
    half = count // 2
    items: Iterable[bytes] = value.between(0, count - half)
    total = sum(map(len, items)) + sum(map(len, value.between(size - half, size)))
    return _DEQUE_BYTES + _scaled(total + count * (BYTES_OVERHEAD + _POINTER_BYTES), count, size)


def _sorted_set(value: Value, samples: int) -> int:
    assert isinstance(value, SortedSet)
    size = len(value)
    count = size if not samples else min(samples, size)
    half = count // 2
    pairs = value.between(0, count - half) + value.between(size - half, size)
    total = sum([len(member) for _, member in pairs])
    total += count * (BYTES_OVERHEAD + _SLOT_BYTES + _SCORE_BYTES)
    return _CONTAINER_BYTES + _scaled(total, count, size)


def _stream(value: Value, samples: int) -> int:
    assert isinstance(value, Stream)
    return _CONTAINER_BYTES + value.about_bytes()


_MEASURES: Final[dict[type, Callable[[Value, int], int]]] = {
    Hash: _hash,
    MortalHash: _hash,
    Set: _set,
    List: _list,
    SortedSet: _sorted_set,
    Stream: _stream,
}


def sampled_bytes(databases: Databases) -> int:
    """About what all keys take, from some of the buckets: for who asks seldom, without an account."""
    total = BASE_BYTES
    for database in databases.opened():
        table = database.values
        step = max(1, table.bucket_count // _SAMPLED_BUCKETS)
        count = keys = 0
        for index in range(0, table.bucket_count, step):
            for key, value in table.bucket(index).items():
                keys += 1
                count += item_bytes(key, value, database.deadlines.get(key) is not None)
        if keys:
            total += count * len(table) // keys
    return total
