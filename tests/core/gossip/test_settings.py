"""Settings of a member."""

import pytest

from trivet.core.gossip.settings import ACTOR_SHIFT, GossipSettings, node_of, problem


def test_defaults_are_sound() -> None:
    assert problem(GossipSettings(node=1, actor=1)) == ""


@pytest.mark.parametrize(
    "settings",
    [
        {"node": 0, "actor": 1},
        {"node": 1, "actor": 0},
        {"node": 1, "actor": 1, "actors_max": 1 << 20},
        {"node": 1, "actor": 1, "want_ranges_max": 1 << 20},
        {"node": 1, "actor": 1, "patience_ticks": 0},
    ],
)
def test_what_is_unsound_is_said(settings: dict[str, int]) -> None:
    assert problem(GossipSettings(**settings)) != ""


def test_an_actor_is_a_life_of_a_node() -> None:
    assert node_of(5 << ACTOR_SHIFT | 77) == 5
