"""What the tests of the commands share: free ports and a runner."""

import pytest
from click.testing import CliRunner

from bench.peers import free_ports
from tests.cli.fake_cluster import FakeCluster
from trivet.cli import leaving, status


@pytest.fixture
def cli():
    return CliRunner()


@pytest.fixture
def ports():
    return free_ports(6)


@pytest.fixture
def fake():
    cluster = FakeCluster()
    yield cluster
    cluster.close()


@pytest.fixture
def soon(monkeypatch):
    """Waits look again at once."""
    monkeypatch.setattr(leaving, "POLL_S", 0.005)
    monkeypatch.setattr(status, "AGAIN_S", 0.005)
    monkeypatch.setattr(status, "LEADERLESS_S", 0.05)
