"""The map as bytes."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.cluster.conversation import founders, hold_back, lines_of
from trivet.core.cluster.codec import FORMAT
from trivet.core.cluster.map import decode, genesis


def full():
    cluster = genesis("ab12", founders(3))
    for text in (
        'JOIN h 1 2 east {"a":"b"} 77 3',
        "KEYSPACE CREATE 9 SHARDS 2",
        "MOVE START 2 3 0-99 r",
        "MOVE START 1 NEW 5 r",
        "MOVE DONE 1",
        "GROUP TARGET 2 1",
        "LEAD 1 5 2",
    ):
        hold_back(cluster, cluster.change([b"MAP", *text.encode().split()], 5), 5)
    return cluster


def test_everything_comes_back():
    cluster = full()
    copy = decode(cluster.encode())
    assert lines_of(copy) == lines_of(cluster)
    assert copy.encode() == cluster.encode()
    assert (copy.epoch, copy.next_node, copy.next_group, copy.next_move) == (9, 5, 5, 3)
    assert copy.born(77).id == 4
    assert [copy.group_of(9, slot) for slot in (0, 100, 9000)] == [3, 2, 3]


def test_claims_come_back():
    cluster = genesis("ab12", founders(3))
    (_, token) = cluster.change(b"MAP KEYSPACE CREATE 3 NAME three".split(), 5)
    assert decode(cluster.encode()).claims == cluster.claims != {}
    hold_back(cluster, [b"CLAIM", token])
    assert decode(cluster.encode()).settled == {token: ""}
    assert decode(cluster.encode()).keyspaces[3].token == token


def test_a_map_from_before_there_were_claims():
    picture = msgspec.msgpack.decode(full().encode())
    assert decode(msgspec.msgpack.encode([1, *picture[1:10]])).claims == {}


def test_another_format_is_refused():
    picture = msgspec.msgpack.decode(full().encode())
    assert picture[0] == FORMAT
    picture[0] = FORMAT + 1
    with pytest.raises(ValueError, match=f"format {FORMAT + 1}; this version knows {FORMAT}"):
        decode(msgspec.msgpack.encode(picture))


@pytest.mark.parametrize("data", [b"", b"\x90", b"\xc1", b"x" * 100])
def test_what_is_no_map(data):
    with pytest.raises(ValueError, match="not a cluster map"):
        decode(data)


def test_a_map_that_cannot_be_is_refused():
    picture = msgspec.msgpack.decode(full().encode())
    picture[7] = []
    with pytest.raises(ValueError, match="cannot be"):
        decode(msgspec.msgpack.encode(picture))


@given(st.data())
def test_damaged_bytes_are_a_map_or_refused(data):
    good = bytearray(full().encode())
    for _ in range(data.draw(st.integers(1, 3))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = decode(bytes(good))
    except ValueError:
        return
    found.check_invariants()
    found.group_of(0, 0)
