"""A configuration that cannot work is named in words."""

import pytest

from trivet.core.raft.config import RaftConfig, problem


def test_the_defaults_are_sound() -> None:
    assert problem(RaftConfig(node=1, voters=(1, 2, 3))) == ""
    assert problem(RaftConfig(node=7, voters=(7,))) == ""


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"node": 0, "voters": (0, 1)}, "numbered from 1"),
        ({"node": 1, "voters": ()}, "numbered from 1"),
        ({"node": 4, "voters": (1, 2, 3)}, "not among the voters"),
        ({"node": 1, "voters": (1, 1, 2)}, "listed twice"),
        ({"node": 1, "voters": (1,), "heartbeat_ticks": 25}, "election_ticks"),
        ({"node": 1, "voters": (1,), "heartbeat_ticks": 0}, "election_ticks"),
        ({"node": 1, "voters": (1,), "campaign_ticks": 0}, "campaign_ticks"),
        ({"node": 1, "voters": (1,), "campaign_ticks": 51}, "campaign_ticks"),
        ({"node": 1, "voters": (1,), "inflight_messages_max": 0}, "limit"),
        ({"node": 1, "voters": (1,), "read_rounds_max": 0}, "limit"),
    ],
)
def test_what_is_wrong_is_said(settings: dict[str, object], words: str) -> None:
    assert words in problem(RaftConfig(**settings))  # type: ignore[arg-type]
