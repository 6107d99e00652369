"""Fixtures of the textbook protocols: scripts that talk to the machines themselves, without post or time.

``pytest tests/lab/textbook --rewrite-textbook`` writes down what the scripts give now.
"""

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def _conversation():
    name = "textbook_conversation"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, HERE / "conversation.py")
        sys.modules[name] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rewrite-textbook", action="store_true", help="regenerate the textbook text tests")


@pytest.fixture
def replay(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Run ``testdata/<name>.txt``."""

    def run(name: str) -> None:
        rewrite = bool(request.config.getoption("--rewrite-textbook", False))
        _conversation().replay(HERE / "testdata" / f"{name}.txt", rewrite)

    return run
