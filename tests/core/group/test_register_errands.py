"""Errands: what goes together, what waits, which copy ends it, and what is surely not done."""

import random
from collections import deque
from collections.abc import Callable

import pytest

from tests.core.group.errand_world import (
    GET,
    INCR,
    ORIGIN,
    SET,
    WALL_MS,
    Bench,
    Look,
    Wanted,
    encoded,
    place_of,
    sent,
)
from tests.core.group.pure import only_pure
from trivet.core.access.users import Users
from trivet.core.group.outbox import TIMEOUT_ERROR
from trivet.core.group.register_errand import NO_MAJORITY, TASKS_MAX
from trivet.core.group.register_errands import (
    GRACE_MS,
    RETRIES_MAX,
    TOO_MANY,
    VALUE_TOO_LARGE,
)
from trivet.core.group.register_execution import (
    DONE_REPLY_BYTES,
    REPLY_LOST,
    Execution,
    Runner,
    replies_of,
)
from trivet.core.machine.register import Registers, Task
from trivet.core.paxos.operation import Operation, Outcome
from trivet.core.script.scripts import Scripts
from trivet.core.wire.reply import NOT_HERE, OK, Error

pytestmark = only_pure


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_what_comes_for_a_key_goes_together(bench: Bench) -> None:
    first, second, other = bench.add(SET, GET), bench.add(INCR), bench.add([b"SET", b"other", b"1"])
    one, two = bench.begin()
    assert (one.seq, two.seq, one.origin, one.fresh) == (1, 2, ORIGIN, True)
    waiting = [bench.add(INCR) for _ in range(3)]
    assert not bench.due(), "one operation of a key at a time"
    assert bench.errands.pending_bytes == 20 + 10 + 10 + 30 and bench.errands.has_writes
    bench.do(two)
    bench.do(one)
    assert first.replies == [OK, b"v"] and other.replies == [OK]
    assert second.replies is not None and isinstance(second.replies[0], Error)
    (three,) = bench.begin()
    assert bench.errands.settled == 3
    bench.do(three)
    assert all(part.replies for part in waiting)
    assert not bench.errands.busy and bench.errands.pending_bytes == 0 and bench.errands.settled == 4


def test_reads_run_beside_a_write_and_behind_one_that_waits(bench: Bench) -> None:
    bench.add(SET)
    (write,) = bench.begin()
    reads = [bench.add(GET, reads=True) for _ in range(2)]
    (read,) = bench.begin()
    assert read.reads_only and read.seq == 0
    bench.do(read)
    assert [part.replies for part in reads] == [[None], [None]]
    behind = bench.add(INCR), bench.add(GET, reads=True)
    assert not bench.due()
    bench.do(write)
    (both,) = bench.begin()
    assert not both.reads_only
    bench.do(both)
    assert behind[1].replies == [b"v"]


def test_reads_that_went_with_writes_are_followed_by_the_next(bench: Bench) -> None:
    """N5: else the second would be answered first, with an older value."""
    bench.add(INCR)
    (first,) = bench.begin()
    bench.add(INCR)
    one = bench.add(GET, reads=True)
    bench.do(first)
    (errand,) = bench.due()
    operation = bench.errands.operation(errand)
    two = bench.add(GET, reads=True)
    assert not bench.due(), "it waits for the first"
    bench.do(operation)
    (read,) = bench.begin()
    assert read.reads_only, "nothing but reads waits any more"
    bench.do(read)
    assert (one.replies, two.replies) == ([b"2"], [b"2"])
    assert bench.errands.pending_bytes == 0 and not bench.errands.busy


def test_reads_go_on_alone_while_one_is_under_way(bench: Bench) -> None:
    """N5: along with a write it would overtake the one before."""
    one = bench.add(GET, reads=True)
    (read,) = bench.begin()
    bench.add(INCR)
    (write,) = bench.begin()
    bench.add(INCR)
    two = bench.add(GET, reads=True)
    (behind,) = bench.begin()
    assert behind.reads_only
    bench.do(write)
    bench.do(read)
    bench.do(behind)
    assert (one.replies, two.replies) == ([b"1"], [b"1"])


