import pytest

from trivet.core.command.arguments import REPLY_ITEMS_MAX, SYNTAX
from trivet.core.command.collection_arguments import (
    KEYS_NOT_POSITIVE,
    CountedPop,
    clamp,
    counted_pop,
    counted_positions,
    draw_count,
    first_counted_positions,
    index_range,
    pop_count,
    random_count,
    scan_options,
    stored_counted_positions,
)
from trivet.core.wire.reply import Error


@pytest.mark.parametrize(
    ("indices", "size", "expected"),
    [
        ((0, -1), 5, (0, 5)),
        ((1, 3), 5, (1, 4)),
        ((-2, -1), 5, (3, 5)),
        ((-9, 9), 5, (0, 5)),
        ((3, 1), 5, (0, 0)),
        ((5, 9), 5, (0, 0)),
        ((0, -6), 5, (0, 0)),
        ((-(2**63), 2**63 - 1), 5, (0, 5)),
        ((4, 4), 5, (4, 5)),
        ((0, 0), 0, (0, 0)),
    ],
)
def test_an_inclusive_range_becomes_half_open(indices, size, expected):
    assert clamp(indices, size) == expected


def test_an_index_range_takes_integers_only():
    assert index_range(b"-1", b"2") == (-1, 2)
    assert isinstance(index_range(b"1.5", b"2"), Error)
    assert isinstance(index_range(b"1", b"9223372036854775808"), Error)


@pytest.mark.parametrize(
    ("args", "positions"),
    [
        ([b"ZUNION", b"2", b"a", b"b", b"WITHSCORES"], [2, 3]),
        ([b"ZUNION", b"3", b"a", b"b"], []),
        ([b"ZUNION", b"x", b"a"], []),
        ([b"ZUNION", b"0", b"a"], []),
        ([b"ZUNION"], []),
        ([b"ZUNION", b"9223372036854775807", b"a"], []),
    ],
)
def test_keys_after_their_number(args, positions):
    assert first_counted_positions(args) == positions


def test_keys_after_a_destination():
    assert stored_counted_positions([b"ZUNIONSTORE", b"t", b"1", b"a", b"AGGREGATE", b"MAX"]) == [1, 3]
    assert counted_positions([b"X", b"t", b"2", b"a", b"b"], 2) == [3, 4]


def test_counts_at_the_edges_of_what_is_answered():
    assert draw_count(b"%d" % -REPLY_ITEMS_MAX) == -REPLY_ITEMS_MAX
    assert isinstance(draw_count(b"%d" % (-REPLY_ITEMS_MAX - 1)), Error)
    assert draw_count(b"9223372036854775807") == 2**63 - 1
    assert isinstance(draw_count(b"-9223372036854775808"), Error)
    assert random_count([b"HRANDFIELD", b"h", b"-3", b"withvalues"], b"WITHVALUES") == (-3, True)
    assert isinstance(random_count([b"HRANDFIELD", b"h", b"-67108865"], b"WITHVALUES"), Error)


def test_the_count_of_a_pop():
    assert pop_count([b"LMPOP"], 1) == 1
    assert pop_count([b"LMPOP", b"count", b"7"], 1) == 7
    assert pop_count([b"LMPOP", b"COUNT", b"0", b"x"], 1) == Error("ERR count should be greater than 0")
    assert pop_count([b"LMPOP", b"COUNT", b"1", b"x"], 1) == Error("ERR syntax error")
    assert pop_count([b"LMPOP", b"COUNT"], 1) == Error("ERR syntax error")


def test_scan_options():
    options = scan_options([b"HSCAN", b"h", b"0", b"match", b"a*", b"COUNT", b"9223372036854775807"])
    assert not isinstance(options, Error)
    assert options.count == 2**63 - 1
    assert options.select([b"a", b"b", b"ab"]) == [b"a", b"ab"]
    plain = scan_options([b"HSCAN", b"h", b"0"])
    assert not isinstance(plain, Error)
    assert (plain.count, plain.select([b"a"])) == (10, [b"a"])


def test_how_many_of_the_first_key_that_has_any():
    ends = {b"LEFT": True, b"RIGHT": False}
    asked = counted_pop([b"LMPOP", b"2", b"a", b"b", b"right", b"COUNT", b"3"], 1, ends)
    assert isinstance(asked, CountedPop)
    assert (asked.keys, asked.first, asked.count) == ([b"a", b"b"], False, 3)
    assert counted_pop([b"LMPOP", b"1", b"a", b"UP"], 1, ends) == SYNTAX
    assert counted_pop([b"LMPOP", b"1", b"a"], 1, ends) == SYNTAX
    assert counted_pop([b"LMPOP", b"0", b"a", b"LEFT"], 1, ends) == KEYS_NOT_POSITIVE
