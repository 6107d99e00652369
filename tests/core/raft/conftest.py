"""Fixtures of the raft room: a group in memory, and scripts that talk to it.

``pytest tests/core/raft --rewrite`` writes down what the scripts give now; read the
difference like code.
"""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from tests.core.raft import harness as harness_module
from tests.core.raft import runs as runs_module
from tests.core.raft.conversation import Conversation
from tests.core.scripts import replay as replay_script

HERE = Path(__file__).parent


@pytest.fixture
def replay(rewrite: bool) -> Callable[[str], None]:
    """Run ``testdata/<name>.txt``."""

    def run(name: str) -> None:
        replay_script(HERE / "testdata" / f"{name}.txt", Conversation().run, rewrite)

    return run


@pytest.fixture
def runs() -> ModuleType:
    """The module of random runs."""
    return runs_module


@pytest.fixture
def harness() -> ModuleType:
    """The module of ``Group``."""
    return harness_module
