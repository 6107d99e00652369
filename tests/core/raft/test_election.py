"""Elections as conversations: pre-vote, votes, ties, transfer, and leaders that nobody hears."""

from collections.abc import Callable

import pytest

SCRIPTS = [
    "basic", "stickiness", "tie", "lost_leader", "log_decides", "one_vote_per_term",
    "refused_prevote_teaches_term", "single", "transfer", "check_quorum", "hanging_disk",
]  # fmt: skip


@pytest.mark.parametrize("name", SCRIPTS)
def test_election(replay: Callable[[str], None], name: str) -> None:
    replay(f"election/{name}")
