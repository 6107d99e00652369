"""A keyspace of mode ``paxos`` upon real processes: whoever dies, clients of the others hardly notice."""

import signal
import time

import pytest
import redis

from tests.cluster import namespaces
from tests.cluster.harness import HOST, wait_until
from tests.cluster.load import Client, Load, connect
from tests.cluster.namespaces import CLIENT_PORT, NamespacedCluster, hold

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("cluster"), pytest.mark.timeout(600)]

DB = 7
GAP_MAX_S = 0.3
"""How long a client of another node may wait when a node is killed (on an otherwise idle machine): no vote is
taken, and a link whose other end has died is closed at once."""
FROZEN_MAX_S = 1.5
"""The same when a node is stopped and its links are up: until its silence is noticed."""


_WHY_NOT = namespaces.why_not()


class RegisterClient(Client):
    """Its keys are registers."""

    db = DB


def create(cluster, *words):
    create_at(cluster.port(1), HOST, *words)


def create_at(port, host, *words):
    def created():
        try:
            with redis.Redis(host, port) as client:
                return client.execute_command("KEYSPACE", "CREATE", DB, "MODE", "paxos", *words) == b"OK"
        except redis.exceptions.ClusterDownError:
            return False  # it is not founded yet

    wait_until(created, "the keyspace is there")


def begin(cluster, nodes=None):
    addresses = {node: (HOST, cluster.port(node)) for node in nodes or cluster.nodes}
    return Load(addresses, 6, RegisterClient).start()


@pytest.fixture
def loaded():
    """Begins load; a test that fails leaves none behind."""
    begun = []

    def start(cluster, nodes=None):
        begun.append(begin(cluster, nodes))
        return begun[-1]

    yield start
    for load in begun:
        load.stop()


def judge(load, cluster, nodes):
    for node in nodes:
        with connect(cluster.port(node), db=DB) as client:
            assert load.judge(client.mget) == []


def go_on(load, at_s, without):
    """Whether each client of another node has had a write done that it began after ``at_s``."""
    others = [client for client in load.clients if client.node != without]
    return all(client.done and client.done[-1][0] >= at_s for client in others)


def longest_s(load, at_s, without):
    """The longest call of a client of another node that was under way at ``at_s`` or later."""
    return max(
        end - begun
        for client in load.clients
        if client.node != without
        for begun, end in list(client.done)
        if end >= at_s
    )


def percentile_s(load, share):
    """So long the given share of all calls at nodes that were not down took at most."""
    spans = sorted(
        end - begun
        for client in load.clients
        for begun, end in list(client.done)
        if not any(begun < to and end > fro for fro, to in load.down[client.node])
    )
    return spans[min(len(spans) - 1, int(len(spans) * share))]


def told(cluster, group="trivet_registers2"):
    """What the nodes say of their part in the group; of those that do not answer nothing."""
    found = [cluster.info(node, "groups").get(group, "") for node in cluster.nodes]
    return [dict(fact.split("=", 1) for fact in line.split(",")) for line in found if line]


def wait_whole(cluster):
    """Wait until every node is there again, and counts."""

    def whole():
        rows = told(cluster)
        return len(rows) == len(cluster.nodes) and all(row["doubtful"] == "0" for row in rows)

    wait_until(whole, "all nodes whole", 60.0)


def kill(cluster, load, victim):
    """Kill a node, and wait until it is back; the longest call of the clients of the others."""
    seen = load.acknowledged()
    wait_until(lambda: load.acknowledged() > seen + 100, "load under way", 60.0)
    at_s = time.monotonic()
    before = cluster.kill(victim)
    wait_until(lambda: go_on(load, at_s, victim), "writes go on", 30.0)
    gap_s = longest_s(load, at_s, victim)
    wait_until(lambda: cluster.pid(victim) not in (0, before), "a new process", 30.0)
    wait_whole(cluster)
    load.note_down(victim, at_s, time.monotonic())
    return gap_s


def report(record_property, load, gaps):
    shown = [round(gap * 1000) for gap in gaps]
    high = {f"p{share * 100:g}": round(percentile_s(load, share) * 1000, 1) for share in (0.5, 0.99, 0.999)}
    record_property("gaps_ms", shown)
    record_property("calls_ms", high)
    print(f"longest calls beside a death: {shown} ms; all calls: {high} ms; {load.acknowledged()} writes")


def test_any_node_is_killed_under_load_then_all_of_them(make, loaded, record_property):
    cluster = make()
    create(cluster)
    load = loaded(cluster)
    gaps = [kill(cluster, load, victim) for victim in cluster.nodes]
    load.stop()
    report(record_property, load, gaps)
    assert load.complaints() == []
    judge(load, cluster, cluster.nodes)
    before = {node: cluster.kill(node) for node in cluster.nodes}
    wait_until(
        lambda: all(cluster.pid(n) not in (0, before[n]) for n in cluster.nodes), "new processes", 60.0
    )
    wait_whole(cluster)
    judge(load, cluster, cluster.nodes)
    assert cluster.stop() == 0
    again = make(port=cluster.ports[0])
    judge(load, again, again.nodes)


