"""The supervisor with stand-ins for the nodes: ready line, restarts, stopping, failing."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from trivet.cli.main import command
from trivet.cli.orders import OrderError, send_order

FAKE = Path(__file__).with_name("fake_node.py")
DEADLINE_S = 60

RUN = """
import sys
from pathlib import Path
from trivet.cli import departures, leaving, scaling, supervisor
departures.PERIOD_S = leaving.POLL_S = scaling.POLL_S = 0.05
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

    def __init__(self, data, port, restart=True, fake_cluster=0):
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
        environment = {**os.environ, "FAKE_CLUSTER": str(fake_cluster)}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(words, stdout=log, stderr=log, env=environment)

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

    def run(restart=True, prepare=lambda data: None, fake_cluster=0):
        data = tmp_path / "data"
        prepare(data)
        running.append(Running(data, ports[0], restart, fake_cluster))
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


@pytest.fixture
def scaled(start, fake, ports):
    """A cluster of three under a supervisor, whose map is the stand-in's."""
    for number, row in fake.nodes.items():
        row.update({"client-port": ports[number - 1], "peer-port": ports[number - 1] + 10_000, "alive": 1})
    up = start(fake_cluster=fake.port)
    up.wait_line("ready")
    return up


def scale(up, count):
    said = []
    send_order(up.data, {"nodes": count}, said.append)
    return said


def test_it_grows_and_shrinks_while_it_runs(scaled, fake, ports, cli):
    said = scale(scaled, 5)
    assert said == [
        f"node 4 has joined: redis://127.0.0.1:{ports[3]}",
        f"node 5 has joined: redis://127.0.0.1:{ports[4]}",
        "replicas and slots move to the new nodes by and by: `trivet rebalance` shows how",
    ]
    rows = scaled.nodes()
    assert [row["id"] for row in rows] == [1, 2, 3, 4, 5]
    assert [row["client_port"] for row in rows] == ports[:5]
    assert all(alive(row["pid"]) for row in rows)
    assert [words[3] for words in fake.told("CLUSTER", "JOIN")] == [str(ports[3]), str(ports[4])]
    assert sorted(path.name for path in scaled.data.glob("node-*")) == [f"node-{n}" for n in range(1, 6)]
    fake.groups[1]["members"] = [2, 4, 5]
    result = cli.invoke(command, ["scale", "3", "--data", str(scaled.data)])
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert lines[0] == "node 5 is being drained"
    assert "node 5 has left" in lines and "node 4 has left" in lines
    assert list(fake.nodes) == [1, 2, 3]
    assert [row["id"] for row in scaled.nodes()] == [1, 2, 3]
    assert not alive(rows[3]["pid"]) and not alive(rows[4]["pid"])
    assert (scaled.data / "node-5").exists()
    assert scaled.end() == 0
    assert not (scaled.data / "supervisor.sock").exists()


def test_a_node_that_leaves_by_itself_is_let_go(scaled, fake):
    pid = scaled.nodes()[1]["pid"]
    del fake.nodes[2]
    scaled.wait(lambda: [row["id"] for row in scaled.nodes()] == [1, 3])
    scaled.wait_line("node 2 has left the cluster and ended; its directory is kept: ")
    assert not alive(pid)
    assert scaled.end() == 0


def test_who_hangs_up_takes_the_order_back(scaled, fake):
    class Enough(Exception):
        pass

    def say(text):
        if "still has" in text:
            raise Enough

    fake.stuck = True
    with pytest.raises(Enough):
        send_order(scaled.data, {"nodes": 2}, say)
    scaled.wait(lambda: fake.told("CLUSTER", "UNDRAIN") == [["CLUSTER", "UNDRAIN", "3"]])
    assert fake.nodes[3]["state"] == "up"
    assert scale(scaled, 3) == ["there are 3 nodes already"]


def test_a_node_whose_start_broke_off_is_started_by_the_next_order(scaled, fake, ports):
    fake.answer(["CLUSTER", "JOIN", "127.0.0.1", str(ports[4]), str(ports[4] + 10_000), "", "{}", "77"])
    (scaled.data / "node-4" / "data").mkdir(parents=True)
    (scaled.data / "node-4" / "data" / "birth").write_text("77\n")
    assert scale(scaled, 4)[0] == f"node 4 has joined: redis://127.0.0.1:{ports[4]}"
    assert list(fake.nodes) == [1, 2, 3, 4]


def test_orders_that_cannot_be_carried_out(scaled, fake, tmp_path, cli):
    for order in ({"nodes": 0}, {"nodes": "many"}, {}):
        with pytest.raises(OrderError, match="a cluster on one machine has 1 to 100 nodes"):
            send_order(scaled.data, order, print)
    fake.on_cluster_join = None
    with pytest.raises(OrderError, match="is it of an older version"):
        scale(scaled, 4)
    assert scaled.end() == 0
    stopped = cli.invoke(command, ["scale", "4", "--data", str(scaled.data)])
    assert stopped.exit_code == 1
    assert "no `trivet up` is running on" in stopped.output
    nothing = cli.invoke(command, ["scale", "4", "--data", str(tmp_path / "none")])
    assert "holds no cluster: name the directory of `trivet up` with --data" in nothing.output
    assert cli.invoke(command, ["scale", "0"]).exit_code == 2


def test_a_cluster_that_grew_starts_again_as_it_was(scaled, start, fake, ports):
    scale(scaled, 4)
    assert scaled.end() == 0
    again = start(fake_cluster=fake.port)
    again.wait_line("ready")
    assert again.lines()[0] == "ready " + " ".join(f"redis://127.0.0.1:{port}" for port in ports[:4])
    assert again.end() == 0
