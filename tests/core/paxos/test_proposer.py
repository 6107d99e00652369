"""The proposer: round trips, conflicts, reads, giving up; and exactly once over all of that."""

from collections.abc import Callable
from types import ModuleType

import pytest

from trivet.core.base.prng import Prng
from trivet.core.paxos.config import GroupConfig
from trivet.core.paxos.content import seal
from trivet.core.paxos.messages import (
    Accept,
    Accepted,
    Message,
    Other,
    Prepare,
    PromisedSince,
    Promises,
    Read,
    ReadReply,
    Refusal,
    Refused,
    Standing,
)
from trivet.core.paxos.operation import SINCE_MAX, Change, Operation, Outcome
from trivet.core.paxos.proposer import HANDLERS, Proposer
from trivet.core.paxos.registers import Registers
from trivet.core.paxos.settings import PaxosSettings

ONE = Standing(1)
PROPOSER = [
    "write", "one_round_trip", "turn", "read_disagrees", "duel", "takeover", "stale_promise", "gives_up", "unchanged",
]  # fmt: skip


@pytest.mark.parametrize("name", PROPOSER)
def test_conversations(replay: Callable[[str], None], name: str) -> None:
    replay(f"proposer/{name}")


@pytest.mark.parametrize("name", ["conflict", "other_proposer", "forgotten", "kept_promise"])
def test_exactly_once(replay: Callable[[str], None], name: str) -> None:
    replay(f"exactly_once/{name}")


def make(**settings: int) -> Proposer:
    proposer = Proposer(PaxosSettings(node=1, proposer=7, **settings), Prng(1))
    proposer.learn(GroupConfig(1, (1, 2, 3)))
    return proposer


def write(key: bytes = b"k", origin: int = 5, seq: int = 1, since: int = 0) -> Operation:
    return Operation(
        1, key, lambda value, version: Change(True, b"x", b"ok"), False, origin, seq, since, True
    )


def read(key: bytes = b"k") -> Operation:
    return Operation(2, key, lambda value, version: Change(False, None, value or b"-"), True)


def flushed(proposer: Proposer) -> list[tuple[int, Message]]:
    out: list[tuple[int, Message]] = []
    proposer.flush(out)
    return out


def flight_of(out: list[tuple[int, Message]]) -> int:
    message = out[0][1]
    assert isinstance(message, Prepare | Accept | Read)
    return message.flight


def promise(flight: int, standing: Standing = ONE) -> Promises:
    """Of one register, of which there is nothing."""
    return Promises(7, 1, standing, flight, 0, [(0, 0)], [None], [], [])


def kinds(out: list[tuple[int, Message]]) -> list[str]:
    return [type(message).__name__ for _, message in out]


def test_every_answer_has_a_handler() -> None:
    assert [kind.__name__ for kind in HANDLERS] == ["Promises", "Accepted", "ReadReply", "Refusal"]


def test_without_members_it_waits() -> None:
    proposer = Proposer(PaxosSettings(node=1, proposer=7), Prng(1))
    proposer.submit(write())
    assert not flushed(proposer)
    proposer.learn(GroupConfig(1, (1, 2, 3)))
    assert len(flushed(proposer)) == 3


def test_limits_are_told_at_once() -> None:
    proposer = make(operations_max=1, key_bytes_max=3)
    for operation in (write(b"long"), write(since=SINCE_MAX + 1), write(), write()):
        proposer.submit(operation)
    outcomes = [operation.outcome for operation in proposer.finished]
    assert outcomes == [Outcome.TOO_LARGE, Outcome.TOO_LARGE, Outcome.BUSY]
    assert proposer.underway == 1


