"""A configuration that cannot work is named in words."""

import pytest

from trivet.core.raft.config import RaftConfig, problem


def test_the_defaults_are_sound() -> None:
    assert problem(RaftConfig(node=1)) == ""
    assert problem(RaftConfig(node=7, quiet_ticks=9)) == ""


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"node": 0}, "numbered from 1"),
        ({"node": 1, "quiet_ticks": -1}, "limit"),
        ({"node": 1, "heartbeat_ticks": 25}, "election_ticks"),
        ({"node": 1, "heartbeat_ticks": 0}, "election_ticks"),
        ({"node": 1, "campaign_ticks": 0}, "campaign_ticks"),
        ({"node": 1, "campaign_ticks": 51}, "campaign_ticks"),
        ({"node": 1, "inflight_messages_max": 0}, "limit"),
        ({"node": 1, "read_rounds_max": 0}, "limit"),
    ],
)
def test_what_is_wrong_is_said(settings: dict[str, object], words: str) -> None:
    assert words in problem(RaftConfig(**settings))  # type: ignore[arg-type]
