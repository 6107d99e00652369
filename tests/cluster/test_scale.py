"""Nodes that come and go under load, with real processes: nothing acknowledged is lost, nobody sees an error."""

import os
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from importlib.util import find_spec

import pytest

from bench.peers import free_ports
from tests.cluster.harness import HOST, wait_until
from tests.cluster.load import Load, connect
from tests.operations_page import commands, with_places

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.xdist_group("cluster"),
    pytest.mark.timeout(900),
    pytest.mark.skipif(
        find_spec("trivet.core.steward") is None, reason="nodes cannot come and go yet: there is no steward"
    ),
]
MOVES_S = 180.0


def begin(cluster, nodes):
    return Load({node: (HOST, cluster.port(node)) for node in nodes}).start()


def end(load):
    load.stop()
    assert load.acknowledged() > 0
    assert load.complaints() == []


def judge(load, port):
    with connect(port) as client:
        assert load.judge(client.mget) == []


def voters(cluster):
    """All nodes that vote in a group that holds keys."""
    return {node for group in cluster.state()["groups"] if group["id"] for node in group["members"]}


@contextmanager
def running(directory, *words):
    """A command that runs a node; stopped at the end."""
    log = directory.with_suffix(".log")
    with log.open("ab") as out:
        process = subprocess.Popen([sys.executable, "-m", "trivet", *words], stdout=out, stderr=out)
    try:
        yield process, log
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def node_in(cluster, port):
    """The id of the node at that port, once it is up; else 0."""
    found = [n for n in cluster.state()["nodes"] if n["client_port"] == port and n["state"] == "up"]
    return found[0]["id"] if found else 0


def test_three_five_four_three_under_load(make):
    cluster = make()
    load = begin(cluster, [1, 2, 3])
    for count in (5, 4, 3):
        seen = load.acknowledged()
        cluster.trivet("scale", str(count), "--data", str(cluster.data), seconds=MOVES_S)
        assert len(cluster.nodes) == count
        assert [node["state"] for node in cluster.state()["nodes"]] == ["up"] * count
        wait_until(lambda seen=seen: load.acknowledged() > seen + 200, "writes go on")
        cluster.trivet("rebalance", "--data", str(cluster.data), seconds=MOVES_S)
    end(load)
    assert cluster.nodes == [1, 2, 3]
    assert voters(cluster) == {1, 2, 3}
    for node in cluster.nodes:
        judge(load, cluster.port(node))


def test_a_grown_cluster_starts_again(make):
    first = make()
    first.trivet("scale", "5", "--data", str(first.data), seconds=MOVES_S)
    with connect(first.port(5)) as client:
        assert client.set("kept", 1)
    assert first.stop() == 0
    again = make(port=first.ports[0])
    assert again.nodes == [1, 2, 3, 4, 5]
    with connect(again.port(5)) as client:
        assert client.get("kept") == b"1"


def test_a_node_of_its_own_joins_and_leaves(make, tmp_path):
    cluster = make()
    load = begin(cluster, [1, 2, 3])
    port = free_ports(8)[-1]
    seed = f"127.0.0.1:{cluster.port(1)}"
    words = ["join", "--seed", seed, "--data", str(tmp_path / "fourth"), "--port", str(port), "--zone", "b"]
    with running(tmp_path / "fourth", *words) as (process, log):
        node = wait_until(lambda: node_in(cluster, port), f"it is up; see {log}", 60.0)
        assert node == 4
        with connect(port) as client:
            assert client.incr("n") == 1
        process.kill()
        process.wait()
    with running(tmp_path / "fourth", "join", "--data", str(tmp_path / "fourth")):
        with connect(port) as client:
            wait_until(lambda: client.ping(), "it is back")
            assert client.get("n") == b"1"
        cluster.trivet("leave", "4", "--node", seed, seconds=MOVES_S)
        assert [row["id"] for row in cluster.state()["nodes"]] == [1, 2, 3]
    end(load)
    judge(load, cluster.port(1))


def test_a_founding_node_leaves_and_its_process_is_ended(make):
    cluster = make()
    cluster.trivet("scale", "5", "--data", str(cluster.data), seconds=MOVES_S)
    load = begin(cluster, [1, 3, 4])
    cluster.trivet("leave", "2", "--data", str(cluster.data), seconds=MOVES_S)
    wait_until(lambda: cluster.nodes == [1, 3, 4, 5], "its process is ended", 60.0)
    end(load)
    judge(load, cluster.port(5))


def test_a_dead_node_is_replaced_at_its_own_address(make, tmp_path):
    cluster = make(restart=False)
    load = begin(cluster, [1, 2])
    row = cluster.row(3)
    pid = cluster.kill(3)
    wait_until(lambda: not os.path.exists(f"/proc/{pid}"), "it is dead")
    shutil.rmtree(row["directory"] + "/data")
    words = ["replace", "3", "--node", f"127.0.0.1:{cluster.port(1)}", "--data", str(tmp_path / "new")]
    words += ["--port", str(row["client_port"]), "--peer-port", str(row["peer_port"])]
    with running(tmp_path / "new", *words) as (_, log):
        node = wait_until(lambda: node_in(cluster, row["client_port"]), f"it is up; see {log}", 60.0)
        assert node == 4
        wait_until(lambda: voters(cluster) == {1, 2, 4}, "it has the replicas", MOVES_S)
        end(load)
        judge(load, row["client_port"])


def test_the_commands_of_the_operations_page(make, tmp_path):
    """Those that run a node, and those for dead nodes, have tests of their own above."""
    cluster = make()
    seed = f"127.0.0.1:{cluster.port(1)}"
    port = free_ports(20)[-1]
    steps = iter([1, -1])
    words = ["join", "--seed", seed, "--data", str(tmp_path / "fourth"), "--port", str(port)]
    with running(tmp_path / "fourth", *words):
        wait_until(lambda: node_in(cluster, port) == 4, "a fourth node", 60.0)
        for typed in sorted(commands(), key=lambda words: words[0] == "leave" and "--cancel" not in words):
            if typed[0] in ("up", "join", "replace") or "--force" in typed:
                continue
            if typed[0] == "scale":
                typed[1] = str(len(cluster.nodes) + next(steps))
            if typed[0] == "merge":
                typed[1] = str(max(group["id"] for group in cluster.state()["groups"]))
            data = [] if "--node" in typed else ["--data", str(cluster.data)]
            cluster.trivet(*with_places(typed, seed, tmp_path), *data, seconds=MOVES_S)
    assert [node["id"] for node in cluster.state()["nodes"]] == [1, 2, 3]
