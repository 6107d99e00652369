"""Changes of the membership (§4): conversations, and long random runs in which it changes all the time.

The random runs are those of ``test_raft.py``, with members that join, are promoted, are removed and come back
wiped, while links break and members crash. After every input the group is judged (``harness.Group``): one
leader per term, committed entries never lost, and the quorums of one membership meet those of the next.
"""

from collections.abc import Callable
from types import ModuleType

import pytest

SCRIPTS = [
    "learner", "joint", "one_at_a_time", "truncated", "leader_leaves", "leader_leaves_alone",
    "next_leader_goes_on", "outgoing_leader_is_needed", "learner_votes", "snapshot", "snapshot_at_its_index", "forgetful",
    "fresh_by_snapshot", "strangers", "tombstone", "both_elect", "unable",
]  # fmt: skip


@pytest.mark.parametrize("name", SCRIPTS)
def test_change(replay: Callable[[str], None], name: str) -> None:
    replay(f"change/{name}")


@pytest.mark.parametrize("first", range(0, 48, 12))
def test_random_runs(runs: ModuleType, harness: ModuleType, first: int) -> None:
    changes = terms = commits = forgotten = snapshots = 0
    for seed in range(first, first + 12):
        one = runs.run_with_changes(harness, seed)
        changes += one.group.changes
        terms += len(one.group.leaders)
        commits += one.group.commit_max
        forgotten += one.forgotten
        snapshots += one.group.snapshots
    # The runs must reach what they are there for.
    assert changes > 15
    assert terms > 30
    assert commits > 300
    assert forgotten > 2
    assert snapshots > 3
