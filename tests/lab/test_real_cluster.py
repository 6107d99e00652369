"""The real node under all faults: every seed must stay silent."""

import io

import pytest

from trivet.lab.search.campaign import Plan
from trivet.lab.search.command import lab_run


def silent(first_seed: int, seeds: int, nodes: int, ops: int) -> None:
    out = io.StringIO()
    plan = Plan(seed=first_seed, seeds=seeds, nodes=nodes, ops=ops)
    assert lab_run(plan, out) == 0, out.getvalue()


@pytest.mark.parametrize("first_seed", range(1, 41, 10))
def test_three_nodes(first_seed: int) -> None:
    silent(first_seed, 3, 3, 200)


@pytest.mark.parametrize(
    "first_seed", [1, 11, pytest.param(6, marks=pytest.mark.soak), pytest.param(16, marks=pytest.mark.soak)]
)
def test_five_nodes(first_seed: int) -> None:
    silent(first_seed, 3, 5, 150)