def test_answers_to_others_do_not_count() -> None:
    proposer = make()
    proposer.submit(write())
    number = flight_of(flushed(proposer))
    strange = seal(b"j", 1, b"", (), 0)
    for sender, message in (
        (2, Promises(8, 1, ONE, number, 0, [(0, 0)], [None], [], [])),  # another life of this node
        (2, Promises(7, 2, ONE, number, 0, [(0, 0)], [None], [], [])),  # another epoch
        (9, promise(number)),  # no member
        (2, promise(number + 1)),  # another flight
        (2, Promises(7, 1, ONE, number, 1, [(0, 0)], [None], [], [])),  # another position
        (2, Promises(7, 1, ONE, number, 0, [(1, 1)], [None], [], [])),  # no content
        (2, Promises(7, 1, ONE, number, 0, [(1, 1)], [strange], [], [])),  # of another key
        (2, Promises(7, 1, ONE, number, 0, [(0, 0)], [None], [Refused(0, (0, 0))], [])),  # not looked at
        (2, Accepted(7, 1, ONE, number, [], [])),  # another phase
        (2, ReadReply(7, 1, ONE, number, 0, 1, [])),
        (2, promise(number)),
        (2, promise(number)),  # the same once more
    ):
        proposer.step(sender, message)
    assert not flushed(proposer)
    proposer.step(3, promise(number))
    assert kinds(flushed(proposer)) == ["Accept"] * 3


def test_answers_come_in_parts() -> None:
    proposer = make()
    for key in (b"a", b"b"):
        proposer.submit(write(key))
    number = flight_of(flushed(proposer))
    for start in (0, 1):
        for sender in (2, 3):
            proposer.step(sender, Promises(7, 1, ONE, number, start, [(0, 0)], [None], [], []))
        out = flushed(proposer)
        assert [message.keys for _, message in out if isinstance(message, Accept)] == [
            [(b"a", b"b")[start]]
        ] * 3


def accepting(*keys: bytes, **settings: int) -> tuple[Proposer, int]:
    """A proposer, and its flight of accepts."""
    proposer = make(**settings)
    for key in keys:
        proposer.submit(write(key))
    number = flight_of(flushed(proposer))
    nothing: list[tuple[int, int]] = [(0, 0)] * len(keys)
    for sender in (2, 3):
        proposer.step(sender, Promises(7, 1, ONE, number, 0, nothing, [None] * len(keys), [], []))
    out = flushed(proposer)
    assert kinds(out) == ["Accept"] * 3
    return proposer, flight_of(out)


def test_one_answer_counts_for_all_that_fly_together() -> None:
    proposer, number = accepting(b"a", b"b")
    proposer.step(2, Accepted(7, 1, ONE, number, [], []))
    proposer.step(2, Accepted(7, 1, ONE, number, [], []))
    assert not proposer.finished, "the same once more"
    proposer.step(1, Accepted(7, 1, ONE, number, [], []))
    assert [operation.key for operation in proposer.finished] == [b"a", b"b"]
    assert not proposer.outbox.flights
    assert len(proposer.kept) == 2
    proposer.step(3, Accepted(7, 1, ONE, number, [], []))
    for key in (b"a", b"b"):
        proposer.submit(write(key, seq=2))
    assert kinds(flushed(proposer)) == ["Accept"] * 3, "the promises are kept"


def test_what_one_answer_takes_exception_to_counts_for_itself() -> None:
    proposer, number = accepting(b"a", b"b", b"c", b"d")
    proposer.step(1, Accepted(7, 1, ONE, number, [], []))
    answer = Accepted(7, 1, ONE, number, [Refused(1, (9, 8)), Refused(2, (0, 0))], [PromisedSince(3, (9, 8))])
    proposer.step(2, answer)
    assert [operation.key for operation in proposer.finished] == [b"a", b"d"]
    assert [proposer.kept.take(key) is not None for key in (b"a", b"d")] == [True, False]
    proposer.step(2, Accepted(7, 1, ONE, number, [], []))
    assert [operation.key for operation in proposer.finished] == [b"a", b"d", b"c"], (
        "not looked at, and asked again"
    )
    proposer.step(3, Accepted(7, 1, ONE, number, [], []))
    assert [operation.key for operation in proposer.finished][3:] == [b"b"]


