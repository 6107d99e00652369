"""Locks as conversations: wait-die, reservations, the barrier, and what plain calls meet."""

from collections.abc import Callable

import pytest

SCRIPTS = ["all_or_none", "barrier", "plain_calls", "reserved", "reserved_longer", "wait_die", "whole_reads"]


@pytest.mark.parametrize("name", SCRIPTS)
def test_locks(replay: Callable[[str], None], name: str) -> None:
    replay(f"locks/{name}")
