"""The peers: how each is started on loopback with its data under one directory, and stopped again."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

HOST = "127.0.0.1"


class PeerError(Exception):
    """A peer could not be started; the text says why. It is then reported as missing."""


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 30.0) -> None:
    """Wait for a condition, with a deadline."""
    deadline_s = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline_s:
            raise PeerError(f"{what}: not within {seconds:.0f} s")
        time.sleep(0.05)


def free_ports(count: int) -> list[int]:
    """Consecutive free ports; they and those 10,000 above them lie below the kernel's ephemeral range.

    Where the search begins depends on the process, so that tests running side by side do not meet.
    """
    start = os.getpid() * 7 % 100
    for first in (11_000 + (start + i) % 100 * 100 for i in range(100)):
        sockets: list[socket.socket] = []
        try:
            for port in range(first, first + count):
                sockets += [socket.create_server((HOST, port)), socket.create_server((HOST, port + 10_000))]
            return list(range(first, first + count))
        except OSError:
            continue
        finally:
            for one in sockets:
                one.close()
    raise PeerError("no free ports")


def ask(port: int, *words: str) -> bytes:
    """Send one Redis command; the raw reply (at least its first line), or nothing when there is no answer."""
    try:
        with socket.create_connection((HOST, port), 1.0) as connection:
            connection.settimeout(1.0)
            connection.sendall((" ".join(words) + "\r\n").encode())
            reply = connection.recv(65_536)
            while reply.startswith(b"$") and len(reply) < int(reply[1 : reply.index(b"\r\n")]):
                reply += connection.recv(65_536)
            return reply
    except OSError:
        return b""


def rank(process_output: bytes) -> str:
    """INFO's raft_role."""
    for line in process_output.decode(errors="replace").splitlines():
        if line.startswith("raft_role:"):
            return line.partition(":")[2]
    return ""


