"""Clients that know Redis Cluster: redis-py's RedisCluster, redis-cli -c."""

import pytest
from redis import Redis
from redis.cluster import ClusterNode, LoadBalancingStrategy, RedisCluster
from redis.exceptions import ResponseError

from tests.clients.test_redis_tools import cli
from tests.cluster.harness import HOST, wait_until

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("cluster")]


@pytest.fixture(scope="module")
def keyspace(cluster):
    """Database 30 in four groups, whose leaders are not all on one node."""
    with Redis(port=cluster.port(1)) as client:
        assert client.execute_command("KEYSPACE", "CREATE", 30, "NAME", "carts", "SHARDS", 4) == b"OK"
    return 30


def connect(cluster, node=1, **options):
    return RedisCluster(startup_nodes=[ClusterNode(HOST, cluster.port(node))], **options)


@pytest.mark.parametrize("protocol", [2, 3])
def test_redis_py_finds_the_leader_and_works(cluster, protocol):
    with connect(cluster, 3, protocol=protocol) as client:
        for i in range(100):
            assert client.set(f"rc:{i}", i)
        assert [int(client.get(f"rc:{i}")) for i in range(100)] == list(range(100))
        assert client.mget_nonatomic([f"rc:{i}" for i in range(3)]) == [b"0", b"1", b"2"]
        assert len(client.get_nodes()) == 3
        assert client.get_primaries()[0].port == cluster.port(cluster.wait_leader())
        pipe = client.pipeline()
        for i in range(20):
            pipe.incr(f"rc:n{i % 5}:{protocol}")
        assert pipe.execute()[-1] == 4
        assert client.delete(*[f"rc:{i}" for i in range(100)]) == 100
        assert client.cluster_countkeysinslot(client.keyslot(f"rc:n1:{protocol}")) >= 1
        assert client.cluster_get_keys_in_slot(client.keyslot(f"rc:n1:{protocol}"), 10)


def test_redis_py_reads_from_replicas(cluster):
    with connect(cluster, 1, load_balancing_strategy=LoadBalancingStrategy.ROUND_ROBIN) as client:
        client.set("rr", "1")
        wait_until(lambda: all(client.get("rr") == b"1" for _ in range(10)), "the value on all nodes")


def test_redis_py_survives_that_another_node_leads(cluster):
    with connect(cluster) as client:
        client.set("lead", "0")
        before = cluster.wait_leader()
        # Nobody is to lead two groups while somebody leads none: else the cluster would soon move it again.
        leads = {group["leader"] for group in cluster.state()["groups"]}
        other = next(node for node in cluster.nodes if node not in leads)
        with Redis(port=cluster.port(before)) as direct:
            assert direct.execute_command("CLUSTER", "LEAD", 1, other) == b"OK"
        wait_until(lambda: cluster.leader() == other, "the other one leads")
        for _ in range(50):
            client.incr("lead")
        assert client.get("lead") == b"50"
        wait_until(lambda: f"{cluster.port(other)}" in str(primary_of(client)), "the client has heard of it")


def primary_of(client):
    client.nodes_manager.initialize()
    return client.get_primaries()[0].port


def test_a_keyspace_of_several_groups_on_every_node(cluster, keyspace):
    clients = [Redis(port=port, db=keyspace) for port in cluster.ports]
    for i in range(60):
        assert clients[i % 3].set(f"k{i}", i)
    for client in clients:
        assert client.mget([f"k{i}" for i in range(60)]) == [b"%d" % i for i in range(60)]
        assert client.dbsize() == 60
        assert len(set(client.scan_iter(count=7))) == 60
    assert clients[0].execute_command("KEYSPACE", "INFO", "carts")
    with pytest.raises(ResponseError, match="holds 60 keys"):
        clients[1].execute_command("KEYSPACE", "DROP", "carts")
    for client in clients:
        client.close()


def test_slots_of_the_selected_keyspace_name_its_leaders(cluster, keyspace):
    with Redis(port=cluster.port(1), db=keyspace, protocol=3) as client:
        rows = client.execute_command("CLUSTER", "SLOTS")
        assert [(row[0], row[1]) for row in rows] == [
            (0, 4095), (4096, 8191), (8192, 12287), (12288, 16383),
        ]  # fmt: skip
        nodes = client.execute_command("CLUSTER", "NODES").decode()
        assert nodes.count("myself") == 1
        assert len([line for line in nodes.splitlines() if " connected" in line]) == 3
    ports = {row[2][1] for row in rows}
    assert ports <= set(cluster.ports)


def test_redis_cli_follows_redirects(cluster, keyspace, tool):
    path = tool("redis-cli")
    leader = cluster.wait_leader()
    other = next(node for node in cluster.nodes if node != leader)
    text = "cluster slots\nset follow 1\nget follow\n"
    said = cli(path, cluster.port(other), "-c", text=text)
    assert said.endswith("OK\n1\n")
    assert "cluster_state:ok" in cli(path, cluster.port(1), "cluster", "info")
    assert "carts" in cli(path, cluster.port(2), "keyspace", "list")
