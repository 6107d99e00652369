"""Fixtures of the cluster room: scripts that talk to a map.

``pytest tests/core/cluster --rewrite`` writes down what the scripts give now; read the
difference like code.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.core.cluster.conversation import Conversation
from tests.core.scripts import replay as replay_script

HERE = Path(__file__).parent


@pytest.fixture
def replay(rewrite: bool) -> Callable[[str], None]:
    """Run ``testdata/<name>.txt``."""

    def run(name: str) -> None:
        replay_script(HERE / "testdata" / f"{name}.txt", Conversation().run, rewrite)

    return run
