"""The classic bug: a lock with a deadline, and a holder that stalls for longer. Found in virtual time; and its cure."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from storage import two_workers

SEEDS = 40
BOTH = ("read", "write")


def lost(stage, fenced):
    """The names that the storage accepted and that are not there."""
    accepted, document = two_workers(stage, fenced)
    return sorted(set(accepted) - set(document))


@pytest.mark.parametrize("fenced", [(), ("write",)], ids=["a lock alone", "fenced writes only"])
def test_an_update_is_lost_with(trivet_lab, fenced):
    for seed in range(1, SEEDS + 1):
        if lost(trivet_lab(seed=seed), fenced):
            return
    pytest.fail(f"none of {SEEDS} seeds shows the bug")


@pytest.mark.trivet_seeds(20)
def test_with_a_fencing_token_nothing_is_lost(trivet_lab):
    stage = trivet_lab()
    assert lost(stage, BOTH) == []
    assert stage.judge() == []


def test_the_stalled_worker_is_refused_somewhere(trivet_lab):
    """Else the test above shows nothing."""
    assert any(len(two_workers(trivet_lab(seed=seed), BOTH)[0]) == 1 for seed in range(1, 21))


def test_the_same_seed_finds_it_again(trivet_lab):
    runs = [(two_workers(stage, ()), stage.digest()) for stage in (trivet_lab(seed=1), trivet_lab(seed=1))]
    assert runs[0] == runs[1]
