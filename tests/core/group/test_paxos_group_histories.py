"""Whole histories of groups of registers, under faults: they are right, and planted bugs are noticed."""

import os
from collections.abc import Callable

import pytest

from tests.core.group.pure import only_pure
from tests.core.group.register_clients import Client
from tests.core.group.register_faults import THEMES, play, play_pipelines
from tests.core.group.register_world import SKEW_MS, World
from trivet.core.base.prng import Prng
from trivet.core.group.paxos_group import PaxosGroup
from trivet.core.group.register_errand import Errand
from trivet.core.group.register_errands import Errands
from trivet.core.group.register_execution import Execution, Runner
from trivet.core.group.register_forwards import Forwards
from trivet.core.machine.register import TaskResult
from trivet.core.paxos.operation import Operation, Outcome
from trivet.core.paxos.ready import Save

pytestmark = only_pure

SLACK_US = 2 * SKEW_MS * 1000
SEEDS = int(os.environ.get("TRIVET_REGISTER_SEEDS", "3000"))
"""How many `make soak` runs."""


class Rare:
    """Takes the rarer way now and then."""

    def __init__(self, seed: int, one_of: int) -> None:
        self.prng = Prng(seed)
        self.one_of = one_of

    def rare(self, point: str) -> bool:
        return self.prng.below(self.one_of) == 0


def run(seed: int, theme: str = "") -> World:
    world = play(seed, theme, buggify=Rare(seed, 3 + 7 * (seed % 3)) if seed % 2 else None)
    assert world.judge(SLACK_US) == [], f"seed {seed}"
    return world


@pytest.mark.parametrize("theme", THEMES)
def test_histories_under_faults_are_right(theme: str) -> None:
    counts: dict[str, int] = {}
    for seed in range(5):
        for name, count in run(seed, theme).counts.items():
            counts[name] = counts.get(name, 0) + count
    for name in ("Submit", "Submitted", "Accept", "ReadReply"):
        assert counts[name], name
    assert counts["changes"] if theme == "members" else True
    assert counts["lost disks"] if theme == "disks" else True


@pytest.mark.soak
@pytest.mark.timeout(SEEDS)
def test_many_histories_are_right() -> None:
    for seed in range(1000, 1000 + SEEDS):
        run(seed)


@pytest.mark.parametrize("first", [0, 4])
def test_pipelined_reads_of_a_key_never_go_back(first: int) -> None:
    """N5."""
    for seed in range(first, first + 4):
        for seen in play_pipelines(seed):
            assert seen == sorted(seen), f"seed {seed}"


def test_a_history_is_a_function_of_its_seed() -> None:
    first, second = ([operation.text() for operation in run(11, "cuts").history] for _ in range(2))
    assert first == second


def test_without_faults_everything_succeeds() -> None:
    world = World(3)
    clients = world.clients
    clients += [Client(world, number, 1 + number % 4) for number in range(6)]
    for number in range(60):
        for client in clients:
            if client.operation is None:
                client.begin((b"INCR", b"k%d" % (number % 3)))
        world.run_for(15)
    world.run_for(200)
    assert {operation.outcome.name for operation in world.history} == {"OK"}
    assert world.judge() == []
    world.run_for(2000)
    assert all(host.live.asleep for host in world.hosts.values())


# -- planted bugs


def _answers_before_it_is_durable(monkeypatch: pytest.MonkeyPatch) -> None:
    save = PaxosGroup._save

    def broken(self: PaxosGroup, saved: Save) -> None:
        save(self, saved)
        self.paxos.saved(saved.save_id)

    monkeypatch.setattr(PaxosGroup, "_save", broken)
    monkeypatch.setattr(PaxosGroup, "on_synced", lambda self: False)


def _second_copy_has_another_seq(monkeypatch: pytest.MonkeyPatch) -> None:
    operation = Errands.operation

    def broken(self: Errands, errand: Errand) -> Operation:
        if errand.submissions and not errand.reads_only:
            self.runner.numbers.seq += 1
            made = operation(self, errand)
            made.seq = self.runner.numbers.seq
            return made
        return operation(self, errand)

    monkeypatch.setattr(Errands, "operation", broken)
    ended = Errands.ended

    def end(self: Errands, made: Operation, now_ms: int) -> None:
        made.seq = self._operations[made.op_id].seq
        ended(self, made, now_ms)

    monkeypatch.setattr(Errands, "ended", end)


