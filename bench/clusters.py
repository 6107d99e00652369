"""Clusters that grow, as `bench/groups.py` needs them: Trivet's own, and Redis Cluster."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.load import VALUE_BYTES, key, resp
from bench.peers import HOST, Peer, PeerError, ask, free_ports, program, wait_until
from trivet.cli.probe import Probe, Refused, Reply
from trivet.core.cluster.slots import slot_of

SETTINGS = """
[steward.policy]
split_ops = 1000000000
split_bytes = 1000000000000
merge_bytes = 0
"""
"""No group is split or merged but by the benchmark. All else as it comes."""
FILL_AT_ONCE = 500


def run(*command: str, seconds: float = 900.0) -> str:
    """A command that ends by itself; what it printed."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
    if done.returncode:
        said = (done.stdout + done.stderr).strip().splitlines() or ["nothing"]
        raise PeerError(f"{' '.join(command[:4])} … said: {said[-1]}")
    return done.stdout


def fill(addresses: dict[str, range], keys: int, database: int = 0) -> None:
    """Write every key once, each to the node that has its slot."""
    batches: dict[str, list[bytes]] = {address: [] for address in addresses}
    sockets = {}
    for address in addresses:
        host, _, port = address.rpartition(":")
        sockets[address] = socket.create_connection((host, int(port)), 60.0)
    streams = {address: one.makefile("rb") for address, one in sockets.items()}

    def flush(address: str) -> None:
        sockets[address].sendall(b"".join(batches[address]))
        for _ in batches[address]:
            line = streams[address].readline()
            if not line.startswith(b"+OK"):
                raise PeerError(f"SET was answered {line!r}")
        batches[address].clear()

    if database:
        for address in addresses:
            batches[address].append(resp(b"SELECT", b"%d" % database))
    for number in range(keys):
        name = key(number)
        slot = slot_of(name)
        for address, slots in addresses.items():
            if slot in slots:
                batches[address].append(resp(b"SET", name, b"x" * VALUE_BYTES))
                if len(batches[address]) == FILL_AT_ONCE:
                    flush(address)
                break
    for address in addresses:
        flush(address)
        sockets[address].close()


class TrivetCluster(Peer):
    """Some Trivet nodes under `trivet up`."""

    name = "Trivet"
    up_words: tuple[str, ...] = ()
    """What else `trivet up` is told."""

    def __init__(self, directory: Path, nodes: int = 3) -> None:
        super().__init__(directory)
        self.nodes = nodes
        self.data = directory / "data"
        self._probes: dict[int, Probe] = {}

    def start(self) -> None:
        """`trivet up`, and `trivet scale` when it shall have four nodes."""
        self.fresh_directory()
        ports = free_ports(8)
        settings = self.directory / "settings.toml"
        settings.write_text(SETTINGS)
        words = ["-m", "trivet", "up", "--port", str(ports[0]), "--data", str(self.data)]
        words += ["--nodes", str(min(self.nodes, 3)), "--settings", str(settings), *self.up_words]
        self.spawn(sys.executable, *words, log="log")
        log = self.directory / "log"
        wait_until(
            lambda: "ready redis://" in log.read_text() or self.processes[0].poll() is not None, self.name, 60
        )
        if self.processes[0].poll() is not None:
            raise PeerError(log.read_text().strip().splitlines()[-1])
        self.look()
        wait_until(self._founded, "the founding of the cluster")
        if self.nodes > 3:
            self.scale(self.nodes)

    def _founded(self) -> bool:
        """Whether it takes changes of its map: for moments after the start it does not."""
        try:
            self.call("CLUSTER", "UNDRAIN", "1")
        except Refused as error:
            return not error.text.startswith("CLUSTERDOWN")
        return True

    def look(self) -> None:
        """Take the addresses of all nodes from `cluster.json`."""
        self.rows: list[dict[str, Any]] = json.loads((self.data / "cluster.json").read_text())["nodes"]
        self.addresses = [f"{HOST}:{row['client_port']}" for row in self.rows]

    def scale(self, nodes: int) -> None:
        """Grow, and wait until the new nodes serve."""
        run(sys.executable, "-m", "trivet", "scale", str(nodes), "--data", str(self.data), seconds=120)
        self.look()
        states = [node["state"] for node in self.state()["nodes"]]
        if states != ["up"] * nodes:
            raise PeerError(f"the nodes are {states}")

    def address(self, node: int) -> str:
        """A node's address."""
        return self.addresses[[row["id"] for row in self.rows].index(node)]

    def pids(self) -> dict[int, int]:
        """The process of each node."""
        return {row["id"]: row["pid"] for row in self.rows}

    def call(self, *words: str, node: int = 1, seconds: float = 60.0) -> Reply:
        """A command to one node; an error reply is an error."""
        probe = self._probes.get(node)
        if probe is None:
            host, _, port = self.address(node).rpartition(":")
            probe = self._probes[node] = Probe(host, int(port), timeout_s=seconds)
        return probe.call(*words)

    def state(self) -> dict[str, Any]:
        """`CLUSTER STATE`, as far as it is needed here."""
        top = _pairs(self.call("CLUSTER", "STATE"))
        for name in ("nodes", "keyspaces", "groups", "moves"):
            top[name] = [_pairs(row) for row in top[name]]
        return top

    def make_keyspace(self, keyspace: int, *options: str) -> None:
        """`KEYSPACE CREATE`, and wait until every node takes writes of it."""
        self.call("KEYSPACE", "CREATE", str(keyspace), *options)

        def written(node: int) -> bool:
            try:
                self.call("SELECT", str(keyspace), node=node)
                self.call("SET", "key", "value", node=node)
            except Refused:
                return False
            return True

        for node in self.pids():
            wait_until(lambda node=node: written(node), f"keyspace {keyspace} at node {node}")  # type: ignore[misc]

    def groups(self, keyspace: int) -> list[dict[str, Any]]:
        """The groups of a keyspace."""
        return [row for row in self.state()["groups"] if row["keyspace"] == keyspace]

    def notes(self, word: str) -> Iterator[str]:
        """What the nodes' logs say about something."""
        for log in self.data.glob("**/*.log"):
            yield from (line for line in log.read_text(errors="replace").splitlines() if word in line)

    def lead_apart(self, keyspace: int) -> list[int]:
        """Wait until the leaders of a keyspace's groups are spread over the nodes; who they are."""
        found: list[int] = []

        def spread() -> bool:
            rows = self.groups(keyspace)
            nodes = len(self.addresses)
            found[:] = [row["leader"] for row in rows]
            if 0 in found or len(set(found)) == min(len(rows), nodes):
                return 0 not in found
            for row in rows:
                free = [node for node in row["members"] if node not in found]
                if found.count(row["leader"]) > 1 and free:
                    ask_all = [f"CLUSTER LEAD {row['id']} {free[0]}".split()]
                    ask(int(self.address(row["leader"]).rpartition(":")[2]), *ask_all[0])
                    break
            time.sleep(1.0)
            return False

        wait_until(spread, "leaders on different nodes", 60)
        return list(found)

    def stop(self) -> None:
        """End it."""
        for probe in self._probes.values():
            probe.close()
        self._probes.clear()
        super().stop()


