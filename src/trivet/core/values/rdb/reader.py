"""From bytes to a value: every form that RDB versions 1 to 12 have, but those of modules.

One function per form. A collection without elements, a member or field that comes twice and
a score that is no number are refused, as Redis does.
"""

from collections.abc import Callable
from math import inf
from struct import unpack
from typing import Final

from trivet.core.values.hash_value import Clock, Hash, MortalHash
from trivet.core.values.list_value import List
from trivet.core.values.numbers import parse_float, parse_int
from trivet.core.values.rdb.forms import Form
from trivet.core.values.rdb.source import ITEM_BYTES, Source
from trivet.core.values.rdb.streams import read_stream
from trivet.core.values.set_value import Set
from trivet.core.values.sorted_set import SortedSet
from trivet.core.values.types import Value

_PLAIN_NODE: Final = 1
_PACKED_NODE: Final = 2
_SPECIAL_SCORES: Final = {254: inf, 255: -inf}
_SCORE_IS_NAN: Final = 253
DEADLINE_MS_MAX: Final = (1 << 48) - 2
"""Of a field, as Redis has it."""


def read_value(source: Source) -> Value:
    """The value that stands next. Raises ``ValueError``."""
    number = source.byte()
    read = _READERS.get(number)
    if read is None:
        raise ValueError(f"a value of unknown form {number}")
    return read(source)


# From elements to values


def _list(items: list[bytes]) -> Value:
    if not items:
        raise ValueError("an empty list")
    return List(items)


def _set(members: list[bytes]) -> Value:
    made = Set.of(members)
    if not members or len(made) != len(members):
        raise ValueError("a set that is empty or has a member twice")
    return made


def _hash(flat: list[bytes]) -> Value:
    made = Hash()
    made.fill(zip(flat[::2], flat[1::2], strict=False))
    if not flat or len(made) * 2 != len(flat):
        raise ValueError("a hash that is empty, has a field twice or one without a value")
    return made


def _mortal_hash(flat: list[bytes], deadlines_ms: list[int]) -> Value:
    """``deadlines_ms``: of each field, in Unix ms; -1: none."""
    plain = _hash(flat)
    assert isinstance(plain, Hash)
    if all(deadline_ms < 0 for deadline_ms in deadlines_ms):
        return plain
    made = MortalHash.of(plain, Clock())
    for field, deadline_ms in zip(flat[::2], deadlines_ms, strict=True):
        if deadline_ms > DEADLINE_MS_MAX:
            raise ValueError("a deadline that is too far away")
        if deadline_ms >= 0:
            made.expire_at(field, deadline_ms)
    return made


def _sorted_set(members: list[bytes], scores: list[float]) -> Value:
    if any(score != score for score in scores):
        raise ValueError("a score that is not a number")
    pairs = dict(zip(members, scores, strict=True))
    if not members or len(pairs) != len(members):
        raise ValueError("a sorted set that is empty or has a member twice")
    return SortedSet.of(pairs)


def _packed_sorted_set(source: Source, flat: list[bytes]) -> Value:
    if len(flat) % 2:
        raise ValueError("a member without a score")
    source.charge(len(flat) * ITEM_BYTES)
    scores = [parse_float(text) for text in flat[1::2]]
    numbers = [score for score in scores if score is not None]
    if len(numbers) != len(scores):
        raise ValueError("a score that is not a number")
    return _sorted_set(flat[::2], numbers)


# The forms


def _read_string(source: Source) -> Value:
    return source.string()


def _read_list(source: Source) -> Value:
    return _list(source.strings(source.count(1)))


def _read_set(source: Source) -> Value:
    return _set(source.strings(source.count(1)))


def _read_hash(source: Source) -> Value:
    count = source.count(2)
    source.charge(count * ITEM_BYTES)
    return _hash(source.strings(count * 2))


