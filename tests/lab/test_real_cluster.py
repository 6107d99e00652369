"""The real node under all faults: every seed must stay silent."""

import io

import pytest

from trivet.lab.cluster import SimulatedCluster
from trivet.lab.search.campaign import Plan
from trivet.lab.search.command import lab_run
from trivet.lab.world.options import RunOptions
from trivet.lab.world.real import RealNodes


def silent(first_seed: int, seeds: int, nodes: int, ops: int) -> None:
    out = io.StringIO()
    plan = Plan(seed=first_seed, seeds=seeds, nodes=nodes, ops=ops)
    assert lab_run(plan, out) == 0, out.getvalue()


@pytest.mark.parametrize(
    "first_seed", [1, *(pytest.param(seed, marks=pytest.mark.soak) for seed in (11, 21, 31))]
)
def test_three_nodes(first_seed: int) -> None:
    silent(first_seed, 3, 3, 200)


@pytest.mark.parametrize(
    ("first_seed", "seeds"),
    [(11, 1), *(pytest.param(seed, 3, marks=pytest.mark.soak) for seed in (1, 6, 12, 16))],
)
def test_five_nodes(first_seed: int, seeds: int) -> None:
    silent(first_seed, seeds, 5, 150)


def test_a_calm_node_gets_a_tick_per_beat() -> None:
    """As in service; and what ends the calm brings the next tick near."""
    spent = {}
    for rare in (False, True):
        options = RunOptions(seed=3, clients=1, ops=1, rare_ticks=rare)
        cluster = SimulatedCluster(options, RealNodes(options))
        for process in cluster.processes.values():
            process.start()
        cluster.simulation.run_until(5_000_000)
        before = cluster.simulation.events
        cluster.simulation.run_until(15_000_000)
        spent[rare] = cluster.simulation.events - before
        cluster.clients[0].start(1)
        cluster.simulation.run_until(15_100_000)
        assert cluster.clients[0].succeeded == 1
        cluster.processes[1].crash(False, False)
        cluster.simulation.run_until(17_000_000)
        assert any(process.leads() for process in cluster.processes.values())
        assert cluster.complaints == cluster.invariants.complaints == []
    assert spent[True] < spent[False] / 2, spent
