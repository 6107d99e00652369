"""Ranges of slots against sets of slots."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trivet.core.cluster import ranges as r
from trivet.core.cluster.slots import SLOTS


def slots(ranges):
    return {slot for first, last in ranges for slot in range(first, last + 1)}


@st.composite
def some_ranges(draw):
    cuts = sorted(draw(st.sets(st.integers(0, 60), max_size=12)))
    return r.union([(a, b) for a, b in zip(cuts[::2], cuts[1::2], strict=False)], [])


@given(some_ranges(), some_ranges())
def test_they_are_sets(one, other):
    assert slots(r.union(one, other)) == slots(one) | slots(other)
    assert slots(r.difference(one, other)) == slots(one) - slots(other)
    assert r.overlap(one, other) == bool(slots(one) & slots(other))
    assert r.covers(one, other) == (slots(one) >= slots(other))
    assert r.count(one) == len(slots(one))
    for result in (one, r.union(one, other), r.difference(one, other)):
        assert r.is_normal(result)


@given(some_ranges())
def test_their_text_is_read_back(one):
    if one:
        assert r.parse(r.show(one).encode()) == one


@given(some_ranges())
def test_the_middle_halves_them(one):
    if r.count(one) < 2:
        assert r.middle(one) == 0
        return
    upper = r.at_least(one, r.middle(one))
    assert r.middle(one) in slots(one)
    assert r.count(upper) == r.count(one) - r.count(one) // 2
    assert slots(upper) == {slot for slot in slots(one) if slot >= r.middle(one)}


def test_at_least_the_first_slot_is_all():
    assert r.at_least([(0, 5)], 0) == [(0, 5)]


@pytest.mark.parametrize(
    "text", [b"", b"-", b"1-", b"-1", b"5-3", b"3,1", b"1,1", b"1-5,5", b"16384", b"a", b"1,,2"]
)
def test_what_is_no_range(text):
    assert r.parse(text) is None


def test_a_text_of_many_ranges_is_refused_before_it_is_read():
    most = ",".join(str(2 * n) for n in range(512)).encode()
    assert r.parse(most) is not None
    assert r.parse(most + b",1024") is None
    assert r.parse(b"1," * 100_000) is None


def test_neighbours_become_one():
    assert r.parse(b"1,2,3-9") == [(1, 9)]
    assert r.show([(1, 9), (11, 11)]) == "1-9,11"


@pytest.mark.parametrize("bad", [[(5, 3)], [(0, 5), (6, 9)], [(4, 5), (1, 2)], [(0, SLOTS)], [(-1, 3)]])
def test_what_is_not_normal(bad):
    assert not r.is_normal(bad)


@pytest.mark.parametrize("parts", [1, 2, 3, 7, 1024])
def test_shares_are_of_one_size(parts):
    shares = r.shares(parts)
    assert r.union(shares, []) == [r.ALL]
    sizes = {last - first + 1 for first, last in shares}
    assert max(sizes) - min(sizes) <= 1
