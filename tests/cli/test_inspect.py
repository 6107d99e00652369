"""``trivet inspect`` on directories made by a real log, whole and damaged."""

import subprocess
import sys

import pytest

from tests.cluster.harness import Cluster
from tests.cluster.load import connect
from trivet.cli.main import command

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("cluster")]


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    """The directory of a node that has taken some writes and was stopped."""
    cluster = Cluster(tmp_path_factory.mktemp("inspect"), nodes=1)
    with connect(cluster.port(1)) as client:
        for i in range(20):
            client.set(f"key{i}", "v" * 50)
    running = subprocess.run(
        [sys.executable, "-m", "trivet", "inspect", str(cluster.data / "node-1")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "segment wal-" in running.stdout, running.stderr
    assert cluster.stop() == 0
    return cluster.data


def test_segments_and_frames(cli, directory):
    short = cli.invoke(command, ["inspect", str(directory / "node-1")])
    assert short.exit_code == 0
    assert "segment wal-0000000000000001.log: 16.0 MiB" in short.output
    assert "  frame " not in short.output
    long = cli.invoke(command, ["inspect", "--frames", str(directory / "node-1" / "data")])
    assert "boot node 1" in long.output
    assert "entries 2..2" in long.output


def test_nothing_is_changed(cli, directory):
    data = directory / "node-1" / "data"
    before = {path.name: path.read_bytes() for path in data.iterdir()}
    assert cli.invoke(command, ["inspect", str(data)]).exit_code == 0
    assert {path.name: path.read_bytes() for path in data.iterdir()} == before


def test_a_flipped_bit_in_the_middle_is_corrupt(cli, directory, tmp_path):
    source = next(path for path in sorted((directory / "node-1" / "data").glob("wal-*.log")))
    damaged = bytearray(source.read_bytes())
    damaged[1024 + 40] ^= 1
    (tmp_path / source.name).write_bytes(damaged)
    result = cli.invoke(command, ["inspect", str(tmp_path)])
    assert result.exit_code == 1
    assert "CORRUPT" in result.output


def test_directories_without_a_log(cli, directory, tmp_path):
    several = cli.invoke(command, ["inspect", str(directory)])
    assert several.exit_code == 1
    assert "choose one" in several.output
    assert "name a node's data directory" in cli.invoke(command, ["inspect", str(tmp_path)]).output
    assert cli.invoke(command, ["inspect", str(tmp_path / "none")]).exit_code == 2
