"""Generations: a primary that is replaced by force (rule 21)."""

from collections.abc import Callable

import pytest

from trivet.core.raft.generations import fork_of, with_generation
from trivet.core.raft.membership import LINEAGE_MAX
from trivet.core.raft.state import NEVER
from trivet.core.raft.terms import first_term

SCRIPTS = [
    "failover",
    "in_line",
    "restart",
    "deposed",
    "unreplicated_follower",
    "snapshot",
    "transfer",
    "parted",
]


@pytest.mark.parametrize("name", SCRIPTS)
def test_generations(replay: Callable[[str], None], name: str) -> None:
    replay(f"generations/{name}")


def test_the_first_generation_after_ones_own_is_where_logs_part() -> None:
    lineage = [(0, 1), (1, 100), (3, 150)]
    assert fork_of(first_term(0) + 5, lineage) == 100
    assert fork_of(first_term(1), lineage) == 150
    assert fork_of(first_term(2) + 1, lineage) == 150, "a generation that left no trace"
    assert fork_of(first_term(3), lineage) == NEVER
    assert fork_of(7, []) == NEVER


def test_of_too_many_generations_the_oldest_are_taken_together() -> None:
    lineage: tuple[tuple[int, int], ...] = ((0, 1),)
    for generation in range(1, LINEAGE_MAX + 2):
        lineage = with_generation(lineage, generation, 10 * generation)
    assert len(lineage) == LINEAGE_MAX
    assert lineage[0] == (2, 1)
    assert lineage[-1] == (LINEAGE_MAX + 1, 10 * (LINEAGE_MAX + 1))