def test_reads_behind_one_that_found_a_late_value_follow_it(bench: Bench) -> None:
    """N4, N5."""
    bench.values[place_of(b"k")] = (encoded(b"7", WALL_MS - 1), 4)
    one = bench.add(GET, reads=True)
    (first,) = bench.begin()
    two = bench.add(GET, reads=True)
    (second,) = bench.begin()
    bench.do(first)
    (write,) = bench.begin()
    bench.values[place_of(b"k")] = (encoded(b"8", -1), 5)
    bench.do(second)
    assert (one.replies, two.replies) == (None, None)
    bench.values[place_of(b"k")] = (encoded(b"9", -1), 6)
    bench.do(write)
    bench.do(bench.begin()[0])
    assert (one.replies, two.replies) == ([b"9"], [b"9"])


def test_a_look_comes_after_what_was_written_before(bench: Bench) -> None:
    """``SET``, ``WATCH`` in one pipeline."""
    bench.add(SET)
    (write,) = bench.begin()
    look = Look([[b"EXISTS", b"k"]], True)
    bench.errands.add(look, 0)
    assert not bench.due()
    bench.do(write)
    (read,) = bench.begin()
    assert read.reads_only
    bench.do(read)
    assert look.seen == (1, True)


def test_what_is_written_behind_a_look_goes_in_a_later_operation(bench: Bench) -> None:
    """W3: also behind one that waits itself."""
    first = bench.add(SET)
    looks = []
    for waits in (False, True):
        look = Look([[b"EXISTS", b"k"]], True)
        bench.errands.add(look, 0)
        looks.append(look)
        last = bench.add(SET)
        if not waits:
            (write,) = bench.begin()
    bench.do(write)
    assert first.replies is not None and looks[0].seen == (1, True) and last.replies is None
    (write,) = bench.begin()
    bench.do(write)
    assert looks[1].seen == (2, True) and last.replies is None
    (write,) = bench.begin()
    bench.do(write)
    assert last.replies is not None and bench.values[place_of(b"k")][1] == 3


def test_a_look_before_writes_of_its_client_goes_as_a_write(bench: Bench) -> None:
    """W3: a read would run beside them."""
    look = Look([[b"EXISTS", b"k"]], True)
    look.before_writes = True
    bench.errands.add(look, 0)
    last = bench.add(SET)
    (write,) = bench.begin()
    assert not write.reads_only
    bench.do(write)
    assert look.replies is not None and last.replies is None
    bench.do(bench.begin()[0])
    assert last.replies is not None


@pytest.mark.parametrize("seed", range(30))
def test_one_who_does_not_wait_never_sees_an_older_value_after_a_newer_one(bench: Bench, seed: int) -> None:
    """N5. Reads that were begun run in order, as in the room; writes run whenever they do."""
    chance = random.Random(seed)
    reads: deque[Operation] = deque()
    writes: list[Operation] = []
    asked: list[Wanted] = []
    for step in range(200):
        kind = chance.randrange(5)
        if kind == 0 and step < 180:
            bench.add(INCR)
        elif kind == 1 and step < 180:
            asked.append(bench.add(GET, reads=True))
        elif kind == 2 and writes:
            bench.do(writes.pop(chance.randrange(len(writes))))
        elif kind == 3 and reads:
            bench.do(reads.popleft())
        for operation in bench.begin() if chance.random() < 0.7 else []:
            (reads if operation.reads_only else writes).append(operation)
    while reads or writes or bench.errands.has_due:
        for operation in bench.begin():
            (reads if operation.reads_only else writes).append(operation)
        for operation in [*writes, *reads]:
            bench.do(operation)
        reads.clear()
        writes.clear()
    seen = [int(part.replies[0] or b"0") for part in asked if part.replies]
    assert len(seen) == len(asked) > 10 and seen == sorted(seen)
    assert bench.errands.pending_bytes == 0 and not bench.errands.busy


def test_an_operation_has_limits(bench: Bench) -> None:
    bench.add(SET)
    (first,) = bench.begin()
    for _ in range(TASKS_MAX + 5):
        bench.add(GET, [b"INCR", b"k"])
    bench.do(first)
    (second,) = bench.due()
    assert len(second.parts) == TASKS_MAX
    bench.do(bench.errands.operation(second))
    (third,) = bench.due()
    assert len(third.parts) == 5


def test_calls_without_a_key_run_at_once(bench: Bench) -> None:
    part = Wanted([[b"TIME"]])
    bench.errands.add(part, 0)
    assert part.replies is not None and not bench.errands.busy


