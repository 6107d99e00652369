"""Replication seen from the leader: counting, repair, windows, full disks, snapshots."""

from collections.abc import Callable

import pytest

SCRIPTS = [
    "commit", "commit_without_leaders_disk", "figure_8", "conflict", "old_messages", "lost_acknowledgements",
    "window", "digest", "full_disk", "full_disk_begins", "snapshot", "returning_follower",
    "deposed_while_a_snapshot_is_wanted", "successor",
]  # fmt: skip


@pytest.mark.parametrize("name", SCRIPTS)
def test_leader(replay: Callable[[str], None], name: str) -> None:
    replay(f"leader/{name}")
