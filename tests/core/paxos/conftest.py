"""Fixtures of the paxos room: a group in memory, scripts that talk to it, random runs.

``pytest tests/core/paxos --rewrite`` writes down what the scripts give now; read the difference like code.
"""

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from tests.core.scripts import replay as replay_script

HERE = Path(__file__).parent


def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"paxos_{name}", HERE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


_watch = _load("watch")
_harness = _load("harness")
_conversation = _load("conversation")
_load("runs")
_runs = _load("episodes")
_moves = _load("moves")


@pytest.fixture
def replay(rewrite: bool) -> Callable[[str], None]:
    """Run ``testdata/<name>.txt``."""

    def run(name: str) -> None:
        replay_script(HERE / "testdata" / f"{name}.txt", _conversation.Conversation(_harness).run, rewrite)

    return run


@pytest.fixture
def runs() -> ModuleType:
    """The module of random runs."""
    return _runs


@pytest.fixture
def moves() -> ModuleType:
    """The module of random runs with two groups."""
    return _moves


@pytest.fixture
def harness() -> ModuleType:
    """The module of ``Group``."""
    return _harness
