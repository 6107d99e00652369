"""The linearizability judge: good and broken histories by hand, and a naive judge that must agree with it."""

from itertools import permutations

import pytest
from hand_made import failed, op
from random_histories import long_registers, make_stale

from trivet.core.base.prng import Prng
from trivet.lab.history import FOREVER_US, IN_ORDER, SIDE_BY_SIDE, Operation, Outcome
from trivet.lab.judges.linearizability import judge, judge_part, partitions
from trivet.lab.judges.models import MODELS, canonical
from trivet.lab.resp import OK, ReplyError, Value

GOOD: dict[str, list[Operation]] = {
    "one after the other": [op(1, 0, 1, "SET k a", OK), op(2, 2, 3, "GET k", b"a")],
    "concurrent read sees the old value": [op(1, 0, 9, "SET k a", OK), op(2, 2, 3, "GET k", None)],
    "concurrent read sees the new value": [op(1, 0, 9, "SET k a", OK), op(2, 2, 3, "GET k", b"a")],
    "an unanswered write takes effect late": [
        op(1, 0, None, "SET k a"),
        op(2, 1, 2, "GET k", None),
        op(3, 50, 60, "GET k", b"a"),
    ],
    "an unanswered write never takes effect": [op(1, 0, None, "SET k a"), op(2, 1, 2, "GET k", None)],
    "a failed write is not there": [failed(1, 0, 1, "SET k a"), op(2, 2, 3, "GET k", None)],
    "two unanswered increments, one of them applied": [
        op(1, 0, None, "INCR k"),
        op(2, 0, None, "INCR k"),
        op(3, 5, 6, "GET k", b"1"),
        op(4, 7, 8, "INCR k", 2),
    ],
    "an increment of a word": [
        op(1, 0, 1, "SET k a", OK),
        op(2, 2, 3, "INCR k", ReplyError("ERR value is not an integer or out of range")),
    ],
    "a pair changes at once": [
        op(1, 0, 9, "SET a 1 ; SET b 1", OK, OK),
        op(2, 1, 2, "GET a ; GET b", None, None),
        op(3, 3, 4, "GET a ; GET b", b"1", b"1"),
    ],
    "any member may be popped": [
        op(1, 0, 1, "SADD k a", 1),
        op(2, 2, 3, "SADD k b", 1),
        op(3, 4, None, "SPOP k"),
        op(4, 5, 6, "SMEMBERS k", (b"a",)),
    ],
    "a guarded write that did not see its value": [
        op(1, 0, 1, "SET k a", OK),
        op(2, 2, None, "CAS k b nil"),
        op(3, 3, 4, "GET k", b"a"),
    ],
    "sorted sets": [
        op(1, 0, 1, "ZADD k 5 m", 1),
        op(2, 2, 3, "ZINCRBY k -2 m", b"3"),
        op(3, 4, 5, "ZRANGE k 0 -1 WITHSCORES", (b"m", b"3")),
        op(4, 6, 7, "ZPOPMIN k", (b"m", b"3")),
    ],
}

BROKEN: dict[str, list[Operation]] = {
    "a stale read": [op(1, 0, 1, "SET k a", OK), op(2, 2, 3, "SET k b", OK), op(3, 4, 5, "GET k", b"a")],
    "a lost write": [op(1, 0, 1, "SET k a", OK), op(2, 2, 3, "GET k", None)],
    "a value from nowhere": [op(1, 0, 1, "GET k", b"a")],
    "a write seen, then not": [
        op(1, 0, 9, "SET k a", OK),
        op(2, 1, 2, "GET k", b"a"),
        op(3, 3, 4, "GET k", None),
    ],
    "a read before the write": [op(1, 0, 1, "GET k", b"a"), op(2, 2, 3, "SET k a", OK)],
    "a failed write took effect": [failed(1, 0, 1, "SET k a"), op(2, 2, 3, "GET k", b"a")],
    "an increment applied twice": [op(1, 0, 1, "INCR k", 1), op(2, 2, 3, "GET k", b"2")],
    "two increments with one answer": [op(1, 0, 1, "INCR k", 1), op(2, 0, 1, "INCR k", 1)],
    "an unanswered write applied twice": [
        op(1, 0, None, "APPEND k a"),
        op(2, 1, 2, "GET k", b"aa"),
    ],
    "half a pair": [op(1, 0, 9, "SET a 1 ; SET b 1", OK, OK), op(2, 1, 2, "GET a ; GET b", b"1", None)],
    "a member popped twice": [
        op(1, 0, 1, "SADD k a", 1),
        op(2, 2, 3, "SPOP k", b"a"),
        op(3, 4, 5, "SPOP k", b"a"),
    ],
    "a guarded write over another's": [
        op(1, 0, 1, "SET k a", OK),
        op(2, 2, 3, "SET k b", OK),
        op(3, 4, 5, "CAS k c is a", OK),
    ],
}


