"""Runs with transactions over groups: what they reach, and that draws have them."""

import msgspec
import pytest
from mutants import schedules

from trivet.lab.runner import RunResult, run
from trivet.lab.world.options import RunOptions, draw_options

SPREAD = {
    "nodes": 3, "workloads": "append,bank,across", "second_rate": 1.0, "second_shards": 3, "spread_rate": 1.0,
    "think_ms_max": 60, "safety_ms_max": 30_000,
}  # fmt: skip


def played(seed: int, **options: float | str) -> RunResult:
    result = run(msgspec.convert(SPREAD | {"seed": seed, "ops": 250} | options, RunOptions))
    assert [c.text() for c in result.complaints] == []
    return result


def test_a_quiet_run_has_transactions_that_commit() -> None:
    result = played(1)
    assert result.reached["attempt commits"] > 50
    assert result.metrics["across.ok"] > 30
    assert result.metrics["bank.ok"] > 30
    assert not result.indefinite


def test_coordinators_and_leaders_fall_amid_them() -> None:
    total: dict[str, int] = {}
    for seed in (30, 41):
        total |= played(seed, kill_every_ms=700, fault_ms_max=800, election_ms=300).reached
    assert any(what.startswith("coordinator falls") for what in total)
    for what in (
        "participant's leader falls with an intent", "home's leader falls before the decision",
        "resolver aborts", "attempt waits", "attempt dies",
    ):  # fmt: skip
        assert total.get(what), what


@pytest.mark.parametrize("nodes", [3, 5])
def test_draws_have_them_or_not(nodes: int) -> None:
    drawn = [draw_options(seed, nodes, 100) for seed in range(1, 201)]
    spread = [options for options in drawn if options.spread_rate]
    assert 60 < len(spread) < 100
    for options in spread:
        assert options.second_rate >= 0.5
        assert 2 <= options.second_shards <= 4
    assert 20 < sum(options.move_every_ms > 0 for options in spread) < 70
    assert all(o.second_replicas >= 3 for o in drawn if o.wipe_every_ms or o.bit_rot_every_ms)


def test_schedules_of_words_are_silent() -> None:
    """Five times a thousand orders, in which words come late, coordinators fall, and others ask meanwhile."""
    assert [(seed, found) for seed in range(1, 6) if (found := schedules.play(seed))] == []
