from math import inf

import pytest

from tests.core.values.rdb.old_forms import intset, quicklist, ziplist, zipmap, zset
from trivet.core.values.hash_value import Hash, MortalHash
from trivet.core.values.list_value import List
from trivet.core.values.rdb.forms import Form
from trivet.core.values.rdb.lengths import write_string
from trivet.core.values.rdb.listpack import encode
from trivet.core.values.rdb.reader import read_value
from trivet.core.values.rdb.source import Source
from trivet.core.values.set_value import Set
from trivet.core.values.sorted_set import SortedSet
from trivet.core.values.types import Value

FLAT: list[bytes] = [b"f", b"v", b"g", b"2"]
SCORED: list[bytes] = [b"a", b"-inf", b"b", b"1.5", b"c", b"inf"]
SCORES = {b"a": -inf, b"b": 1.5, b"c": inf}


def read(form: int, body: bytes) -> Value:
    return read_value(Source(bytes([form]) + body))


def packed(items: list[bytes]) -> bytes:
    return write_string(encode([*items]))


def test_a_string():
    assert read(Form.STRING, b"\x01x") == b"x"


@pytest.mark.parametrize(
    ("form", "body"),
    [
        (Form.LIST, b"\x03\x01a\x01b\xc0\x01"),
        (Form.LIST_ZIPLIST, write_string(ziplist([b"a", b"b", b"1"]))),
        (Form.LIST_QUICKLIST, quicklist([[b"a"], [], [b"b", b"1"]])),
        (Form.LIST_QUICKLIST_2, b"\x02\x01\x01a\x02" + packed([b"b", b"1"])),
    ],
)
def test_lists(form: Form, body: bytes):
    value = read(form, body)
    assert isinstance(value, List)
    assert value.dump() == [b"a", b"b", b"1"]


@pytest.mark.parametrize(
    ("form", "body"),
    [
        (Form.SET, b"\x02\x01b\x01a"),
        (Form.SET_LISTPACK, packed([b"b", b"a"])),
    ],
)
def test_sets_keep_the_order_of_the_payload(form: Form, body: bytes):
    value = read(form, body)
    assert isinstance(value, Set)
    assert value.to_list() == [b"b", b"a"]


def test_a_set_of_integers():
    value = read(Form.SET_INTSET, write_string(intset([-1, 70_000])))
    assert isinstance(value, Set)
    assert value.to_list() == [b"-1", b"70000"]


@pytest.mark.parametrize(
    ("form", "body"),
    [
        (Form.HASH, b"\x02\x01f\x01v\x01g\xc0\x02"),
        (Form.HASH_ZIPMAP, write_string(zipmap(FLAT))),
        (Form.HASH_ZIPLIST, write_string(ziplist(FLAT))),
        (Form.HASH_LISTPACK, packed(FLAT)),
    ],
)
def test_hashes(form: Form, body: bytes):
    value = read(form, body)
    assert isinstance(value, Hash)
    assert value.dump() == (0, FLAT)


@pytest.mark.parametrize(
    ("form", "body"),
    [
        (Form.ZSET, zset([b"c", b"b", b"a"], [inf, 1.5, -inf])),
        (
            Form.ZSET_2,
            b"\x03\x01b" + bytes(6) + b"\xf8\x3f\x01a" + bytes(6) + b"\xf0\xff\x01c" + bytes(6) + b"\xf0\x7f",
        ),
        (Form.ZSET_ZIPLIST, write_string(ziplist(SCORED))),
        (Form.ZSET_LISTPACK, packed(SCORED)),
    ],
)
def test_sorted_sets(form: Form, body: bytes):
    value = read(form, body)
    assert isinstance(value, SortedSet)
    value.check_invariants()
    assert dict(value.items()) == SCORES


AT_500 = (500).to_bytes(8, "little")
FAR = b"\x81" + (1 << 48).to_bytes(8, "big")


@pytest.mark.parametrize(
    ("form", "body"),
    [
        (Form.HASH_METADATA, AT_500 + b"\x03\x40\x65\x01a\x01v\x01\x01b\x01v\x00\x01c\xc0\x07"),
        (
            Form.HASH_LISTPACK_EX,
            AT_500 + packed([b"a", b"v", b"600", b"b", b"v", b"500", b"c", b"7", b"0"]),
        ),
    ],
)
def test_hashes_with_deadlines_of_fields(form: Form, body: bytes):
    found = read(form, body)
    assert isinstance(found, MortalHash)
    assert found.dump() == (0, [b"a", b"v", b"b", b"v", b"c", b"7"])
    assert found.dump_deadlines() == [600, 500, -1]


