"""What one command costs a whole node, in CPU time: three nodes in one process, disks and links in memory.

Only the calls into a node are timed, with the clock of this thread's CPU time; disks, links and clients
are not. A round is what 50 clients send at once, until everybody has the replies and everything
is quiet: in a real cluster turns overlap, here they don't, so the cost per turn is a bit dearer.
Each figure is the median of many rounds, the least of several processes.

`python -m bench.node_cost` prints the table of this tree. `--against TREE` measures another work tree in
turn with this one and prints the ratio; `--with FEATURE` turns something on first.
"""

import argparse
import gc
import json
import os
import statistics
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from random import Random

from trivet.core.base.disk import Prepare, Read, Remove, Rename, Write
from trivet.core.cluster.map import Member
from trivet.core.node.config import NodeConfig
from trivet.core.node.effects import Effects
from trivet.core.node.node import Node
from trivet.core.raft.state import Role

START_WALL_MS = 1_700_000_000_000
KEYS = 10_000
VALUE = b"x" * 100
TICK_MS = 20


class MemoryDisk:
    """Files in memory; it does each job at once."""

    def __init__(self) -> None:
        self.files: dict[str, bytearray] = {}

    def names(self) -> list[str]:
        """All files."""
        return sorted(self.files)

    def size_bytes(self, file: str) -> int:
        """The size of one."""
        return len(self.files[file])

    def read(self, file: str, offset: int, size_bytes: int) -> bytes:
        """A part of one."""
        return bytes(self.files[file][offset : offset + size_bytes])

    def perform(self, operations: list[object]) -> list[bytes]:
        """Do a job; what its reads have read."""
        reads: list[bytes] = []
        for operation in operations:
            if isinstance(operation, Write):
                image = self.files.setdefault(operation.file, bytearray())
                end = operation.offset + len(operation.data)
                if len(image) < end:
                    image.extend(bytes(end - len(image)))
                image[operation.offset : end] = operation.data
            elif isinstance(operation, Prepare):
                self.files[operation.file] = bytearray(operation.size_bytes)
            elif isinstance(operation, Rename):
                self.files[operation.to] = self.files.pop(operation.file)
            elif isinstance(operation, Remove):
                self.files.pop(operation.file, None)
            elif isinstance(operation, Read):
                reads.append(self.read(operation.file, operation.offset, operation.size_bytes))
        return reads


class Timed:
    """One node and what its turns have cost."""

    def __init__(self, number: int, members: list[Member]) -> None:
        self.number = number
        self.disk = MemoryDisk()
        config = NodeConfig(node=number, cluster="c0ffee", members=members)
        self.node = Node(config, self.disk, number, 1_000, START_WALL_MS)
        self.cost_ns = 0
        self.longest_ns = 0
        """The longest of these turns."""
        self.turns = 0
        self.done: deque[tuple[int, list[bytes]]] = deque()
        self.frames: deque[tuple[int, bytes]] = deque()
        self.asks: list[tuple[int, bytes]] = []
        self.dirty = True