def test_what_is_refused_by_too_many_begins_anew_and_the_others_do_not() -> None:
    proposer, number = accepting(b"a", b"b")
    for sender in (2, 3):
        proposer.step(sender, Accepted(7, 1, ONE, number, [Refused(1, (9, 8))], []))
    assert [operation.key for operation in proposer.finished] == [b"a"]
    out = flushed(proposer)
    assert [(message.keys, message.counters) for _, message in out if isinstance(message, Prepare)] == [
        ([b"b"], [proposer.counter])
    ] * 3
    assert proposer.counter > 9


def holding(value: bytes, key: bytes = b"k") -> Proposer:
    """One whose node holds this value, accepted at (3, 8)."""
    own = Registers()
    own.accept(key, own.add(key, (3, 8)), (3, 8), seal(key, 1, value, (), 0), 0)
    proposer = Proposer(PaxosSettings(node=1, proposer=7), Prng(1), own=own)
    proposer.learn(GroupConfig(1, (1, 2, 3)))
    return proposer


def test_a_read_gets_the_value_from_here_where_the_others_have_the_same() -> None:
    proposer = holding(b"value")
    proposer.submit(read())
    out = flushed(proposer)
    assert out[0][1] == Read(7, 1, 1, [b"k"], [(3, 8)], True)
    proposer.step(2, ReadReply(7, 1, ONE, 1, 0, 1, []))
    assert not proposer.finished
    proposer.step(3, ReadReply(7, 1, ONE, 1, 0, 1, []))
    assert [operation.reply for operation in proposer.finished] == [b"value"]


def test_what_this_node_accepts_meanwhile_is_not_what_the_others_agreed_to() -> None:
    proposer = holding(b"value")
    proposer.submit(read())
    flushed(proposer)
    assert proposer._own is not None
    register = proposer._own.get(b"k")
    assert register is not None
    proposer._own.accept(b"k", register, (5, 9), seal(b"k", 2, b"newer", (), 0), 0)
    for sender in (2, 3):
        proposer.step(sender, ReadReply(7, 1, ONE, 1, 0, 1, []))
    assert [operation.reply for operation in proposer.finished] == [b"value"]


def test_a_read_gets_the_value_from_others_where_they_have_another() -> None:
    for content, answered in ((seal(b"k", 2, b"newer", (), 0), True), (None, False), (b"damaged", False)):
        proposer = holding(b"value")
        proposer.submit(read())
        flushed(proposer)
        proposer.step(1, ReadReply(7, 1, ONE, 1, 0, 1, []))
        for sender in (2, 3):
            proposer.step(sender, ReadReply(7, 1, ONE, 1, 0, 1, [Other(0, (5, 9), content)]))
        assert [operation.reply for operation in proposer.finished] == [b"newer"] * answered


def test_a_read_without_agreement_makes_it() -> None:
    proposer = holding(b"value")
    for key in (b"k", b"other"):
        proposer.submit(read(key))
    flushed(proposer)
    proposer.step(1, ReadReply(7, 1, ONE, 1, 0, 2, []))
    proposer.step(2, ReadReply(7, 1, ONE, 1, 0, 2, [Other(0, (5, 9), seal(b"k", 2, b"newer", (), 0))]))
    assert [operation.reply for operation in proposer.finished] == [b"-"], "on the other there is agreement"
    proposer.step(3, ReadReply(7, 1, ONE, 1, 0, 2, [Other(0, (0, 0))]))
    assert [message.keys for _, message in flushed(proposer) if isinstance(message, Prepare)] == [[b"k"]] * 3


def test_answers_to_reads_come_in_parts() -> None:
    proposer = make()
    for key in (b"a", b"b"):
        proposer.submit(read(key))
    flushed(proposer)
    for start, end in ((0, 1), (0, 1), (1, 2), (1, 99)):
        for sender in (1, 2):
            proposer.step(sender, ReadReply(7, 1, ONE, 1, start, end, []))
    assert [operation.key for operation in proposer.finished] == [b"a", b"b"]


