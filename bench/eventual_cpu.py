"""What mode ``eventual`` costs five nodes in CPU time: nodes, disks and links in memory, by kind of work.

As `node_cost.py`, whose cluster it is, it says nothing of sockets and disks, and hardly changes with what
else a machine has to do. Beside the cost it tells the longest turn of a node: so long its clients wait.

`python -m bench.eventual_cpu` prints the table of this tree; `--against TREE` measures another tree, too.
"""

import argparse
import gc
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random

from bench.node_cost import TICK_MS, VALUE, Cluster, request
from bench.report import table
from trivet.core.gossip.retained import Retained
from trivet.core.group.eventual_group import EventualGroup

DATABASE = b"7"
NODES = 5
SMALLER, LARGER = (1, 2), (3, 4, 5)
"""The sides of a split."""
ROUNDS = 200
CLIENTS = 50
CHANGED = 40_000
AT_ONCE = 50
"""Keys in one ``MSET``, of which one client sends one after the other."""
HEALING_TICKS_MAX = 3_000

Figures = dict[str, float]


def cluster_of(nodes: int) -> Cluster:
    """So many nodes with a keyspace that has a copy on each."""
    cluster = Cluster(nodes)
    for _ in range(50):
        cluster.pass_time(TICK_MS)
    cluster.say(
        cluster.connect(), b"KEYSPACE", b"CREATE", DATABASE, b"MODE", b"eventual", b"REPLICAS", b"%d" % nodes
    )
    for _ in range(100):
        cluster.pass_time(TICK_MS)
    return cluster


def client_of(cluster: Cluster, number: int) -> int:
    """A client of that node, in the keyspace."""
    conn = cluster.connect(number)
    assert cluster.say(conn, b"SELECT", DATABASE, number=number) == b"+OK\r\n"
    return conn


def group_of(cluster: Cluster, number: int) -> EventualGroup:
    """What a node has of the keyspace."""
    (group,) = cluster.timed[number].node.front.leaderless.values()
    assert isinstance(group, EventualGroup)
    return group


def forget_costs(cluster: Cluster) -> None:
    """Begin anew."""
    gc.collect()
    for timed in cluster.timed.values():
        timed.cost_ns = timed.longest_ns = 0


def one_key(chance: Random) -> bytes:
    """A key with another value."""
    return request(b"SET", b"key:%012d" % chance.randrange(10_000), VALUE)


def a_round(chance: Random) -> bytes:
    """A counter, a set, a key, as the writers of the tests do."""
    name = b"%012d" % chance.randrange(1_000_000)
    set_it = request(b"SET", b"k" + name, VALUE)
    return request(b"INCRBY", b"n%d" % chance.randrange(10), b"3") + request(b"SADD", b"all", name) + set_it