class Peer:
    """One system under test. ``addresses`` are filled in by ``start``."""

    name = ""
    kind = "resp"
    wait = 0
    operations: tuple[str, ...] = ("set", "get", "incr")

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.processes: list[subprocess.Popen[bytes]] = []
        self.addresses: list[str] = []

    def start(self) -> None:
        """Start it and wait until it serves; raises PeerError."""
        raise NotImplementedError

    def spawn(self, *command: str, log: str) -> None:
        """Start one process; its output goes to a file in the peer's directory."""
        with (self.directory / log).open("ab") as output:
            process = subprocess.Popen(
                command, cwd=self.directory, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        self.processes.append(process)

    def fresh_directory(self) -> None:
        """Begin with an empty directory."""
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir(parents=True)

    def stop(self) -> None:
        """Stop every process."""
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes.clear()
        shutil.rmtree(self.directory, ignore_errors=True)


def program(name: str) -> str:
    """The path of an installed program."""
    path = shutil.which(name)
    if path is None:
        raise PeerError(f"{name} is not installed")
    return path


class RedisSingle(Peer):
    """One redis-server that never touches the disk: the floor under all latencies, no durability at all."""

    name = "Redis, single, no disk"

    def start(self) -> None:
        """One process."""
        server = program("redis-server")
        self.fresh_directory()
        (port,) = free_ports(1)
        self.spawn(server, "--port", str(port), "--bind", HOST, "--save", "", "--appendonly", "no", log="log")
        wait_until(lambda: ask(port, "PING") == b"+PONG\r\n", self.name)
        self.addresses = [f"{HOST}:{port}"]


class RedisWait(Peer):
    """A primary that fsyncs always, two replicas that do too, and `WAIT 1` after each batch of writes."""

    name = "Redis, appendfsync always, 2 replicas, WAIT 1"
    wait = 1

    def start(self) -> None:
        """Three processes."""
        server = program("redis-server")
        self.fresh_directory()
        ports = free_ports(3)
        for i, port in enumerate(ports):
            (self.directory / f"r{i}").mkdir()
            words = [
                "--port",
                str(port),
                "--bind",
                HOST,
                "--dir",
                f"r{i}",
                "--save",
                "",
                "--appendonly",
                "yes",
            ]
            words += ["--appendfsync", "always", "--auto-aof-rewrite-percentage", "0"]
            if i:
                words += ["--replicaof", HOST, str(ports[0])]
            self.spawn(server, *words, log=f"log{i}")
        wait_until(lambda: ask(ports[0], "INFO", "replication").count(b"state=online") == 2, self.name)
        self.addresses = [f"{HOST}:{ports[0]}"]


class Etcd(Peer):
    """Three etcd nodes; the load goes to the leader, over gRPC."""

    name = "etcd, 3 nodes"
    kind = "etcd"
    operations = ("set", "get")

    def start(self) -> None:
        """Three processes, and a look at who leads."""
        server = program("etcd")
        self.fresh_directory()
        ports = free_ports(6)
        clients = [f"http://{HOST}:{port}" for port in ports[:3]]
        peers = [f"http://{HOST}:{port}" for port in ports[3:]]
        cluster = ",".join(f"e{i}={peer}" for i, peer in enumerate(peers))
        for i in range(3):
            words = ["--name", f"e{i}", "--data-dir", f"e{i}", "--logger", "zap", "--log-level", "error"]
            words += ["--listen-client-urls", clients[i], "--advertise-client-urls", clients[i]]
            words += ["--listen-peer-urls", peers[i], "--initial-advertise-peer-urls", peers[i]]
            words += ["--initial-cluster", cluster, "--initial-cluster-state", "new"]
            self.spawn(server, *words, log=f"log{i}")
        leader = [""]

        def found() -> bool:
            leader[0] = self.leader(clients)
            return leader[0] != ""

        wait_until(found, self.name)
        self.addresses = [leader[0].removeprefix("http://")]

    def leader(self, clients: list[str]) -> str:
        """The leader's address, by etcdctl; without etcdctl the first node's."""
        tool = shutil.which("etcdctl")
        if tool is None:
            time.sleep(3.0)
            return clients[0]
        words = [tool, "--endpoints", ",".join(clients), "endpoint", "status", "--write-out", "json"]
        environment = {**os.environ, "ETCDCTL_API": "3"}
        done = subprocess.run(words, env=environment, capture_output=True, check=False)
        if done.returncode:
            return ""
        for row in json.loads(done.stdout):
            status = row["Status"]
            if status["header"]["member_id"] == status.get("leader"):
                return str(row["Endpoint"])
        return ""


class Trivet(Peer):
    """Three Trivet nodes; the load goes to the leader, as it does with the peers."""

    name = "Trivet, 3 nodes, pure"
    venv = ".venv"
    spread = False

    def start(self) -> None:
        """`trivet up`, as a user would."""
        python = Path(self.venv).absolute() / "bin" / "python"
        if not python.exists() or (self.venv == ".venv" and not Path(sys.executable).exists()):
            raise PeerError(f"{self.venv} is not built")
        self.fresh_directory()
        ports = free_ports(6)
        data = str(self.directory / "data")
        self.spawn(str(python), "-m", "trivet", "up", "--port", str(ports[0]), "--data", data, log="log")
        log = self.directory / "log"
        wait_until(
            lambda: "ready redis://" in log.read_text() or self.processes[0].poll() is not None, self.name
        )
        if self.processes[0].poll() is not None:
            raise PeerError(log.read_text().strip().splitlines()[-1])
        leaders = [port for port in ports[:3] if rank(ask(port, "INFO")) == "leader"]
        if not leaders:
            raise PeerError("no leader")
        self.addresses = [f"{HOST}:{port}" for port in (ports[:3] if self.spread else leaders[:1])]


class TrivetSpread(Trivet):
    """The same with the connections spread over the three nodes: two thirds of the commands are forwarded."""

    name = "Trivet, 3 nodes, pure, clients on all nodes"
    spread = True


class TrivetCompiled(Trivet):
    """Three Trivet nodes with the core compiled by mypyc."""

    name = "Trivet, 3 nodes, compiled"
    venv = ".venv-compiled"


PEERS: dict[str, type[Peer]] = {
    "redis": RedisSingle,
    "redis-wait": RedisWait,
    "etcd": Etcd,
    "trivet": Trivet,
    "trivet-spread": TrivetSpread,
    "trivet-compiled": TrivetCompiled,
}
