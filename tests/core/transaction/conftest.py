"""Fixtures of the transaction room: scripts that talk to the intents of one group.

``pytest tests/core/transaction --rewrite`` writes down what the scripts give now; read the
difference like code.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.core.scripts import replay as replay_script
from tests.core.transaction.conversation import Conversation

HERE = Path(__file__).parent


@pytest.fixture
def replay(rewrite: bool) -> Callable[[str], None]:
    """Run ``testdata/<name>.txt``."""

    def run(name: str) -> None:
        replay_script(HERE / "testdata" / f"{name}.txt", Conversation().run, rewrite)

    return run
