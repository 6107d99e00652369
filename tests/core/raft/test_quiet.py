"""Groups in which nothing happens: when they fall silent, and what wakes them (rule 20)."""

from collections.abc import Callable
from types import ModuleType

import pytest

SCRIPTS = ["idle", "missed", "leader_dies", "not_yet", "learner"]


@pytest.mark.parametrize("name", SCRIPTS)
def test_quiet(replay: Callable[[str], None], name: str) -> None:
    replay(f"quiet/{name}")


def test_random_runs_are_quiet_at_times(runs: ModuleType, harness: ModuleType) -> None:
    """A third of the random runs have it on; here it is seen that they get there."""
    assert sum(runs.run(harness, seed).group.quiet_ticks for seed in (1, 4, 7, 10, 13, 16)) > 100
