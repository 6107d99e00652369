"""``WRITE QUORUM`` and ``READ QUORUM`` upon real processes: some stand still, one is killed, one is cut off."""

import time

import pytest
import redis

from tests.cluster import namespaces
from tests.cluster.harness import HOST, wait_until
from tests.cluster.namespaces import CLIENT_PORT, NamespacedCluster
from tests.cluster.test_causal import connected
from tests.cluster.test_copies import DB, create, reachable

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("cluster"), pytest.mark.timeout(600)]

ROUNDS = 60
UNREAD = "2 members are asked for by READ QUORUM"
ALONE = "NOREPLICAS 1 of the 2 members"

_WHY_NOT = namespaces.why_not()


def quorums(addresses):
    """A client of each node, of a database with reads and writes of two of three."""
    create(addresses[1][1], addresses[1][0])
    reachable(addresses)
    clients = {node: connected(*address) for node, address in addresses.items()}
    words = ["KEYSPACE", "ALTER", DB, "WRITE", "QUORUM", 2, "READ", "QUORUM", 2]
    assert clients[1].execute_command(*words) == b"OK"

    def known():
        told = [client.execute_command("KEYSPACE", "INFO", DB) for client in clients.values()]
        facts = [
            dict(zip(one[::2], one[1::2], strict=True)) if isinstance(one, list) else one for one in told
        ]
        return all(one[b"write-quorum"] == one[b"read-quorum"] == 2 for one in facts)

    wait_until(known, "all nodes know of the quorums")
    return clients


def write_and_read(clients, first=0):
    """Each value is written at one node and read at another at once; how long both took, in ms."""
    nodes = list(clients)
    begun_s = time.monotonic()
    for turn in range(first, first + ROUNDS):
        clients[nodes[turn % len(nodes)]].set("k", turn)
        for node in nodes:
            assert clients[node].get("k") == b"%d" % turn, f"turn {turn}, node {node}"
    return (time.monotonic() - begun_s) * 1000 / ROUNDS / (1 + len(nodes))


def value(client, key):
    """None while it is not told."""
    try:
        return client.get(key)
    except redis.RedisError:
        return None


def test_a_read_sees_what_was_acknowledged_and_who_has_no_quorum_says_so(make, record_property):
    cluster = make()
    clients = quorums({node: (HOST, cluster.port(node)) for node in cluster.nodes})
    record_property("a call took ms", round(write_and_read(clients), 2))
    for node in (2, 3):
        cluster.pause(node)
    try:
        with pytest.raises(redis.exceptions.ResponseError, match=ALONE):
            clients[1].incr("n")
        with pytest.raises(redis.exceptions.TryAgainError, match=UNREAD):
            clients[1].get("n")
    finally:
        for node in (2, 3):
            cluster.resume(node)
    wait_until(lambda: value(clients[3], "n") == b"1", "what was done spreads")


def test_what_was_acknowledged_is_read_though_the_member_that_took_it_was_killed(make):
    cluster = make()
    clients = quorums({node: (HOST, cluster.port(node)) for node in cluster.nodes})
    write_and_read(clients)
    for turn in range(20):
        clients[1].sadd("kept", turn)
    cluster.kill(1)
    left = {node: clients[node] for node in (2, 3)}
    for client in left.values():
        assert client.scard("kept") == 20
    write_and_read(left, ROUNDS)


@pytest.mark.skipif(_WHY_NOT != "", reason=_WHY_NOT)
def test_who_is_cut_off_reads_nothing_old_and_the_others_go_on(tmp_path):
    cluster = NamespacedCluster(tmp_path, nodes=3)
    try:
        clients = quorums({node: (cluster.address(node), CLIENT_PORT) for node in cluster.nodes})
        write_and_read(clients)
        cluster.isolate(3)
        with pytest.raises(redis.exceptions.TryAgainError, match=UNREAD):
            clients[3].get("k")
        with pytest.raises(redis.exceptions.ResponseError, match=ALONE):
            clients[3].sadd("there", "x")
        write_and_read({node: clients[node] for node in (1, 2)}, ROUNDS)
        cluster.heal()
        newest = b"%d" % (2 * ROUNDS - 1)
        seen = []

        def answers():
            seen.append(value(clients[3], "k"))
            return seen[-1] is not None

        wait_until(answers, "node 3 hears another member")
        assert seen[-1] == newest, "it may have to wait for it, and shows nothing older"
        wait_until(lambda: clients[1].smembers("there") == {b"x"}, "what was done alone spreads")
    finally:
        cluster.stop()
