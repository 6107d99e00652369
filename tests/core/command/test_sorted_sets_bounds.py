import pytest

from trivet.core.command.sorted_sets_bounds import index_bounds, member_bounds, score_bounds
from trivet.core.values.sorted_set import SortedSet
from trivet.core.wire.reply import Error

VALUE = SortedSet.of({b"a": 1.0, b"b": 2.0, b"c": 2.0, b"d": 3.5})
EQUAL = SortedSet.of(dict.fromkeys([b"a", b"b", b"c", b"d"], 0.0))


def covered(bounds, value):
    assert not isinstance(bounds, Error)
    start, stop = bounds.ranks(value)
    return b"".join(member for _, member in value.between(start, stop)) if start < stop else b""


@pytest.mark.parametrize(
    ("low", "high", "members"),
    [
        (b"1", b"2", b"abc"),
        (b"(1", b"2", b"bc"),
        (b"1", b"(2", b"a"),
        (b"(1", b"(2", b""),
        (b"-inf", b"+inf", b"abcd"),
        (b"(-inf", b"(inf", b"abcd"),
        (b"inf", b"inf", b""),
        (b"(inf", b"inf", b""),
        (b"3", b"1", b""),
        (b"2.5", b"1e9", b"d"),
        (b"", b"1", b"a"),
        (b" 1", b"2", b"abc"),
        (b"1e-400", b"1e400", b"abcd"),
        (b"-1e400", b"0x2", b"abc"),
        (b"1\x00x", b"2\x00", b"abc"),
        (b"(", b"1", b"a"),
    ],
)
def test_scores(low, high, members):
    assert covered(score_bounds(low, high), VALUE) == members


@pytest.mark.parametrize("text", [b"x", b"nan", b"1 ", b"((1", b"1_0", b" ", b"--1", b"."])
def test_what_is_no_score(text):
    assert score_bounds(text, b"1") == Error("ERR min or max is not a float")
    assert score_bounds(b"1", text) == Error("ERR min or max is not a float")


@pytest.mark.parametrize(
    ("low", "high", "members"),
    [
        (b"-", b"+", b"abcd"),
        (b"[b", b"[c", b"bc"),
        (b"(b", b"[c", b"c"),
        (b"[b", b"(c", b"b"),
        (b"(b", b"(c", b""),
        (b"+", b"-", b""),
        (b"+", b"+", b""),
        (b"-", b"-", b""),
        (b"[", b"[b", b"ab"),
        (b"(aa", b"+", b"bcd"),
        (b"[c", b"[b", b""),
        (b"-\x00x", b"+\x00x", b"abcd"),
    ],
)
def test_members(low, high, members):
    assert covered(member_bounds(low, high), EQUAL) == members


@pytest.mark.parametrize("text", [b"", b"x", b"+x", b"--", b"a[", b"\x00"])
def test_what_is_no_member_bound(text):
    assert member_bounds(text, b"+") == Error("ERR min or max not valid string range item")
    assert member_bounds(b"-", text) == Error("ERR min or max not valid string range item")


@pytest.mark.parametrize(
    ("first", "last", "reverse", "members"),
    [
        (b"0", b"-1", False, b"abcd"),
        (b"1", b"2", False, b"bc"),
        (b"0", b"0", True, b"d"),
        (b"-1", b"-1", True, b"a"),
        (b"2", b"1", False, b""),
        (b"4", b"9", False, b""),
        (b"-9223372036854775808", b"9223372036854775807", True, b"abcd"),
    ],
)
def test_indices(first, last, reverse, members):
    assert covered(index_bounds(first, last, reverse), VALUE) == members


def test_what_is_no_index():
    assert index_bounds(b"1.5", b"0", False) == Error("ERR value is not an integer or out of range")
