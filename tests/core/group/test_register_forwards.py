"""Forwarded writes: what is taken, what is not, and what is said about it."""

from typing import NamedTuple

import pytest

from tests.core.group.errand_world import Wanted
from tests.core.group.pure import only_pure
from trivet.core.access.users import Users
from trivet.core.base.buggify import REGISTERS_SILENT
from trivet.core.base.limits import Limits
from trivet.core.base.prng import Prng
from trivet.core.group.register_errands import Errands
from trivet.core.group.register_execution import DONE_REPLY_BYTES, Runner, replies_of
from trivet.core.group.register_forwards import Forwards, place_of
from trivet.core.group.register_keys import place_key
from trivet.core.group.register_messages import (
    ELSEWHERE,
    RegisterMessage,
    Submit,
    Submitted,
)
from trivet.core.machine.register import Registers, Task
from trivet.core.paxos.ballot import proposer_of
from trivet.core.paxos.config import GroupConfig
from trivet.core.paxos.operation import Operation, Outcome
from trivet.core.paxos.paxos import Paxos
from trivet.core.paxos.settings import PaxosSettings
from trivet.core.script.scripts import Scripts

pytestmark = only_pure

FROM = proposer_of(2, 5)
Copy = tuple[int, int, int, list[Task]]
"""Seq, since, seed, tasks."""


class End(NamedTuple):
    seq: int
    outcome: int
    version: int = 0
    reply: bytes = b""


class Silent:
    def rare(self, point: str) -> bool:
        return point == REGISTERS_SILENT


class Bench:
    """A group of one at node 1, which others forward to."""

    def __init__(self, bytes_max: int = 1000, message_bytes_max: int = 10_000, silent: bool = False) -> None:
        own = proposer_of(1, 3)
        settings = PaxosSettings(node=1, proposer=own, message_bytes_max=message_bytes_max)
        self.paxos = Paxos(settings, Prng(1))
        self.paxos.learn(GroupConfig(1, (1,)))
        self.errands = Errands(Runner(Registers(Users(), Scripts()), own), Prng(1), 1000, Limits())
        self.forwards = Forwards(self.errands, self.paxos, bytes_max, Silent() if silent else None)

    def submit(
        self, *copies: Copy, taught: bytes = b"", origin: int = FROM, sender: int = 2, epoch: int = 1
    ) -> None:
        seqs, sinces, seeds, tasks = (list(column) for column in zip(*copies, strict=True))
        self.forwards.on_submit(sender, Submit(origin, 0, taught, epoch, seqs, sinces, seeds, tasks))

    def run(self) -> None:
        """Until nothing moves."""
        while ready := self.paxos.ready():
            if ready.save is not None:
                self.paxos.saved(ready.save.save_id)
            for operation in ready.finished:
                self.forwards.ended(operation)

    def flush(self) -> list[tuple[int, RegisterMessage]]:
        out: list[tuple[int, RegisterMessage]] = []
        self.forwards.flush(out)
        return out

    def answers(self) -> list[End]:
        self.run()
        ends: list[End] = []
        for to, message in self.flush():
            assert to == 2 and isinstance(message, Submitted) and message.origin == FROM
            ends += ends_of(message)
        return ends


def ends_of(message: Submitted) -> list[End]:
    columns = zip(message.seqs, message.outcomes, message.versions, message.replies, strict=True)
    return [End(*row) for row in columns]


def item(seq: int, *calls: list[bytes], key: bytes = b"k", since: int = 0) -> Copy:
    return (seq, since, 7, [Task(0, key, [(0, call) for call in calls])])


def test_it_is_run_once_however_often_it_comes() -> None:
    bench = Bench()
    bench.submit(item(1, [b"INCR", b"k"]))
    bench.submit(item(1, [b"INCR", b"k"]))
    assert bench.forwards.busy and bench.forwards.taken == 1
    (first,) = bench.answers()
    assert (first.seq, first.outcome, first.version) == (1, Outcome.OK, 1)
    assert replies_of(first.reply, 1) == [1]
    bench.submit(item(1, [b"INCR", b"k"]))
    (again,) = bench.answers()
    assert replies_of(again.reply, 1) == [1] and not bench.forwards.busy


@pytest.mark.parametrize(
    "wrong",
    [
        (1, 0, 7, []),
        (1, 0, 7, [Task(0, None, [(0, [b"TIME"])])]),
        (1, 0, 7, [Task(0, b"k", []), Task(0, b"other", [])]),
        (1, 0, 7, [Task(0, b"k", []), Task(1, b"k", [])]),
        (1, 0, 7, [Task(0, b"k", []), Task(0, b"k", [(0, [b"INCR", b"other"])])]),
        (1, 0, 7, [Task(-1, b"k", [])]),
        (1, 0, 7, [Task(1 << 20, b"k", [])]),
        item(1, [b"INCR", b"other"]),
        item(1, [b"MSET", b"k", b"1", b"other", b"2"]),
        item(1, [b"FLUSHALL"]),
        item(1, [b"TIME"]),
        item(1, []),
        item(1, [b"INCR", b"k"], [b"NONSENSE"]),
    ],
)
def test_what_does_not_concern_the_register_is_not_taken(wrong: Copy) -> None:
    """V2."""
    bench = Bench()
    assert place_of(wrong[3]) is None
    bench.submit(wrong)
    assert bench.answers() == [End(1, ELSEWHERE)]


