"""One set of voters decides alone; two sets decide together (§4.3)."""

from itertools import product

import pytest

from trivet.core.quorum.electorate import Electorate
from trivet.core.quorum.majority import Outcome, agreed, tally


def test_one_set_decides_like_a_majority() -> None:
    electorate = Electorate((3, 1, 2))
    assert electorate.members == (1, 2, 3)
    assert electorate.agreed({1: 5, 2: 4, 3: 1}) == 4
    assert electorate.tally({1: True, 2: True}) is Outcome.WON
    assert electorate.tally({1: False, 2: False}) is Outcome.LOST


def test_two_sets_agree_on_the_lower_value() -> None:
    electorate = Electorate((1, 2, 3), (3, 4, 5))
    assert electorate.members == (1, 2, 3, 4, 5)
    for values in product(range(3), repeat=5):
        reached = dict(zip(range(1, 6), values, strict=True))
        assert electorate.agreed(reached) == min(agreed((1, 2, 3), reached), agreed((3, 4, 5), reached))


def test_without_one_voter_the_lower_value_counts_too() -> None:
    electorate = Electorate((1, 2, 3), (3, 4, 5))
    assert electorate.agreed_without(3, {1: 9, 2: 9, 3: 9, 4: 9}) == 0
    assert electorate.agreed_without(3, {1: 9, 2: 8, 4: 9, 5: 7}) == 7
    assert Electorate((1, 2)).agreed_without(2, {1: 5}) == 5


def test_a_vote_must_be_won_in_both_sets() -> None:
    electorate = Electorate((1, 2, 3), (3, 4, 5))
    for answers in product((None, False, True), repeat=5):
        votes = {v: a for v, a in zip(range(1, 6), answers, strict=True) if a is not None}
        both = {tally((1, 2, 3), votes), tally((3, 4, 5), votes)}
        outcome = electorate.tally(votes)
        assert (outcome is Outcome.WON) == (both == {Outcome.WON})
        assert (outcome is Outcome.LOST) == (Outcome.LOST in both)


def test_a_voter_stands_once_in_a_set() -> None:
    with pytest.raises(AssertionError):
        Electorate((1, 1, 2))


def test_without_voters_nothing_is_decided() -> None:
    assert Electorate(()).members == ()
    with pytest.raises(AssertionError):
        Electorate((), (1, 2))
    with pytest.raises(AssertionError):
        Electorate(()).tally({})
