"""Values to bytes and back, for snapshots; and a digest of everything, for tests.

An item is a key, its value and its deadline. Each kind of value is a tagged
msgpack array, with what its ``dump`` gives: a value restored from it behaves
identically ever after, chance included, because shape and order are kept.
"""

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import Final

import msgspec

from trivet.core.values.database import Database
from trivet.core.values.databases import Databases
from trivet.core.values.hash_value import Hash, MortalHash
from trivet.core.values.list_value import List
from trivet.core.values.set_value import Set
from trivet.core.values.sorted_set import SortedSet
from trivet.core.values.stored import (
    HashItem,
    ListItem,
    MortalHashItem,
    SetItem,
    SortedSetItem,
    Stored,
    StreamItem,
    StringItem,
)
from trivet.core.values.stream import Stream
from trivet.core.values.types import Value

Item = tuple[bytes, Value, int]
"""(key, value, deadline in Unix ms or -1)."""


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(list[Stored])
_UINT8: Final = 0xCC
_UINT16: Final = 0xCD
_UINT32: Final = 0xCE
_UINT64: Final = 0xCF
_FIXINTS: Final = 0x80
_DEADLINE_AT: Final = 4
_MINUS_ONE: Final = 0xFF
DEADLINE_WITHIN_BYTES: Final = 13
"""So many bytes of an encoded value tell its deadline."""
_VALUE_DECODER: Final = msgspec.msgpack.Decoder(Stored)
_SHORT_MAX: Final = 255
_SHORT_BYTES: Final = 7
_SHORT_START: Final = b"\x94\x00\xc4\x00\xff\xc4"
"""So begin a short string without a deadline and without its key; its length and itself follow."""
_SHORT: Final = [_SHORT_START + bytes([length]) for length in range(_SHORT_MAX + 1)]
"""The same with the length, by length."""


def encode_items(items: list[Item]) -> bytes:
    """The items as bytes."""
    return _ENCODER.encode([_store(key, value, deadline_ms) for key, value, deadline_ms in items])


def encode_item(key: bytes, value: Value, deadline_ms: int) -> msgspec.Raw:
    """One item as it is now, for ``join_items``."""
    return msgspec.Raw(_ENCODER.encode(_store(key, value, deadline_ms)))


def join_items(items: list[msgspec.Raw]) -> bytes:
    """What ``encode_items`` gives for these items."""
    return _ENCODER.encode(items)


def decode_items(data: bytes) -> list[Item]:
    """The items that ``encode_items`` was given. Raises ``ValueError`` for other bytes."""
    try:
        return [_restore(stored) for stored in _DECODER.decode(data)]
    except (msgspec.DecodeError, OverflowError, MemoryError) as error:
        raise ValueError(f"not a list of items: {error}") from error


def encode_value(value: Value, deadline_ms: int) -> bytes:
    """A value with its deadline, without its key: for who keeps it under the key anyway.

    Most are short strings that stay for ever: the same bytes without the way through an object.
    """
    if deadline_ms == -1 and type(value) is bytes and len(value) <= _SHORT_MAX:
        return _SHORT[len(value)] + value
    return _ENCODER.encode(_store(b"", value, deadline_ms))


def decode_value(data: bytes) -> tuple[Value, int]:
    """The value and the deadline that ``encode_value`` was given. Raises ``ValueError`` for other bytes."""
    length = len(data) - _SHORT_BYTES
    if 0 <= length <= _SHORT_MAX and data.startswith(_SHORT[length]):
        return data[_SHORT_BYTES:], -1
    try:
        _, value, deadline_ms = _restore(_VALUE_DECODER.decode(data))
    except (msgspec.DecodeError, OverflowError, MemoryError) as error:
        raise ValueError(f"not a value: {error}") from error
    return value, deadline_ms


def deadline_of(data: bytes) -> int:
    """The deadline in what ``encode_value`` gave, or in the start of that; -1: none, or other bytes.

    The value is not read. Such bytes are a msgpack array of a tag, an empty key, the deadline, and so on.
    """
    if data[2:_DEADLINE_AT] != b"\xc4\x00" or len(data) <= _DEADLINE_AT:
        return -1
    if data[4] == _UINT64:
        return int.from_bytes(data[5:13], "big")
    if data[4] == _UINT32:
        return int.from_bytes(data[5:9], "big")
    if data[4] == _UINT16:
        return int.from_bytes(data[5:7], "big")
    if data[4] == _UINT8:
        return data[5]
    return data[4] if data[4] < _FIXINTS else -1