def test_a_late_value_is_taken_away_before_a_read_is_answered(bench: Bench) -> None:
    place = place_of(b"k")
    bench.values[place] = (encoded(b"v", WALL_MS - 1), 4)
    part = bench.add(GET, reads=True)
    (read,) = bench.begin()
    bench.do(read)
    assert part.replies is None
    (write,) = bench.begin()
    assert not write.reads_only and write.seq == 1
    bench.do(write)
    assert part.replies == [None] and bench.values[place] == (None, 5)
    assert bench.errands.pending_bytes == 0


def test_a_task_without_calls_takes_what_is_late(bench: Bench) -> None:
    place = place_of(b"k")
    bench.values[place] = (encoded(b"v", WALL_MS - 1), 4)
    part = Wanted([])
    part.task = Task(0, b"k", [])
    bench.errands.add(part, 0)
    bench.do(bench.begin()[0])
    assert part.replies == [] and bench.values[place] == (None, 5)


# -- copies


def test_a_copy_elsewhere_ends_it(bench: Bench) -> None:
    part, errand = sent(bench, INCR)
    there = Execution(Runner(Registers(Users(), Scripts()), 99), errand.tasks, errand.seed, False)
    reply = there.change(None, 0).reply
    bench.errands.answered(3, 1, Outcome.OK, 9, reply, 0)
    assert part.replies is None, "of somebody else"
    bench.errands.answered(2, 1, Outcome.OK, 9, reply, 0)
    assert part.replies == [1] and bench.errands.since == 9
    bench.errands.answered(2, 1, Outcome.OK, 9, reply, 0)
    assert not bench.errands.busy


def test_a_copy_that_is_not_answered_is_followed_by_one_here(bench: Bench) -> None:
    part, _ = sent(bench, INCR)
    bench.errands.since = 50
    bench.errands.retry(0)
    assert not bench.due()
    bench.errands.retry(1)
    bench.errands.retry(1)
    (again,) = bench.begin()
    assert (again.seq, again.since, again.fresh, again.sole) == (1, 0, False, False)
    bench.do(again)
    assert part.replies == [1]
    bench.errands.answered(2, 1, Outcome.DEFINITE, 0, b"", 0)


@pytest.mark.parametrize(
    ("here", "there", "reply"),
    [
        (Outcome.DEFINITE, Outcome.DEFINITE, NO_MAJORITY),
        (Outcome.DEFINITE, Outcome.INDEFINITE, TIMEOUT_ERROR),
        (Outcome.INDEFINITE, Outcome.DEFINITE, TIMEOUT_ERROR),
        (Outcome.DEFINITE, None, TIMEOUT_ERROR),
        (Outcome.BUSY, Outcome.BUSY, TOO_MANY),
        (Outcome.TOO_LARGE, Outcome.DEFINITE, VALUE_TOO_LARGE),
        (Outcome.FORGOTTEN, Outcome.DEFINITE, TIMEOUT_ERROR),
        (Outcome.OVER, Outcome.DEFINITE, TIMEOUT_ERROR),
    ],
)
def test_definite_is_what_all_copies_say(
    bench: Bench, here: Outcome, there: Outcome | None, reply: Error
) -> None:
    """N2."""
    for order in (0, 1):
        part, _ = sent(bench, INCR)
        bench.errands.retry(1)
        (again,) = bench.begin()

        def elsewhere(seq: int = again.seq) -> None:
            if there is None:
                bench.errands.lost(2)
            else:
                bench.errands.answered(2, seq, there, 0, b"", 0)

        def at_home(again: Operation = again) -> None:
            bench.end(again, here)

        for end in (elsewhere, at_home) if order else (at_home, elsewhere):
            assert part.replies is None
            end()
        assert part.replies == [reply]
    assert not bench.errands.busy


def test_a_lost_link_is_followed_by_a_copy_here(bench: Bench) -> None:
    part, _ = sent(bench, INCR)
    bench.errands.lost(3)
    assert not bench.due()
    bench.errands.lost(2)
    (again,) = bench.begin()
    bench.end(again, Outcome.DEFINITE)
    assert part.replies == [TIMEOUT_ERROR], "the other copy may have done it"


def test_what_is_not_taken_elsewhere_is_begun_here(bench: Bench) -> None:
    part, _ = sent(bench, INCR)
    bench.errands.answered(2, 1, Outcome.BUSY, 0, b"", 0)
    (again,) = bench.begin()
    assert not again.fresh
    bench.do(again)
    assert part.replies == [1]


