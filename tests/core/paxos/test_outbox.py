"""The questions of a turn: one object for all members, in portions, and again to those who are silent."""

from trivet.core.base.ids import NodeId
from trivet.core.paxos.content import seal
from trivet.core.paxos.messages import Accept, Message, Prepare, Read, RemoveItem
from trivet.core.paxos.operation import UNCHANGED, Operation
from trivet.core.paxos.outbox import SLOW_TICKS, Outbox
from trivet.core.paxos.rounds import Phase, Round

CONTENT = seal(b"k", 1, b"x" * 500, (), 0)


def asking(phase: Phase, key: bytes = b"k", is_collecting: bool = False, wants_content: bool = True) -> Round:
    operation = Operation(1, key, lambda value, version: UNCHANGED, True)
    operation.wants_content = wants_content
    round_ = Round(key, [operation], is_collecting)
    round_.take(1)
    round_.phase = phase
    round_.counter, round_.next_counter, round_.content = 2, 3, CONTENT
    return round_


def flushed(outbox: Outbox, *members: NodeId) -> list[tuple[NodeId, Message]]:
    out: list[tuple[NodeId, Message]] = []
    outbox.flush(4, members, out)
    return out


def test_all_members_get_the_same_object() -> None:
    outbox = Outbox(7, 1000)
    for round_ in (asking(Phase.PREPARING), asking(Phase.PREPARING, b"j"), asking(Phase.READING)):
        outbox.ask(round_)
    outbox.remove(RemoveItem(b"k", (1, 7)))
    out = flushed(outbox, 1, 2)
    assert [(to, type(m).__name__, m.epoch) for to, m in out] == [
        (1, "Prepare", 4), (2, "Prepare", 4), (1, "Read", 4), (2, "Read", 4), (1, "Remove", 4), (2, "Remove", 4),
    ]  # fmt: skip
    assert out[0][1] is out[1][1]
    assert out[0][1] == Prepare(7, 4, 1, [b"k", b"j"], [2, 2])
    assert not flushed(outbox, 1, 2)


def test_messages_have_a_size() -> None:
    outbox = Outbox(7, 1000)
    for number in range(5):
        outbox.ask(asking(Phase.ACCEPTING, b"%d" % number))
    out = flushed(outbox, 1)
    assert [m.keys for _, m in out if isinstance(m, Accept)] == [[b"0", b"1"], [b"2", b"3"], [b"4"]]
    assert [flight.left for flight in outbox.flights.values()] == [2, 2, 1]


def test_what_ends_later_flies_alone_and_so_does_what_wants_no_content() -> None:
    outbox = Outbox(7, 1000)
    outbox.ask(asking(Phase.PREPARING, b"a"))
    outbox.ask(asking(Phase.PREPARING, b"b", is_collecting=True))
    outbox.ask(asking(Phase.READING, b"c"))
    outbox.ask(asking(Phase.READING, b"d", wants_content=False))
    out = flushed(outbox, 1)
    assert [m.keys for _, m in out if isinstance(m, Prepare | Read)] == [[b"a"], [b"b"], [b"c"], [b"d"]]
    assert [m.wants_contents for _, m in out if isinstance(m, Read)] == [True, False]


def test_what_is_withdrawn_is_not_asked_or_asked_no_more() -> None:
    outbox = Outbox(7, 1000)
    first, second = asking(Phase.PREPARING, b"a"), asking(Phase.PREPARING, b"b")
    outbox.ask(first)
    outbox.ask(second)
    outbox.withdraw(first)
    assert [m.keys for _, m in flushed(outbox, 1) if isinstance(m, Prepare)] == [[b"b"]]
    outbox.withdraw(second)
    assert not outbox.flights
    outbox.ask(first)
    outbox.withdraw(first)
    assert not flushed(outbox, 1)


def test_there_is_room_for_so_many_flights_that_are_not_slow() -> None:
    outbox = Outbox(7, 1000)
    assert outbox.room(1) == (True, True)
    outbox.ask(asking(Phase.READING))
    flushed(outbox, 1)
    assert outbox.room(1) == (False, True)
    outbox.ask(asking(Phase.PREPARING))
    flushed(outbox, 1)
    assert outbox.room(1) == (False, False)
    assert outbox.room(2) == (True, True)
    read, prepare = outbox.flights.values()
    read.ticks = SLOW_TICKS
    assert outbox.room(1) == (True, False)
    assert [round_.phase for round_ in outbox.land(prepare)] == [Phase.WAITING]
    assert outbox.room(1) == (True, True)


def test_who_is_silent_is_asked_alone() -> None:
    outbox = Outbox(7, 1000)
    question = Prepare(7, 4, 9, [b"k"], [2])
    outbox.again(3, question)
    assert flushed(outbox, 1, 2, 3) == [(3, question)]


def test_what_belongs_to_an_epoch_that_is_over_is_dropped() -> None:
    outbox = Outbox(7, 1000)
    outbox.ask(asking(Phase.PREPARING))
    outbox.again(3, Prepare(7, 1, 9, [b"k"], [2]))
    outbox.clear()
    assert not flushed(outbox, 1)