def _pairs(reply: Reply) -> dict[str, Any]:
    assert isinstance(reply, list)
    words = [word.decode() if isinstance(word, bytes) else word for word in reply]
    return dict(zip(words[::2], words[1::2], strict=True))  # type: ignore[arg-type]


class RedisCluster(Peer):
    """Three primaries without replicas, and a fourth that waits to be taken in."""

    name = "Redis Cluster, no disk"
    disk = False

    def start(self) -> None:
        """Four processes, `redis-cli --cluster create` over three of them."""
        server, cli = program("redis-server"), program("redis-cli")
        self.fresh_directory()
        self.ports = free_ports(4)
        for port in self.ports:
            home = self.directory / f"r{port}"
            home.mkdir()
            words = ["--port", str(port), "--bind", HOST, "--dir", str(home), "--save", ""]
            words += ["--cluster-enabled", "yes", "--appendonly", "yes" if self.disk else "no"]
            words += ["--appendfsync", "always", "--auto-aof-rewrite-percentage", "0"]
            self.spawn(server, *words, log=f"log{port}")
        for port in self.ports:
            wait_until(lambda port=port: ask(port, "PING") == b"+PONG\r\n", self.name)  # type: ignore[misc]
        self.addresses = [f"{HOST}:{port}" for port in self.ports]
        run(cli, "--cluster", "create", *self.addresses[:3], "--cluster-yes")
        self._wait_ok(3)

    def _wait_ok(self, nodes: int) -> None:
        def ok() -> bool:
            told = [ask(port, "CLUSTER", "INFO") for port in self.ports[:nodes]]
            return all(b"state:ok" in one and b"known_nodes:%d" % nodes in one for one in told)

        wait_until(ok, "cluster_state:ok")

    def shares(self) -> dict[str, range]:
        """Which node has which slots at the beginning."""
        bounds = [0, 5461, 10923, 16384]
        return {self.addresses[i]: range(bounds[i], bounds[i + 1]) for i in range(3)}

    def grow(self) -> None:
        """Take the fourth node in."""
        run(program("redis-cli"), "--cluster", "add-node", self.addresses[3], self.addresses[0])
        self._wait_ok(4)
        wait_until(self._agreed, "all nodes agree", 30)

    def _agreed(self) -> bool:
        words = [program("redis-cli"), "--cluster", "check", self.addresses[0]]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        return done.returncode == 0 and "agree about slots" in done.stdout

    def reshard(self, slots: int) -> None:
        """Move so many slots, from all others in equal parts, to the fourth node."""
        name = ask(self.ports[3], "CLUSTER", "MYID").split(b"\r\n")[1].decode()
        words = ["--cluster-from", "all", "--cluster-to", name, "--cluster-slots", str(slots)]
        words += ["--cluster-yes", "--cluster-pipeline", "100"]
        run(program("redis-cli"), "--cluster", "reshard", self.addresses[0], *words)

    def keys_moved(self) -> int:
        """How many keys the fourth node has."""
        return int(ask(self.ports[3], "DBSIZE")[1:])


class RedisClusterDisk(RedisCluster):
    """The same, and every write is on the disk of its one node before it is answered."""

    name = "Redis Cluster, appendfsync always"
    disk = True
