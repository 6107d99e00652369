"""Rounds and flights: who runs together, and what answers come to."""

from trivet.core.paxos.content import seal
from trivet.core.paxos.messages import Accept, Read
from trivet.core.paxos.operation import UNCHANGED, Operation, Outcome
from trivet.core.paxos.rounds import Flight, Phase, Round


def operation(origin: int, reads_only: bool = False) -> Operation:
    return Operation(0, b"k", lambda value, version: UNCHANGED, reads_only, origin)


def took(queue: list[Operation], count_max: int) -> list[list[Operation]]:
    """What runs together, round after round."""
    rounds = []
    while queue:
        round_ = Round(b"k", queue)
        round_.take(count_max)
        rounds.append(round_.operations)
        queue = round_.queue
    return rounds


def test_one_of_each_origin_runs_in_a_round() -> None:
    operations = [operation(7), operation(8), operation(0, True), operation(7), operation(9)]
    assert took(operations, 100) == [operations[:3], operations[3:]]


def test_a_round_is_not_too_long_and_leaves_out_what_is_given_up() -> None:
    operations = [operation(n) for n in (1, 2, 3, 4)]
    operations[1].outcome = Outcome.DEFINITE
    assert took(operations, 2) == [[operations[0], operations[2]], [operations[3]]]
    operations[3].outcome = Outcome.DEFINITE
    assert took(operations[3:], 2) == [[]]


def test_hearsay_is_told_and_does_not_count() -> None:
    round_ = Round(b"k", [operation(7)])
    content = seal(b"k", 1, b"x", (), 0)
    round_.enter(Phase.PREPARING)
    assert round_.count(1, (2, 7), content, True) == 0
    assert round_.count(2, (2, 7), content, False) == 2
    assert round_.count(4, (1, 7), content, False) == 4
    assert (round_.best(), round_.mask) == ((2, 7), 7)
    round_.enter(Phase.ACCEPTING)
    assert (round_.mask, round_.refused, round_.best()) == (0, 0, (0, 0))


def test_what_a_round_is_for() -> None:
    read, write = operation(0, True), operation(7)
    read.wants_content = False
    alone = Round(b"k", [read])
    assert alone.waits_to_read()
    alone.take(100)
    assert alone.only_reads
    assert not alone.wants_content
    both = Round(b"k", [read, write])
    assert not both.waits_to_read()
    both.take(100)
    assert not both.only_reads
    assert both.wants_content
    assert not both.is_idle()
    read.outcome = write.outcome = Outcome.OK
    assert both.is_idle()
    assert not Round(b"k", [], is_collecting=True).is_idle()


def test_a_flight_counts_for_all_until_it_is_parted() -> None:
    rounds = [Round(b"a", []), Round(b"b", [])]
    flight = Flight(5, Phase.ACCEPTING, rounds, Accept(7, 1, 5, [], [], [], []))
    flight.mask = 2
    flight.part()
    assert [(round_.mask, round_.next_mask) for round_ in rounds] == [(2, 2), (2, 2)]
    flight.mask = 4
    flight.part()
    assert rounds[0].mask == 2, "once"


def test_reads_that_are_parted_agree_on_what_is_held_here() -> None:
    round_ = Round(b"a", [])
    round_.held, round_.content = (3, 7), b"content"
    flight = Flight(5, Phase.READING, [round_], Read(7, 1, 5, [], [], True))
    flight.mask = 2
    flight.part()
    assert (round_.mask, round_.agreeing, round_.contents) == (2, {(3, 7): 2}, {(3, 7): b"content"})


def test_who_leaves_a_flight_is_not_there_any_more() -> None:
    rounds = [Round(b"a", []), Round(b"b", [])]
    for round_ in rounds:
        round_.phase = Phase.READING
    flight = Flight(5, Phase.READING, rounds, Read(7, 1, 5, [], [], True))
    assert (rounds[1].flight, rounds[1].position, flight.left) == (flight, 1, 2)
    flight.leave(rounds[0])
    assert (flight.at(0), flight.at(1), flight.at(2), flight.left) == (None, rounds[1], None, 1)
    assert rounds[0].flight is None
    assert flight.land() == rounds[1:]
    assert (rounds[1].flight, rounds[1].phase) == (None, Phase.WAITING)
