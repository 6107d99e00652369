"""Who is there, with real processes: stopped and continued; and cut off from the system's leader alone."""

import time

import pytest

from tests.cluster import namespaces
from tests.cluster.harness import wait_until
from tests.cluster.load import Load
from tests.cluster.namespaces import CLIENT_PORT, NamespacedCluster, hold
from trivet.cli.probe import Probe, ProbeError
from trivet.cli.view import read_view

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("cluster"), pytest.mark.timeout(600)]

GRACE_S = 5.0
_WHY_NOT = namespaces.why_not()


def line(cluster, node, other):
    """What ``INFO liveness`` of a node says of another; nothing when it does not answer."""
    text = cluster.info(node, "liveness").get(f"trivet_node{other}", "")
    return dict(pair.split("=") for pair in text.split(",")) if text else {}


def held(cluster, node):
    """What `trivet status` says of a node."""
    return next(one for one in cluster.state()["nodes"] if one["id"] == node)


def test_a_stopped_process_is_suspect_then_dead_and_alive_with_a_higher_incarnation(make):
    """Its links stay up: only beats tell."""
    cluster = make()
    one, other, still = 1, 2, 3
    before = wait_until(lambda: line(cluster, one, still), "node 1 answers")
    assert before["status"] == "alive"
    at_s = time.monotonic()
    cluster.pause(still)
    for word in ("suspect", "dead"):
        wait_until(
            lambda word=word: {line(cluster, n, still).get("status") for n in (one, other)} == {word}, word
        )
        print(f"{word} to all others after {time.monotonic() - at_s:.1f} s")
    assert line(cluster, one, still)["incarnation"] == before["incarnation"]
    wait_until(lambda: not held(cluster, still)["alive"], "the system's leader has missed its reports")
    assert not held(cluster, still)["unreachable"]
    cluster.resume(still)
    at_s = time.monotonic()
    wait_until(
        lambda: {line(cluster, n, still).get("status") for n in (one, other)} == {"alive"}, "it is back"
    )
    print(f"alive to all others after {time.monotonic() - at_s:.1f} s")
    after = [line(cluster, node, still)["incarnation"] for node in (one, other)]
    assert int(after[0]) > int(before["incarnation"])
    told = wait_until(lambda: cluster.info(still, "liveness"), "it answers")
    assert int(told["trivet_spoken_up"]) >= 1 and int(told["trivet_incarnation"]) >= int(after[1])
    cluster.wait_whole()


def view(cluster, node):
    """``CLUSTER STATE`` of a node; nothing when it does not answer."""
    probe = Probe(cluster.address(node), CLIENT_PORT)
    try:
        return read_view(probe.call("CLUSTER", "STATE"))
    except ProbeError:
        return None
    finally:
        probe.close()


def ask(cluster, node, *words):
    """A command that may be asked again; whether it was answered with OK."""
    probe = Probe(cluster.address(node), CLIENT_PORT)
    try:
        return probe.call(*words) in (b"OK", "OK")
    except ProbeError:
        return False
    finally:
        probe.close()


def led(cluster):
    """(who leads the system group, who leads the data), as the former knows it; nothing while that is not clear."""
    for node in cluster.nodes:
        seen = view(cluster, node)
        if seen is None or seen.system_leader() is None or seen.system_leader().id != node:
            continue
        group = next(group for group in seen.groups if group.id == 1)
        if group.leader and len(group.members) == 3 and sorted(group.target) == sorted(group.members):
            return node, group.leader, group.members
    return None


def apart(cluster):
    """The same, once they are two nodes."""
    found = led(cluster)
    if found is None or found[0] != found[1]:
        return found
    heir = next(node for node in found[2] if node != found[0])
    ask(cluster, found[0], "CLUSTER", "LEAD", "1", str(heir))
    return None


@pytest.mark.skipif(_WHY_NOT != "", reason=_WHY_NOT)
def test_whom_only_the_systems_leader_does_not_hear_is_not_replaced_and_no_client_fails(tmp_path):
    settings = f"[steward.policy]\ngrace_ms = {int(GRACE_S * 1000)}\n"
    cluster = NamespacedCluster(tmp_path, settings, nodes=5)
    load = Load({node: (cluster.address(node), CLIENT_PORT) for node in cluster.nodes})
    try:
        wait_until(lambda: ask(cluster, 1, "KEYSPACE", "ALTER", "0", "REPLICAS", "3"), "three replicas")
        leader, data_leader, members = wait_until(lambda: apart(cluster), "other leaders", 120)
        victim = next(node for node in members if node not in (leader, data_leader))
        load.start()
        seen = load.acknowledged()
        wait_until(lambda: load.acknowledged() > seen + 200, "load under way")
        cluster.cut(leader, victim)
        cluster.cut(victim, leader)
        seen = wait_until(
            lambda: (found := view(cluster, leader)) and found.node(victim).unreachable and found,
            "unreachable",
        )
        assert all(node.alive for node in seen.nodes)
        hold(3 * GRACE_S)
        found = wait_until(lambda: view(cluster, leader), "the leader answers")
        assert found.system_leader().id == leader, "it has led all the time"
        assert found.node(victim).unreachable and found.node(victim).silent_ms > 2_000 * GRACE_S
        group = next(group for group in found.groups if group.id == 1)
        assert sorted(group.members) == sorted(group.target) == sorted(members)
        seen = load.acknowledged()
        wait_until(lambda: load.acknowledged() > seen + 200, "writes go on")
        load.stop()
        assert load.complaints() == []
        cluster.processes[victim].kill()
        at_s = time.monotonic()
        others = [node for node in cluster.nodes if node != victim]

        def is_replaced():
            views = [found for node in others if (found := view(cluster, node)) is not None]
            return any(
                victim not in group.target for found in views for group in found.groups if group.id == 1
            )

        wait_until(is_replaced, "it is dead now, and replaced")
        took_s = time.monotonic() - at_s
        print(f"replaced {took_s:.1f} s after its death, with a grace of {GRACE_S:.0f} s")
        assert took_s > GRACE_S - 0.5, "counted from its death"
    finally:
        for client in load.clients:
            client.stopping.set()
        cluster.stop()
