"""Settings of the failure detector."""

import pytest

from trivet.core.gossip.swim_settings import SwimSettings, problem


def test_defaults_are_sound() -> None:
    assert problem(SwimSettings(node=1)) == ""


@pytest.mark.parametrize(
    "settings",
    [
        {"node": 0},
        {"node": 1, "incarnation": -1},
        {"node": 1, "incarnation": (1 << 48) + 1},
        {"node": 1, "ping_ticks": 10},
        {"node": 1, "rumours_max": 64},
        {"node": 1, "helpers": 0},
    ],
)
def test_what_is_unsound_is_said(settings: dict[str, int]) -> None:
    assert problem(SwimSettings(**settings)) != ""
