import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trivet.core.values.numbers import (
    INT64_MAX,
    INT64_MIN,
    LongDouble,
    add_long_doubles,
    format_double,
    format_long_double,
    parse_cursor,
    parse_float,
    parse_int,
    parse_long_double,
)


def sum_of(one: bytes, other: bytes) -> bytes:
    first, second = parse_long_double(one), parse_long_double(other)
    assert first is not None
    assert second is not None
    total = add_long_doubles(first, second)
    assert total is not None
    return format_long_double(total)


@given(st.integers(INT64_MIN, INT64_MAX))
def test_every_64_bit_integer_has_one_spelling(number: int):
    text = b"%d" % number
    assert parse_int(text) == number
    for other in (b"+" + text, b" " + text, text + b" ", b"0" + text, text + b".0"):
        assert parse_int(other) is None


@pytest.mark.parametrize(
    "text",
    [
        b"", b"-", b"-0", b"00", b"01", b"-01", b"+1", b"1e3", b"0x1", b"9223372036854775808",
        b"-9223372036854775809",
        b"99999999999999999999", b"1" * 21, b"1" * 5000,
        b"--1", b"1_000", "١".encode(), b"\xb2", b"1\0", b"\n1",
    ],
)  # fmt: skip
def test_anything_else_is_no_integer(text: bytes):
    assert parse_int(text) is None


def test_cursors():
    for text, value in {
        b"": 0, b"0": 0, b"17": 17, b"+17": 17, b"-1": 2**64 - 1, b"18446744073709551615": 2**64 - 1,
        b"0" * 5000 + b"7": 7, b"7\0junk": 7,
    }.items():  # fmt: skip
        assert parse_cursor(text) == value
    for text in (b"x", b"+", b"-", b" 1", b"1 ", b"18446744073709551616", b"1" * 5000, b"0x1"):
        assert parse_cursor(text) is None


@given(st.floats(allow_nan=False))
def test_doubles_come_back(number: float):
    assert parse_float(format_double(number)) == number


def test_floats_in_the_grammar_of_c():
    for text, value in {
        b"1": 1.0, b"-2.5": -2.5, b".5": 0.5, b"5.": 5.0, b"1e3": 1000.0, b"+1": 1.0, b"inf": math.inf,
        b"-Infinity": -math.inf, b"0x10": 16.0, b"0x1.8p1": 3.0,
        b"0": 0.0, b"0e999999999999": 0.0, b"5e-324": 5e-324,
        b"0x0p99999999999": 0.0,
    }.items():  # fmt: skip
        assert parse_float(text) == value
    for text in (
        b"", b"nan", b" 1", b"1 ", b"1e", b"e1", b".", b"1.2.3", b"1_0", b"0x", b"1e400",
        b"-1e400", b"1e-400", b"infi",
        b"0x1p99999", b"0x1p-99999", b"0x1p99999999999", b"1\0", b"++1",
    ):  # fmt: skip
        assert parse_float(text) is None


@pytest.mark.parametrize(
    ("one", "other", "total"),
    [
        (b"0", b"0", b"0"),
        (b"10.5", b"0.1", b"10.6"),
        (b"0.1", b"0.2", b"0.3"),
        (b"5.0e3", b"200", b"5200"),
        (b"3.0", b"1.000000000000000005", b"4.00000000000000001"),
        (b"-1e-20", b"0", b"0"),
        (b"1e17", b"0.1", b"100000000000000000.10156"),
        (b"-5", b"2.5", b"-2.5"),
        (b"0x10", b"0x.8", b"16.5"),
        (b"9223372036854775807", b"1", b"9223372036854775808"),
        (b"18446744073709551615", b"1", b"18446744073709551616"),
        (b"1e-7", b"0", b"0.0000001"),
    ],
)
def test_sums(one: bytes, other: bytes, total: bytes):
    # 1e17 + 0.1 leaves 7 bits for the fraction: the sum is not 0.1 exactly, and all 17 decimals show it.
    assert sum_of(one, other).startswith(total)


def test_sums_that_are_not_finite_are_none():
    infinite, largest = parse_long_double(b"inf"), parse_long_double(b"1.18e4932")
    assert infinite is not None
    assert largest is not None
    assert add_long_doubles(infinite, (1, 0)) is None
    assert add_long_doubles((1, 0), infinite) is None
    assert add_long_doubles(largest, largest) is None


def test_long_doubles_that_do_not_fit_are_refused_in_no_time():
    for text in (
        b"1e4933",
        b"1e-5000",
        b"1e999999999999",
        b"0x1p99999",
        b"1" * 5119,
        b"1" * 6000,
        b"nan",
        b"",
        b" 1",
        b"1e",
    ):
        assert parse_long_double(text) is None
    assert parse_long_double(b"0." + b"0" * 4000 + b"1") is not None
    assert parse_long_double(b"0e999999999999") == (0, 0)


def test_very_long_results_are_printed_whole():
    text = sum_of(b"1e4900", b"1")
    assert len(text) == 4901
    assert text.startswith(b"1000000000000000000")


@given(st.integers(-(2**70), 2**70), st.integers(-100, 100))
def test_the_nearest_long_double_is_found(mantissa: int, exponent: int):
    exact = Fraction(mantissa) * Fraction(10) ** exponent
    value = parse_long_double(b"%de%d" % (mantissa, exponent))
    assert value is not None
    assert abs(value[0]) < 2**64
    assert abs(fraction(value) - exact) * 2**64 <= abs(exact)


def fraction(value: LongDouble) -> Fraction:
    return Fraction(value[0]) * Fraction(2) ** value[1]


@given(st.floats(-1e15, 1e15), st.floats(-1e15, 1e15))
def test_sums_of_doubles_agree_with_exact_arithmetic(one: float, other: float):
    total = Fraction(sum_of(repr(one).encode(), repr(other).encode()).decode())
    exact = Fraction(repr(one)) + Fraction(repr(other))
    assert abs(total - exact) <= max(abs(exact), abs(Fraction(one)), abs(Fraction(other))) / 2**61 + Fraction(
        1, 10**17
    )
