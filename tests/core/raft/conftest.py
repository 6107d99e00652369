"""Fixtures of the raft room: a group in memory, and scripts that talk to it.

``pytest tests/core/raft --rewrite`` writes down what the scripts give now; read the
difference like code.
"""

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

HERE = Path(__file__).parent


def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"raft_{name}", HERE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


_harness = _load("harness")
_conversation = _load("conversation")
_runs = _load("runs")


def pytest_addoption(parser: pytest.Parser) -> None:
    try:
        parser.addoption("--rewrite", action="store_true", help="regenerate the outcome of text tests")
    except ValueError:  # another room has it too
        pass


@pytest.fixture
def replay(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Run ``testdata/<name>.txt``."""

    def run(name: str) -> None:
        conversation = _conversation.Conversation(
            _harness.Group, _harness.Flight, _harness.show, _harness.show_membership
        )  # fmt: skip
        _conversation.replay(
            HERE / "testdata" / f"{name}.txt",
            conversation,
            bool(request.config.getoption("--rewrite", False)),
        )

    return run


@pytest.fixture
def runs() -> ModuleType:
    """The module of random runs."""
    return _runs


@pytest.fixture
def harness() -> ModuleType:
    """The module of ``Group``."""
    return _harness
