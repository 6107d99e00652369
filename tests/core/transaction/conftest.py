"""Fixtures of the transaction room: scripts that talk to the intents of one group.

``pytest tests/core/transaction --rewrite`` writes down what the scripts give now; read the
difference like code.
"""

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent
_spec = importlib.util.spec_from_file_location("transaction_conversation", HERE / "conversation.py")
assert _spec is not None and _spec.loader is not None
_conversation = importlib.util.module_from_spec(_spec)
sys.modules[_spec.name] = _conversation
_spec.loader.exec_module(_conversation)


def pytest_addoption(parser: pytest.Parser) -> None:
    try:
        parser.addoption("--rewrite", action="store_true", help="regenerate the outcome of text tests")
    except ValueError:  # another room has it too
        pass


@pytest.fixture
def replay(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Run ``testdata/<name>.txt``."""

    def run(name: str) -> None:
        rewrite = bool(request.config.getoption("--rewrite", False))
        _conversation.replay(HERE / "testdata" / f"{name}.txt", rewrite)

    return run
