"""Fixtures of the steward's room: scripts that talk to a small cluster.

``pytest tests/core/steward --rewrite-steward`` writes down what the scripts give now; read the
difference like code.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.core.steward.conversation import replay as replay_file

HERE = Path(__file__).parent


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rewrite-steward", action="store_true", help="regenerate the steward's text tests")


@pytest.fixture
def replay(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Run ``testdata/<name>.txt``."""

    def run(name: str) -> None:
        rewrite = bool(request.config.getoption("--rewrite-steward", False))
        replay_file(HERE / "testdata" / f"{name}.txt", rewrite)

    return run
