"""Errands: what goes together, what waits, which copy ends it, and what is surely not done."""

import random
from collections import deque
from collections.abc import Callable
from typing import ClassVar

import pytest

from tests.core.group.pure import only_pure
from trivet.core.access.users import Users
from trivet.core.base.limits import Limits
from trivet.core.base.prng import Prng
from trivet.core.group.outbox import TIMEOUT_ERROR
from trivet.core.group.register_errand import NO_MAJORITY, TASKS_MAX, Errand
from trivet.core.group.register_errands import (
    GRACE_MS,
    RETRIES_MAX,
    TOO_MANY,
    VALUE_TOO_LARGE,
    Errands,
)
from trivet.core.group.register_execution import (
    DONE_REPLY_BYTES,
    REPLY_LOST,
    Execution,
    Numbers,
    Runner,
    replies_of,
)
from trivet.core.group.register_keys import place_key, slot_of_place
from trivet.core.group.register_runs import Part
from trivet.core.group.run import Run
from trivet.core.machine.register import Registers, Task
from trivet.core.paxos.operation import Operation, Outcome
from trivet.core.paxos.slots import SEALED, SERVED, Holding, Span
from trivet.core.script.scripts import Scripts
from trivet.core.values.codec import encode_value
from trivet.core.values.types import Value
from trivet.core.wire.reply import NOT_HERE, OK, Error, Reply

pytestmark = only_pure

WALL_MS = 1_000_000
ORIGIN = 77


class Wanted(Part):
    """A part that remembers its end."""

    def __init__(self, calls: list[list[bytes]], reads_only: bool = False, now_ms: int = 0) -> None:
        key = calls[0][1] if calls and len(calls[0]) > 1 else None
        task = Task(0, key, [(0, call) for call in calls], 0, None, reads_only)
        super().__init__(task, 10 * len(calls), now_ms)
        self.replies: list[Reply] | None = None
        self.seen: tuple[int, bool] = (0, False)
        self.home: list[Run] | None = None

    def done(self, replies: list[Reply], version: int, there: bool) -> None:
        assert self.replies is None, "answered twice"
        self.replies = replies
        self.seen = (version, there)

    def failed(self, error: Error) -> None:
        self.done([error] * len(self.task.calls), 0, False)

    def moved(self) -> None:
        self.done([NOT_HERE] * len(self.task.calls), 0, False)

    def rehome(self, misrouted: list[Run]) -> None:
        self.home = misrouted


class Look(Wanted):
    """As that of ``WATCH``."""

    behind_writes: ClassVar[bool] = True


class Bench:
    """Errands, and a room that ends operations as the test says."""

    def __init__(self, numbers: Numbers | None = None) -> None:
        self.runner = Runner(Registers(Users(), Scripts()), ORIGIN, numbers)
        self.runner.wall_ms = WALL_MS
        self.errands = Errands(self.runner, Prng(1), 1000, Limits())
        self.values: dict[bytes, tuple[bytes | None, int]] = {}
        self.now_ms = 0

    def add(self, *calls: list[bytes], reads: bool = False) -> Wanted:
        part = Wanted(list(calls), reads, self.now_ms)
        self.errands.add(part, self.now_ms)
        return part

    def due(self) -> list[Errand]:
        return self.errands.take_due()

    def begin(self) -> list[Operation]:
        """Everything that is due is submitted here."""
        return [self.errands.operation(errand) for errand in self.due()]

    def run(self, operation: Operation) -> None:
        """As the room runs it."""
        value, version = self.values.get(operation.key, (None, 0))
        change = operation.change(value, version)
        if change.changed:
            version += 1
            self.values[operation.key] = (change.value, version)
        operation.reply, operation.version = change.reply, version

    def end(self, operation: Operation, outcome: Outcome = Outcome.OK) -> None:
        operation.outcome = outcome
        self.errands.ended(operation, self.now_ms)
        self.errands.check_rest()

    def do(self, operation: Operation) -> None:
        self.run(operation)
        self.end(operation)


@pytest.fixture
def bench() -> Bench:
    return Bench()


SET = [b"SET", b"k", b"v"]
GET = [b"GET", b"k"]
INCR = [b"INCR", b"k"]


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


def sent(bench: Bench, *calls: list[bytes]) -> tuple[Wanted, Errand]:
    part = bench.add(*calls)
    (errand,) = bench.due()
    bench.errands.sent(errand, 2, bench.now_ms)
    return part, errand


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


def holding(*states: int) -> Holding:
    """All slots in that state; none: nothing is held."""
    return Holding(tuple([Span(0, 16383, 1, state) for state in states]), slot_of_place)


def test_calls_of_slots_that_are_not_served_go_elsewhere(bench: Bench) -> None:
    """M1."""
    bench.errands.hold(holding(SEALED))
    assert bench.add(INCR).replies == [NOT_HERE]
    assert bench.add(GET, reads=True).replies == [NOT_HERE]
    assert bench.add([b"TIME"]).replies != [NOT_HERE]
    assert not bench.errands.busy