@pytest.mark.parametrize(
    ("form", "body"),
    [
        (Form.HASH_METADATA, b"\xff" * 8 + b"\x01\x00\x01f\x01v"),
        (Form.HASH_LISTPACK_EX, bytes(8) + packed([b"f", b"v", b"0"])),
    ],
)
def test_without_deadlines_it_is_a_plain_one(form: Form, body: bytes):
    found = read(form, body)
    assert type(found) is Hash and found.dump() == (0, [b"f", b"v"])


BAD = [
    (Form.HASH_METADATA, AT_500 + b"\x00", "empty"),
    (Form.HASH_METADATA, AT_500 + b"\x02\x01\x01f\x01v\x01\x01f\x01v", "twice"),
    (Form.HASH_METADATA, AT_500 + b"\x01" + FAR + b"\x01f\x01v", "too far"),
    (Form.HASH_METADATA, b"\xff" * 8 + b"\x01\x01\x01f\x01v", "too far"),
    (Form.HASH_METADATA, AT_500 + b"\x80\xff\xff\xff\xff", "more elements"),
    (Form.HASH_METADATA, b"\x01", "too early"),
    (Form.HASH_LISTPACK_EX, AT_500 + packed([]), "empty"),
    (Form.HASH_LISTPACK_EX, AT_500 + packed([b"f", b"v"]), "or a deadline"),
    (Form.HASH_LISTPACK_EX, AT_500 + packed([b"f", b"v", b"soon"]), "that is none"),
    (Form.HASH_LISTPACK_EX, AT_500 + packed([b"f", b"v", b"-5"]), "that is none"),
    (22, b"\x01\x01\x01f\x01v", "unknown form"),
    (23, packed([b"f", b"v", b"0"]), "unknown form"),
    (6, b"\x01x", "unknown form"),
    (7, b"\x01x", "unknown form"),
    (8, b"", "unknown form"),
    (255, b"", "unknown form"),
    (Form.LIST, b"\x00", "empty"),
    (Form.LIST_QUICKLIST, b"\x00", "empty"),
    (Form.LIST_QUICKLIST, quicklist([[]]), "empty"),
    (Form.LIST_QUICKLIST_2, b"\x01\x03\x01a", "unknown kind"),
    (Form.SET, b"\x00", "empty"),
    (Form.SET, b"\x02\x01a\x01a", "twice"),
    (Form.SET, b"\x02\xc0\x01\x011", "twice"),
    (Form.SET_LISTPACK, packed([b"a", b"a"]), "twice"),
    (Form.HASH, b"\x00", "empty"),
    (Form.HASH, b"\x02\x01f\x01v\x01f\x01w", "twice"),
    (Form.HASH_LISTPACK, packed([b"f", b"v", b"f", b"w"]), "twice"),
    (Form.HASH_LISTPACK, packed([b"f", b"v", b"g"]), "without a value"),
    (Form.HASH_ZIPLIST, write_string(ziplist([b"f"])), "without a value"),
    (Form.ZSET, b"\x00", "empty"),
    (Form.ZSET, b"\x01\x01a\xfd", "not a number"),
    (Form.ZSET, b"\x01\x01a\x03nan", "not a number"),
    (Form.ZSET, b"\x01\x01a\x01x", "not a number"),
    (Form.ZSET_2, b"\x01\x01a" + b"\xff" * 8, "not a number"),
    (Form.ZSET_2, (b"\x02" + (b"\x01a" + bytes(8)) * 2), "twice"),
    (Form.ZSET_LISTPACK, packed([b"a", b"nan"]), "not a number"),
    (Form.ZSET_LISTPACK, packed([b"a", b"1", b"b"]), "without a score"),
    (Form.ZSET_LISTPACK, packed([b"a", b"1", b"a", b"2"]), "twice"),
    (Form.ZSET_2, b"\x81" + b"\x7f" * 8, "more elements"),
    (Form.HASH, b"\x80\xff\xff\xff\xff\x01f\x01v", "more elements"),
    (Form.LIST_QUICKLIST_2, b"\x80\xff\xff\xff\xff", "more elements"),
]


@pytest.mark.parametrize(("form", "body", "what"), BAD)
def test_bad_values(form: int, body: bytes, what: str):
    with pytest.raises(ValueError, match=what):
        read(form, body)
