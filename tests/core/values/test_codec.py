import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trivet.core.base.prng import Prng
from trivet.core.values.codec import (
    deadline_of,
    decode_items,
    decode_value,
    encode_items,
    encode_value,
    item_of,
    load_items,
    state_digest,
)
from trivet.core.values.consumer_group import ConsumerGroup
from trivet.core.values.database import Database
from trivet.core.values.databases import Databases
from trivet.core.values.hash_value import Clock, Hash, MortalHash
from trivet.core.values.list_value import List
from trivet.core.values.set_value import Set
from trivet.core.values.sorted_set import SortedSet
from trivet.core.values.stream import Stream
from trivet.core.values.types import Value


def values(size: int = 3) -> list[Value]:
    made: list[Value] = [b"string", b"", List([b"%d" % number for number in range(size)])]
    hashed, members, scored = Hash(), Set(), SortedSet()
    for number in range(size):
        hashed.put(b"f%d" % number, b"v%d" % number)
        members.add(b"m%d" % number)
        scored.put(b"z%d" % number, number / 2)
    scored.put(b"inf", math.inf)
    stream = Stream()
    for number in range(1, size + 1):
        stream.append(number << 64, [b"f", b"%d" % number])
    group = stream.groups[b"g"] = ConsumerGroup(1 << 64, 1)
    group.deliver(1 << 64, group.add_consumer(b"c", 5), 6)
    return [*made, hashed, members, scored, stream]


def twin_of(value: Value) -> Value:
    ((key, twin, deadline_ms),) = decode_items(encode_items([(b"k", value, 99)]))
    assert (key, deadline_ms) == (b"k", 99)
    return twin


@pytest.mark.parametrize("size", [1, 3, 3000])
def test_every_kind_of_value_comes_back(size: int):
    for value in values(size):
        twin = twin_of(value)
        assert type(twin) is type(value)
        if isinstance(value, bytes):
            assert twin == value
        else:
            assert not isinstance(twin, bytes)
            assert twin.dump() == value.dump()


def test_deadlines_of_fields_come_back():
    value = MortalHash.of(Hash.load(0, [b"a", b"1", b"b", b"2"]), Clock(1000))
    value.expire_at(b"b", 500)
    twin = twin_of(value)
    assert isinstance(twin, MortalHash)
    assert twin.dump() == value.dump() == (0, [b"a", b"1", b"b", b"2"])
    assert twin.dump_deadlines() == [-1, 500]
    value.persist(b"b")
    assert type(twin_of(value)) is Hash
    database = Database(0, now_ms=1000)
    load_items(database, [(b"k", twin, -1)])
    assert database.next_deadline_ms() == 500
    assert item_of(database, b"k") is not None
    assert twin.get(b"b") is None


def test_a_restored_set_goes_on_as_the_old_one():
    value = Set.of([b"%d" % number for number in range(5000)])
    for number in range(0, 5000, 3):
        value.discard(b"%d" % number)
    twin = twin_of(value)
    assert isinstance(twin, Set)
    for seed in range(300):
        assert value.take(Prng(seed), 3) == twin.take(Prng(seed), 3)
        value.add(b"new%d" % seed)
        twin.add(b"new%d" % seed)


@given(st.binary(max_size=80))
def test_other_bytes_are_refused(data: bytes):
    try:
        items = decode_items(data)
    except ValueError:
        return
    assert decode_items(encode_items(items)) is not None


def test_cut_bytes_odd_hashes_and_impossible_shapes_are_refused():
    data = encode_items([(b"k", value, -1) for value in values()])
    for bad in (data[:-1], data + b"\0", b""):
        with pytest.raises(ValueError, match="not a list of items"):
            decode_items(bad)
    for stored in (
        [1, b"k", -1, 0, [b"odd"]],
        [3, b"k", -1, 1 << 40, [b"m"]],
        [4, b"k", -1, -1, []],
        [9, b"k", -1, b""],
        [16, b"k", -1, 0, [b"f", b"v"], []],
        [16, b"k", -1, 0, [b"f"], [5]],
        [16, b"k", -1, 1 << 40, [b"f", b"v"], [5]],
    ):
        with pytest.raises(ValueError):
            decode_items(msgspec.msgpack.encode([stored]))


def test_items_are_put_into_a_database_with_their_deadlines():
    database = Database(0)
    load_items(database, [(b"a", b"1", -1), (b"b", b"2", 500)])
    assert item_of(database, b"a") == (b"a", b"1", -1)
    assert item_of(database, b"b") == (b"b", b"2", 500)
    assert item_of(database, b"c") is None


def test_the_digest_sees_the_content_and_not_the_order():
    def made(order: int, index: int = 0, last: bytes = b"x", deadline_ms: int = 900) -> bytes:
        databases = Databases()
        database = databases.open(index)
        members = [b"%d" % number for number in range(300)][::order]
        hashed, scored = Hash(), SortedSet()
        for member in members:
            hashed.put(member, member)
            scored.put(member, float(len(member)))
            database.set(member, member)
        database.set(b"set", Set.of(members))
        database.set(b"hash", hashed)
        database.set(b"zset", scored)
        database.set(b"list", List([b"a", last]))
        database.expire_at(b"list", deadline_ms)
        return state_digest(databases)

    assert made(1) == made(-1)
    different = [
        made(1),
        made(1, index=1),
        made(1, last=b"y"),
        made(1, deadline_ms=901),
        state_digest(Databases()),
    ]
    assert len(dict.fromkeys(different)) == 5


def test_a_value_without_its_key():
    for value in (b"", b"text" * 100, List([b"a", b"b"])):
        data = encode_value(value, 77)
        restored, deadline_ms = decode_value(data)
        assert deadline_ms == 77 and encode_value(restored, 77) == data
    assert len(encode_value(b"x" * 100, -1)) < 110


def test_a_short_string_has_the_bytes_that_it_has_among_others():
    for size in (0, 1, 31, 32, 127, 128, 254, 255, 256, 257, 65_536):
        value = b"\xc4" * size
        data = encode_value(value, -1)
        assert data == encode_items([(b"", value, -1)])[1:]
        assert decode_value(data) == (value, -1)
        assert deadline_of(data) == -1
        for broken in (data[:-1], data + b"x"):
            with pytest.raises(ValueError, match="not a value"):
                decode_value(broken)


@pytest.mark.parametrize("data", [b"", b"nonsense", b"\x94\x63\xc4\x00\xff\xc4\x00", b"\x94\x00\xc4\x00\xff"])
def test_bytes_that_are_no_value(data):
    with pytest.raises(ValueError, match="not a value"):
        decode_value(data)


@pytest.mark.parametrize(
    "deadline_ms", [-1, 0, 1, 127, 128, 255, 256, 65_535, 65_536, 2**32 - 1, 2**32, 1_764_000_000_000, 2**62]
)
def test_the_deadline_is_read_without_the_value(deadline_ms: int):
    for value in values():
        assert deadline_of(encode_value(value, deadline_ms)) == deadline_ms
    mortal = MortalHash.of(Hash.load(0, [b"f", b"v"]), Clock())
    mortal.expire_at(b"f", 5)
    assert deadline_of(encode_value(mortal, deadline_ms)) == deadline_ms


@pytest.mark.parametrize("data", [b"", b"x", b"nonsense", b"\x94\x00\xc4\x00", b"\x94\x00\xc4\x00\xc0"])
def test_other_bytes_have_no_deadline(data: bytes):
    assert deadline_of(data) == -1
