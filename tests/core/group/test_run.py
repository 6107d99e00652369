"""A run is answered once, with one reply per call."""

import pytest

from trivet.core.group.run import Run, finish_runs
from trivet.core.wire.reply import OK, Error


class Told:
    def __init__(self) -> None:
        self.times = 0

    def run_done(self) -> None:
        self.times += 1


def run_of_two() -> tuple[Run, Told]:
    waiter = Told()
    run = Run(waiter, True)
    run.add((0, [b"SET", b"a", b"1"]), 100)
    run.add((0, [b"GET", b"a"]), 20)
    return run, waiter


def test_it_counts_what_it_takes():
    run, _ = run_of_two()
    assert (run.count, run.size_bytes, len(run.calls)) == (2, 120, 2)


def test_it_tells_its_waiter_once():
    run, waiter = run_of_two()
    run.finish([OK, b"1"])
    assert (run.replies, waiter.times) == ([OK, b"1"], 1)
    run.fail(Error("TIMEOUT late"))
    run.finish([OK, b"2"])
    assert (run.replies, waiter.times) == ([OK, b"1"], 1), "what is answered is answered"


def test_a_failure_answers_every_call():
    run, waiter = run_of_two()
    run.calls = []
    error = Error("CLUSTERDOWN no leader")
    run.fail(error)
    assert (run.replies, waiter.times) == ([error, error], 1)


def test_replies_must_match_the_calls():
    run, _ = run_of_two()
    with pytest.raises(AssertionError):
        run.finish([OK])


def test_replies_of_calls_that_went_together_are_handed_out():
    (one, first), (two, second) = run_of_two(), run_of_two()
    finish_runs([one, two], [1, 2, 3, 4])
    assert (one.replies, two.replies, first.times, second.times) == ([1, 2], [3, 4], 1, 1)
