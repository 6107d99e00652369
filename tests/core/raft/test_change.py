"""Changes of the membership (§4): conversations, and long random runs in which it changes all the time.

The random runs are those of ``test_raft.py``, with members that join, are promoted, are removed and come back
wiped, while links break and members crash. After every input the group is judged (``harness.Group``): one
leader per term, committed entries never lost, and the quorums of one membership meet those of the next.
"""

from collections.abc import Callable
from types import ModuleType

import pytest

SCRIPTS: list[str] = []


@pytest.mark.parametrize("name", SCRIPTS)
def test_change(replay: Callable[[str], None], name: str) -> None:
    replay(f"change/{name}")


@pytest.mark.parametrize("first", range(0, 120, 20))
def test_random_runs(runs: ModuleType, harness: ModuleType, first: int) -> None:
    changes = terms = commits = forgotten = snapshots = 0
    for seed in range(first, first + 20):
        one = runs.run_with_changes(harness, seed)
        changes += one.group.changes
        terms += len(one.group.leaders)
        commits += one.group.commit_max
        forgotten += one.forgotten
        snapshots += one.group.snapshots
    # The runs must reach what they are there for.
    assert changes > 40
    assert terms > 60
    assert commits > 600
    assert forgotten > 5
    assert snapshots > 5
