"""A cluster grows, shrinks, splits and merges under load of all kinds, while nodes die at random; judged as one history."""

import random
import threading
import time

import pytest

from tests.cluster.harness import HOST, wait_until
from tests.cluster.load import connect
from tests.cluster.mixed import MixedLoad
from trivet.cli.probe import Probe, ProbeError

pytestmark = [
    pytest.mark.soak,
    pytest.mark.cluster,
    pytest.mark.xdist_group("cluster"),
    pytest.mark.timeout(1800),
]

STEP_S = 300.0
QUIET_S = (0.2, 1.5)
"""Between one node's return and the next one's death."""


HASTE = """
[steward]
merge_after_ms = 2000
[steward.policy]
merge_ops = 100000
split_ops = 1000000
"""
"""Groups are merged soon, and although they are busy."""


class Reaper(threading.Thread):
    """kill -9 of any one node, again and again; `trivet up` starts it again."""

    def __init__(self, cluster, load, chance):
        super().__init__(daemon=True, name="reaper")
        self.cluster = cluster
        self.load = load
        self.chance = chance
        self.stopping = threading.Event()
        self.kills = 0
        self.failure = ""

    def run(self):
        while not self.stopping.wait(self.chance.uniform(*QUIET_S)):
            try:
                self._kill_one()
            except AssertionError as error:
                self.failure = str(error)
                return

    def _kill_one(self):
        node = self.chance.choice(self.cluster.nodes)
        before = self.cluster.pid(node)
        if not before:
            return
        at_s = time.monotonic()
        self.cluster.kill(node)
        self.kills += 1
        wait_until(
            lambda: node not in self.cluster.nodes or self.is_back(node, before), f"node {node} is back", 60.0
        )
        if node in self.load.down:
            self.load.note_down(node, at_s, time.monotonic())

    def is_back(self, node, before):
        if self.cluster.pid(node) in (0, before):
            return False
        return self.cluster.info(node).get("raft_leader", "0") != "0"

    def end(self):
        """No more deaths; how many there were."""
        self.stopping.set()
        self.join(120)
        assert not self.failure, self.failure
        return self.kills


def asked(cluster, *words):
    """What the first node that can answer says."""
    for node in cluster.nodes:
        probe = Probe(HOST, cluster.port(node))
        try:
            return probe.call(*words)
        except ProbeError:
            continue
        finally:
            probe.close()
    return None


def state(cluster):
    """`CLUSTER STATE`: groups with keys, and moves under way."""
    told = asked(cluster, "CLUSTER", "STATE") or []
    found = dict(zip(told[::2], told[1::2], strict=True))
    rows = [dict(zip(row[::2], row[1::2], strict=True)) for row in found.get(b"groups", [])]
    return [row for row in rows if row[b"keyspace"] == 0], found.get(b"moves", [b"unknown"])


def spread(cluster, count):
    """The keys of database 0 come to be in so many groups."""
    wait_until(
        lambda: asked(cluster, "KEYSPACE", "ALTER", "0", "SHARDS", str(count)), "the change is taken", 60.0
    )

    def done():
        groups, moves = state(cluster)
        return len(groups) == count and not moves

    wait_until(done, f"{count} groups", STEP_S)


def test_three_five_four_three_and_eight_groups_while_nodes_die(make, record_property):
    cluster = make(settings=HASTE)
    load = MixedLoad({node: (HOST, cluster.port(node)) for node in (1, 2, 3)}).start()
    reaper = Reaper(cluster, load, random.Random(5))
    reaper.start()
    try:
        for count in (5, 4, 3):
            cluster.trivet("scale", str(count), "--data", str(cluster.data), seconds=STEP_S)
            assert len(cluster.nodes) == count
        for count in (8, 1):
            spread(cluster, count)
            cluster.trivet("rebalance", "--data", str(cluster.data), seconds=STEP_S)
    finally:
        kills = reaper.end()
        load.stop()
    cluster.wait_whole(60.0)
    record_property("kills", kills)
    record_property("acknowledged", load.acknowledged())
    print(f"{kills} kills, {load.acknowledged()} acknowledged")
    assert load.complaints() == []
    for node in cluster.nodes:
        with connect(cluster.port(node)) as client:
            assert load.judge_all(client) == []


def fill(port, keys):
    """Values of 100 B."""
    with connect(port) as client:
        for first in range(0, keys, 1000):
            client.mset({f"filled:{i}": b"%0100d" % i for i in range(first, first + 1000)})


def test_a_dead_node_is_replaced_without_help(make, record_property):
    """200,000 keys; the grace period is short."""
    grace_s = 10
    keys = 200_000
    settings = f"[steward.policy]\ngrace_ms = {grace_s * 1000}\n"
    cluster = make(restart=False, settings=settings)
    cluster.trivet("scale", "4", "--data", str(cluster.data), seconds=STEP_S)
    fill(cluster.port(1), keys)
    members = {member for group in state(cluster)[0] for member in group[b"members"]}
    victim = max(members - {1})
    at_s = time.monotonic()
    cluster.kill(victim)

    def replaced():
        groups, _ = state(cluster)
        return groups and all(victim not in g[b"members"] and len(g[b"members"]) == 3 for g in groups)

    wait_until(replaced, "others hold its replicas", grace_s + 30.0)
    took_s = time.monotonic() - at_s
    record_property("replaced_s", round(took_s, 1))
    print(f"replaced after {took_s:.1f} s, of which {grace_s} s are the grace period")
    members = {member for group in state(cluster)[0] for member in group[b"members"]}
    for node in members:
        with connect(cluster.port(node)) as client:
            client.execute_command("READONLY")  # from its own replica
            wait_until(lambda c=client: c.dbsize() == keys, f"node {node} has all keys")
    with connect(cluster.port(1)) as client:
        assert client.get(f"filled:{keys - 1}") == b"%0100d" % (keys - 1)