def pushed(cluster: Cluster, asks: int, words: Callable[[Random], bytes]) -> tuple[float, float]:
    """(at the node that is written to, at each other) in µs per call or round of calls."""
    chance = Random(1)
    conns = [client_of(cluster, 1) for _ in range(asks)]
    for number in range(-(ROUNDS // 5), ROUNDS):
        if number % 10 == 0:
            cluster.pass_time(TICK_MS)
        if number == 0:
            forget_costs(cluster)
        for conn in conns:
            cluster.timed[1].asks.append((conn, words(chance)))
        cluster.settle()
    count = ROUNDS * asks * 1_000
    others = [timed.cost_ns for timed in cluster.timed.values() if timed.number != 1]
    return cluster.timed[1].cost_ns / count, sum(others) / len(others) / count


def split(cluster: Cluster) -> None:
    """Nobody hears the other side."""
    for one in SMALLER:
        for other in LARGER:
            cluster.unlink(one, other)
            cluster.unlink(other, one)
    for _ in range(20):
        cluster.pass_time(TICK_MS)


def change(cluster: Cluster, changed: int) -> None:
    """So many new keys, half of them on each side."""
    for number, first in ((SMALLER[0], 0), (LARGER[0], changed // 2)):
        conn = client_of(cluster, number)
        for done in range(0, changed // 2, AT_ONCE):
            pairs: list[bytes] = []
            for at in range(AT_ONCE):
                pairs += [b"many:%d" % (first + done + at), VALUE]
            cluster.say(conn, b"MSET", *pairs, number=number)
            if done % 1_000 == 0:
                cluster.pass_time(TICK_MS)


def heal(cluster: Cluster) -> int:
    """All hear each other again, until all hold the same; how many ticks passed."""
    for one in SMALLER:
        for other in LARGER:
            cluster.link(one, other)
            cluster.link(other, one)
    for ticks in range(HEALING_TICKS_MAX):
        cluster.pass_time(TICK_MS)
        groups = [group_of(cluster, number) for number in cluster.timed]
        if all(group.gossip.quiet for group in groups):
            roots = {group.executor.lattice.tree.root for group in groups}
            assert len(roots) == 1 and sum(group.gossip.broken for group in groups) == 0
            return ticks
    raise AssertionError("they are not equal again")


def healed(cluster: Cluster, changed: int, by_exchange: bool, figures: Figures, name: str) -> None:
    """A split in which so many keys change, and what it costs when it ends."""
    split(cluster)
    if by_exchange:
        for number in cluster.timed:
            group_of(cluster, number).gossip.retained = Retained(1)
    forget_costs(cluster)
    change(cluster, changed)
    if not by_exchange:
        figures["MSET of 50 new keys, per key: all nodes of a side"] = (
            sum(timed.cost_ns for timed in cluster.timed.values()) / changed / 1_000
        )
    forget_costs(cluster)
    ticks = heal(cluster)
    spent_ns = sum(timed.cost_ns for timed in cluster.timed.values())
    taken = changed // 2 * (len(SMALLER) + len(LARGER))
    figures[f"{name}, per key taken: all nodes"] = spent_ns / taken / 1_000
    figures[f"{name}: the longest turn, ms"] = max(t.longest_ns for t in cluster.timed.values()) / 1e6
    figures[f"{name}: ticks of {TICK_MS} ms"] = ticks


def measured(changed: int) -> Figures:
    """All figures, µs if nothing else is said."""
    figures: Figures = {}
    cluster = cluster_of(NODES)
    for name, asks, words in (
        (f"SET, {CLIENTS} clients", CLIENTS, one_key),
        ("SET, one at a time", 1, one_key),
        ("INCRBY, SADD, SET in one, 5 clients", 5, a_round),
    ):
        own, taken = pushed(cluster, asks, words)
        figures[f"{name}: the node that is written to"] = own
        figures[f"{name}: each of the others"] = taken
    gc.collect()
    gc.freeze()
    healed(cluster_of(NODES), changed, False, figures, "after a split, by what was kept")
    healed(cluster_of(NODES), changed, True, figures, "after a split, by an exchange")
    return figures


def run_apart(tree: Path, changed: int) -> Figures:
    """Measure the build of ``tree`` in a process of its own."""
    command = [sys.executable, "-m", "bench.eventual_cpu", "--json", "--changed", str(changed)]
    here = Path(__file__).resolve().parent.parent
    environment = {**os.environ, "PYTHONPATH": f"{here}:{tree / 'src'}"}
    done = subprocess.run(command, env=environment, check=True, capture_output=True)
    return dict(json.loads(done.stdout))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true", help="measure in this process, print figures")
    parser.add_argument("--against", type=Path, action="append", default=[], help="another work tree")
    parser.add_argument("--changed", type=int, default=CHANGED, help="keys that change in a split")
    parser.add_argument("--processes", type=int, default=2, help="per tree; the least counts")
    options = parser.parse_args()
    if options.json:
        print(json.dumps(measured(options.changed)))
        return
    trees = [*[tree.resolve() for tree in options.against], Path(__file__).resolve().parent.parent]
    found: list[list[Figures]] = [[] for _ in trees]
    for _ in range(options.processes):
        for at, tree in enumerate(trees):
            found[at].append(run_apart(tree, options.changed))
    rows = [[name, *[f"{min(one[name] for one in runs):.1f}" for runs in found]] for name in found[0][0]]
    print("\n".join(table(["µs of CPU time", *[tree.name for tree in trees]], rows)))


if __name__ == "__main__":
    main()
