"""Real processes: killed, paused, parted; and never left behind."""

import subprocess
import sys
import textwrap
import time
import tomllib
from pathlib import Path

import pytest
import redis

from trivet.testing.real_cluster import ClusterError, RealCluster, WaitTimeout

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("cluster")]

FAST = "election_ms = 500\nheartbeat_ms = 50\n"


def gone(pid):
    """Whether a process has ended; an ended one that nobody has waited for may still be listed."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True
    return stat.rpartition(")")[2].split()[0] == "Z"


def own_port(cluster, node):
    """Where a node listens for its peers, by its own configuration."""
    told = tomllib.loads((cluster.directory / f"node-{node}" / "node.toml").read_text())
    return next(member["peer_port"] for member in told["members"] if member["id"] == node)


def has_settled(cluster, node):
    """Whether the map that ``node`` has is the founding one and what each node said of itself then."""
    state = cluster.client(node, protocol=3).execute_command("CLUSTER", "STATE")
    ports = {row[b"id"]: row[b"peer-port"] for row in state[b"nodes"]}
    own = {other: own_port(cluster, other) for other in cluster.nodes}
    return state[b"epoch"] > len(cluster.nodes) and ports == own


def test_what_a_cluster_goes_through(trivet_cluster):
    cluster = trivet_cluster(settings=FAST)
    first = cluster.leader()
    cluster.client(first).set("written", 1)
    assert redis.Redis.from_url(cluster.url(first)).get("written") == b"1"

    cluster.kill(first)
    assert cluster.pid(first) == 0 and cluster.info(first) == {}
    second = cluster.leader()
    assert second != first
    assert cluster.client(second).incr("written") == 2
    cluster.start(first)
    cluster.wait_until(lambda: cluster.info(first).get("raft_leader") == cluster.leader())

    cluster.partition([second])
    third = cluster.leader()
    assert third != second
    assert cluster.client(third).incr("written") == 3
    cut_off = cluster.client(second, socket_timeout=1, retry=None)
    with pytest.raises((redis.TimeoutError, redis.ResponseError)):
        cut_off.get("written")  # no write: one that times out may yet happen
    cluster.heal()
    cluster.wait_until(lambda: cluster.info(second).get("raft_leader") == cluster.leader())
    cluster.wait_until(lambda: cluster.client(second).get("written") == b"3")

    cluster.pause(third)
    fourth = cluster.leader()
    assert fourth != third
    assert cluster.client(fourth).incr("written") == 4
    cluster.resume(third)
    cluster.wait_until(lambda: cluster.info(third).get("raft_leader") == cluster.leader())
    assert cluster.client(third).get("written") == b"4"


def test_links_can_be_cut_one_way(trivet_cluster):
    cluster = trivet_cluster(settings=FAST)
    leader = cluster.leader()
    victim, other = cluster.others(leader)
    cluster.block((leader, victim))
    cluster.wait_until(lambda: cluster.info(victim).get("raft_leader") != leader, what="it misses its leader")
    assert cluster.leader() in (leader, other)
    cluster.heal()
    cluster.wait_until(lambda: cluster.info(victim).get("raft_leader") == cluster.leader())


def test_links_are_cut_although_the_nodes_have_said_where_they_are(trivet_cluster):
    cluster = trivet_cluster(settings=FAST)
    cluster.wait_until(
        lambda: all(has_settled(cluster, node) for node in cluster.nodes), what="all have said it"
    )
    leader = cluster.leader()
    cluster.partition([leader])
    assert cluster.leader() != leader


def test_what_cannot_be_done_is_said(tmp_path):
    with RealCluster(tmp_path, 1) as cluster:
        pid = cluster.pid(1)
        with pytest.raises(ClusterError, match="no node 2"):
            cluster.kill(2)
        with pytest.raises(ClusterError, match="is running"):
            cluster.start(1)
        with pytest.raises(ClusterError, match="two sides"):
            cluster.partition([1], [1])
        with pytest.raises(WaitTimeout, match=r"(?s)the moon: .*node 1 \(pid"):
            cluster.wait_until(lambda: False, 0.05, "the moon: ")
        cluster.pause(1)
        assert "paused" in cluster.state()[0]
    assert gone(pid)


def test_a_configuration_that_no_node_accepts(tmp_path):
    with pytest.raises(ClusterError, match="there is no such setting"):
        RealCluster(tmp_path, 1, "colour = 1\n")


def test_nodes_end_with_the_process_that_started_them(tmp_path):
    script = """
        import os, pathlib, sys
        from trivet.testing.real_cluster import RealCluster
        cluster = RealCluster(pathlib.Path(sys.argv[1]), 1)
        print(cluster.pid(1), flush=True)
        os._exit(0)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), str(tmp_path)],
        capture_output=True, text=True, timeout=180, check=True,
    )  # fmt: skip
    pid = int(done.stdout)
    deadline_s = time.monotonic() + 60
    while not gone(pid):
        assert time.monotonic() < deadline_s, f"process {pid} goes on without its parent"
        time.sleep(0.02)
