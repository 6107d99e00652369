"""Runs with a keyspace of mode ``paxos``: right, and such that what is hard about it happens."""

import msgspec
import pytest

from trivet.lab.runner import run
from trivet.lab.workloads import REGISTRY, Mix
from trivet.lab.workloads.mix import REGISTER_DATABASE
from trivet.lab.world.options import RunOptions, draw_options

ON_REGISTERS = [
    "register", "counter", "set", "tokens", "lock", "script", "stream", "expiry", "mixed"
]  # fmt: skip


def options(seed: int, nodes: int = 3, **changes: object) -> RunOptions:
    drawn = draw_options(seed, nodes, 60)
    few = {
        "register_rate": 1.0,
        "second_rate": 0.0,
        "weight_keyspaces": 0,
        "rest_rate": 0.0,
        "think_ms_max": 60,
    }
    return msgspec.structs.replace(drawn, **few | changes)  # type: ignore[arg-type]


def test_who_lives_on_registers() -> None:
    mix = Mix(options(1, workloads=",".join(REGISTRY)))
    there = {name for name, workload in mix.workloads.items() if workload.on_registers}
    assert there == set(ON_REGISTERS)
    databases = {name: mix._places[workload].database for name, workload in mix.workloads.items()}
    assert {name for name, database in databases.items() if database == REGISTER_DATABASE} == there
    assert databases["bank"] == 0, "connections come from the other database"


def test_without_the_option_nothing_is_another() -> None:
    assert all(draw_options(seed, 3, 60).register_rate == 0 for seed in range(1, 100))


@pytest.mark.parametrize("workload", ON_REGISTERS)
def test_a_run_of_each_workload(workload: str) -> None:
    result = run(options(3, workloads=workload, clients=3, move_every_ms=0, join_every_ms=0))
    assert result.complaints == []
    assert result.ok and result.reached["registers: a majority holds a version"]


ROT: dict[str, object] = {
    "bit_rot_every_ms": 600, "rot_snapshot_rate": 0.0, "fault_ms_max": 300, "workloads": "tokens,register",
    "move_every_ms": 0, "join_every_ms": 0, "wipe_every_ms": 0, "safety_ms_max": 20_000,
}  # fmt: skip
CHANGE: dict[str, object] = {
    "move_every_ms": 250, "plans": True, "workloads": "set,tokens", "register_replicas": 3, "think_ms_max": 100,
    "second_replicas": 3, "wipe_every_ms": 0, "safety_ms_max": 20_000,
}  # fmt: skip


@pytest.mark.parametrize(
    ("first", "nodes", "changes", "wanted"),
    [
        (32, 3, ROT, ["registers in doubt", "registers caught up"]),
        (1, 5, CHANGE, ["registers: members begin to change", "registers: members have changed"]),
    ],
    ids=["logs that rot", "members that change"],
)
def test_what_is_hard_happens(first: int, nodes: int, changes: dict[str, object], wanted: list[str]) -> None:
    left = dict.fromkeys(wanted)
    for seed in range(first, first + 8):
        result = run(options(seed, nodes, **changes))
        assert result.complaints == [], f"seed {seed}"
        left = {name: None for name in left if name not in result.reached}
        if not left:
            return
    assert not left


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(1, 41))
def test_many_runs(seed: int) -> None:
    workloads = ",".join(ON_REGISTERS[seed % 3 :: 3])
    result = run(options(seed, workloads=workloads, ops=150))
    assert result.complaints == []
