"""The supervisor with stand-ins for the nodes: ready line, restarts, stopping, failing."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

FAKE = Path(__file__).with_name("fake_node.py")
DEADLINE_S = 20

RUN = """
import sys
from pathlib import Path
from trivet.cli import supervisor
from trivet.cli.layout import open_directory, plan, write_nodes
from trivet.cli.up import say_plainly
supervisor.HEALTHY_AFTER_S = 0.0
data, port, fake, restart = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4] == "restart"
lock = open_directory(data, False)
cluster = plan(data, None, port)
write_nodes(cluster, "")
try:
    program = [sys.executable, fake]
    sys.exit(supervisor.Supervisor(data, cluster, restart, say_plainly, program=program).run(None))
except supervisor.SupervisorError as error:
    print("failed:", error)
    sys.exit(1)
"""


class Running:
    """A supervisor in a process of its own."""

    def __init__(self, data, port, restart=True):
        self.data = data
        self.log = data.parent / "out.txt"
        words = [
            sys.executable,
            "-c",
            RUN,
            str(data),
            str(port),
            str(FAKE),
            "restart" if restart else "leave",
        ]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(words, stdout=log, stderr=log)

    def lines(self):
        return self.log.read_text().splitlines()

    def nodes(self):
        return json.loads((self.data / "cluster.json").read_text())["nodes"]

    def wait(self, condition):
        deadline_s = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < deadline_s, self.lines()
            time.sleep(0.02)

    def wait_line(self, start):
        self.wait(lambda: any(line.startswith(start) for line in self.lines()))

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait(DEADLINE_S)


@pytest.fixture
def start(tmp_path, ports):
    running = []

    def run(restart=True, prepare=lambda data: None):
        data = tmp_path / "data"
        prepare(data)
        running.append(Running(data, ports[0], restart))
        return running[-1]

    yield run
    for one in running:
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait()


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


def test_ready_line_cluster_file_and_a_clean_stop(start, ports):
    up = start()
    up.wait_line("ready")
    assert up.lines()[0] == "ready " + " ".join(f"redis://127.0.0.1:{port}" for port in ports[:3])
    nodes = up.nodes()
    assert [set(row) for row in nodes] == [{"id", "pid", "client_port", "peer_port", "directory"}] * 3
    assert all(alive(row["pid"]) for row in nodes)
    assert up.end() == 0
    assert not any(alive(row["pid"]) for row in nodes)
    assert [row["pid"] for row in up.nodes()] == [0, 0, 0]
    assert up.lines()[-1] == "stopping"


def test_a_node_that_dies_is_started_again(start):
    up = start()
    up.wait_line("ready")
    before = up.nodes()[1]["pid"]
    os.kill(before, signal.SIGKILL)
    up.wait_line("node 2 was killed by SIGKILL; starting it again in 0.2 s")
    up.wait_line("node 2 started again, pid ")
    up.wait(lambda: up.nodes()[1]["pid"] not in (0, before))
    assert up.end(signal.SIGINT) == 0


def test_no_restart_leaves_it_dead_and_ends_with_the_last_one(start):
    up = start(restart=False)
    up.wait_line("ready")
    pids = [row["pid"] for row in up.nodes()]
    os.kill(pids[1], signal.SIGKILL)
    up.wait_line("node 2 was killed by SIGKILL")
    up.wait(lambda: up.nodes()[1]["pid"] == 0)
    assert alive(pids[0])
    os.kill(pids[0], signal.SIGKILL)
    os.kill(pids[2], signal.SIGKILL)
    assert up.process.wait(DEADLINE_S) == 1
    assert up.lines()[-1] == "failed: no node is left running"


def test_the_nodes_stop_when_the_supervisor_is_killed(start):
    up = start()
    up.wait_line("ready")
    pids = [row["pid"] for row in up.nodes()]
    up.process.kill()
    up.process.wait()
    up.wait(lambda: not any(alive(pid) for pid in pids))


def test_a_node_that_cannot_start_ends_it_with_the_reason(start):
    def prepare(data):
        (data / "node-3").mkdir(parents=True)
        (data / "cluster.json").write_text('{"cluster": "ab", "supervisor": 0, "nodes": [{"id": 1}, {}, {}]}')
        (data / "node-3" / "fail").write_text("starting\nthe disk is on holiday")

    up = start(prepare=prepare)
    assert up.process.wait(DEADLINE_S) == 1
    last = up.lines()[-1]
    assert last.startswith("failed: node 3 ended with exit code 1: the disk is on holiday (more in ")


def test_ctrl_c_in_the_middle_of_starting(start):
    def prepare(data):
        data.mkdir()
        (data / "cluster.json").write_text('{"cluster": "ab", "supervisor": 0, "nodes": [{"id": 1}, {}, {}]}')

    up = start(prepare=prepare)
    up.wait(lambda: '"pid"' in (up.data / "cluster.json").read_text())
    assert up.end(signal.SIGINT) == 0
