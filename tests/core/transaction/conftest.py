"""Fixtures of the transaction room: scripts that talk to the intents of one group.

``pytest tests/core/transaction --rewrite`` writes down what the scripts give now; read the
difference like code.
"""

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.core.scripts import replay as replay_script

HERE = Path(__file__).parent
_spec = importlib.util.spec_from_file_location("transaction_conversation", HERE / "conversation.py")
assert _spec is not None and _spec.loader is not None
_conversation = importlib.util.module_from_spec(_spec)
sys.modules[_spec.name] = _conversation
_spec.loader.exec_module(_conversation)


@pytest.fixture
def replay(rewrite: bool) -> Callable[[str], None]:
    """Run ``testdata/<name>.txt``."""

    def run(name: str) -> None:
        replay_script(HERE / "testdata" / f"{name}.txt", _conversation.Conversation().run, rewrite)

    return run
