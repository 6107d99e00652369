"""Equal seeds give equal digests: in any process, under any hash seed, by any number of workers."""

import os
import subprocess
import sys

import pytest

RUN = """
import sys

import pytest
from trivet.lab.search.campaign import Plan
from trivet.lab.search.command import lab_run
nodes, jobs = int(sys.argv[2]), int(sys.argv[3])
overrides = {} if nodes == 3 else {"safety_ms_max": 5_000}  # the same ways through the code, for half the price
plan = Plan(seed=int(sys.argv[1]), seeds=3, nodes=nodes, ops=120, jobs=jobs, overrides=overrides)
sys.exit(lab_run(plan, sys.stdout))
"""


def lines(hash_seed: str, first_seed: int, nodes: int, jobs: int) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(first_seed), str(nodes), str(jobs)],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stderr == ""
    return [line for line in done.stdout.splitlines() if line.startswith("seed ")]


@pytest.mark.parametrize("nodes", [3, pytest.param(5, marks=pytest.mark.soak)])
def test_two_processes_with_two_hash_seeds(nodes: int) -> None:
    first = lines("0", 900, nodes, 0)
    assert first == lines("4711", 900, nodes, 2)
    digests = [line.split("digest ")[1] for line in first]
    assert len(dict.fromkeys(digests)) == 3
    assert all(len(digest) == 32 for digest in digests)
