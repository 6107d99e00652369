from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trivet.core.base.prng import Prng
from trivet.core.values.sorted_set import LIST_MAX, Scored, SortedSet

SCORES = st.sampled_from([-inf, -1.5, -0.0, 0.0, 1.0, 2.0, 1e300, 5e-324, inf])
MEMBERS = st.sampled_from([b"", b"a", b"ab", b"b", b"\x00", b"\xff", b"c"])
STEPS = st.lists(st.tuples(st.booleans(), MEMBERS, SCORES), max_size=40)


def model_of(steps: list[tuple[bool, bytes, float]]) -> tuple[SortedSet, list[Scored]]:
    value, model = SortedSet(), {}
    for put, member, score in steps:
        if put:
            assert value.put(member, score) is (member not in model)
            model[member] = score
        else:
            assert value.pop(member) == model.pop(member, None)
    return value, sorted((score, member) for member, score in model.items())


@given(STEPS)
def test_the_order_is_that_of_score_and_bytes(steps):
    value, model = model_of(steps)
    value.check_invariants()
    assert value.all() == model
    for rank, (score, member) in enumerate(model):
        assert value.rank(member) == rank
        assert value.get(member) == score
        assert value.at(rank) == (score, member)
    assert value.rank(b"none") == -1


@given(STEPS, SCORES, st.booleans())
def test_a_rank_by_score(steps, score, above):
    value, model = model_of(steps)
    expected = sum(1 for other, _ in model if other < score or (above and other == score))
    assert value.score_rank(score, above) == expected


@given(st.lists(MEMBERS), MEMBERS, st.booleans())
def test_a_rank_by_member(members, member, above):
    value = SortedSet.of(dict.fromkeys(members, 1.0))
    expected = sum(1 for other in set(members) if other < member or (above and other == member))
    assert value.member_rank(member, above) == expected


@given(STEPS, st.data())
def test_parts_are_those_of_the_order(steps, data):
    value, model = model_of(steps)
    start = data.draw(st.integers(0, len(model)))
    stop = data.draw(st.integers(start, len(model)))
    assert value.between(start, stop) == model[start:stop]
    assert value.remove_between(start, stop) == model[start:stop]
    assert value.all() == model[:start] + model[stop:]
    value.check_invariants()


def large(size: int) -> SortedSet:
    prng = Prng(size)
    value = SortedSet()
    for _ in range(size):
        value.put(b"%d" % prng.below(size * 2), float(prng.below(size) - size // 2))
        if prng.below(5) == 0:
            value.pop(b"%d" % prng.below(size * 2))
    return value


@pytest.mark.parametrize("size", [10, 1100, LIST_MAX * 2])
def test_a_large_one_is_as_a_small_one(size):
    value = large(size)
    value.check_invariants()
    pairs = sorted((score, member) for member, score in value.items())
    assert value.all() == pairs
    middle = len(pairs) // 2
    score, member = pairs[middle]
    assert value.rank(member) == middle
    assert value.at(middle) == pairs[middle]
    assert value.score_rank(score, False) == sum(1 for other, _ in pairs if other < score)
    assert value.score_rank(score, True) == sum(1 for other, _ in pairs if other <= score)
    assert value.remove_between(2, middle) == pairs[2:middle]
    value.check_invariants()
    assert value.all() == pairs[:2] + pairs[middle:]


def test_it_passes_the_limit_in_both_ways_of_filling():
    one_by_one = SortedSet()
    for number in range(LIST_MAX + 2):
        one_by_one.put(b"%d" % number, 1.0)
    at_once = SortedSet.of({b"%d" % number: 1.0 for number in range(LIST_MAX + 2)})
    for value in (one_by_one, at_once):
        value.check_invariants()
        value.put(b"0", 2.0)
        assert value.at(len(value) - 1) == (2.0, b"0")


@pytest.mark.parametrize("size", [10, 1100, LIST_MAX * 2])
def test_what_is_loaded_or_copied_is_the_same_in_every_way(size):
    value = large(size)
    for twin in (SortedSet.load(*value.dump()), value.copy()):
        twin.check_invariants()
        assert twin.dump() == value.dump()
        assert twin.sample(Prng(1), 5) == value.sample(Prng(1), 5)
        assert twin.draw(Prng(2), 5) == value.draw(Prng(2), 5)
        assert twin.scan(0, 10) == value.scan(0, 10)
        twin.put(b"new", 0.5)
        assert b"new" not in value


@pytest.mark.parametrize("size", [10, 1100, LIST_MAX * 2])
def test_chance_and_scans_reach_only_what_is_there(size):
    value = large(size)
    members = {member for _, member in value.all()}
    for count in (1, 3, len(value) // 2, len(value), len(value) + 1):
        sample = value.sample(Prng(count), count)
        assert len(sample) == len(set(sample)) == min(count, len(value))
        assert members.issuperset(sample)
    assert members.issuperset(value.draw(Prng(3), 30))
    cursor, found = value.scan(0, 10)
    while cursor:
        cursor, more = value.scan(cursor, 10)
        found += more
    assert sorted(found) == sorted(members)


def test_a_negative_zero_is_a_zero():
    value = SortedSet()
    value.put(b"a", -0.0)
    assert str(value.get(b"a")) == "0.0"
    assert str(SortedSet.of({b"a": -0.0}).all()[0][0]) == "0.0"


def test_nan_never_gets_in():
    with pytest.raises(AssertionError):
        SortedSet().put(b"a", float("nan"))
