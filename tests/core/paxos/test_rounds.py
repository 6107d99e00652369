"""Rounds and fronts: who runs together, and what answers come to."""

from trivet.core.paxos.content import seal
from trivet.core.paxos.operation import UNCHANGED, Operation, Outcome
from trivet.core.paxos.rounds import Front, Phase, Round


def operation(origin: int, reads_only: bool = False) -> Operation:
    return Operation(0, b"k", lambda value, version: UNCHANGED, reads_only, origin)


def test_one_of_each_origin_runs_in_a_round() -> None:
    front = Front(b"k")
    operations = [operation(7), operation(8), operation(0, True), operation(7), operation(9)]
    front.queue.extend(operations)
    assert front.take(100) == operations[:3]
    assert front.take(100) == operations[3:]
    assert front.take(100) == []


def test_a_round_is_not_too_long_and_leaves_out_what_is_given_up() -> None:
    front = Front(b"k")
    operations = [operation(n) for n in (1, 2, 3, 4)]
    operations[1].outcome = Outcome.DEFINITE
    front.queue.extend(operations)
    assert front.take(2) == [operations[0], operations[2]]
    assert front.take(2) == [operations[3]]


def test_hearsay_is_told_and_does_not_count() -> None:
    round_ = Round(b"k", Front(b"k"), [operation(7)])
    content = seal(b"k", 1, b"x", (), 0)
    round_.enter(Phase.PREPARING, 5)
    assert round_.count(1, (2, 7), content, True) == 0
    assert round_.count(2, (2, 7), content, False) == 2
    assert round_.count(4, (1, 7), content, False) == 4
    assert (round_.best(), round_.mask) == ((2, 7), 7)
    round_.enter(Phase.ACCEPTING, 6)
    assert (round_.mask, round_.refused, round_.best()) == (0, 0, (0, 0))


def test_what_a_round_is_for() -> None:
    read, write = operation(0, True), operation(7)
    read.wants_content = False
    assert Round(b"k", Front(b"k"), [read]).only_reads()
    assert not Round(b"k", Front(b"k"), [read]).wants_content()
    both = Round(b"k", Front(b"k"), [read, write])
    assert not both.only_reads()
    assert both.wants_content()
    assert not both.is_idle()
    read.outcome = write.outcome = Outcome.OK
    assert both.is_idle()
    collecting = Round(b"k", None, [])
    assert collecting.is_collecting
    assert not collecting.is_idle()