def _any_run_is_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Execution, reply: bytes) -> list[TaskResult]:
        return self._results

    monkeypatch.setattr(Execution, "results_of", broken)


def _marks_of_nodes_are_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Runner, "next_mark", lambda self: b"\x00" * 16)


def _since_is_taken_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    operation = Errands.operation

    def broken(self: Errands, errand: Errand) -> Operation:
        made = operation(self, errand)
        made.since = self.since
        return made

    monkeypatch.setattr(Errands, "operation", broken)


def _late_reads_are_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    change = Execution.change

    def broken(self: Execution, value: bytes | None, version: int) -> object:
        made = change(self, value, version)
        self.was_late = False
        return made

    monkeypatch.setattr(Execution, "change", broken)


def _a_copy_is_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    operation = Errands.operation

    def broken(self: Errands, errand: Errand) -> Operation:
        made = operation(self, errand)
        made.fresh = made.sole = True
        return made

    monkeypatch.setattr(Errands, "operation", broken)


def _a_broken_link_leaves_no_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    lost = Errands.lost

    def broken(self: Errands, peer: int) -> None:
        sent = list(self._sent.values())
        lost(self, peer)
        for errand in sent:
            errand.in_doubt = False

    monkeypatch.setattr(Errands, "lost", broken)


def _forgotten_means_not_done(monkeypatch: pytest.MonkeyPatch) -> None:
    failed = Errands._failed

    def broken(self: Errands, errand: Errand, outcome: Outcome, version: int, exposed: bool) -> None:
        failed(self, errand, outcome, version, False)

    monkeypatch.setattr(Errands, "_failed", broken)
    ended = Forwards.ended

    def end(self: Forwards, operation: Operation) -> None:
        operation.exposed = False
        ended(self, operation)

    monkeypatch.setattr(Forwards, "ended", end)


def _definite_of_one_is_definite_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    failed = Errands._failed

    def broken(self: Errands, errand: Errand, outcome: Outcome, version: int, exposed: bool) -> None:
        if outcome is Outcome.DEFINITE and not errand.is_over and errand.here:
            self._fail(errand, errand.error)
        else:
            failed(self, errand, outcome, version, exposed)

    monkeypatch.setattr(Errands, "_failed", broken)


def _incarnation_is_not_in_the_mark_of_its_origin(monkeypatch: pytest.MonkeyPatch) -> None:
    operation = Errands.operation

    def broken(self: Errands, errand: Errand) -> Operation:
        made = operation(self, errand)
        if not made.reads_only:
            made.origin = made.origin >> 44 << 44 | 1
        return made

    monkeypatch.setattr(Errands, "operation", broken)


Plant = Callable[[pytest.MonkeyPatch], None]

PLANTED: list[tuple[Plant, str]] = [
    (_answers_before_it_is_durable, "crashes"),
    (_second_copy_has_another_seq, "cuts"),
    (_any_run_is_the_last, "cuts"),
    (_marks_of_nodes_are_alike, "cuts"),
    (_since_is_taken_anew, "expiry"),
    (_late_reads_are_answered, "expiry"),
    (_a_copy_is_fresh, "cuts"),
    (_a_broken_link_leaves_no_doubt, "cuts"),
    (_forgotten_means_not_done, "cuts"),
    (_definite_of_one_is_definite_of_all, "cuts"),
    (_incarnation_is_not_in_the_mark_of_its_origin, "crashes"),
]
SEEDS_MAX = 90


@pytest.mark.parametrize(("plant", "theme"), PLANTED, ids=lambda value: getattr(value, "__name__", value))
def test_planted_bugs_are_noticed(plant: Plant, theme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch)
    for seed in range(SEEDS_MAX):
        try:
            run(seed, theme)
        except (AssertionError, ValueError):
            return
    pytest.fail(f"{plant.__name__}: not noticed in {SEEDS_MAX} runs")