def test_few_flights_are_in_the_air_at_a_time() -> None:
    proposer, number = accepting(b"a", flights_max=1)
    second, third, look = write(b"b"), write(b"b", origin=6), read(b"c")
    proposer.submit(second)
    assert not flushed(proposer)
    proposer.submit(look)
    assert kinds(flushed(proposer)) == ["Read"] * 3, "reads and writes do not wait for each other"
    proposer.submit(third)
    for sender in (2, 3):
        proposer.step(sender, Accepted(7, 1, ONE, number, [], []))
    out = flushed(proposer)
    assert [message.keys for _, message in out if isinstance(message, Prepare)] == [[b"b"]] * 3
    assert proposer.rounds[b"b"].operations == [second, third], "what waits goes together"
    proposer.submit(write(b"d"))
    for sender in (2, 3):
        proposer.step(sender, promise(flight_of(out)))
    assert kinds(flushed(proposer)) == ["Accept"] * 3 + ["Prepare"] * 3, "what has begun goes on"


def test_a_slow_flight_is_in_nobodys_way() -> None:
    proposer = make(flights_max=1, patience_ticks=10)
    proposer.submit(write(b"a"))
    flushed(proposer)
    proposer.submit(write(b"b"))
    assert not flushed(proposer)
    proposer.tick()
    proposer.tick()
    assert kinds(flushed(proposer)) == ["Prepare"] * 3


def test_what_is_given_up_while_it_waits_for_room_never_flies() -> None:
    proposer = make(flights_max=1, operation_ticks=1, patience_ticks=10)
    proposer.submit(write(b"a"))
    flushed(proposer)
    proposer.submit(write(b"b"))
    for _ in range(4):
        proposer.tick()
    assert [operation.outcome for operation in proposer.finished] == [Outcome.DEFINITE] * 2
    assert not flushed(proposer)
    assert not proposer.rounds


def test_what_was_about_to_be_asked_is_not_asked_under_other_conditions() -> None:
    """News of a loss come in the turn in which a quorum has promised."""
    proposer = make()
    proposer.submit(write())
    number = flight_of(flushed(proposer))
    for sender in (2, 3):
        proposer.step(sender, promise(number))
    proposer.step(3, Promises(7, 1, Standing(1, ((2, 4),)), 99, 0, [], [], [], []))
    assert kinds(flushed(proposer)) == ["Prepare"] * 3


def test_silent_members_are_asked_again() -> None:
    proposer, number = accepting(b"a", b"b", patience_ticks=2)
    proposer.step(2, Accepted(7, 1, ONE, number, [Refused(1, (0, 0))], []))
    for _ in range(2):
        proposer.tick()
    assert [to for to, message in flushed(proposer) if flight_of([(to, message)]) == number] == [1, 2, 3]
    proposer.step(2, Accepted(7, 1, ONE, number, [], []))
    for _ in range(2):
        proposer.tick()
    assert [to for to, message in flushed(proposer) if flight_of([(to, message)]) == number] == [1, 3]


def test_news_of_a_loss_begin_everything_anew() -> None:
    proposer = make()
    proposer.submit(write())
    number = flight_of(flushed(proposer))
    proposer.step(2, promise(number))
    proposer.step(3, promise(number, Standing(1, ((2, 4),))))
    out = flushed(proposer)
    assert kinds(out) == ["Prepare"] * 3, "the promise of 2 is from its former life"
    number = flight_of(out)
    proposer.step(2, promise(number))
    proposer.step(3, promise(number))
    assert not flushed(proposer), "2 spoke from its former life again"
    proposer.step(2, promise(number, Standing(4)))
    assert kinds(flushed(proposer)) == ["Accept"] * 3


def test_the_first_life_it_hears_of_is_no_news() -> None:
    proposer = make()
    proposer.submit(write())
    number = flight_of(flushed(proposer))
    proposer.step(2, promise(number, Standing(4)))
    proposer.step(3, promise(number, Standing(5, ((2, 4),))))
    assert kinds(flushed(proposer)) == ["Accept"] * 3


