"""Partitions between network namespaces, under load: the majority goes on, nothing is lost."""

import time

import pytest

from tests.cluster import namespaces
from tests.cluster.harness import wait_until
from tests.cluster.load import Load, connect
from tests.cluster.namespaces import CLIENT_PORT, NamespacedCluster, hold

_WHY_NOT = namespaces.why_not()

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.xdist_group("cluster"),
    pytest.mark.skipif(_WHY_NOT != "", reason=_WHY_NOT),
]


@pytest.fixture
def cluster(tmp_path):
    made = NamespacedCluster(tmp_path)
    made.loads = []
    yield made
    # The next cluster has the same addresses: clients of a test that failed must not go on there.
    for load in made.loads:
        for client in load.clients:
            client.stopping.set()
    made.stop()
    for load in made.loads:
        for client in load.clients:
            client.join(60)


def begin(cluster):
    load = Load({node: (cluster.address(node), CLIENT_PORT) for node in cluster.nodes})
    cluster.loads.append(load)
    return load.start()


def under_way(load):
    seen = load.acknowledged()
    wait_until(lambda: load.acknowledged() > seen + 200, "load under way")


def finish(cluster, load, at_s, *cut_off):
    """Heal, wait, judge. Clients of the nodes that were cut off may have been told so."""
    cluster.heal()
    cluster.wait_whole()
    for node in cut_off:
        load.note_down(node, at_s, time.monotonic())
    under_way(load)
    load.stop()
    assert load.complaints(frozen_may_fail=True) == []
    for node in cluster.nodes:
        with connect(CLIENT_PORT, cluster.address(node)) as client:
            assert load.judge(client.mget) == []


def test_an_isolated_leader(cluster):
    load = begin(cluster)
    under_way(load)
    leader = cluster.wait_leader()
    others = [node for node in cluster.nodes if node != leader]
    at_s = time.monotonic()
    cluster.isolate(leader)
    cut_s = time.monotonic()
    pause_s = wait_until(lambda: load.pause_s(cut_s, leader), "writes go on")
    print(f"pause after the leader was cut off: {pause_s * 1000:.0f} ms")
    assert cluster.wait_leader(others) in others
    wait_until(lambda: cluster.facts(leader)["raft_role"] != "leader", "the old leader steps down")
    finish(cluster, load, at_s, leader)


def test_an_isolated_follower_does_not_disturb_when_it_returns(cluster):
    load = begin(cluster)
    under_way(load)
    leader = cluster.wait_leader()
    follower = next(node for node in cluster.nodes if node != leader)
    term = cluster.facts(leader)["raft_term"]
    at_s = time.monotonic()
    cluster.isolate(follower)
    hold(5.0)
    cluster.heal()
    under_way(load)
    cluster.wait_whole()
    assert (cluster.wait_leader(), cluster.facts(leader)["raft_term"]) == (leader, term)
    finish(cluster, load, at_s, follower)


def test_a_leader_that_hears_nobody(cluster):
    """One way only: its heartbeats arrive, the answers do not. It has to step down."""
    load = begin(cluster)
    under_way(load)
    leader = cluster.wait_leader()
    others = [node for node in cluster.nodes if node != leader]
    at_s = time.monotonic()
    for other in others:
        cluster.cut(other, leader)
    cut_s = time.monotonic()
    pause_s = wait_until(lambda: load.pause_s(cut_s, leader), "writes go on")
    print(f"pause after the leader went deaf: {pause_s * 1000:.0f} ms")
    assert cluster.wait_leader(others) in others
    finish(cluster, load, at_s, leader)


def test_two_nodes_that_do_not_hear_each_other(cluster):
    """A chain: both reach the third. Somebody leads, and it stays so."""
    load = begin(cluster)
    under_way(load)
    leader = cluster.wait_leader()
    follower = next(node for node in cluster.nodes if node != leader)
    middle = next(node for node in cluster.nodes if node not in (leader, follower))
    at_s = time.monotonic()
    cluster.cut(leader, follower)
    cluster.cut(follower, leader)
    wait_until(lambda: load.pause_s(at_s + 4.0, 0), "writes go on")
    seen = load.acknowledged()
    terms = {cluster.facts(middle)["raft_term"]}
    hold(4.0)
    terms.add(cluster.facts(middle)["raft_term"])
    assert len(terms) == 1
    assert load.acknowledged() > seen + 200
    finish(cluster, load, at_s, leader, follower)
