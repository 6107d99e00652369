"""Sizes of values: exact for strings, sampled for the rest, and a function of the value alone."""

from typing import get_args

import pytest

from trivet.core.values.consumer_group import ConsumerGroup
from trivet.core.values.databases import Databases
from trivet.core.values.hash_value import Clock, Hash, MortalHash
from trivet.core.values.list_value import List
from trivet.core.values.set_value import Set
from trivet.core.values.sizes import BASE_BYTES, SAMPLES, item_bytes, sampled_bytes, value_bytes
from trivet.core.values.sorted_set import SortedSet
from trivet.core.values.stream import Stream
from trivet.core.values.types import Value


def make(kind: str, count: int, size: int):
    members = [b"%0*d" % (size, number) for number in range(count)]
    if kind == "hash":
        return Hash.load(0, [part for member in members for part in (member, b"v")])
    if kind == "set":
        return Set.of(members)
    if kind == "list":
        return List(members)
    return SortedSet.of({member: float(at) for at, member in enumerate(members)})


KINDS = ["hash", "set", "list", "zset"]


def test_a_string_is_exact():
    assert value_bytes(b"x" * 1000) - value_bytes(b"") == 1000
    assert item_bytes(b"key", b"", False) - item_bytes(b"", b"", False) == 3
    assert item_bytes(b"key", b"", True) > item_bytes(b"key", b"", False)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [1, SAMPLES, SAMPLES + 1, 5000])
def test_equal_elements_are_exact_whatever_is_sampled(kind, count):
    value = make(kind, count, 20)
    assert value_bytes(value) == value_bytes(value, 0) == value_bytes(value, 3)


@pytest.mark.parametrize("kind", KINDS)
def test_it_grows_with_count_and_with_length(kind):
    assert value_bytes(make(kind, 2000, 20)) > value_bytes(make(kind, 1000, 20)) > 1000 * (33 + 20)
    longer = value_bytes(make(kind, 1000, 120)) - value_bytes(make(kind, 1000, 20))
    assert longer == 1000 * 100


def test_a_stream_grows_with_its_entries_and_with_what_is_pending():
    stream = Stream()
    sizes = []
    for number in range(1, 3001):
        stream.append(number << 64, [b"field", b"%06d" % number])
        if number % 1000 == 0:
            sizes.append(value_bytes(stream))
    assert sizes[0] * 2 < sizes[1] * 1.2 < sizes[2]
    group = ConsumerGroup(0, 0)
    stream.groups[b"g"] = group
    consumer = group.add_consumer(b"c", 0)
    before = value_bytes(stream)
    for number in range(1, 101):
        group.add(number << 64, consumer, 0, 1)
    assert value_bytes(stream) >= before + 100 * 100


def test_fields_with_deadlines_count_until_they_are_taken_away():
    clock = Clock(0)
    value = MortalHash.of(make("hash", 3, 5), clock)
    plain = value_bytes(value)
    value.expire_at(b"%05d" % 0, 10)
    mortal = value_bytes(value)
    assert mortal > plain
    clock.now_ms = 20
    assert value_bytes(value) == mortal
    value.take_due(5)
    assert value_bytes(value) < plain


def test_every_type_of_value_has_a_size():
    values = [make(kind, 3, 5) for kind in KINDS] + [
        MortalHash.of(make("hash", 3, 5), Clock(0)),
        Stream(),
        b"",
    ]
    types = {type(value) for value in values}
    declared = [one for kind in get_args(Value) for one in (kind, *kind.__subclasses__())]
    ours = {one for one in declared if one is bytes or one.__module__.startswith("trivet")}
    assert ours == types
    assert all(value_bytes(value) > 0 for value in values)


def test_a_whole_store_from_some_buckets():
    databases = Databases()
    assert sampled_bytes(databases) == BASE_BYTES
    for number in range(20_000):
        databases.open(number % 3).set(b"%06d" % number, b"x" * 10)
    each = item_bytes(b"%06d" % 0, b"x" * 10, False)
    assert sampled_bytes(databases) == pytest.approx(BASE_BYTES + 20_000 * each, rel=0.001)
