"""Fixtures of the steward's room: scripts that talk to a small cluster.

``pytest tests/core/steward --rewrite`` writes down what the scripts give now; read the
difference like code.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.core.scripts import replay as replay_script
from tests.core.steward.conversation import Talk

HERE = Path(__file__).parent


@pytest.fixture
def replay(rewrite: bool) -> Callable[[str], None]:
    """Run ``testdata/<name>.txt``."""

    def run(name: str) -> None:
        replay_script(HERE / "testdata" / f"{name}.txt", Talk().do, rewrite)

    return run
