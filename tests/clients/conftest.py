"""One cluster for all clients."""

import shutil

import pytest

from tests.cluster.harness import Cluster


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    one = Cluster(tmp_path_factory.mktemp("clients"))
    yield one
    assert one.stop() == 0


@pytest.fixture
def tool():
    """The path of an installed program; the test is skipped when it is missing."""

    def find(name):
        path = shutil.which(name)
        if path is None:
            pytest.skip(f"{name} is not installed")
        return path

    return find