def test_it_begins_above_the_floor_it_has_heard_of() -> None:
    proposer = make()
    proposer.step(2, Promises(7, 1, Standing(1, (), (9, 3), 5), 1, 0, [], [], [], []))
    assert (proposer.counter, proposer.floor_version) == (9, 5)
    proposer.submit(write())
    assert flushed(proposer)[0][1] == Prepare(7, 1, 1, [b"k"], [10])


def test_a_later_epoch_is_wanted() -> None:
    proposer = make()
    proposer.step(2, Refusal(8, 5))
    assert proposer.epoch_wanted == 0
    proposer.step(2, Refusal(7, 5))
    assert proposer.epoch_wanted == 5
    proposer.learn(GroupConfig(1, (4, 5, 6)))
    assert proposer.quorums is not None
    assert proposer.quorums.members == (1, 2, 3), "not a later one"


def test_an_operation_that_waits_in_line_is_given_up_too() -> None:
    proposer = make(operation_ticks=4)
    first, second, other = write(), write(), read()
    for operation in (first, second, other):
        proposer.submit(operation)
    flushed(proposer)
    for _ in range(4):
        proposer.tick()
    assert [o.outcome for o in (first, second, other)] == [Outcome.DEFINITE] * 3
    assert (proposer.underway, proposer.rounds, proposer.outbox.flights) == (0, {}, {})


def test_settled_seqs_are_remembered_within_bounds() -> None:
    proposer = make()
    for origin in range(1, 5000):
        operation = write(b"k%d" % origin, origin, 2)
        operation.settled = 2
        proposer.submit(operation)
    assert len(proposer.settled) == 4096
    assert proposer.settled[4999] == 2


def test_the_wait_after_conflicts_grows_and_is_bounded() -> None:
    proposer = make(backoff_ticks=2, backoff_ticks_max=8)
    proposer.submit(write())
    waits = []
    for _ in range(12):
        out = flushed(proposer)
        ticks = 0
        while not out:
            proposer.tick()
            ticks += 1
            out = flushed(proposer)
        waits.append(ticks)
        number = flight_of(out)
        for sender in (2, 3):
            refused = [Refused(0, (proposer.counter + 5, 9))]
            proposer.step(sender, Promises(7, 1, ONE, number, 0, [(0, 0)], [None], refused, []))
    assert waits[:2] == [0, 0], "the first time at once"
    assert min(waits[2:]) > 0
    assert max(waits) <= 8


def test_collecting_what_is_busy_is_put_off() -> None:
    proposer = make()
    proposer.submit(write())
    assert not proposer.collect(b"k")
    assert proposer.collect(b"j")
    flushed(proposer)
    for _ in range(60):
        proposer.tick()
    assert proposer.collected == [(b"j", False)]


@pytest.mark.parametrize("size", [3, 5])
def test_nobody_starves_where_all_write_the_same_key(harness: ModuleType, size: int) -> None:
    group = harness.Group(size, operation_ticks=200)
    group.events = None
    prng = Prng(3)
    on_the_way: list[tuple[int, object]] = []
    ends = dict.fromkeys(group.desks, 0)
    number = 0
    for now in range(1500):
        for node, desk in group.desks.items():
            if desk.live.underway == 0:
                number += 1
                change = harness.change_of((b"INCR", b"k"))
                group.submit(node, Operation(number, b"k", change, False, node, number, 0, True))
        on_the_way += [(now + 1 + prng.below(4), flight) for flight in group.flights]
        group.flights = []
        for _, flight in [f for f in on_the_way if f[0] <= now]:
            group.deliver(flight)
        on_the_way = [f for f in on_the_way if f[0] > now]
        for node in group.desks:
            group.sync(node)
            if now % 4 == 0:
                group.tick(node)
        for node, operation in group.finished:
            assert operation.outcome is Outcome.OK
            ends[node] += 1
        group.finished = []
    assert min(ends.values()) * 3 > max(ends.values())