def test_the_only_copy_gets_another_seq_when_too_much_is_forgotten(bench: Bench) -> None:
    """N1."""
    part = bench.add(INCR)
    (first,) = bench.begin()
    for number in range(RETRIES_MAX):
        first.version = 40 + number
        bench.end(first, Outcome.FORGOTTEN)
        (first,) = bench.begin()
        assert (first.seq, first.since) == (number + 2, 40 + number)
    bench.end(first, Outcome.FORGOTTEN)
    assert part.replies == [NO_MAJORITY]


def test_it_gets_none_when_its_accept_has_left(bench: Bench) -> None:
    part = bench.add(INCR)
    (first,) = bench.begin()
    first.exposed = True
    bench.end(first, Outcome.FORGOTTEN)
    assert part.replies == [TIMEOUT_ERROR]


# -- replies


def test_a_reply_is_that_of_the_run_that_was_accepted(bench: Bench) -> None:
    """N3."""
    part = bench.add(INCR)
    (operation,) = bench.begin()
    first = operation.change(None, 0)
    operation.change(encoded(b"7", -1), 3)
    operation.reply, operation.version = first.reply, 1
    bench.end(operation)
    assert part.replies == [1], "not that of the second run"


def test_long_replies_are_not_remembered(bench: Bench) -> None:
    long = b"x" * (DONE_REPLY_BYTES + 1)
    bench.values[place_of(b"k")] = (encoded(long, -1), 1)
    part = bench.add([b"GETSET", b"k", b"new"])
    (operation,) = bench.begin()
    bench.run(operation)
    assert replies_of(operation.reply, 1) == [REPLY_LOST]
    bench.end(operation)
    assert part.replies == [long], "who has run it knows"


def test_nonsense_from_elsewhere_is_a_lost_reply(bench: Bench) -> None:
    for nonsense in (b"", b"x" * 30, b"x" * 16 + b"\xc0", b"x" * 16 + b"\x91\x91\xa1q"):
        assert replies_of(nonsense, 1) is None
    part, _ = sent(bench, INCR)
    bench.errands.answered(2, 1, Outcome.OK, 1, b"?", 0)
    assert part.replies == [REPLY_LOST]


# -- time, and the end


def test_what_waits_too_long_is_given_up(bench: Bench) -> None:
    first = bench.add(INCR)
    (begun,) = bench.begin()
    waiting = bench.add(INCR)
    read = bench.add(GET, reads=True)
    bench.errands.expire(1)
    assert waiting.replies == [NO_MAJORITY] and read.replies == [NO_MAJORITY] and first.replies is None
    bench.errands.expire(GRACE_MS + 1)
    assert first.replies == [TIMEOUT_ERROR]
    bench.add(INCR)
    (next_,) = bench.begin()
    bench.end(begun)
    bench.do(next_)
    assert not bench.errands.busy and bench.errands.pending_bytes == 0


def test_a_read_under_way_is_given_up_too(bench: Bench) -> None:
    read = bench.add(GET, reads=True)
    (begun,) = bench.begin()
    bench.errands.expire(GRACE_MS + 1)
    bench.errands.expire(GRACE_MS + 1)
    assert read.replies == [TIMEOUT_ERROR]
    bench.end(begun)
    assert not bench.errands.busy


def test_a_group_that_is_no_more_answers_everybody(bench: Bench) -> None:
    parts: list[Callable[[], Wanted]] = [lambda: bench.add(INCR), lambda: bench.add(GET, reads=True)]
    begun = [part() for part in parts]
    bench.begin()
    waiting = bench.add(INCR)
    unbegun = bench.add([b"INCR", b"other"])
    bench.errands.fail_all()
    assert [part.replies for part in begun] == [[TIMEOUT_ERROR], [TIMEOUT_ERROR]]
    assert waiting.replies == unbegun.replies == [NOT_HERE]
    assert bench.errands.pending_bytes == 0 and not bench.due()


def test_what_a_run_says_to_others_is_kept_for_the_group(bench: Bench) -> None:
    bench.errands.notes_changes = True
    bench.runner.registers.notifies = 0x1FF
    bench.add(SET)
    bench.do(bench.begin()[0])
    assert bench.errands.changed == [b"k"] and bench.errands.events