def test_what_has_surely_not_happened_goes_elsewhere(bench: Bench) -> None:
    """M2."""
    write, read = bench.add(INCR), bench.add(GET, reads=True)
    begun = bench.begin()
    waiting = bench.add(INCR)
    bench.errands.hold(holding(SEALED))
    for operation in begun:
        operation.exposed = operation.reads_only  # of a read that tells nothing
        bench.end(operation, Outcome.MOVED)
    assert write.replies == read.replies == [NOT_HERE]
    (next_one,) = bench.begin()
    bench.end(next_one, Outcome.MOVED)
    assert waiting.replies == [NOT_HERE]
    assert bench.errands.pending_bytes == 0


def stranded(bench: Bench) -> tuple[Wanted, Operation]:
    """A write in doubt, of a slot that is sealed."""
    write = bench.add(INCR)
    (operation,) = bench.begin()
    bench.errands.hold(holding(SEALED))
    operation.exposed = True
    bench.end(operation, Outcome.MOVED)
    assert write.replies is None
    return write, operation


def test_what_is_in_doubt_waits_for_who_serves_the_slot_next(bench: Bench) -> None:
    """M4: a copy with all its numbers; what waits behind it goes elsewhere at once."""
    bench.errands.hold(holding(SERVED))
    write = bench.add(INCR)
    (operation,) = bench.begin()
    behind = bench.add(SET)
    bench.errands.hold(holding(SEALED))
    operation.exposed = True
    bench.end(operation, Outcome.MOVED)
    assert behind.replies == [NOT_HERE]
    heir = Bench(bench.runner.numbers)
    heir.errands.since = 50
    misrouted: list[Run] = []
    (errand,) = bench.errands.stranded.values()
    bench.errands.hand_over(errand, heir.errands, misrouted)
    bench.errands.check_rest()
    assert not bench.errands.busy
    assert bench.errands.pending_bytes == 0
    assert write.home is misrouted
    (copy,) = heir.begin()
    assert (copy.seq, copy.since, copy.fresh) == (operation.seq, operation.since, False)
    heir.do(copy)
    assert write.replies == [1]
    assert heir.errands.pending_bytes == 0


def test_a_seal_that_is_lifted_lets_it_go_on_here(bench: Bench) -> None:
    write, operation = stranded(bench)
    bench.errands.hold(holding(SERVED))
    assert not bench.errands.stranded
    (copy,) = bench.begin()
    assert (copy.seq, copy.fresh) == (operation.seq, False)
    bench.do(copy)
    assert write.replies == [1]


def test_what_comes_to_be_in_doubt_too_late_stays_in_doubt(bench: Bench) -> None:
    """It would come behind what its client has sent to the other group since."""
    write, _ = stranded(bench)
    bench.errands.give_up_stranded()
    assert write.replies is None
    bench.errands.hold(holding())
    bench.errands.give_up_stranded()
    assert write.replies == [TIMEOUT_ERROR]
    assert not bench.errands.busy


def test_a_copy_elsewhere_is_waited_for(bench: Bench) -> None:
    write = bench.add(INCR)
    (errand,) = bench.due()
    bench.errands.sent(errand, 2, 0)
    bench.errands.hold(holding(SEALED))
    bench.errands.answered(2, errand.seq, Outcome.BUSY, 0, b"", 0)
    (here,) = bench.begin()
    bench.end(here, Outcome.MOVED)
    assert write.replies == [NOT_HERE]


def test_a_link_that_breaks_leaves_a_doubt(bench: Bench) -> None:
    write = bench.add(INCR)
    (errand,) = bench.due()
    bench.errands.sent(errand, 2, 0)
    bench.errands.hold(holding(SEALED))
    bench.errands.lost(2)
    (here,) = bench.begin()
    bench.end(here, Outcome.MOVED)
    assert write.replies is None
    assert list(bench.errands.stranded.values()) == [errand]


def test_two_groups_of_a_node_count_together(bench: Bench) -> None:
    """M3: registers bring along what they remember of an origin."""
    other = Bench(bench.runner.numbers)
    marks, seqs = {}, {}
    for one in (bench, other, bench, other):
        one.add(INCR)
        (operation,) = one.begin()
        seqs[operation.seq] = None
        one.do(operation)
        marks[operation.reply[:16]] = None
    assert (len(seqs), len(marks)) == (4, 4)


def test_an_errand_that_finds_another_on_its_key_is_in_doubt(bench: Bench) -> None:
    write, _ = stranded(bench)
    heir = Bench(bench.runner.numbers)
    heir.add(INCR)
    (errand,) = bench.errands.stranded.values()
    bench.errands.hand_over(errand, heir.errands, [])
    assert write.replies == [TIMEOUT_ERROR]
    heir.errands.check_rest()


def place_of(key: bytes) -> bytes:
    return place_key(0, key)


def encoded(value: Value, deadline_ms: int) -> bytes:
    return encode_value(value, deadline_ms)