class Cluster:
    """Three nodes, or more; the first leads."""

    def __init__(self, nodes: int = 3) -> None:
        members = [
            Member(id=n, host=f"10.0.0.{n}", client_port=7000 + n, peer_port=17000 + n)
            for n in range(1, nodes + 1)
        ]
        self.mono_ms = 1_000
        self.timed = {member.id: Timed(member.id, members) for member in members}
        self.replied_bytes: dict[int, int] = {}
        self.replied = b""
        self._links: dict[tuple[int, int], int] = {}
        self._conns = 100
        self._links_count = 0
        for pair in [(a, b) for a in self.timed for b in self.timed if a != b]:
            self.link(*pair)
        self.settle()
        for _ in range(1000):
            if self.leader.node.group.raft.role is Role.LEADER:
                break
            self.pass_time(TICK_MS, [1])
        for _ in range(20):
            self.pass_time(TICK_MS)
        assert self.leader.node.group.raft.role is Role.LEADER

    def link(self, one: int, other: int) -> None:
        """``one`` dials ``other``."""
        self._links_count += 1
        self._links[one, other] = self._links_count
        self.timed[other].node.on_link_accepted(self._links_count, f"10.0.0.{one}:5")
        self.timed[one].node.on_peer_dialed(other)

    def unlink(self, one: int, other: int) -> None:
        """The link that ``one`` has dialed breaks."""
        link = self._links.pop((one, other))
        self.timed[other].frames = deque([row for row in self.timed[other].frames if row[0] != link])
        self.timed[other].node.on_link_closed(link)
        self.timed[one].node.on_peer_lost(other)

    @property
    def leader(self) -> Timed:
        """The node that leads."""
        return self.timed[1]

    def connect(self, number: int = 1) -> int:
        """A client of that node."""
        self._conns += 1
        self.timed[number].node.on_client_connected(self._conns, f"127.0.0.1:{self._conns}")
        return self._conns

    def pass_time(self, ms: int, numbers: list[int] | None = None) -> None:
        """A tick (for some nodes only), and what comes of it."""
        self.mono_ms += ms
        for timed in self.timed.values():
            if numbers is None or timed.number in numbers:
                timed.node.on_tick(self.mono_ms, START_WALL_MS + self.mono_ms)
                timed.dirty = True
        self.settle()

    def say(self, conn: int, *words: bytes, number: int = 1) -> bytes:
        """One command and its reply."""
        self.replied = b""
        self.timed[number].asks.append((conn, request(*words)))
        self.settle()
        return self.replied

    def settle(self) -> None:
        """Turns of all nodes until nothing is left to do. Inputs and turns are timed, the rest is not."""
        clock = time.thread_time_ns
        again = True
        while again:
            again = False
            self.mono_ms += 1
            wall_ms = START_WALL_MS + self.mono_ms
            for timed in self.timed.values():
                if not (timed.dirty or timed.done or timed.frames or timed.asks):
                    continue
                again = True
                timed.dirty = False
                node = timed.node
                done, timed.done = timed.done, deque()
                frames, timed.frames = timed.frames, deque()
                asks, timed.asks = timed.asks, []
                began_ns = clock()
                for token, reads in done:
                    node.on_disk_done(token, reads)
                for link, data in frames:
                    node.on_link_bytes(link, data)
                for conn, data in asks:
                    node.on_client_bytes(conn, data)
                effects = node.turn(self.mono_ms, wall_ms)
                took_ns = clock() - began_ns
                timed.cost_ns += took_ns
                timed.longest_ns = max(timed.longest_ns, took_ns)
                timed.turns += 1
                self._perform(timed, effects)

    def _perform(self, timed: Timed, effects: Effects) -> None:
        assert not effects.fatal, effects.fatal
        for job in effects.disk:
            timed.done.append((job.token, timed.disk.perform(list(job.operations))))
        for peer, data in effects.sends:
            if (timed.number, peer) not in self._links:
                continue
            self.timed[peer].frames.append((self._links[timed.number, peer], data))
        for conn, data in effects.replies:
            self.replied_bytes[conn] = self.replied_bytes.get(conn, 0) + len(data)
            self.replied = data
        timed.dirty = effects.again


def request(*words: bytes) -> bytes:
    """A command as clients write it."""
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)


def key(chance: Random) -> bytes:
    """One of the keys."""
    return b"key:%012d" % chance.randrange(KEYS)


COMMANDS: dict[str, Callable[[Random], list[bytes]]] = {
    "SET": lambda chance: [b"SET", key(chance), VALUE],
    "GET": lambda chance: [b"GET", key(chance)],
    "INCR": lambda chance: [b"INCR", b"n" + key(chance)],
    "LPUSH": lambda chance: [b"LPUSH", b"l%d" % chance.randrange(1000), VALUE],
    "PUBLISH": lambda chance: [b"PUBLISH", b"news", VALUE],
    "ZADD": lambda chance: [b"ZADD", b"z%d" % chance.randrange(1000), b"%d" % chance.randrange(100), b"m"],
}

CASES: dict[str, tuple[str, int, int, int]] = {
    "SET, 50 clients × 16": ("SET", 50, 16, 60),
    "SET, 50 clients": ("SET", 50, 1, 200),
    "SET, one at a time": ("SET", 1, 1, 800),
    "GET, 50 clients × 16": ("GET", 50, 16, 80),
    "GET, 50 clients": ("GET", 50, 1, 300),
    "GET, one at a time": ("GET", 1, 1, 800),
    "INCR, 50 clients × 16": ("INCR", 50, 16, 60),
    "LPUSH, 50 clients × 16": ("LPUSH", 50, 16, 60),
    "ZADD, 50 clients × 16": ("ZADD", 50, 16, 60),
    "PUBLISH, one at a time": ("PUBLISH", 1, 1, 60),
}
"""Command, clients, commands of each that are sent at once, rounds."""


