"""What the tests of the commands share: free ports and a runner."""

import pytest
from click.testing import CliRunner

from bench.peers import free_ports


@pytest.fixture
def cli():
    return CliRunner()


@pytest.fixture
def ports():
    return free_ports(6)
