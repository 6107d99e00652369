"""`trivet up` with real nodes: the ready line, the files, one node's write on another, data kept."""

import os

import pytest

from tests.cluster.harness import raw, wait_until
from tests.cluster.load import connect

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("cluster")]


def test_ready_line_and_cluster_file(shared):
    assert shared.lines()[0] == "ready " + " ".join(f"redis://127.0.0.1:{port}" for port in shared.ports)
    rows = shared.rows()
    assert [row["id"] for row in rows] == [1, 2, 3]
    assert [row["client_port"] for row in rows] == shared.ports
    assert len({row["peer_port"] for row in rows} | set(shared.ports)) == 6
    for row in rows:
        os.kill(row["pid"], 0)
        assert os.path.isdir(row["directory"])


def test_what_one_node_acknowledges_every_node_reads_at_once(shared):
    clients = [connect(port) for port in shared.ports]
    for i in range(30):
        writer = clients[i % 3]
        assert writer.set("greeting", i)
        assert [int(client.get("greeting")) for client in clients] == [i, i, i]
    for client in clients:
        client.close()


def test_info_says_what_the_documents_promise(shared):
    shared.wait_whole()
    infos = [shared.facts(node) for node in shared.nodes]
    assert {info["redis_version"] for info in infos} == {"7.0.15"}
    assert {info["role"] for info in infos} == {"master"}
    assert sorted(info["raft_role"] for info in infos) == ["follower", "follower", "leader"]
    assert len({info["raft_term"] for info in infos}) == 1
    for name in ("raft_leader", "raft_commit_index", "raft_applied_index", "raft_last_index"):
        assert all(int(info[name]) > 0 for info in infos)


def test_data_is_kept_between_runs(make):
    first = make()
    with connect(first.port(2)) as client:
        for i in range(100):
            client.rpush("list", i)
    assert first.stop() == 0
    second = make(port=first.ports[0])
    with connect(second.port(3)) as client:
        assert client.lrange("list", 0, -1) == [str(i).encode() for i in range(100)]


@pytest.mark.parametrize("nodes", [1, 5])
def test_one_node_and_five(make, nodes):
    cluster = make(nodes=nodes)
    with connect(cluster.port(nodes)) as client:
        assert client.incr("n") == 1
    cluster.wait_whole()
    assert cluster.stop() == 0


def test_a_killed_node_comes_back_and_catches_up(make):
    cluster = make()
    follower = next(node for node in cluster.nodes if node != cluster.wait_leader())
    other = next(node for node in cluster.nodes if node != follower)
    before = cluster.kill(follower)
    with connect(cluster.port(other)) as client:
        for i in range(50):
            client.set(f"k{i}", i)
    wait_until(lambda: cluster.pid(follower) not in (0, before), "a new process")
    cluster.wait_whole()
    with connect(cluster.port(follower)) as client:
        assert client.mget([f"k{i}" for i in range(50)]) == [str(i).encode() for i in range(50)]


def test_a_minority_refuses_in_words(make):
    cluster = make(restart=False, settings="command_timeout_ms = 1500\n")
    with connect(cluster.port(1)) as client:
        client.set("a", 1)
    cluster.kill(2)
    cluster.kill(3)
    write, _ = raw(cluster.port(1), b"SET a 2\r\n", seconds=30.0, until=1)
    assert write.startswith((b"-TIMEOUT ", b"-CLUSTERDOWN "))
    read, _ = raw(cluster.port(1), b"GET a\r\n", seconds=30.0, until=1)
    assert read.startswith(b"-CLUSTERDOWN ")
    with connect(cluster.port(1)) as client:
        assert client.ping()