def _read_hash_metadata(source: Source) -> Value:
    earliest_ms = int.from_bytes(source.take(8), "little")
    count = source.count(3)
    source.charge(count * 2 * ITEM_BYTES)
    flat: list[bytes] = []
    deadlines_ms: list[int] = []
    for _ in range(count):
        after_ms = source.length()
        deadlines_ms.append(earliest_ms + after_ms - 1 if after_ms else -1)
        flat += (source.string(), source.string())
    return _mortal_hash(flat, deadlines_ms)


def _read_hash_listpack_ex(source: Source) -> Value:
    source.take(8)  # the earliest deadline: all of them follow
    items = source.listpack()
    if len(items) % 3:
        raise ValueError("a field without a value or a deadline")
    flat = [part for at in range(0, len(items), 3) for part in items[at : at + 2]]
    deadlines_ms: list[int] = []
    for text in items[2::3]:
        deadline_ms = parse_int(text)
        if deadline_ms is None or deadline_ms < 0:
            raise ValueError("a deadline that is none")
        deadlines_ms.append(deadline_ms or -1)
    return _mortal_hash(flat, deadlines_ms)


def _read_old_score(source: Source) -> float:
    """Its digits, their number before them; numbers that stand for what has no digits."""
    length = source.byte()
    if length in _SPECIAL_SCORES:
        return _SPECIAL_SCORES[length]
    score = None if length == _SCORE_IS_NAN else parse_float(source.take(length))
    if score is None:
        raise ValueError("a score that is not a number")
    return score


def _read_zset(source: Source) -> Value:
    members: list[bytes] = []
    scores: list[float] = []
    count = source.count(2)
    source.charge(count * 3 * ITEM_BYTES)
    for _ in range(count):
        members.append(source.string())
        scores.append(_read_old_score(source))
    return _sorted_set(members, scores)


def _read_zset_2(source: Source) -> Value:
    members: list[bytes] = []
    packed_scores: list[bytes] = []
    count = source.count(9)
    source.charge(count * 3 * ITEM_BYTES)
    for _ in range(count):
        members.append(source.string())
        packed_scores.append(source.take(8))
    return _sorted_set(members, list(unpack(f"<{count}d", b"".join(packed_scores))))


def _read_quicklist(source: Source) -> Value:
    items: list[bytes] = []
    for _ in range(source.count(1)):
        items += source.ziplist()
    return _list(items)


def _read_quicklist_2(source: Source) -> Value:
    items: list[bytes] = []
    for _ in range(source.count(2)):
        container = source.length()
        if container == _PACKED_NODE:
            items += source.listpack()
        elif container == _PLAIN_NODE:
            items.append(source.string())
        else:
            raise ValueError("a list node of unknown kind")
    return _list(items)


_READERS: Final[dict[int, Callable[[Source], Value]]] = {
    Form.STRING: _read_string,
    Form.LIST: _read_list,
    Form.SET: _read_set,
    Form.ZSET: _read_zset,
    Form.HASH: _read_hash,
    Form.ZSET_2: _read_zset_2,
    Form.HASH_ZIPMAP: lambda source: _hash(source.zipmap()),
    Form.LIST_ZIPLIST: lambda source: _list(source.ziplist()),
    Form.SET_INTSET: lambda source: _set(source.intset()),
    Form.ZSET_ZIPLIST: lambda source: _packed_sorted_set(source, source.ziplist()),
    Form.HASH_ZIPLIST: lambda source: _hash(source.ziplist()),
    Form.LIST_QUICKLIST: _read_quicklist,
    Form.STREAM_LISTPACKS: lambda source: read_stream(source, 1),
    Form.HASH_LISTPACK: lambda source: _hash(source.listpack()),
    Form.ZSET_LISTPACK: lambda source: _packed_sorted_set(source, source.listpack()),
    Form.LIST_QUICKLIST_2: _read_quicklist_2,
    Form.STREAM_LISTPACKS_2: lambda source: read_stream(source, 2),
    Form.SET_LISTPACK: lambda source: _set(source.listpack()),
    Form.STREAM_LISTPACKS_3: lambda source: read_stream(source, 3),
    Form.HASH_METADATA: _read_hash_metadata,
    Form.HASH_LISTPACK_EX: _read_hash_listpack_ex,
}
