"""The proposer: round trips, conflicts, reads, giving up; and exactly once over all of that."""

from collections.abc import Callable
from types import ModuleType

import pytest

from trivet.core.base.prng import Prng
from trivet.core.paxos.config import GroupConfig
from trivet.core.paxos.content import seal
from trivet.core.paxos.messages import (
    Accepted,
    AcceptedItem,
    Message,
    PromiseItem,
    Promises,
    ReadReply,
    ReadReplyItem,
    Refusal,
    Standing,
)
from trivet.core.paxos.operation import Change, Operation, Outcome
from trivet.core.paxos.proposer import HANDLERS, SINCE_MAX, Proposer
from trivet.core.paxos.settings import PaxosSettings

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


def round_of(out: list[tuple[int, Message]]) -> int:
    return int(out[0][1].items[0].round_id)  # type: ignore[union-attr]


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
    number = round_of(flushed(proposer))
    ok = [PromiseItem(number, True, (1, 7))]
    for sender, message in (
        (2, Promises(8, 1, Standing(1), ok)),  # another life of this node
        (2, Promises(7, 2, Standing(1), ok)),  # another epoch
        (9, Promises(7, 1, Standing(1), ok)),  # no member
        (2, Promises(7, 1, Standing(1), [PromiseItem(number, True, (2, 7))])),  # another ballot
        (2, Promises(7, 1, Standing(1), [PromiseItem(number + 1, True, (1, 7))])),  # another round
        (2, Promises(7, 1, Standing(1), [PromiseItem(number, True, (1, 7), (1, 1), None)])),  # no content
        (2, Promises(7, 1, Standing(1), [PromiseItem(number, True, (1, 7), (1, 1), seal(b"j", 1, b"", (), 0))])),
        (2, Accepted(7, 1, Standing(1), [AcceptedItem(number, True, (1, 7))])),  # another phase
        (2, ReadReply(7, 1, Standing(1), [ReadReplyItem(number, (0, 0))])),
        (2, Promises(7, 1, Standing(1), ok)),
        (2, Promises(7, 1, Standing(1), ok)),  # the same once more
    ):  # fmt: skip
        proposer.step(sender, message)
    assert not flushed(proposer)
    proposer.step(3, Promises(7, 1, Standing(1), ok))
    assert [type(m).__name__ for _, m in flushed(proposer)] == ["Accept"] * 3


def test_news_of_a_loss_begin_everything_anew() -> None:
    proposer = make()
    proposer.submit(write())
    number = round_of(flushed(proposer))
    proposer.step(2, Promises(7, 1, Standing(1), [PromiseItem(number, True, (1, 7))]))
    proposer.step(3, Promises(7, 1, Standing(1, ((2, 4),)), [PromiseItem(number, True, (1, 7))]))
    out = flushed(proposer)
    assert [type(m).__name__ for _, m in out] == ["Prepare"] * 3, "the promise of 2 is from its former life"
    ok = [PromiseItem(round_of(out), True, (proposer.counter, 7))]
    proposer.step(2, Promises(7, 1, Standing(1), ok))
    proposer.step(3, Promises(7, 1, Standing(1), ok))
    assert not flushed(proposer), "2 spoke from its former life again"
    proposer.step(2, Promises(7, 1, Standing(4), ok))
    assert [type(m).__name__ for _, m in flushed(proposer)] == ["Accept"] * 3


def test_the_first_life_it_hears_of_is_no_news() -> None:
    proposer = make()
    proposer.submit(write())
    number = round_of(flushed(proposer))
    proposer.step(2, Promises(7, 1, Standing(4), [PromiseItem(number, True, (1, 7))]))
    proposer.step(3, Promises(7, 1, Standing(5, ((2, 4),)), [PromiseItem(number, True, (1, 7))]))
    assert [type(m).__name__ for _, m in flushed(proposer)] == ["Accept"] * 3


def test_it_begins_above_the_floor_it_has_heard_of() -> None:
    proposer = make()
    proposer.step(2, Promises(7, 1, Standing(1, (), (9, 3), 5), []))
    assert (proposer.counter, proposer.floor_version) == (9, 5)
    proposer.submit(write())
    assert flushed(proposer)[0][1].items[0].counter == 10  # type: ignore[union-attr]


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
    assert (proposer.underway, proposer.fronts, proposer.rounds) == (0, {}, {})


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
        number = round_of(out)
        for sender in (2, 3):
            proposer.step(
                sender, Promises(7, 1, Standing(1), [PromiseItem(number, False, (proposer.counter + 5, 9))])
            )  # fmt: skip
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
