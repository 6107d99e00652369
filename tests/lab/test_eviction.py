"""Eviction while leaders die and nodes are cut off: replicas stay equal, and a seed is a run."""

import pytest

from trivet.lab.resp import OK
from trivet.lab.stage.stage import Stage

LIMIT = "1150kb"


def fill(seed: int, policy: str) -> tuple[str, dict[int, tuple[int, int]]]:
    """Write more than may be held, through faults; the trace's digest, and (keys, evicted) by node."""
    with Stage(seed=seed) as stage:
        old = stage.leader()
        assert stage.ask(old, "CONFIG", "SET", "maxmemory", LIMIT, "maxmemory-policy", policy) == OK
        pending = []
        for number in range(600):
            words = ["SET", f"k{number}", "x" * 250]
            if number % 2:
                words += ["EX", "100000"]
            nodes = [node for node in stage.nodes if stage.seen(node) is not None]
            pending.append(stage.send(nodes[number % len(nodes)], *words))
            if number == 200:
                stage.crash(old, power_cut=True)
            elif number == 350:
                stage.start(old)
            elif number == 400:
                stage.partition([stage.leader()])
            elif number == 480:
                stage.heal()
            stage.run_for(5)
        stage.run_until(lambda: all(call.done for call in pending), within_ms=30_000)
        stage.run_for(2000)
        sizes = {node: stage.ask(node, "DBSIZE") for node in stage.nodes}
        stage.run_for(1000)
        assert stage.judge() == []
        seen = {node: stage.seen(node) for node in stage.nodes}
        assert len({one.applied for one in seen.values()}) == 1  # the lab itself compares their states
        return stage.digest(), {node: (sizes[node], seen[node].applied) for node in stage.nodes}


@pytest.mark.parametrize(
    "policy",
    [
        "volatile-ttl",
        *(pytest.param(p, marks=pytest.mark.soak) for p in ("allkeys-lru", "allkeys-lfu", "noeviction")),
    ],
)
def test_replicas_stay_equal_and_the_run_repeats(policy):
    digest, sizes = fill(5, policy)
    assert len(set(sizes.values())) == 1
    assert fill(5, policy) == (digest, sizes)
    assert 100 < sizes[1][0] < 500
