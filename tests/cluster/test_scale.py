"""Nodes that come and go under load, with real processes: nothing acknowledged is lost, nobody sees an error."""

import os
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from importlib.util import find_spec

import pytest
import redis

from bench.peers import free_ports
from tests.cluster.harness import HOST, code_under_test, wait_until
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


@pytest.fixture
def begin():
    """Begins load on some nodes; a test that fails leaves none behind for the next cluster at these ports."""
    begun = []

    def start(cluster, nodes):
        begun.append(Load({node: (HOST, cluster.port(node)) for node in nodes}).start())
        return begun[-1]

    yield start
    for load in begun:
        load.stop()


def end(load):
    load.stop()
    assert load.acknowledged() > 0
    assert load.complaints() == []


def judge(load, port):
    with connect(port) as client:
        assert load.judge(client.mget) == []


def states(cluster):
    """What the map says of each node."""
    return [node["state"] for node in cluster.state()["nodes"]]


def voters(cluster):
    """All nodes that vote in a group that holds keys."""
    return {node for group in cluster.state()["groups"] if group["id"] for node in group["members"]}


@contextmanager
def running(directory, *words):
    """A command that runs a node; stopped at the end."""
    log = directory.with_suffix(".log")
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "trivet", *words], stdout=out, stderr=out, env=code_under_test()
        )
    try:
        yield process, log
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def serves(cluster, node, port):
    """Whether the cluster counts a node as up and it answers a read that a majority confirms."""
    found = [n for n in cluster.state()["nodes"] if n["id"] == node and n["state"] == "up"]
    try:
        with connect(port) as client:
            return found and client.exists("nothing") == 0
    except redis.RedisError:
        return False


def test_three_five_four_three_under_load(make, begin):
    cluster = make()
    load = begin(cluster, [1, 2, 3])
    for count in (5, 4, 3):
        seen = load.acknowledged()
        cluster.trivet("scale", str(count), "--data", str(cluster.data), seconds=MOVES_S)
        assert len(cluster.nodes) == count
        wait_until(lambda count=count: states(cluster) == ["up"] * count, "all are up")
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


def test_a_node_of_its_own_joins_and_leaves(make, begin, tmp_path):
    cluster = make()
    load = begin(cluster, [1, 2, 3])
    port = free_ports(8)[-1]
    seed = f"127.0.0.1:{cluster.port(1)}"
    words = ["join", "--seed", seed, "--data", str(tmp_path / "fourth"), "--port", str(port), "--zone", "b"]
    with running(tmp_path / "fourth", *words) as (process, log):
        wait_until(lambda: serves(cluster, 4, port), f"node 4 serves; see {log}", 60.0)
        with connect(port) as client:
            assert client.incr("n") == 1
        process.kill()
        process.wait()
    with running(tmp_path / "fourth", "join", "--data", str(tmp_path / "fourth")):
        wait_until(lambda: serves(cluster, 4, port), "it is back", 60.0)
        with connect(port) as client:
            assert client.get("n") == b"1"
        cluster.trivet("leave", "4", "--node", seed, seconds=MOVES_S)
        assert [row["id"] for row in cluster.state()["nodes"]] == [1, 2, 3]
    end(load)
    judge(load, cluster.port(1))


def test_a_founding_node_leaves_and_its_process_is_ended(make, begin):
    cluster = make()
    cluster.trivet("scale", "5", "--data", str(cluster.data), seconds=MOVES_S)
    load = begin(cluster, [1, 3, 4])
    cluster.trivet("leave", "2", "--data", str(cluster.data), seconds=MOVES_S)
    wait_until(lambda: cluster.nodes == [1, 3, 4, 5], "its process is ended", 60.0)
    end(load)
    judge(load, cluster.port(5))