@pytest.mark.parametrize("name", GOOD)
def test_good(name: str) -> None:
    complaints, unknown = judge(GOOD[name])
    assert (complaints, unknown) == ([], 0)


@pytest.mark.parametrize("name", BROKEN)
def test_broken(name: str) -> None:
    complaints, unknown = judge(BROKEN[name])
    assert unknown == 0
    assert [c.judge for c in complaints] == ["linearizability"]
    assert complaints[0].evidence


def test_deadlines_with_clocks_that_agree() -> None:
    slack_us = 1000
    start = [op(1, 0, 10, "SET k a PX 100", OK)]
    gone_in_time = [*start, op(2, 50_000, 50_010, "GET k", b"a"), op(3, 200_000, 200_010, "GET k", None)]
    too_early = [*start, op(2, 50_000, 50_010, "GET k", None)]
    too_late = [*start, op(2, 200_000, 200_010, "GET k", b"a")]
    back_again = [*start, op(2, 99_900, 99_950, "GET k", None), op(3, 99_960, 99_990, "GET k", b"a")]
    kept = [*start, op(2, 50, 60, "PERSIST k", 1), op(3, 200_000, 200_010, "GET k", b"a")]
    assert not judge(gone_in_time, slack_us)[0]
    assert judge(too_early, slack_us)[0]
    assert judge(too_late, slack_us)[0]
    assert judge(back_again, slack_us)[0]
    assert not judge(kept, slack_us)[0]
    assert not judge(too_early)[0], "with clocks that jump a value may go at any time"
    assert judge(back_again)[0], "but never come back"


def test_calls_of_one_pipeline_take_effect_in_order() -> None:
    """They were sent at one moment: only the connection tells that the read came last."""
    calls = ["SET k a", "APPEND k b", "GET k"]
    for last, good in ((b"ab", True), (b"a", False), (b"b", False)):
        replies = (OK, 2 if good else 1, last)
        history = [op(n, 0, 9, call, replies[n], conn=7) for n, call in enumerate(calls)]
        assert (judge(history)[0] == []) is good
    blind = [op(1, 0, 9, "SET k a", OK, conn=7), op(2, 0, 9, "SET k b", OK, conn=7)]
    assert judge([*blind, op(3, 10, 11, "GET k", b"b")])[0] == []
    assert judge([*blind, op(3, 10, 11, "GET k", b"a")])[0]
    unknown = [op(1, 0, None, "SET k a", conn=7), op(2, 0, 9, "SET k b", OK, conn=7)]
    assert judge([*unknown, op(3, 10, 11, "GET k", b"a")])[0] == [], "what was not answered may happen later"


def test_the_order_of_a_pipeline_is_asked_for_within_a_lane() -> None:
    """Calls that may go to several groups at once are under way side by side."""
    joined = [op(1, 0, 1, "SET k 0 ; SET j 0", OK, OK)]
    lanes = {(5, 5): False, (IN_ORDER, IN_ORDER): False, (5, 6): True, (SIDE_BY_SIDE, SIDE_BY_SIDE): True}
    for (first, second), good in lanes.items():
        sent = [op(2, 2, 9, "SET k a", OK, conn=7), op(3, 2, 9, "SET j b", OK, conn=7)]
        sent[0].lane, sent[1].lane = first, second
        seen = [op(4, 3, 4, "GET j", b"b"), op(5, 5, 6, "GET k", b"0")]
        assert (judge([*joined, *sent, *seen])[0] == []) is good


def test_keys_are_judged_apart_unless_a_transaction_joins_them() -> None:
    history = [
        op(1, 0, 1, "SET a 1", OK),
        op(2, 0, 1, "SET b 1", OK),
        op(3, 0, 1, "GET c ; GET d", None, None),
    ]
    assert [keys for keys, _ in partitions(history)] == [[b"a"], [b"b"], [b"c", b"d"]]


def test_a_hard_history_is_unknown_rather_than_endless() -> None:
    history = [op(i, 0, None, f"APPEND k {i + 10}") for i in range(30)]
    history.append(op(99, 1, 2, "STRLEN k", 21))
    verdict = judge_part([b"k"], history, budget=5000)
    assert verdict.unknown
    assert verdict.complaint is None


@pytest.mark.parametrize("few_values", [False, True])
def test_ten_thousand_operations_of_ten_processes(few_values: bool) -> None:
    history = long_registers(1, 10_000, 10, 10, few_values=few_values)
    assert judge(history) == ([], 0)
    if not few_values:
        stale = make_stale(history, 12)
        complaints, unknown = judge(history)
        assert unknown == 0
        assert len(complaints) == 1
        assert any(line.strip() == stale.text() for line in complaints[0].evidence)


