"""Slots of a keyspace of mode ``paxos`` move between groups under load, with real processes.

Nothing acknowledged is lost, nobody sees an error, and fencing tokens only rise.
"""

import threading

import pytest
import redis

from tests.cluster.harness import HOST, wait_until
from tests.cluster.load import connect
from tests.cluster.test_registers import DB, begin, create, judge

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("cluster"), pytest.mark.timeout(900)]

KEYS = 2_000
MOVES_S = 240.0


class Fences(threading.Thread):
    """Asks for fencing tokens of some keys, one after the other, and keeps those that did not rise."""

    def __init__(self, port, count):
        super().__init__(daemon=True, name="fences")
        self.port = port
        self.last = dict.fromkeys([b"fence:%d" % number for number in range(count)], 0)
        self.rounds = 0
        self.complaints = []
        self.stopping = threading.Event()

    def run(self):
        with connect(self.port, db=DB) as client:
            while not self.stopping.is_set():
                for key, before in list(self.last.items()):
                    try:
                        _, token = client.pipeline().set(key, 1).execute_command("FENCE", key).execute()
                    except redis.RedisError as error:
                        self.complaints.append(f"{key!r}: {error}")
                        continue
                    if token <= before:
                        self.complaints.append(f"{key!r}: {token} after {before}")
                    self.last[key] = token
                self.rounds += 1

    def end(self):
        self.stopping.set()
        self.join(60)
        assert self.rounds > 2
        assert self.complaints == []


@pytest.fixture
def loaded():
    """Begins load; a test that fails leaves none behind."""
    begun = []

    def start(cluster):
        begun.append(begin(cluster))
        return begun[-1]

    yield start
    for load in begun:
        load.stop()


def rows(cluster, keyspace=DB):
    """The groups of the keyspace that have slots, and how many moves there are."""
    state = cluster.state()
    groups = [row for row in state["groups"] if row["keyspace"] == keyspace and row["slots"]]
    return groups, state["moves"]


def wait_for_groups(cluster, count):
    def there():
        groups, moves = rows(cluster)
        return groups if len(groups) == count and not moves else None

    return wait_until(there, f"{count} groups", MOVES_S)


def fill(cluster):
    with connect(cluster.port(1), db=DB) as client:
        for first in range(0, KEYS, 200):
            pipe = client.pipeline(transaction=False)
            for number in range(first, first + 200):
                pipe.set(b"kept:%d" % number, b"value %d" % number)
            pipe.execute()
        for number in range(0, KEYS, 100):
            client.delete(b"kept:%d" % number)


def all_there(cluster, node):
    with connect(cluster.port(node), db=DB) as client:
        for first in range(0, KEYS, 200):
            numbers = range(first, first + 200)
            found = client.mget([b"kept:%d" % number for number in numbers])
            wanted = [None if number % 100 == 0 else b"value %d" % number for number in numbers]
            assert found == wanted, f"from {first} on"
        assert client.dbsize() >= KEYS - KEYS // 100
        assert len([*client.scan_iter(b"kept:*", 500)]) == KEYS - KEYS // 100


def test_split_into_four_and_back_under_load(make, loaded):
    cluster = make()
    create(cluster)
    fill(cluster)
    load = loaded(cluster)
    fences = Fences(cluster.port(2), 8)
    fences.start()
    with redis.Redis(HOST, cluster.port(3)) as client:
        assert client.execute_command("KEYSPACE", "ALTER", DB, "SHARDS", 4) == b"OK"
    groups = wait_for_groups(cluster, 4)
    seen = load.acknowledged()
    wait_until(lambda: load.acknowledged() > seen + 200, "writes go on")
    for node in cluster.nodes:
        all_there(cluster, node)
    with redis.Redis(HOST, cluster.port(1)) as client:
        assert client.execute_command("KEYSPACE", "ALTER", DB, "SHARDS", 1) == b"OK"
    ids = [group["id"] for group in groups]
    for other in ids[1:]:
        cluster.trivet("merge", str(other), str(ids[0]), "--data", str(cluster.data), seconds=MOVES_S)
    wait_for_groups(cluster, 1)
    seen = load.acknowledged()
    wait_until(lambda: load.acknowledged() > seen + 200, "writes go on")
    for node in cluster.nodes:
        all_there(cluster, node)
    fences.end()
    load.stop()
    assert load.complaints() == []
    judge(load, cluster, cluster.nodes)


def test_trivet_split_of_registers(make):
    cluster = make()
    create(cluster)
    fill(cluster)
    (group,), _ = rows(cluster)
    cluster.trivet("split", str(group["id"]), "--data", str(cluster.data), seconds=MOVES_S)
    wait_for_groups(cluster, 2)
    all_there(cluster, 2)
    assert cluster.stop() == 0
