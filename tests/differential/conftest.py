"""A redis-server of their own for the tests of each file."""

from collections.abc import Iterator

import pytest

from tests.differential.harness import Oracle


@pytest.fixture(scope="module")
def oracle() -> Iterator[Oracle]:
    server = Oracle()
    yield server
    server.close()
