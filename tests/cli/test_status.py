"""``trivet status`` against stand-ins for nodes, and against nothing."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from trivet.cli import layout
from trivet.cli.main import command
from trivet.cli.probe import Probe, ProbeError

FAKE = Path(__file__).with_name("fake_node.py")


@pytest.fixture
def cluster(tmp_path, ports):
    data = tmp_path / "data"
    data.mkdir()
    rows = layout.plan(data, 3, ports[0])
    layout.write_nodes(rows, "")
    layout.write_cluster(data, rows)
    process = subprocess.Popen(
        [sys.executable, str(FAKE), "--config", rows["nodes"][0]["directory"] + "/node.toml"]
    )
    deadline_s = time.monotonic() + 60
    while True:
        try:
            Probe("127.0.0.1", ports[0]).info()
            break
        except ProbeError:
            assert time.monotonic() < deadline_s
            time.sleep(0.02)
    yield data
    process.kill()
    process.wait()


def test_a_table_with_those_that_do_not_answer(cli, cluster, ports):
    result = cli.invoke(command, ["status", "--data", str(cluster)])
    lines = result.output.splitlines()
    assert lines[0].split()[:5] == ["node", "address", "role", "term", "leader"]
    assert lines[1].split()[1:9] == [f"127.0.0.1:{ports[0]}", "leader", "3", "1", "12", "12", "12", "5"]
    assert "connection refused" in lines[2]
    assert result.exit_code == 0


def test_urls(cli, cluster, ports):
    result = cli.invoke(command, ["status", "--url", f"redis://127.0.0.1:{ports[0]}"])
    assert result.exit_code == 0
    assert len(result.output.splitlines()) == 2
    assert cli.invoke(command, ["status", "--url", "http://127.0.0.1:1"]).exit_code == 2
    assert cli.invoke(command, ["status", "--url", "redis://127.0.0.1:x"]).exit_code == 2


def test_nobody_there(cli, ports, tmp_path):
    result = cli.invoke(command, ["status", "--url", f"127.0.0.1:{ports[0]}", "--data", str(tmp_path)])
    assert result.exit_code == 1
    assert "no leader" in result.output
