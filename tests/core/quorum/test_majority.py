"""Majorities against their definition, over every small case."""

from itertools import combinations, product

import pytest

from trivet.core.quorum.majority import Outcome, agreed, agreed_without, majority, tally


@pytest.mark.parametrize(("count", "needed"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3), (6, 4), (7, 4)])
def test_majority_of_a_set(count: int, needed: int) -> None:
    assert majority(count) == needed


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_agreed_is_the_greatest_value_that_a_majority_has_reached(count: int) -> None:
    voters = tuple(range(1, count + 1))
    for values in product(range(4), repeat=count):
        reached = dict(zip(voters, values, strict=True))
        definition = max(v for v in range(4) if sum(x >= v for x in values) >= majority(count))
        assert agreed(voters, reached) == definition


@pytest.mark.parametrize("count", [2, 3, 4, 5])
def test_without_one_voter_every_majority_with_it_has_another_that_knows(count: int) -> None:
    voters = tuple(range(1, count + 1))
    partners = list(combinations(voters[1:], majority(count) - 1))
    for values in product(range(4), repeat=count):
        reached = dict(zip(voters, values, strict=True))
        definition = min(max(reached[voter] for voter in others) for others in partners)
        assert agreed_without(voters, 1, reached) == definition
        assert agreed_without(voters, 9, reached) == agreed(voters, reached)


def test_nobody_else_knows_what_a_voter_decided_alone() -> None:
    assert agreed_without((1,), 1, {1: 9, 2: 9}) == 0


def test_a_silent_voter_has_reached_nothing_and_a_stranger_does_not_count() -> None:
    assert agreed((1, 2, 3), {1: 9}) == 0
    assert agreed((1, 2, 3), {1: 9, 8: 9, 9: 9}) == 0
    assert agreed((1, 2, 3), {1: 9, 3: 7}) == 7


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_tally_against_its_definition(count: int) -> None:
    voters = tuple(range(1, count + 1))
    for answers in product((None, False, True), repeat=count):
        votes = {v: a for v, a in zip(voters, answers, strict=True) if a is not None}
        yes = sum(a is True for a in answers)
        open_ = sum(a is None for a in answers)
        outcome = tally(voters, votes)
        assert (outcome is Outcome.WON) == (yes >= majority(count))
        assert (outcome is Outcome.LOST) == (yes + open_ < majority(count))


def test_a_stranger_has_no_vote() -> None:
    assert tally((1, 2, 3), {1: True, 7: True, 8: True}) is Outcome.OPEN