def may_have_deadlines(many: Sequence[bytes], start: int) -> bool:
    """Whether ``deadline_of`` what begins at ``start`` in each is worth a look; whatever the bytes are."""
    at = start + _DEADLINE_AT
    for data in many:  # noqa: SIM110 (a generator takes twice as long)
        if data[at] != _MINUS_ONE:
            return True
    return False


def item_of(database: Database, key: bytes) -> Item | None:
    """The item at ``key`` as it is held, past its deadline or not; None when there is none."""
    value = database.values.get(key)
    return None if value is None else (key, value, database.deadline_ms(key))


def load_items(database: Database, items: list[Item]) -> None:
    """Put items into a database."""
    for key, value, deadline_ms in items:
        database.set(key, value)
        database.adopt(key, value)
        if deadline_ms != -1:
            database.expire_at(key, deadline_ms)


def state_digest(databases: Databases) -> bytes:
    """16 bytes that are equal for equal contents, however they came about.

    Sorts everything: for tests and the lab, not for a large state in service.
    """
    digest = blake2b(digest_size=16)
    for index, database in databases.items():
        for stored in _sorted_items(database):
            digest.update(_ENCODER.encode((index, stored)))
    return digest.digest()


def database_digest(database: Database) -> bytes:
    """The same of one database, whatever its number is."""
    digest = blake2b(digest_size=16)
    for stored in _sorted_items(database):
        digest.update(_ENCODER.encode(stored))
    return digest.digest()


def _sorted_items(database: Database) -> Iterator[Stored]:
    for key in sorted(database.values):
        value = database.values.get(key)
        assert value is not None
        stored = _store(key, value, database.deadline_ms(key))
        if isinstance(stored, HashItem):
            pairs = sorted(zip(stored.flat[::2], stored.flat[1::2], strict=True))
            stored = HashItem(key, stored.deadline_ms, 0, [part for pair in pairs for part in pair])
        elif isinstance(stored, MortalHashItem):
            fields = zip(stored.flat[::2], stored.flat[1::2], stored.field_deadlines_ms, strict=True)
            mortal = sorted(fields)
            flat = [part for field in mortal for part in field[:2]]
            stored = MortalHashItem(key, stored.deadline_ms, 0, flat, [field[2] for field in mortal])
        elif isinstance(stored, SetItem):
            stored = SetItem(key, stored.deadline_ms, 0, sorted(stored.members))
        elif isinstance(stored, SortedSetItem):
            stored = SortedSetItem(key, stored.deadline_ms, 0, sorted(stored.pairs))
        elif isinstance(value, Stream):
            stored = StreamItem(key, stored.deadline_ms, value.contents())
        yield stored


def _store(key: bytes, value: Value, deadline_ms: int) -> Stored:
    if isinstance(value, bytes):
        return StringItem(key, deadline_ms, value)
    if isinstance(value, Hash):
        shape, flat = value.dump()
        if isinstance(value, MortalHash) and value.deadlines.count:
            return MortalHashItem(key, deadline_ms, shape, flat, value.dump_deadlines())
        return HashItem(key, deadline_ms, shape, flat)
    if isinstance(value, List):
        return ListItem(key, deadline_ms, value.dump())
    if isinstance(value, Set):
        shape, members = value.dump()
        return SetItem(key, deadline_ms, shape, members)
    if isinstance(value, Stream):
        return StreamItem(key, deadline_ms, value.dump())
    shape, pairs = value.dump()
    return SortedSetItem(key, deadline_ms, shape, pairs)


def _restore(stored: Stored) -> Item:
    value: Value
    if isinstance(stored, StringItem):
        value = stored.value
    elif isinstance(stored, HashItem):
        value = Hash.load(_checked(stored.shape, len(stored.flat)), stored.flat)
    elif isinstance(stored, MortalHashItem):
        shape = _checked(stored.shape, len(stored.flat))
        value = MortalHash.load_mortal(shape, stored.flat, stored.field_deadlines_ms)
    elif isinstance(stored, ListItem):
        value = List.load(stored.items)
    elif isinstance(stored, SetItem):
        value = Set.load(_checked(stored.shape, len(stored.members)), stored.members)
    elif isinstance(stored, StreamItem):
        value = Stream.load(stored.state)
    else:
        value = SortedSet.load(_checked(stored.shape, len(stored.pairs)), stored.pairs)
    return stored.key, value, stored.deadline_ms


def _checked(shape: int, size: int) -> int:
    """A shape that cannot be of such a container must not allocate."""
    if not 0 <= shape <= size + 1:
        raise ValueError(f"impossible shape {shape} of {size} elements")
    return shape
