import pytest

from trivet.core.values.hash_value import Clock, Hash, MortalHash
from trivet.core.values.list_value import List
from trivet.core.values.rdb.payload import dump, is_intact, restore, seal
from trivet.core.values.set_value import Set
from trivet.core.values.sorted_set import SortedSet
from trivet.core.values.types import Value

THEIRS = {
    "000568656c6c6f0a006372df766534200a": b"hello",
    "00c17fff0a001760822854808480": b"-129",
    "00c3093c016161e02f000161610a00a67e08b217d09780": b"a" * 60,
}
"""Written by redis-server 7.0.15."""


@pytest.mark.parametrize("payload", THEIRS)
def test_payloads_of_redis(payload: str):
    assert is_intact(bytes.fromhex(payload))
    assert restore(bytes.fromhex(payload)) == THEIRS[payload]


def test_ours_is_theirs_where_nothing_is_compressed_or_packed():
    assert dump(b"hello").hex() == "000568656c6c6f0a006372df766534200a"
    assert dump(Set.of([b"b", b"a"])).hex() == "0202016201610a0075d99d835ef85f65"


def test_what_is_dumped_is_restored():
    values: list[Value] = [
        b"",
        b"x" * 100_000,
        List([b"%d" % i for i in range(3000)]),
        Set.of([b"%d" % i for i in range(3000)]),
        Hash.load(0, [b"f", b"v"]),
        SortedSet.of({b"%d" % i: i / 7 for i in range(300)}),
    ]
    for value in values:
        payload = dump(value)
        assert is_intact(payload)
        twin = restore(payload)
        assert (
            twin == value
            if isinstance(value, bytes) or isinstance(twin, bytes)
            else twin.dump() == value.dump()
        )


def test_what_follows_the_value_is_ignored():
    assert restore(seal(b"\x00\x01xmore", 10)) == b"x"


@pytest.mark.parametrize(
    "payload",
    [b"", b"123456789", dump(b"x")[:-1], dump(b"x") + b"x", seal(b"\x00\x01x", 13), b"\x01" + dump(b"x")[1:]],
)
def test_what_is_not_intact(payload: bytes):
    assert not is_intact(payload)


def test_versions_up_to_that_of_redis_7_4():
    assert all(is_intact(seal(b"\x00\x01x", version)) for version in range(13))


def test_only_what_has_deadlines_of_fields_needs_a_newer_server():
    clock = Clock(100)
    value = MortalHash(0, clock)
    for field in (b"f", b"g"):
        value.put(field, b"v")
    assert dump(value)[-10:-8] == b"\x0a\x00"
    value.expire_at(b"f", 500)
    payload = dump(value)
    assert payload[-10:-8] == b"\x0c\x00"
    twin = restore(payload)
    assert isinstance(twin, MortalHash)
    assert (twin.dump(), twin.dump_deadlines()) == ((0, [b"f", b"v", b"g", b"v"]), [500, -1])
    clock.now_ms = 500
    assert dump(value)[-10:-8] == b"\x0a\x00", "the one with a deadline is gone"