def test_a_dead_node_is_replaced_at_its_own_address(make, begin, tmp_path):
    cluster = make(restart=False)
    load = begin(cluster, [1, 2])
    row = cluster.row(3)
    pid = cluster.kill(3)
    wait_until(lambda: not os.path.exists(f"/proc/{pid}"), "it is dead")
    shutil.rmtree(row["directory"] + "/data")
    words = ["replace", "3", "--node", f"127.0.0.1:{cluster.port(1)}", "--data", str(tmp_path / "new")]
    words += ["--port", str(row["client_port"]), "--peer-port", str(row["peer_port"])]
    with running(tmp_path / "new", *words) as (_, log):
        wait_until(lambda: serves(cluster, 4, row["client_port"]), f"node 4 serves; see {log}", 60.0)
        wait_until(lambda: voters(cluster) == {1, 2, 4}, "it has the replicas", MOVES_S)
        end(load)
        judge(load, row["client_port"])


def test_the_commands_of_the_operations_page(make, tmp_path):
    """Those that run a node, begin or stop moves by hand or are for dead nodes have tests of their own."""
    cluster = make()
    seed = f"127.0.0.1:{cluster.port(1)}"
    port = free_ports(20)[-1]
    steps = iter([1, -1])
    words = ["join", "--seed", seed, "--data", str(tmp_path / "fourth"), "--port", str(port)]
    with running(tmp_path / "fourth", *words):
        wait_until(lambda: serves(cluster, 4, port), "node 4 serves", 60.0)
        for typed in sorted(commands(), key=lambda words: words[0] == "leave" and "--cancel" not in words):
            if typed[0] in ("up", "join", "replace", "split", "merge") or {"--force", "--abort"} & set(typed):
                continue
            if typed[0] == "scale":
                typed[1] = str(len(cluster.nodes) + next(steps))
            data = [] if "--node" in typed else ["--data", str(cluster.data)]
            cluster.trivet(*with_places(typed, seed, tmp_path), *data, seconds=MOVES_S)
    assert [node["id"] for node in cluster.state()["nodes"]] == [1, 2, 3]


def is_followed_to_its_end(said):
    """A move may be over before a busy machine lets the command look at it for the first time."""
    return said.startswith("move ") and said.endswith(("is over\n", "is over already\n"))


def test_slots_are_moved_by_hand(make):
    """Of a keyspace that shall have two groups, the cluster merges none by itself."""
    cluster = make()
    place = ["--data", str(cluster.data)]
    cluster.trivet("keyspace", "create", "20", "--shards", "2", *place)
    with connect(cluster.port(2), db=20) as client:
        for i in range(300):
            client.set(f"k{i}", i)
        lower, upper = (group["id"] for group in cluster.state()["groups"] if group["keyspace"] == 20)
        said = cluster.trivet("split", str(lower), *place, seconds=MOVES_S)
        assert is_followed_to_its_end(said)
        assert client.mget([f"k{i}" for i in range(300)]) == [str(i).encode() for i in range(300)]
        said = cluster.trivet("merge", str(upper), str(lower), *place, seconds=MOVES_S)
        assert is_followed_to_its_end(said)
        assert client.mget([f"k{i}" for i in range(300)]) == [str(i).encode() for i in range(300)]
        assert client.dbsize() == 300


def test_a_move_is_stopped_by_hand(make):
    """It copies so slowly that it would take minutes."""
    cluster = make(settings="[steward]\nmove_bytes_per_s = 1000\nseal_lag_keys = 1\n")
    place = ["--data", str(cluster.data)]
    words = [f"k{i}" for i in range(200)]
    with connect(cluster.port(2), protocol=3) as client:

        def slots():
            state = client.execute_command("CLUSTER", "STATE")
            return {row[b"id"]: row[b"slots"] for row in state[b"groups"] if row[b"slots"]}

        def moves():
            return [row[b"id"] for row in client.execute_command("CLUSTER", "STATE")[b"moves"]]

        for word in words:
            client.set(word, word * 1000)
        before = slots()
        cluster.trivet("split", "1", "--no-wait", *place)
        (move,) = wait_until(moves, "node 2 has heard of it")
        said = cluster.trivet("rebalance", "--abort", str(move), *place)
        assert said == f"move {move} is aborted: its slots stay where they are\n"
        wait_until(lambda: not moves(), "node 2 has heard of it")
        assert slots() == before
        assert client.mget(words) == [word.encode() * 1000 for word in words]
    said = cluster.trivet("rebalance", "--abort", str(move), *place, fails=True)
    assert f"move {move} is over" in said
