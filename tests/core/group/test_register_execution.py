"""Runs of tasks: which reply is whose."""

import pytest

from trivet.core.access.users import Users
from trivet.core.group.register_execution import (
    DONE_REPLY_BYTES,
    MARK_BYTES,
    REPLY_LOST,
    Execution,
    Runner,
    replies_of,
)
from trivet.core.machine.register import Registers, Task
from trivet.core.script.scripts import Scripts
from trivet.core.values.codec import encode_value

NOW = 1_000_000


def runner(origin: int = 1) -> Runner:
    made = Runner(Registers(Users(), Scripts()), origin)
    made.wall_ms = NOW
    return made


def task(*lines: str, reads: bool = False) -> Task:
    return Task(0, b"k", [(0, line.encode().split()) for line in lines], reads_only=reads)


def test_marks_are_of_one_run_of_one_life() -> None:
    marks = {Runner(Registers(Users(), Scripts()), origin).next_mark() for origin in (1, 2)}
    runner = Runner(Registers(Users(), Scripts()), 1)
    marks |= {runner.next_mark() for _ in range(3)}
    assert len(marks) == 4 and all(len(mark) == MARK_BYTES for mark in marks)


def test_the_reply_of_an_earlier_run_is_not_that_of_the_last() -> None:
    execution = Execution(runner(), [task("INCR k"), task("INCR k", "GET k")], 7, False)
    first = execution.change(None, 0)
    last = execution.change(encode_value(b"5", -1), 3)
    assert execution.results_of(first.reply) is None
    assert replies_of(first.reply, 3) == [1, 2, b"2"]
    results = execution.results_of(last.reply)
    assert results is not None and [result.replies for result in results] == [[6], [7, b"7"]]
    assert last.changed and last.value == encode_value(b"7", -1)


def test_what_changes_nothing_has_a_reply_all_the_same() -> None:
    change = Execution(runner(), [task("SET k v XX")], 7, False).change(None, 0)
    assert not change.changed and change.value is None and replies_of(change.reply, 1) == [None]


def test_a_read_has_the_results_of_its_last_run_and_says_that_the_value_was_late() -> None:
    execution = Execution(runner(), [task("GET k", reads=True), task("EXISTS k", reads=True)], 7, True)
    assert execution.change(encode_value(b"v", NOW - 1), 2).reply == b"" and execution.was_late
    assert not execution.change(encode_value(b"v", -1), 3).changed and not execution.was_late
    results = execution.results_of(b"")
    assert results is not None and [result.replies for result in results] == [[b"v"], [1]]


def test_a_reply_that_is_too_long_to_be_remembered_is_known_to_who_ran_it() -> None:
    long = b"x" * (DONE_REPLY_BYTES + 1)
    execution = Execution(runner(), [task("GETSET k new", "STRLEN k")], 7, False)
    change = execution.change(encode_value(long, -1), 1)
    assert replies_of(change.reply, 2) == [REPLY_LOST, REPLY_LOST]
    results = execution.results_of(change.reply)
    assert results is not None and results[0].replies == [long, 3] and change.changed


@pytest.mark.parametrize(
    "nonsense", [b"", b"x" * 30, b"x" * MARK_BYTES + b"\xc0", b"x" * MARK_BYTES + b"\x90"]
)
def test_nonsense_is_no_reply(nonsense: bytes) -> None:
    assert replies_of(nonsense, 1) is None


def test_the_same_seed_gives_the_same() -> None:
    made = [
        Execution(runner(), [task("SADD k a b c d e", "SPOP k 2")], 7, False).change(None, 0)
        for _ in range(2)
    ]
    assert made[0] == made[1] and (replies_of(made[0].reply, 2) or [])[0] == 5
