"""What the text tests of all rooms share (see ``scripts.py``)."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rewrite", action="store_true", help="regenerate the outcome of text tests")


@pytest.fixture
def rewrite(request: pytest.FixtureRequest) -> bool:
    """Whether scripts are to be written anew."""
    return bool(request.config.getoption("--rewrite", False))
