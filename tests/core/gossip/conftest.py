"""Fixtures of the gossip room: scripts that talk to it.

``pytest tests/core/gossip --rewrite`` writes down what the scripts give now; read the difference like code.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.core.gossip.conversation import Conversation
from tests.core.gossip.swim_world import Conversation as SwimConversation
from tests.core.scripts import replay as replay_script

HERE = Path(__file__).parent


@pytest.fixture
def replay_swim(rewrite: bool) -> Callable[[str], None]:
    """Run ``testdata/swim/<name>.txt``."""

    def run(name: str) -> None:
        replay_script(HERE / "testdata" / "swim" / f"{name}.txt", SwimConversation().run, rewrite)

    return run


@pytest.fixture
def replay(rewrite: bool) -> Callable[[str], None]:
    """Run ``testdata/gossip/<name>.txt``."""

    def run(name: str) -> None:
        replay_script(HERE / "testdata" / "gossip" / f"{name}.txt", Conversation().run, rewrite)

    return run
