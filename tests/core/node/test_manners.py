"""What commands may do where nobody leads: each such mode has its own words for it."""

import pytest

from trivet.core.cluster.rows import LEADERLESS
from trivet.core.node.manners import MANNERS


def test_every_mode_has_its_manners():
    assert sorted(MANNERS) == sorted(LEADERLESS)


@pytest.mark.parametrize("mode", LEADERLESS)
def test_what_is_refused_is_refused_by_the_name_of_the_mode(mode):
    manners = MANNERS[mode]
    for error in (manners.several, manners.other_database, manners.waits):
        assert f"mode {mode}" in error.text and error.text.endswith("nothing was done")
