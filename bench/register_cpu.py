"""What one call costs three nodes in CPU time, in modes paxos and raft: nodes, disks and links in memory.

Clients at all nodes send at once, and go on when everything is quiet. As `node_cost.py`, whose cluster it is,
it says nothing of sockets and disks, and hardly changes with what else a machine has to do.
"""

import gc
from random import Random

from bench.node_cost import TICK_MS, VALUE, Cluster, request
from bench.report import table

DATABASE = b"7"
MODES = {
    "paxos": (b"MODE", b"paxos", b"REPLICAS", b"3"),
    "raft": (b"SHARDS", b"1", b"REPLICAS", b"3"),
}
KEYS = 1_000
CLIENTS = (1, 9, 50, 200)
CALLS = 2_000
"""About so many calls make a figure."""
OPERATIONS = ("SET", "INCR", "GET")


def words(op: str, chance: Random) -> bytes:
    """One call."""
    name = b"key:%012d" % chance.randrange(KEYS)
    if op == "SET":
        return request(b"SET", name, VALUE)
    return request(b"GET", name) if op == "GET" else request(b"INCR", b"n" + name)


def cluster_of(mode: str) -> Cluster:
    """Three nodes with a keyspace of that mode."""
    cluster = Cluster()
    for _ in range(50):
        cluster.pass_time(TICK_MS)
    cluster.say(cluster.connect(), b"KEYSPACE", b"CREATE", DATABASE, *MODES[mode])
    for _ in range(100):
        cluster.pass_time(TICK_MS)
    return cluster


def cost_us(cluster: Cluster, op: str, clients: int, calls: int) -> float:
    """CPU time of all three nodes per call, in µs."""
    chance = Random(1)
    conns = []
    for number in range(clients):
        node = number % len(cluster.timed) + 1
        conns.append((node, cluster.connect(node)))
        assert cluster.say(conns[-1][1], b"SELECT", DATABASE, number=node) == b"+OK\r\n"
    rounds = max(10, calls // clients)
    for number in range(-(rounds // 5), rounds):
        if number % 10 == 0:
            cluster.pass_time(TICK_MS)
        if number == 0:
            for timed in cluster.timed.values():
                timed.cost_ns = 0
        cluster.replied_bytes = {}
        for node, conn in conns:
            cluster.timed[node].asks.append((conn, words(op, chance)))
        cluster.settle()
        assert len(cluster.replied_bytes) == clients
    spent_ns = sum(timed.cost_ns for timed in cluster.timed.values())
    for node, conn in conns:
        cluster.timed[node].node.on_client_closed(conn)
    return spent_ns / (rounds * clients) / 1000


def counted(calls: int = CALLS) -> list[str]:
    """The table."""
    clusters = {mode: cluster_of(mode) for mode in MODES}
    for cluster in clusters.values():
        for op in OPERATIONS[:2]:
            cost_us(cluster, op, 100, 4 * KEYS)
    gc.collect()
    gc.freeze()
    rows = []
    for op in OPERATIONS:
        for clients in CLIENTS:
            paxos, raft = (cost_us(cluster, op, clients, calls) for cluster in clusters.values())
            name = f"{op}, {clients} client{'s' if clients > 1 else ''}"
            rows.append([name, f"{paxos:.0f}", f"{raft:.0f}", f"{paxos / raft:.1f}"])
    gc.unfreeze()
    head = ["µs of CPU time per call, all three nodes together", "mode paxos", "mode raft", "paxos ÷ raft"]
    return table(head, rows)
