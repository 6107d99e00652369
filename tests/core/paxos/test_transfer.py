"""Carrying registers from group to group: whole random runs, and what happens on the way."""

from types import ModuleType

import pytest

THEMES = ("mixed", "crashes", "disks", "removals", "calm")


@pytest.mark.parametrize("theme", THEMES)
def test_histories_over_moves_are_right(moves: ModuleType, harness: ModuleType, theme: str) -> None:
    counts: dict[str, int] = {}
    for seed in range(15):
        for what, count in moves.run(harness, seed, theme).counts.items():
            counts[what] = counts.get(what, 0) + count
    assert counts["moved"] > 5
    assert counts["moved calls"]
    assert counts["aborted"]


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_many_histories_are_right(moves: ModuleType, harness: ModuleType) -> None:
    counts: dict[str, int] = {}
    for seed in range(100, 10_100):
        for what, count in moves.run(harness, seed).counts.items():
            counts[what] = counts.get(what, 0) + count
    assert counts["buried"]
    assert counts["copies"]
