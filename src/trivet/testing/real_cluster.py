"""RealCluster: `trivet node` processes on loopback, for tests that kill, pause and part them.

Every wait has a deadline; every process is ended by its id. The nodes reach each other through the
proxies of ``links.py``, so that partitions need no privileges; clients reach the nodes directly.
"""

# ruff: noqa: ANN401 (settings and answers are as loosely typed as redis-py's)

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from trivet.testing.links import HOST, Links, Pair

START_S = 60.0
STOP_S = 15.0
POLL_S = 0.02
PROBE_S = 2.0
TRIES = 5
"""How often the nodes are started on other ports when somebody took one in between."""

_FIRST_PORT, _LAST_PORT = 15_000, 31_000
"""Below the range from which the kernel gives ports to outgoing connections."""

_T = TypeVar("_T")


class ClusterError(Exception):
    """The cluster cannot do what it was told."""


class WaitTimeout(ClusterError):
    """A condition did not come true before its deadline."""


class _PortTaken(Exception):
    """A node found one of its ports taken."""


def free_ports(count: int) -> list[int]:
    """Ports on loopback that nobody listens on now. Raises ClusterError."""
    found: list[int] = []
    with ExitStack() as held:
        for _ in range(50 * count):
            port = _FIRST_PORT + secrets.randbelow(_LAST_PORT - _FIRST_PORT)
            with suppress(OSError):
                held.enter_context(socket.create_server((HOST, port)))
                found.append(port)
            if len(found) == count:
                return found
    raise ClusterError(f"no {count} free ports between {_FIRST_PORT} and {_LAST_PORT}")


