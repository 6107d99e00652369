"""``CLIENT CAUSAL`` upon real processes: redis-py takes a token from node to node; the program of docs/eventual.md."""

import re
import threading
from pathlib import Path

import pytest
import redis

from tests.cluster import namespaces
from tests.cluster.harness import HOST, wait_until
from tests.cluster.namespaces import CLIENT_PORT, NamespacedCluster, hold
from tests.cluster.test_copies import DB, create, reachable

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("cluster"), pytest.mark.timeout(600)]
PAGE = Path(__file__).parents[2] / "docs" / "eventual.md"
ROUNDS = 150

_WHY_NOT = namespaces.why_not()


def connected(host, port):
    return redis.Redis(host, port, DB, single_connection_client=True, socket_timeout=30.0)


def taken_along(client, token=None):
    """The client carries what it has seen, and what ``token`` stands for."""
    words = [] if token is None else [token]
    assert client.execute_command("CLIENT", "CAUSAL", "ON", *words) == b"OK"


def token_of(client):
    return client.execute_command("CLIENT", "CAUSAL", "TOKEN")


def test_the_program_of_the_page(make):
    cluster = make()
    create(cluster.port(1))
    reachable({node: (HOST, cluster.port(node)) for node in cluster.nodes})
    (program,) = re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    for node in (1, 2):
        program = program.replace(f"port=700{node}", f"port={cluster.port(node)}")
    exec(compile(program, PAGE.name, "exec"), {})


def test_who_hops_from_node_to_node_sees_what_it_has_written(make, record_property):
    """While one node after the other stands still for a moment, and so hears late."""
    cluster = make()
    create(cluster.port(1))
    addresses = {node: (HOST, cluster.port(node)) for node in cluster.nodes}
    reachable(addresses)
    causal = {node: connected(*address) for node, address in addresses.items()}
    plain = {node: connected(*address) for node, address in addresses.items()}
    stopping = threading.Event()

    def trouble():
        turn = 0
        while not stopping.wait(0.15):
            turn += 1
            node = turn % 3 + 1
            cluster.pause(node)
            stopping.wait(0.1)
            cluster.resume(node)

    nemesis = threading.Thread(target=trouble, daemon=True)
    nemesis.start()
    token, late = None, 0
    try:
        for turn in range(ROUNDS):
            writer, reader = turn % 3 + 1, (turn // 3) % 3 + 1
            taken_along(causal[writer], token)
            causal[writer].rpush("list", turn)
            token = token_of(causal[writer])
            late += plain[reader].llen("list") <= turn
            taken_along(causal[reader], token)
            assert causal[reader].lindex("list", -1) == b"%d" % turn
            assert causal[reader].llen("list") == turn + 1, "all that was written before, too"
            token = token_of(causal[reader])
    finally:
        stopping.set()
        nemesis.join(10.0)
        for node in cluster.nodes:
            cluster.resume(node)
    record_property("seen too early by a plain client", late)


@pytest.mark.skipif(_WHY_NOT != "", reason=_WHY_NOT)
def test_a_node_that_is_cut_off_waits_and_says_so_in_time(tmp_path):
    cluster = NamespacedCluster(tmp_path, nodes=3)
    try:
        addresses = {node: (cluster.address(node), CLIENT_PORT) for node in cluster.nodes}
        create(CLIENT_PORT, cluster.address(1), replicas=3)
        reachable(addresses)
        one, two, other = connected(*addresses[1]), connected(*addresses[2]), connected(*addresses[2])
        cluster.isolate(2)
        taken_along(one)
        one.set("k", "new")
        token = token_of(one)
        taken_along(two, token)
        with pytest.raises(redis.exceptions.TryAgainError, match="this node has not heard yet"):
            two.get("k")
        with pytest.raises(redis.exceptions.TryAgainError, match="nothing was done"):
            two.append("k", "er")
        assert other.get("k") is None, "others are served at once"
        found = []
        reader = threading.Thread(target=lambda: found.append(two.get("k")), daemon=True)
        reader.start()
        hold(1.0)
        assert found == []
        cluster.heal()
        reader.join(30.0)
        assert found == [b"new"], "it waited for that"
        wait_until(lambda: other.get("k") == b"new", "all have it")
    finally:
        cluster.stop()
