"""Runs with a keyspace of mode ``primary``: what is lost is told of, and what is planted is noticed."""

import msgspec
import pytest

from trivet.core.base.prng import Prng
from trivet.core.group.set_aside import Asides, SetAside
from trivet.core.raft import generations
from trivet.lab.history import Operation, Outcome
from trivet.lab.runner import RunResult
from trivet.lab.runner import run as run_options
from trivet.lab.workloads.append import Append
from trivet.lab.workloads.bank import Bank
from trivet.lab.workloads.mix import Mix
from trivet.lab.workloads.primary import Primary
from trivet.lab.workloads.workload import Context
from trivet.lab.world.options import RunOptions, draw_options

CUT_OFF = {
    "workloads": "primary", "primary_rate": 1.0, "primary_shards": 3, "second_rate": 0.0, "rest_rate": 0.0,
    "think_ms_max": 40, "clients": 6, "readers": 0, "partition_every_ms": 4_000, "fault_ms_max": 9_000, "kill_every_ms": 6_000,
    "safety_ms_max": 40_000, "settle_ms": 6_000, "join_every_ms": 0, "move_every_ms": 0, "kill_all_every_ms": 0,
    "wipe_every_ms": 0, "bit_rot_every_ms": 0, "misdirect_every_ms": 0, "sync_failure_every_ms": 0,
    "weight_keyspaces": 0, "core_rate": 0.0,
}  # fmt: skip
"""Primaries are cut off for longer than it takes to name another one."""


def run(seed: int, ops: int = 600) -> RunResult:
    drawn = draw_options(seed, 3, ops)
    return run_options(msgspec.structs.replace(drawn, **CUT_OFF))  # type: ignore[arg-type]


def good(seeds: range) -> dict[str, int]:
    counts: dict[str, int] = {}
    for seed in seeds:
        result = run(seed)
        assert not result.complaints, (seed, [one.text() for one in result.complaints])
        for name, count in {**result.metrics, "failovers": result.reached.get("failovers", 0)}.items():
            counts[name] = counts.get(name, 0) + count
    return counts


def noticed(seeds: range) -> str:
    """What the judges say first."""
    for seed in seeds:
        try:
            result = run(seed)
        except AssertionError as error:
            return f"crash: {error}"
        if result.complaints:
            return result.complaints[0].text()
    return ""


def test_failovers_lose_something_and_tell_of_all_of_it() -> None:
    counts = good(range(6, 8))
    assert counts["failovers"] >= 2
    assert counts["primary.lost"] > 0


def test_a_tail_that_is_thrown_away_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    make = SetAside.__init__

    def thrown(self, group, raft, node, tokens):  # type: ignore[no-untyped-def]
        make(self, group, raft, node, tokens)
        self.job = msgspec.structs.replace(self.job, operations=[])

    monkeypatch.setattr(SetAside, "__init__", thrown)
    said = noticed(range(1, 5))
    assert "nobody tells" in said or "its files hold" in said


@pytest.mark.soak
def test_a_tail_that_is_not_counted_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        Asides,
        "note",
        lambda self, file, head: self.files.setdefault(file, msgspec.structs.replace(head, calls=0)),
    )
    assert "that were set aside, its files hold" in noticed(range(1, 5))


@pytest.mark.soak
def test_who_takes_a_new_primarys_log_over_its_own_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generations, "is_in_line", lambda s, leader: True)
    assert noticed(range(1, 5))