def test_a_member_joins_for_one_that_is_dead_for_good(make, loaded):
    cluster = make(restart=False)
    words = ["--node", f"{HOST}:{cluster.port(1)}"]
    said = cluster.trivet("keyspace", "create", str(DB), "--mode", "paxos", "--name", "locks", *words)
    assert said == f"keyspace {DB} is there: SELECT locks\n"
    load = loaded(cluster, [1, 2])
    cluster.trivet("scale", "4", "--data", str(cluster.data))
    cluster.kill(3)

    def replaced():
        """Refused until it is noticed that node 3 is dead."""
        done = cluster.trivet_or_not("replace", "3", "--with", "4", *words)
        assert done.returncode == 0 or "is alive" in done.stderr, done.stderr
        return done.returncode == 0

    wait_until(replaced, "the new node takes the place of the dead one", 120.0)
    seen = load.acknowledged()
    wait_until(lambda: load.acknowledged() > seen + 100, "writes go on", 60.0)
    load.stop()
    assert load.complaints() == []
    (group,) = [row for row in cluster.state()["groups"] if row["keyspace"] == DB]
    assert group["members"] == group["target"] == [1, 2, 4]
    assert group["incoming"] == group["doubtful"] == []
    shown = cluster.trivet("status", *words)
    assert any(
        line.split()[:8] == ["2", "locks", "0-16383", "1", "2", "4", "-", "-"] for line in shown.splitlines()
    )
    cluster.kill(1)  # of those that had the keys first, one is left
    judge(load, cluster, [2, 4])


def cut_off(cluster, victim, how):
    """Nothing passes between ``victim`` and the others, or nothing that it sends, or nothing sent to it."""
    for other in [node for node in cluster.nodes if node != victim]:
        if how != "deaf":
            cluster.cut(victim, other)
        if how != "mute":
            cluster.cut(other, victim)


@pytest.mark.skipif(_WHY_NOT != "", reason=_WHY_NOT)
def test_the_side_of_a_majority_serves_whoever_is_cut_off(tmp_path, record_property):
    """The other side acknowledges nothing, tells its clients so, and is there again when the wall falls."""
    cluster = NamespacedCluster(tmp_path)
    load = None
    try:
        addresses = {node: (cluster.address(node), CLIENT_PORT) for node in cluster.nodes}
        create_at(CLIENT_PORT, cluster.address(1))
        load = Load(addresses, 6, RegisterClient).start()
        gaps = []
        for victim, how in ((1, "alone"), (2, "deaf"), (3, "mute")):
            seen = load.acknowledged()
            wait_until(lambda seen=seen: load.acknowledged() > seen + 100, "load under way", 60.0)
            at_s = time.monotonic()
            cut_off(cluster, victim, how)
            cut_s = time.monotonic()
            wait_until(lambda s=cut_s, v=victim: go_on(load, s, v), "writes go on", 30.0)
            hold(6.0)
            gaps.append(longest_s(load, at_s, victim))
            healed_s = time.monotonic()
            cluster.heal()
            wait_until(lambda s=healed_s: go_on(load, s, 0), "clients of all nodes go on", 60.0)
            load.note_down(victim, at_s, time.monotonic())
            alone = [client for client in load.clients if client.node == victim]
            assert not [1 for one in alone for begun, end in one.done if cut_s <= begun and end < healed_s]
            assert all(any(begun < healed_s for begun, _, _ in one.errors) for one in alone), "they are told"
        load.stop()
        report(record_property, load, gaps)
        assert load.complaints(frozen_may_fail=True) == []
        for node in cluster.nodes:
            with connect(CLIENT_PORT, cluster.address(node), db=DB) as client:
                assert load.judge(client.mget) == []
    finally:
        if load is not None:
            for client in load.clients:
                client.stopping.set()
        cluster.stop()


@pytest.mark.soak
def test_any_node_is_killed_under_load_for_minutes(make, loaded, record_property):
    cluster = make()
    create(cluster)
    load = loaded(cluster)
    gaps = [kill(cluster, load, 1 + turn % 3) for turn in range(24)]
    load.stop()
    report(record_property, load, gaps)
    assert load.complaints() == []
    judge(load, cluster, cluster.nodes)
    assert sorted(gaps)[len(gaps) // 2] <= GAP_MAX_S


@pytest.mark.soak
def test_a_frozen_node_is_passed_over(make, loaded, record_property):
    cluster = make()
    create(cluster)
    load = loaded(cluster)
    gaps = []
    for victim in cluster.nodes:
        seen = load.acknowledged()
        wait_until(lambda seen=seen: load.acknowledged() > seen + 100, "load under way", 60.0)
        at_s = time.monotonic()
        cluster.pause(victim)
        wait_until(lambda at_s=at_s, v=victim: go_on(load, at_s, v), "writes go on", 30.0)
        wait_until(lambda at_s=at_s: time.monotonic() > at_s + 5.0, "some seconds of it", 10.0)
        gaps.append(longest_s(load, at_s, victim))
        cluster.signal(victim, signal.SIGCONT)
        wait_whole(cluster)
        load.note_down(victim, at_s, time.monotonic())
    load.stop()
    report(record_property, load, gaps)
    assert load.complaints(frozen_may_fail=True) == []
    judge(load, cluster, cluster.nodes)
    assert sorted(gaps)[len(gaps) // 2] <= FROZEN_MAX_S
