"""Replication seen from the follower: the disk's gate, overwritten entries, lost entries and votes."""

from collections.abc import Callable

import pytest

SCRIPTS = [
    "saves_in_order", "overwritten_entries", "commit_only_what_matches", "deposed_leader_is_told",
    "lost_entries", "forgotten_vote", "forgotten_term",
]  # fmt: skip


@pytest.mark.parametrize("name", SCRIPTS)
def test_follower(replay: Callable[[str], None], name: str) -> None:
    replay(f"follower/{name}")