@pytest.mark.parametrize("keys", [1, 10])
def test_the_evidence_is_as_small_as_it_gets(keys: int) -> None:
    """Two operations prove a stale read: another value was seen after it, and nobody wrote it again."""
    history = long_registers(3, 2000, keys, 10, unknown_rate=0.05)
    stale = make_stale(history, 12)
    complaints, _ = judge(history)
    assert complaints[0].evidence[0] == "these 2 cannot be put in any order:"
    shown = [line.strip() for line in complaints[0].evidence[1:3]]
    assert shown[-1] == stale.text()
    assert complaints[0].evidence[3] == "whatever the key held before them"


def test_evidence_for_counters_and_lost_writes() -> None:
    counted = [op(i, i * 10, i * 10 + 15, "INCR k", i + 1) for i in range(300)]
    counted += [op(900 + i, i * 50, None, "INCR k") for i in range(5)]
    (complaint,), _ = judge([*counted, op(999, 20_000, 20_002, "GET k", b"299")])
    assert [line.split(": ")[1] for line in complaint.evidence[1:3]] == [
        "INCR k OK -> 300",
        "GET k OK -> '299'",
    ]
    (complaint,), _ = judge(
        [op(1, 0, 1, "SET k a", OK), op(2, 2, 3, "GET k", b"b"), op(3, 4, 5, "SET k c", OK)]
    )
    assert complaint.evidence[0].strip() == op(2, 2, 3, "GET k", b"b").text()


# -- a judge that tries every order, to judge the judge


def naive(history: list[Operation]) -> bool:
    definite = [o for o in history if o.outcome is Outcome.OK]
    indefinite = [o for o in history if o.outcome is Outcome.INFO]
    for chosen in range(1 << len(indefinite)):
        some = definite + [o for i, o in enumerate(indefinite) if chosen >> i & 1]
        if any(explains(order) for order in permutations(some)):
            return True
    return False


def explains(order: tuple[Operation, ...]) -> bool:
    for i, operation in enumerate(order):
        if any(later.return_us < operation.invoke_us for later in order[i + 1 :]):
            return False
        if any(is_one_pipeline(later, operation) for later in order[i + 1 :]):
            return False
    held: dict[bytes, object] = {}
    for operation in order:
        for i, command in enumerate(operation.commands):
            after, answer = MODELS[command[0]](held.get(command[1]), command)  # type: ignore[arg-type]
            held[command[1]] = after
            if operation.outcome is Outcome.OK and answer != canonical(command, operation.replies[i]):
                return False
    return True


def is_one_pipeline(first: Operation, second: Operation) -> bool:
    """Whether their connection has sent ``first`` before ``second``, and both were answered."""
    answered = first.outcome is Outcome.OK and second.outcome is Outcome.OK
    sent = (first.invoke_us, first.number) < (second.invoke_us, second.number)
    one_lane = first.lane == second.lane != SIDE_BY_SIDE
    return answered and first.conn == second.conn != 0 and one_lane and sent


def random_history(prng: Prng) -> list[Operation]:
    """Mostly answers that some order gives, sometimes not."""
    names = [
        "SET k",
        "GET k",
        "INCR k",
        "APPEND k",
        "DEL k",
        "SETNX k",
        "GETSET k",
        "GET k ; GET j",
        "SET k 7 ; SET j 8",
    ]
    history: list[Operation] = []
    held: dict[bytes, object] = {}
    past: list[dict[bytes, object]] = [{}]
    now = 0
    for number in range(prng.between(2, 6)):
        name = names[prng.below(len(names))]
        if name.split()[0] in ("SET", "APPEND", "SETNX", "GETSET") and ";" not in name:
            name += f" {number}" if prng.chance(0.7) else f" v{number}"
        now += prng.between(0, 6)
        operation = op(number, max(0, now - prng.below(5)), now + prng.below(5), name, conn=prng.below(3))
        operation.lane = prng.below(2) if prng.chance(0.5) else IN_ORDER - prng.below(2)
        base = past[prng.below(len(past))] if prng.chance(0.4) else held
        lost = prng.chance(0.2)
        replies: list[Value] = []
        for command in operation.commands:
            _, answer = MODELS[command[0]](base.get(command[1]), command)  # type: ignore[arg-type]
            if not lost:
                held[command[1]], _ = MODELS[command[0]](held.get(command[1]), command)  # type: ignore[arg-type]
            replies.append(answer)
        past.append(dict(held))
        operation.replies = tuple(replies)
        if prng.chance(0.25):
            operation.outcome, operation.return_us, operation.replies = Outcome.INFO, FOREVER_US, ()
        history.append(operation)
    return history


def test_the_naive_judge_agrees() -> None:
    prng = Prng(11)
    good = 0
    for _ in range(2000):
        history = random_history(prng)
        complaints, unknown = judge(history)
        assert unknown == 0
        assert naive(history) == (not complaints), [o.text() for o in history]
        good += not complaints
    assert 500 < good < 1800, good
