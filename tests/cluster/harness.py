"""Real processes for tests: a cluster run by `trivet up`, and handles to kill, pause and see its nodes.

Nothing here sleeps for a fixed time to let something happen: everything waits on a condition with a deadline.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import trivet
from bench.peers import free_ports
from trivet.cli.probe import Probe, ProbeError, Refused

HOST = "127.0.0.1"
START_S = 60.0


def code_under_test():
    """The environment of the nodes: they run what the tests import, not what else is installed."""
    return {**os.environ, "PYTHONPATH": str(Path(trivet.__file__).parents[1])}


def wait_until(condition, what, seconds=60.0):
    """Wait until ``condition()`` gives something true, and return that. (Long enough for a machine that is busy.)"""
    deadline_s = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline_s, f"{what}: not within {seconds:.0f} s"
        time.sleep(0.01)


class Cluster:
    """One cluster under one supervisor. Nodes are numbered from 1, as in ``cluster.json``."""

    def __init__(self, directory: Path, nodes=3, settings="", restart=True, port=0):
        self.data = directory / "data"
        self.log = directory / "up.log"
        self.ports = free_ports(nodes) if not port else list(range(port, port + nodes))
        words = [sys.executable, "-m", "trivet", "up", "--port", str(self.ports[0]), "--data", str(self.data)]
        if not self.data.exists():
            words += ["--nodes", str(nodes)]
        if not restart:
            words.append("--no-restart")
        if settings:
            (directory / "settings.toml").write_text(settings)
            words += ["--settings", str(directory / "settings.toml")]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=code_under_test()
            )
        try:
            wait_until(self._started, "ready", START_S)
        except BaseException:
            self.stop()
            raise

    def _started(self):
        assert self.process.poll() is None, f"`trivet up` ended: {self.log.read_text()}"
        return any(line.startswith("ready ") for line in self.lines())

    def lines(self):
        """What the supervisor has printed."""
        return self.log.read_text().splitlines()

    def rows(self):
        """The nodes in ``cluster.json``."""
        return json.loads((self.data / "cluster.json").read_text())["nodes"]

    @property
    def nodes(self):
        """All node numbers."""
        return [row["id"] for row in self.rows()]

    def row(self, node):
        """A node in ``cluster.json``."""
        return next(row for row in self.rows() if row["id"] == node)

    def port(self, node):
        """The client port of a node."""
        return self.row(node)["client_port"]

    def pid(self, node):
        """The process id of a node; 0 while it is dead."""
        return self.row(node)["pid"]

    def trivet_or_not(self, *words, seconds=120.0):
        """A command that ends by itself, well or not: its exit code and what it printed."""
        return self._run(words, seconds)

    def trivet(self, *words, seconds=120.0, fails=False):
        """A command that ends by itself; what it printed."""
        done = self._run(words, seconds)
        assert (done.returncode != 0) == fails, f"{words}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def _run(self, words, seconds):
        command = [sys.executable, "-m", "trivet", *words]
        return subprocess.run(
            command, capture_output=True, text=True, timeout=seconds, check=False, env=code_under_test()
        )

    def state(self):
        """The cluster map, as `trivet status --json` tells it, whether all is well in it or not."""
        done = self._run(("status", "--json", "--node", f"127.0.0.1:{self.ports[0]}"), 120.0)
        assert done.stdout.startswith("{"), f"{done.returncode}\n{done.stdout}{done.stderr}"
        return json.loads(done.stdout)

    def spread(self, groups, seconds=120.0):
        """Spread the keys of database 0 over so many groups, and wait until it is so."""

        def asked(node, *words):
            probe = Probe(HOST, self.port(node))
            try:
                return probe.call(*words)
            except Refused as error:
                assert error.text.startswith(("CLUSTERDOWN ", "TIMEOUT ")), error
                return None
            except ProbeError:  # no answer in time: both calls may be made again
                return None
            finally:
                probe.close()

        def altered():
            return asked(self.nodes[0], "KEYSPACE", "ALTER", "0", "SHARDS", str(groups))

        def knows(node):
            told = asked(node, "CLUSTER", "STATE") or []
            state = dict(zip(told[::2], told[1::2], strict=True))
            rows = [dict(zip(row[::2], row[1::2], strict=True)) for row in state.get(b"groups", [])]
            return len([row for row in rows if row[b"keyspace"] == 0]) == groups and not state[b"moves"]

        wait_until(altered, "the cluster takes changes of its map")
        wait_until(lambda: all(knows(node) for node in self.nodes), f"{groups} groups", seconds)

    def signal(self, node, number):
        """Send a signal to a node; returns the process id."""
        pid = self.pid(node)
        assert pid, f"node {node} is not running"
        os.kill(pid, number)
        return pid

    def kill(self, node):
        """kill -9."""
        return self.signal(node, signal.SIGKILL)

    def pause(self, node):
        """SIGSTOP."""
        return self.signal(node, signal.SIGSTOP)

    def resume(self, node):
        """SIGCONT."""
        return self.signal(node, signal.SIGCONT)

    def info(self, node, *sections):
        """INFO of a node, or nothing when it does not answer."""
        probe = Probe(HOST, self.port(node))
        try:
            return probe.info(*sections)
        except ProbeError:
            return {}
        finally:
            probe.close()

    def facts(self, node):
        """INFO of a node that lives; it is asked again when a busy machine has kept it from answering in time."""
        return wait_until(lambda: self.info(node), f"node {node} answers")

    def leader(self, among=None):
        """The node that leads in the highest term; 0 when there is none (among those that answer)."""
        infos = {node: self.info(node) for node in among or self.nodes}
        leading = [(int(i["raft_term"]), n) for n, i in infos.items() if i.get("raft_role") == "leader"]
        return max(leading)[1] if leading else 0

    def wait_leader(self, among=None, seconds=60.0):
        """Wait for a leader; its number."""
        return wait_until(lambda: self.leader(among), "a leader", seconds)

    def wait_whole(self, seconds=60.0):
        """Wait until every node runs, agrees on the leader, and has applied what the leader had committed."""

        def whole():
            infos = [self.info(node) for node in self.nodes]
            leaders = {info.get("raft_leader", "0") for info in infos}
            if len(leaders) != 1 or leaders & {"0", ""}:
                return False
            commit = int(infos[int(leaders.pop()) - 1]["raft_commit_index"])
            return all(int(info["raft_applied_index"]) >= commit - 200 for info in infos)

        wait_until(whole, "all nodes whole", seconds)

    def rss_bytes(self, node):
        """Resident memory of a node."""
        text = Path(f"/proc/{self.pid(node)}/status").read_text()
        line = next(line for line in text.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) * 1024

    def node_log(self, node):
        """What a node has printed."""
        return (Path(self.row(node)["directory"]) / "node.log").read_text()

    def stop(self):
        """Stop the supervisor, and with it the nodes; its exit code."""
        if self.process.poll() is None:
            for row in self.rows() if (self.data / "cluster.json").exists() else []:
                if row["pid"]:
                    try:
                        os.kill(row["pid"], signal.SIGCONT)
                    except ProcessLookupError:
                        continue
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return self.process.returncode


def raw(port, data, seconds=2.0, until=None):
    """Send bytes on a new connection; returns (everything that came back, whether the other side closed).

    Reads until the connection closes, ``until`` bytes are there, or nothing has come for ``seconds``.
    """
    received = b""
    with socket.create_connection((HOST, port), 5.0) as connection:
        connection.settimeout(seconds)
        try:
            connection.sendall(data)
            while until is None or len(received) < until:
                piece = connection.recv(65536)
                if not piece:
                    return received, True
                received += piece
        except TimeoutError:
            return received, False
        except (ConnectionResetError, BrokenPipeError):
            return received, True
    return received, False
