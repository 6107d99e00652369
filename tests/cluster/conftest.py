"""Clusters for the tests: one shared by those that do no harm, and as many of its own as a test asks for."""

import pytest

from tests.cluster.harness import Cluster


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A cluster for the harmless tests of one file."""
    cluster = Cluster(tmp_path_factory.mktemp("shared"))
    yield cluster
    assert cluster.stop() == 0


@pytest.fixture
def make(tmp_path):
    """Starts clusters that are stopped at the end of the test."""
    made = []

    def start(**words):
        made.append(Cluster(tmp_path, **words))
        return made[-1]

    yield start
    for cluster in made:
        cluster.stop()
