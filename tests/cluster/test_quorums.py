"""``WRITE QUORUM`` and ``READ QUORUM`` upon real processes, of which some stand still."""

import time

import pytest
import redis

from tests.cluster.harness import HOST, wait_until
from tests.cluster.test_causal import connected
from tests.cluster.test_copies import DB, create, reachable

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("cluster"), pytest.mark.timeout(600)]

ROUNDS = 60


def asked_for(client, **counts):
    """As many of both quorums as ``counts`` say."""
    words = [str(word) for kind, count in counts.items() for word in (kind.upper(), "QUORUM", count)]
    assert client.execute_command("KEYSPACE", "ALTER", DB, *words) == b"OK"


def test_a_read_sees_what_was_acknowledged_and_who_has_no_quorum_says_so(make, record_property):
    cluster = make()
    create(cluster.port(1))
    addresses = {node: (HOST, cluster.port(node)) for node in cluster.nodes}
    reachable(addresses)
    clients = {node: connected(*address) for node, address in addresses.items()}
    asked_for(clients[1], write=2, read=2)

    def known():
        told = [client.execute_command("KEYSPACE", "INFO", DB) for client in clients.values()]
        return all(b"read-quorum" in one and one[one.index(b"read-quorum") + 1] == 2 for one in told)

    wait_until(known, "all nodes know of the quorums")
    begun_s = time.monotonic()
    for turn in range(ROUNDS):
        clients[turn % 3 + 1].set("k", turn)
        assert clients[(turn // 3) % 3 + 1].get("k") == b"%d" % turn
    record_property("a write and a read took ms", round((time.monotonic() - begun_s) * 1000 / ROUNDS, 2))
    for node in (2, 3):
        cluster.pause(node)
    try:
        with pytest.raises(redis.exceptions.ResponseError, match="NOREPLICAS 1 of the 2 members"):
            clients[1].incr("n")
        with pytest.raises(redis.exceptions.ResponseError, match="READ QUORUM"):
            clients[1].get("n")
    finally:
        for node in (2, 3):
            cluster.resume(node)
    wait_until(lambda: _read(clients[3], "n") == b"1", "what was done spreads")


def _read(client, key):
    try:
        return client.get(key)
    except redis.RedisError:
        return None