def operation(outcome: Outcome, reply: object = None, final: bool = False) -> Operation:
    words = [b"GET", b"P:1"] if final else [b"SET", b"P:1", b"1"]
    return Operation(
        number=1, client=1, conn=0, node=1, commands=(tuple(words),), keys=(b"P:1",), invoke_us=1, return_us=2,
        outcome=outcome, replies=(reply,), final=final,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("outcome", "replies", "told", "failovers", "said"),
    [
        (Outcome.OK, [b"1", b"1"], False, 0, ""),
        (Outcome.OK, [None], True, 1, ""),
        (Outcome.OK, [None], False, 1, "lost, and nobody tells of it"),
        (Outcome.OK, [None], True, 0, "lost without a failover"),
        (Outcome.OK, [b"1", None], True, 1, "nodes end with different values"),
        (Outcome.FAIL, [b"1"], False, 1, "a write that failed took effect"),
        (Outcome.FAIL, [None], True, 1, "a write that failed took effect"),
        (Outcome.INFO, [None], False, 0, ""),
    ],
)
def test_judge(outcome, replies, told, failovers, said) -> None:  # type: ignore[no-untyped-def]
    context = Context(0)
    context.failovers = failovers
    context.set_aside = {b"P:1": 1} if told else {}
    finals = [operation(Outcome.OK, reply, final=True) for reply in replies]
    complaints = Primary(RunOptions(seed=1, nodes=3, ops=1), Prng(1)).check(
        [operation(outcome), *finals], finals, context
    )
    assert [one.sentence for one in complaints] == ([f"P:1: {said}"] if said else [])


def together(outcome: Outcome, *replies: object, final: bool = False) -> list[Operation]:
    """A transaction of two keys, and what is read of them in the end."""
    keys = (b"P:1", b"P:2")
    told = [
        Operation(
            number=1, client=1, conn=0, node=1, commands=((b"SET", b"P:1", b"1"), (b"SET", b"P:2", b"2")),
            keys=keys, invoke_us=1, return_us=2, outcome=outcome,
        )
    ]  # fmt: skip
    for key, reply in zip(keys, replies, strict=False):
        told.append(
            Operation(
                number=2, client=1, conn=0, node=1, commands=((b"GET", key),), keys=(key,), invoke_us=9,
                return_us=9, outcome=Outcome.OK, replies=(reply,), final=True,
            )
        )  # fmt: skip
    return told


def a_look(*replies: object) -> Operation:
    keys = (b"P:1", b"P:2")
    return Operation(
        number=3, client=1, conn=0, node=1, commands=tuple([(b"GET", key) for key in keys]), keys=keys,
        invoke_us=3, return_us=4, outcome=Outcome.OK, replies=replies,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("told", "set_aside", "failovers", "said"),
    [
        (together(Outcome.OK, b"1", b"2"), [], 0, []),
        (together(Outcome.OK, b"1", None), [b"P:2"], 1, []),
        (together(Outcome.OK, b"1", None), [], 1, ["P:2: lost, and nobody tells of it"]),
        (together(Outcome.INFO, b"1", None), [], 1, []),
        (together(Outcome.INFO, None, None), [], 0, []),
        (
            together(Outcome.INFO, b"1", None),
            [],
            0,
            ["P:1: a part of a transaction is there, without a failover"],
        ),
        (together(Outcome.FAIL, None, None), [b"P:1"], 1, []),
        (together(Outcome.FAIL, None, b"2"), [], 1, ["P:2: a write that failed took effect"]),
        ([a_look(b"1", None)], [], 0, ["P:1: a part of a transaction is there, without a failover"]),
        ([a_look(b"1", None)], [], 1, []),
        ([a_look(b"1", b"2"), a_look(None, None)], [], 0, []),
    ],
)
def test_judge_of_what_is_written_together(told, set_aside, failovers, said) -> None:  # type: ignore[no-untyped-def]
    context = Context(0)
    context.failovers = failovers
    context.set_aside = dict.fromkeys(set_aside, 1)
    workload = Primary(RunOptions(seed=1, nodes=3, ops=1), Prng(1))
    complaints = workload.check(told, [one for one in told if one.final], context)
    assert [one.sentence for one in complaints] == said


@pytest.mark.parametrize("make", [Bank, Append])
def test_after_a_failover_nothing_is_said_of_what_it_may_have_undone(make) -> None:  # type: ignore[no-untyped-def]
    options = RunOptions(seed=1, nodes=3, ops=1, primary_rate=1.0, workloads="bank,append,primary")
    mix = Mix(options)
    assert all(workload.may_be_lost for workload in mix.workloads.values())
    workload, context = mix.workloads[make.__name__.lower()], Context(0)
    assert not workload.is_beyond_judging(context)
    context.failovers = 1
    assert workload.check([], [], context) == [] and workload.metrics()["not judged: failovers"] == 1
    assert not make(options, Prng(1)).is_beyond_judging(context), "elsewhere nothing is lost"