def measure(cluster: Cluster, case: str) -> tuple[float, float]:
    """(leader, each follower) in µs per command: the median of the rounds."""
    name, clients, depth, rounds = CASES[case]
    make = COMMANDS[name]
    chance = Random(1)
    leader = cluster.leader
    conns = [cluster.connect() for _ in range(clients)]
    costs: list[tuple[float, float]] = []
    for number in range(rounds + rounds // 5):
        if number % 10 == 0:
            cluster.pass_time(TICK_MS)
        asks = [(conn, b"".join(request(*make(chance)) for _ in range(depth))) for conn in conns]
        for timed in cluster.timed.values():
            timed.cost_ns = 0
        leader.asks = asks
        cluster.replied_bytes = {}
        cluster.settle()
        assert len(cluster.replied_bytes) >= clients
        count = clients * depth * 1000
        if number >= rounds // 5:
            followers = sum(cluster.timed[peer].cost_ns for peer in (2, 3)) / 2
            costs.append((leader.cost_ns / count, followers / count))
    for conn in conns:
        leader.node.on_client_closed(conn)
    return statistics.median([cost[0] for cost in costs]), statistics.median([cost[1] for cost in costs])


def _set(*words: bytes) -> Callable[[Cluster], None]:
    def turn_on(cluster: Cluster) -> None:
        reply = cluster.say(cluster.connect(), *words)
        assert reply == b"+OK\r\n", reply

    return turn_on


def _block(cluster: Cluster) -> None:
    for n in range(1000):
        assert not cluster.say(cluster.connect(), b"BLPOP", b"waits:%d" % n, b"0")


def _subscribe(cluster: Cluster) -> None:
    for _ in range(1000):
        cluster.say(cluster.connect(), b"SUBSCRIBE", b"news")


def _watch_news(cluster: Cluster) -> None:
    conn = cluster.connect(2)
    cluster.say(conn, b"PSUBSCRIBE", b"__key*", number=2)
    _set(b"CONFIG", b"SET", b"notify-keyspace-events", b"KEA")(cluster)


def _track(cluster: Cluster) -> None:
    """One client has read every key and is told of the first change of each."""
    conn = cluster.connect()
    cluster.say(conn, b"HELLO", b"3")
    cluster.say(conn, b"CLIENT", b"TRACKING", b"ON")
    for n in range(KEYS):
        cluster.say(conn, b"GET", b"key:%012d" % n)


def _nothing(cluster: Cluster) -> None:
    pass


def _groups(cluster: Cluster) -> None:
    """Two hundred groups that rest."""
    for _ in range(50):
        cluster.pass_time(TICK_MS)
    cluster.say(cluster.connect(), b"KEYSPACE", b"CREATE", b"20", b"SHARDS", b"200")
    for _ in range(400):
        cluster.pass_time(TICK_MS)
    held = cluster.leader.node.groups
    assert len(held) > 200


FEATURES: dict[str, Callable[[Cluster], None]] = {
    "nothing": _nothing,
    "maxmemory": _set(b"CONFIG", b"SET", b"maxmemory", b"1gb"),
    "maxmemory-lru": _set(b"CONFIG", b"SET", b"maxmemory", b"1gb", b"maxmemory-policy", b"allkeys-lru"),
    "events": _set(b"CONFIG", b"SET", b"notify-keyspace-events", b"KEA"),
    "events-heard": _watch_news,
    "blocked": _block,
    "subscribers": _subscribe,
    "tracking": _track,
    "groups": _groups,
}
"""What `--with` turns on before measuring."""


def run_here(cases: list[str], feature: str) -> dict[str, tuple[float, float]]:
    """Measure this build in this process."""
    cluster = Cluster()
    conn = cluster.connect()
    for n in range(KEYS):
        cluster.leader.asks.append((conn, request(b"SET", b"key:%012d" % n, VALUE)))
        if n % 500 == 499:
            cluster.settle()
    FEATURES[feature](cluster)
    gc.collect()
    gc.freeze()
    return {case: measure(cluster, case) for case in cases}


def run_apart(tree: Path, cases: list[str], feature: str) -> dict[str, tuple[float, float]]:
    """Measure the build of ``tree`` in a process of its own."""
    command = [sys.executable, __file__, "--json", "--with", feature, "--cases", *cases]
    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": str(tree / "src")}, check=True, capture_output=True
    )
    return {case: (cost[0], cost[1]) for case, cost in json.loads(done.stdout).items()}


def compare(sides: list[tuple[str, Path, str]], cases: list[str], processes: int) -> None:
    """Measure every side in turn, several times; print the least of each and the ratios to the first."""
    found: list[list[dict[str, tuple[float, float]]]] = [[] for _ in sides]
    for _ in range(processes):
        for at, (_, tree, feature) in enumerate(sides):
            found[at].append(run_apart(tree, cases, feature))
    print("| µs per command | " + " | ".join(f"{label}: leader | follower" for label, _, _ in sides) + " |")
    print("|---" * (1 + 2 * len(sides)) + "|")
    for case in cases:
        cells = [case]
        first = [min(one[case][role] for one in found[0]) for role in (0, 1)]
        for at in range(len(sides)):
            for role in (0, 1):
                least = min(one[case][role] for one in found[at])
                ratio = f" ({least / first[role] - 1:+.0%})" if at and first[role] else ""
                cells.append(f"{least:.2f}{ratio}")
        print("| " + " | ".join(cells) + " |", flush=True)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true", help="measure in this process, print figures")
    parser.add_argument("--against", type=Path, action="append", default=[], help="another work tree")
    parser.add_argument("--with", dest="features", choices=FEATURES, action="append", default=[])
    parser.add_argument("--cases", nargs="*", default=list(CASES), metavar="CASE")
    parser.add_argument("--processes", type=int, default=3, help="per side")
    options = parser.parse_args()
    here = Path(__file__).resolve().parent.parent
    features: list[str] = options.features or ["nothing"]
    if options.json:
        print(json.dumps(run_here(options.cases, features[0])))
        return
    sides = [(tree.name, tree.resolve(), "nothing") for tree in options.against]
    if not sides and options.features:
        sides = [("nothing", here, "nothing")]
    sides += [(feature if options.features else "here", here, feature) for feature in features]
    compare(sides, options.cases, options.processes)


if __name__ == "__main__":
    main()
