"""What is looked at before a call: no more than it can change."""

import pytest

from trivet.core.machine.convergent_looks import (
    ALL,
    AT,
    INSERT,
    LEFT,
    NAMES,
    REMOVE,
    REPLY,
    RIGHT,
    TRIM,
    Look,
    Looks,
    all_of,
    elements_after,
    payload_of,
)
from trivet.core.values.database import Database
from trivet.core.values.hash_value import Hash
from trivet.core.values.list_value import List
from trivet.core.values.set_value import Set
from trivet.core.values.sorted_set import SortedSet
from trivet.core.values.stream import Stream


def look(value, line: str, told=()) -> Look:
    return Look(value, -1, line.encode().split(), list(told))


def test_of_collections_only_what_is_named():
    members = Set.of([b"x", b"y"])
    found = look(members, "SADD s x z")
    assert (found.way, found.names, found.elements) == (NAMES, [b"x", b"z"], {b"x": True})
    assert elements_after(found, Set.of([b"x", b"z", b"q"])) == {b"x": True, b"z": True}
    assert look(members, "SPOP s").way == REPLY and look(members, "EXPIRE s 5").way == NAMES
    fields = Hash()
    fields.put(b"f", b"1")
    assert look(fields, "HINCRBY h f 1").elements == {b"f": b"1"}
    scores = SortedSet()
    scores.put(b"m", 2.0)
    found = look(scores, "ZREMRANGEBYSCORE z 0 9", [b"m"])
    assert (found.way, found.elements) == (NAMES, {b"m": 2.0})
    found = look(scores, "SOMETHING z")
    assert (found.way, found.elements) == (ALL, {b"m": 2.0}) and elements_after(found, scores) == {b"m": 2.0}


@pytest.mark.parametrize(
    ("line", "way", "positions"),
    [
        ("LPUSH l x", LEFT, []),
        ("RPUSHX l x", RIGHT, []),
        ("LPOP l 2", LEFT, []),
        ("LMPOP 2 l m RIGHT", RIGHT, []),
        ("LMPOP 1 l left COUNT 2", LEFT, []),
        ("LTRIM l 1 -1", TRIM, [1]),
        ("LTRIM l -2 -1", TRIM, [2]),
        ("LTRIM l -9 1", TRIM, [0]),
        ("LTRIM l 9 9", TRIM, [4]),
        ("LREM l 1 x", REMOVE, [0]),
        ("LREM l -1 x", REMOVE, [2]),
        ("LREM l 0 x", REMOVE, [0, 2]),
        ("LSET l -1 q", AT, [3]),
        ("LSET l 9 q", NAMES, []),
        ("LSET l q q", NAMES, []),
        ("LINSERT l BEFORE y q", INSERT, [1]),
        ("LINSERT l after y q", INSERT, [2]),
        ("EXPIRE l 5", NAMES, []),
    ],
)
def test_of_lists_the_items_that_a_call_is_about(line, way, positions):
    found = look(List([b"x", b"y", b"x", b"z"]), line)
    assert (found.way, found.positions, found.length) == (way, positions, 4)


@pytest.mark.parametrize(
    ("line", "ids"),
    [
        ("XADD s * f v", []),
        ("XADD s MAXLEN 2 * f v", [1, 2]),
        ("XADD s NOMKSTREAM MAXLEN ~ 3 * f v", [1]),
        ("XTRIM s MAXLEN = 1", [1, 2]),
        ("XTRIM s MINID 0-3", [1, 2]),
        ("XDEL s 0-2 0-9 nonsense", [2]),
        ("EXPIRE s 5", []),
    ],
)
def test_of_streams_the_entries_that_may_go(line, ids):
    stream = Stream()
    for entry_id in (1, 2, 3):
        stream.append(entry_id, [b"f", b"v"])
    found = look(stream, line)
    assert (list(found.entries), found.last_id) == (ids, 3)


def test_a_look_is_taken_once_when_a_call_is_about_to_change_the_key():
    looks, database = Looks(), Database(0)
    database.hook = looks
    database.set(b"k", b"1")
    assert not looks.found  # no call runs
    looks.begin([b"SET", b"k", b"3"], [])
    database.set(b"k", b"2")
    database.set(b"k", b"3")
    looks.watches = False
    assert looks.found[b"k"].text == b"1"
    looks.begin([b"DEL", b"k"], [])
    assert not looks.found


def test_payloads():
    assert (payload_of(b"x"), payload_of(True), len(payload_of(1.5))) == (b"x", b"", 8)
    assert all_of(Set.of([b"x"])) == {b"x": True} and all_of(b"text") == {}
