"""Fixtures of the cluster room: scripts that talk to a map.

``pytest tests/core/cluster --rewrite-cluster`` writes down what the scripts give now; read the
difference like code.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.core.cluster.conversation import replay as replay_file

HERE = Path(__file__).parent


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rewrite-cluster", action="store_true", help="regenerate the cluster text tests")


@pytest.fixture
def replay(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Run ``testdata/<name>.txt``."""

    def run(name: str) -> None:
        rewrite = bool(request.config.getoption("--rewrite-cluster", False))
        replay_file(HERE / "testdata" / f"{name}.txt", rewrite)

    return run
