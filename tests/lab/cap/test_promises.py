"""Each promise can be broken, and is then said to be."""

import pytest

from tests.lab.cap.squares import TROUBLE, side, square
from trivet.lab.cap.modes import MODE_ROWS, Serves, present
from trivet.lab.cap.promises import broken
from trivet.lab.cap.troubles import TROUBLES

MODE = {mode.name: mode for mode in MODE_ROWS}


def test_a_good_run_keeps_every_promise_of_every_mode():
    for mode in MODE_ROWS:
        for trouble in TROUBLES:
            assert broken(mode, trouble, square(trouble.name)) == []


@pytest.mark.parametrize(
    ("mode", "trouble", "changes", "word"),
    [
        ("raft", "cut", {"writes_lost": 1}, "lost"),
        ("eventual", "cut", {"writes_lost": 1}, "lost"),
        ("primary", "slow", {"writes_lost": 1}, "lost"),
        ("raft", "healthy", {"linearizable": "no"}, "says that it is not"),
        ("local", "crash", {"linearizable": "undecided"}, "cannot decide"),
        ("paxos", "cut", {"stale_reads": 3}, "3 of 50 reads are stale"),
        ("raft", "cut", {"complaints": ["two leaders"]}, "two leaders"),
        ("raft", "cut", {"recover_ms": -1}, "of healing"),
        ("raft", "cut", {"recover_ms": 9_000}, "of healing"),
        ("eventual", "cut", {"converge_ms": 2_500}, "2500 ms after healing"),
        ("eventual", "cut", {"agree": False}, "do not say the same"),
        ("raft", "cut", {"sides": [side("a"), side("b", pause_ms=5_000)]}, "b: a client was not served"),
        ("paxos", "cut", {"sides": [side("a"), side("b", pause_ms=1_100)]}, "b: a client was not served"),
        ("eventual", "split", {"sides": [side("a", pause_ms=700), side("b")]}, "a: a client was not served"),
        ("local", "cut", {"sides": [side("a", pause_ms=700), side("b")]}, "a: a client was not served"),
        ("raft", "cut", {"sides": [side("a", silent=2), side("b")]}, "no answer at all"),
    ],
)
def test_a_broken_promise_is_said(mode, trouble, changes, word):
    (sentence,) = broken(MODE[mode], TROUBLE[trouble], square(trouble, **changes))
    assert word in sentence


@pytest.mark.parametrize(
    ("mode", "trouble", "changes"),
    [
        ("raft", "cut", {"sides": [side("a", pause_ms=8_000), side("b")]}),
        ("raft", "split", {"sides": [side("a", pause_ms=8_000), side("b", pause_ms=8_000)]}),
        ("local", "crash", {"sides": [side("a", pause_ms=8_000), side("b", pause_ms=8_000)]}),
        ("eventual", "cut", {"stale_reads": 3, "linearizable": "no", "converge_ms": 900}),
        ("primary", "cut", {"writes_lost": 7, "stale_reads": 3, "linearizable": "no"}),
    ],
)
def test_what_is_not_promised_may_happen(mode, trouble, changes):
    assert broken(MODE[mode], TROUBLE[trouble], square(trouble, **changes)) == []


def test_the_card_has_the_modes_that_the_store_has():
    assert [mode.name for mode in present(("raft", "eventual"))] == ["raft", "eventual"]
    assert {"raft", "paxos", "local"} <= {mode.name for mode in present()}


def test_each_trouble_says_whom_each_kind_of_mode_serves():
    for trouble in TROUBLES:
        assert set(trouble.served) == set(Serves)
        assert len(trouble.sides([1, 2, 3, 4, 5])) <= 2