def test_nobody_submits_in_the_name_of_another() -> None:
    bench = Bench()
    bench.submit(item(1, [b"INCR", b"k"]), sender=3)
    assert bench.answers() == []


def test_who_knows_other_functions_does_not_take_it() -> None:
    bench = Bench()
    bench.submit(item(1, [b"INCR", b"k"]), taught=b"others")
    assert bench.answers() == [End(1, ELSEWHERE)]


def test_who_is_behind_does_not_take_it() -> None:
    bench = Bench()
    bench.submit(item(1, [b"INCR", b"k"]), epoch=2)
    assert bench.answers() == [End(1, ELSEWHERE)]


def test_a_node_has_so_much_under_way_and_no_more() -> None:
    bench = Bench()
    bench.submit(item(1, [b"SET", b"k", b"v" * 2000]))
    bench.submit(item(2, [b"SET", b"k2", b"v"], key=b"k2"))
    assert [(one.seq, one.outcome) for one in bench.answers()] == [(2, ELSEWHERE), (1, Outcome.OK)]
    bench.submit(item(3, [b"SET", b"k2", b"v"], key=b"k2"))
    assert [(one.seq, one.outcome) for one in bench.answers()] == [(3, Outcome.OK)]


def test_a_long_reply_comes_whole_from_who_has_run_it() -> None:
    long = b"x" * (DONE_REPLY_BYTES * 3)
    bench = Bench(bytes_max=100_000, message_bytes_max=1000)
    bench.submit(item(1, [b"SET", b"k", long]))
    bench.answers()
    bench.submit(item(2, [b"GETSET", b"k", b"new"]), item(3, [b"INCR", b"n"], key=b"n"))
    bench.run()
    said = bench.flush()
    assert len(said) == 2, "messages have a size"
    replies = {}
    for _, message in said:
        assert isinstance(message, Submitted)
        for one in ends_of(message):
            replies[one.seq] = replies_of(one.reply, 1)
    assert replies == {2: [long], 3: [1]}


def test_events_are_told_where_it_is_run() -> None:
    bench = Bench()
    bench.errands.runner.registers.notifies = 0x1FF
    bench.submit(item(1, [b"SET", b"k", b"v"]), item(2, [b"PUBLISH", b"c", b"m"]))
    bench.answers()
    assert bench.forwards.events


class Caught:
    """A room that begins nothing."""

    floor_version = 0
    epoch = 1

    def __init__(self) -> None:
        self.submitted: list[Operation] = []

    def submit(self, operation: Operation) -> None:
        self.submitted.append(operation)


def ended(outcome: Outcome, exposed: bool = False) -> End:
    bench = Bench()
    caught = Caught()
    bench.forwards._paxos = caught  # type: ignore[assignment]
    bench.submit(item(1, [b"INCR", b"k"]))
    (operation,) = caught.submitted
    operation.outcome, operation.exposed, operation.version = outcome, exposed, 4
    bench.forwards.ended(operation)
    (answer,) = bench.answers()
    return answer


def test_ends_are_told_as_the_origin_needs_them() -> None:
    assert ended(Outcome.BUSY).outcome == ELSEWHERE
    assert ended(Outcome.DEFINITE).outcome == Outcome.DEFINITE
    assert ended(Outcome.FORGOTTEN) == End(1, Outcome.FORGOTTEN, 4)
    assert ended(Outcome.FORGOTTEN, exposed=True).outcome == Outcome.INDEFINITE


def test_now_and_then_nobody_is_answered() -> None:
    bench = Bench(silent=True)
    bench.submit(item(1, [b"INCR", b"k"]))
    assert bench.answers() == [] and not bench.forwards.busy


class Heard:
    """Errands that only listen."""

    def __init__(self) -> None:
        self.since = 0
        self.heard: list[tuple[int, int, Outcome]] = []

    def answered(
        self, sender: int, seq: int, outcome: Outcome, version: int, reply: bytes, now_ms: int
    ) -> None:
        self.heard.append((sender, seq, outcome))


def test_answers_are_for_this_life_and_of_known_kinds() -> None:
    bench = Bench()
    heard = Heard()
    forwards = Forwards(heard, bench.paxos, 1, None)  # type: ignore[arg-type]
    own = bench.paxos.settings.proposer
    columns = ([1, 2, 3, 4], [1, ELSEWHERE, 0, 99], [0] * 4, [b""] * 4)
    forwards.on_submitted(2, Submitted(own + 1, 50, *columns), 0)
    assert not heard.heard and heard.since == 0
    forwards.on_submitted(2, Submitted(own, 50, *columns), 0)
    assert heard.heard == [(2, 1, Outcome.OK), (2, 2, Outcome.BUSY)] and heard.since == 50


def test_what_is_sent_has_the_numbers_of_its_errand() -> None:
    """V1."""
    bench = Bench()
    part = Wanted([[b"SET", b"k", b"v"]])
    bench.errands.since = 9
    bench.errands.add(part, 0)
    (errand,) = bench.errands.take_due()
    bench.forwards.send(errand, 3)
    ((to, message),) = bench.flush()
    assert to == 3 and isinstance(message, Submit)
    assert (message.seqs, message.sinces, message.seeds) == ([1], [9], [errand.seed])
    assert [place_of(tasks) for tasks in message.tasks] == [place_key(0, b"k")] and message.settled == 1
    assert part.replies is None