class RealCluster:
    """``nodes`` processes, numbered from 1, with their files in ``directory``; ``stop`` it at the end.

    ``settings`` is TOML that every node's configuration begins with (such as ``election_ms = 300``).
    """

    def __init__(self, directory: Path, nodes: int = 3, settings: str = "") -> None:
        self.directory = directory
        self.nodes = list(range(1, nodes + 1))
        self._settings = settings
        self._name = secrets.token_hex(16)
        self._ports: dict[int, int] = {}
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._paused: dict[int, bool] = {}
        self._clients: list[redis.Redis] = []
        self._links = Links()
        try:
            self._start_all()
        except BaseException:
            self.stop()
            raise

    def _start_all(self) -> None:
        for _ in range(TRIES):
            self._configure(free_ports(2 * len(self.nodes)))
            for node in self.nodes:
                self._launch(node)
            try:
                for node in self.nodes:
                    self.wait_until(lambda node=node: self._serves(node), START_S, f"node {node} serves")  # type: ignore[misc]
                self.leader(START_S)
            except _PortTaken:
                self._end_processes()
                continue
            return
        raise ClusterError(f"ports were taken {TRIES} times in a row")

    def _configure(self, ports: list[int]) -> None:
        count = len(self.nodes)
        self._ports = dict(zip(self.nodes, ports[:count], strict=True))
        peer = dict(zip(self.nodes, ports[count:], strict=True))
        for node in self.nodes:
            place = self.directory / f"node-{node}"
            place.mkdir(parents=True, exist_ok=True)
            lines = [
                f"node = {node}",
                f'cluster = "{self._name}"',
                f"data = {json.dumps(str(place / 'data'))}",
            ]
            lines.append(self._settings)
            for other in self.nodes:
                lines += ["", "[[members]]", f"id = {other}", f'host = "{HOST}"']
                lines += [f"client_port = {self._ports[other]}", f"peer_port = {peer[other]}"]
            for other in self.others(node):
                port = self._links.add((node, other), peer[other])
                lines += ["", "[[routes]]", f"id = {other}", f'host = "{HOST}"', f"peer_port = {port}"]
            (place / "node.toml").write_text("\n".join(lines) + "\n")

    def _launch(self, node: int) -> None:
        words = [sys.executable, "-m", "trivet", "node", "--config", str(self._place(node) / "node.toml")]
        words += ["--parent", str(os.getpid())]

        def launch() -> subprocess.Popen[bytes]:
            with self.log_path(node).open("ab") as log:
                return subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

        # A node ends with the thread that started it, so that one must last: not a thread of the test's.
        self._processes[node] = self._links.call(launch)
        self._paused[node] = False

    def _place(self, node: int) -> Path:
        if node not in self.nodes:
            raise ClusterError(f"there is no node {node}: nodes are {self.nodes}")
        return self.directory / f"node-{node}"

    def _serves(self, node: int) -> bool:
        if not self.alive(node):
            if "address already in use" in self.log(node).lower():
                raise _PortTaken
            raise ClusterError(f"node {node} ended while starting:\n{self.log(node)[-2000:]}")
        return bool(self.info(node))

    # -- reaching nodes

    def port(self, node: int) -> int:
        """The client port of a node."""
        self._place(node)
        return self._ports[node]

    def url(self, node: int = 1) -> str:
        """The address for Redis clients."""
        return f"redis://{HOST}:{self.port(node)}"

    def client(self, node: int = 1, **settings: Any) -> redis.Redis:
        """A redis-py client of a node, closed with the cluster; ``settings`` are redis-py's."""
        made = redis.Redis(host=HOST, port=self.port(node), **settings)
        self._clients.append(made)
        return made

    def info(self, node: int) -> dict[str, Any]:
        """What ``INFO`` says, such as ``raft_role`` and ``raft_term``; empty when there is no answer."""
        if not self.alive(node) or self._paused[node]:
            return {}
        probe = redis.Redis(
            host=HOST, port=self.port(node), socket_timeout=PROBE_S, retry=Retry(NoBackoff(), 0)
        )
        try:
            answer: Any = probe.info()
            return dict(answer)
        except redis.RedisError:
            return {}
        finally:
            probe.close()

    def pid(self, node: int) -> int:
        """The process id of a node; 0 while it is dead."""
        return self._processes[node].pid if self.alive(node) else 0

    def alive(self, node: int) -> bool:
        """Whether the process exists (it may be paused)."""
        self._place(node)
        process = self._processes.get(node)
        return process is not None and process.poll() is None

    def log_path(self, node: int) -> Path:
        """Where a node's output goes."""
        return self._place(node) / "node.log"

    def log(self, node: int) -> str:
        """What a node has printed."""
        path = self.log_path(node)
        return path.read_text(errors="replace") if path.exists() else ""

    # -- waiting

    def wait_until(self, condition: Callable[[], _T], seconds: float = 20.0, what: str = "") -> _T:
        """Wait until ``condition()`` is true and return what it gave. Raises WaitTimeout."""
        deadline_s = time.monotonic() + seconds
        while True:
            found = condition()
            if found:
                return found
            if time.monotonic() > deadline_s:
                raise WaitTimeout(
                    "\n".join([f"not within {seconds:g} s: {what or condition}", *self.state()])
                )
            time.sleep(POLL_S)

    def leader(self, seconds: float = 20.0) -> int:
        """The leader that a majority follows and reaches, waiting for it if need be. Raises WaitTimeout."""
        return self.wait_until(self._led_by, seconds, "a leader that a majority follows")

    def _led_by(self) -> int:
        infos = {node: self.info(node) for node in self.nodes}
        cut = self._links.cut_now()
        for node, own in infos.items():
            if own.get("raft_role") != "leader":
                continue
            view = (node, own["raft_term"])
            behind = [n for n, i in infos.items() if (i.get("raft_leader"), i.get("raft_term")) == view]
            near = [n for n in behind if (n, node) not in cut and (node, n) not in cut]
            if 2 * len(near) > len(self.nodes):
                return node
        return 0

    def others(self, *nodes: int) -> list[int]:
        """All nodes but these."""
        return [node for node in self.nodes if node not in nodes]

    def state(self) -> list[str]:
        """How the cluster stands, in lines for people."""
        lines = []
        for node in self.nodes:
            words = [f"node {node} (pid {self.pid(node)}, port {self._ports.get(node, 0)}):"]
            info = self.info(node)
            names = ("raft_role", "raft_term", "raft_leader", "raft_commit_index", "raft_applied_index")
            words += [f"{name} {info[name]}" for name in names if name in info]
            if not info:
                words.append(
                    "paused" if self._paused.get(node) else "no answer" if self.alive(node) else "dead"
                )
            lines.append(" ".join(words))
        cut = self._links.cut_now()
        return lines + ([f"cut links: {cut}"] if cut else [])

    # -- what befalls nodes

    def _signal(self, node: int, number: int) -> None:
        if not self.alive(node):
            raise ClusterError(f"node {node} is not running")
        os.kill(self._processes[node].pid, number)

    def kill(self, node: int) -> None:
        """Kill (SIGKILL); when this returns the process is gone."""
        self._signal(node, signal.SIGKILL)
        self._processes[node].wait(STOP_S)

    def start(self, node: int, seconds: float = START_S) -> None:
        """Start a dead node on its old data, and wait until it serves."""
        if self.alive(node):
            raise ClusterError(f"node {node} is running")
        self._launch(node)
        self.wait_until(lambda: self._serves(node), seconds, f"node {node} serves")

    def pause(self, node: int) -> None:
        """SIGSTOP: the process stands still, its connections stay open."""
        self._signal(node, signal.SIGSTOP)
        self._paused[node] = True

    def resume(self, node: int) -> None:
        """SIGCONT."""
        self._signal(node, signal.SIGCONT)
        self._paused[node] = False

    def partition(self, *groups: Sequence[int]) -> None:
        """Nodes of different groups cannot reach each other; nodes not named are one more group.

        Replaces an earlier partition. Clients reach every node all the same.
        """
        named = [node for group in groups for node in group]
        if len(set(named)) != len(named):
            raise ClusterError(f"a node stands on two sides: {groups}")
        for node in named:
            self._place(node)
        sides = [list(group) for group in groups] + [self.others(*named)]
        side = {node: i for i, group in enumerate(sides) for node in group}
        self._links.cut([(a, b) for a in self.nodes for b in self.nodes if side[a] != side[b]])

    def block(self, *pairs: Pair) -> None:
        """Cut these links too: of (a, b), nothing from ``a`` reaches ``b``; ``b`` still reaches ``a``."""
        self._links.cut([*self._links.cut_now(), *pairs])

    def heal(self) -> None:
        """All links are whole again."""
        self._links.cut([])

    # -- the end

    def _end_processes(self) -> None:
        running = [process for process in self._processes.values() if process.poll() is None]
        for process in running:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
                process.send_signal(signal.SIGCONT)
        deadline_s = time.monotonic() + STOP_S
        for process in running:
            try:
                process.wait(max(0.1, deadline_s - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes.clear()

    def stop(self) -> None:
        """End all processes and connections; the files stay."""
        for client in self._clients:
            client.close()
        self._clients.clear()
        self._end_processes()
        self._links.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
