import pytest
from hypothesis import given
from hypothesis import strategies as st

from trivet.core.machine.slot_ranges import parse_number, parse_ranges, ranges_of, write_ranges


@given(st.lists(st.integers(0, 16383), unique=True, max_size=40))
def test_there_and_back(slots):
    table = bytearray(16384)
    for slot in slots:
        table[slot] = 7
    ranges = ranges_of(table, 7)
    assert sorted(slots) == [slot for low, high in ranges for slot in range(low, high + 1)]
    assert parse_ranges(write_ranges(ranges)) == ranges


def test_none_and_all():
    assert parse_ranges(b"") == []
    assert ranges_of(bytearray(16384), 0) == [(0, 16383)]


@pytest.mark.parametrize(
    "data",
    [
        b"1",
        b"-",
        b"1-",
        b"2-1",
        b"0-16384",
        b"0-5,5-6",
        b"7-8,1-2",
        b"0-1,",
        b"a-b",
        b"-1-2",
        b"0-1" * 100_000,
    ],
)
def test_what_is_no_range(data):
    with pytest.raises(ValueError):
        parse_ranges(data)


def test_numbers():
    assert [parse_number(data) for data in (b"0", b"17", b"9" * 18)] == [0, 17, 10**18 - 1]
    for data in (b"", b"-1", b"+1", b"1.5", b"x", b"9" * 19, b"9" * 5000):
        with pytest.raises(ValueError):
            parse_number(data)
