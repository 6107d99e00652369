"""The supervisor behind `trivet up`: one process per node, watched, restarted, stopped together.

One loop, twenty turns a second: take signals, reap and restart processes, tell what changed. It knows nothing
of protocols; whether the cluster serves it learns as a client would (``watch``).
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from queue import Empty, SimpleQueue

from trivet.cli.departures import Departures
from trivet.cli.layout import HOST, ClusterRow, NodeRow, urls, write_cluster
from trivet.cli.orders import OrderDesk
from trivet.cli.scaling import Scaler
from trivet.cli.watch import NodeView, Watcher

NODE_PROGRAM = [sys.executable, "-m", "trivet", "node"]
TURN_S = 0.05
BACKOFF_FIRST_S = 0.2
BACKOFF_MAX_S = 5.0
HEALTHY_AFTER_S = 10.0
STOP_MAX_S = 10.0
READY_MAX_S = 60.0
EARLY_DEATHS_MAX = 3
LOG_BYTES_MAX = 16 * 1024 * 1024


class SupervisorError(Exception):
    """The cluster did not come up; the text says why."""


class NodeProcess:
    """One node's process, and when it may be started again."""

    def __init__(self, row: NodeRow, program: list[str], password: str) -> None:
        self.row = row
        self.program = program
        self.process: subprocess.Popen[bytes] | None = None
        self.started_s = 0.0
        self.start_at_s = 0.0
        self.backoff_s = BACKOFF_FIRST_S
        self.deaths = 0
        self.leaving = False
        """It has left the cluster: it is not started again, but forgotten when it has ended."""
        self.kill_at_s = 0.0
        self.watcher = Watcher(HOST, row["client_port"], password)

    @property
    def log(self) -> Path:
        """Where the process prints to."""
        return Path(self.row["directory"]) / "node.log"

    def start(self, now_s: float) -> None:
        """Start the process, in a session of its own: a Ctrl-C in the terminal is not for it."""
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES_MAX:
            os.replace(self.log, self.log.with_name("node.log.1"))
        command = [*self.program, "--parent", str(os.getpid())]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "--config", str(Path(self.row["directory"]) / "node.toml")],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.started_s = now_s
        self.row["pid"] = self.process.pid

    def reap(self, now_s: float) -> int | None:
        """The exit status if the process has just ended (negative: killed by that signal)."""
        if self.process is None or self.process.poll() is None:
            return None
        status = self.process.returncode
        self.process = None
        self.row["pid"] = 0
        self.watcher.forget()
        self.deaths += 1
        if now_s - self.started_s > HEALTHY_AFTER_S:
            self.backoff_s = BACKOFF_FIRST_S
        self.start_at_s = now_s + self.backoff_s
        return status

    def last_words(self) -> str:
        """The last line that it printed."""
        try:
            lines = self.log.read_bytes()[-4096:].decode("utf-8", "replace").strip().splitlines()
        except OSError:
            return ""
        return lines[-1] if lines else ""

    def signal(self, number: int) -> None:
        """Send a signal, if it runs."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)


def how_it_ended(status: int) -> str:
    """An exit status in words."""
    if status < 0:
        return f"was killed by {signal.Signals(-status).name}"
    return f"ended with exit code {status}"


class Supervisor:
    """Runs the nodes of one cluster until it is told to stop."""

    def __init__(
        self,
        data: Path,
        cluster: ClusterRow,
        restart: bool,
        say: Callable[[str], None],
        password: str = "",
        program: list[str] = NODE_PROGRAM,
        settings: str = "",
    ) -> None:
        """``settings``: TOML that goes into the configuration of nodes that are added."""
        self.nodes = [NodeProcess(row, program, password) for row in cluster["nodes"]]
        self.ready = False
        self._program = program
        self._password = password
        self._asked: SimpleQueue[tuple[Callable[[], None], threading.Event]] = SimpleQueue()
        self._scaler = Scaler(data, cluster, settings, password, self)
        self._desk = OrderDesk(data, self._scaler.carry_out)
        self._departures = Departures(lambda: [row["id"] for row in self.rows()], self._scaler.asker)
        self._data = data
        self._cluster = cluster
        self._restart = restart
        self._say = say
        self._signals = 0
        self._leader_told = (0, 0)

    def run(self, draw: Callable[[list[NodeView | None]], None] | None) -> int:
        """Start, watch, and stop when told; the exit code. ``draw`` gets the nodes' views each turn."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        begun_s = time.monotonic()
        try:
            for node in self.nodes:
                node.start(begun_s)
                node.watcher.start()
            write_cluster(self._data, self._cluster)
            self._open_desk()
            while not self._signals:
                self._turn(begun_s)
                if draw is not None:
                    draw([node.watcher.view for node in self.nodes])
                time.sleep(TURN_S)
            self._say("stopping")
        finally:
            self._stop_all()
        return 0

    # -- nodes that come and go; called in other threads ----------------------------------------

    def rows(self) -> list[NodeRow]:
        """The nodes that are kept running."""
        return [node.row for node in self.nodes if not node.leaving]

    def adopt(self, row: NodeRow) -> None:
        """Run one more node; returns when it is started."""
        self._in_loop(lambda: self._add(row))

    def release(self, node: int) -> None:
        """Stop a node that has left, and forget it; returns when it has ended."""
        self._in_loop(lambda: self._retire(node))
        while any(other.row["id"] == node for other in self.nodes) and not self._signals:
            time.sleep(TURN_S)

    def _in_loop(self, do: Callable[[], None]) -> None:
        """A process ends with the thread that started it: so that must be the one that lasts."""
        done = threading.Event()
        self._asked.put((do, done))
        while not done.wait(TURN_S) and not self._signals:
            continue

    def _add(self, row: NodeRow) -> None:
        node = NodeProcess(row, self._program, self._password)
        node.start(time.monotonic())
        node.watcher.start()
        self.nodes.append(node)
        self._cluster["nodes"].append(row)
        write_cluster(self._data, self._cluster)
        self._say(f"node {row['id']} started, pid {row['pid']}: {urls([row])}")

    def _retire(self, number: int) -> None:
        for node in self.nodes:
            if node.row["id"] == number and not node.leaving:
                node.leaving = True
                node.kill_at_s = time.monotonic() + STOP_MAX_S
                node.watcher.stop()
                node.signal(signal.SIGTERM)

    def _forget(self, node: NodeProcess) -> None:
        place = self.nodes.index(node)
        del self._cluster["nodes"][place]
        write_cluster(self._data, self._cluster)
        del self.nodes[place]  # last: for this waits who has it leave (``release``)
        self._say(
            f"node {node.row['id']} has left the cluster and ended; its directory is kept: "
            f"{node.row['directory']}"
        )

    def _open_desk(self) -> None:
        self._departures.start()
        try:
            self._desk.open()
        except OSError as error:
            self._say(
                f"`trivet scale` will not work here: no socket in {self._data} ({error.strerror or error})"
            )

    # -- the loop -------------------------------------------------------------------------------

    def _on_signal(self, _number: int, _frame: object) -> None:
        # It runs in the middle of whatever this thread does: it takes no lock, which that may hold already.
        self._signals += 1

    def _turn(self, begun_s: float) -> None:
        now_s = time.monotonic()
        self._do_what_was_asked()
        for number in self._departures.gone:
            self._retire(number)
        for node in list(self.nodes):
            status = node.reap(now_s)
            if node.leaving:
                if node.process is None:
                    self._forget(node)
                elif now_s > node.kill_at_s:
                    node.signal(signal.SIGKILL)
            elif status is not None:
                self._on_death(node, status)
            elif node.process is None and self._restart and now_s >= node.start_at_s:
                node.start(now_s)
                node.backoff_s = min(node.backoff_s * 2, BACKOFF_MAX_S)
                write_cluster(self._data, self._cluster)
                self._say(f"node {node.row['id']} started again, pid {node.row['pid']}")
        if not self.ready:
            self._look_whether_ready(now_s - begun_s)
        else:
            self._tell_leader()

    def _do_what_was_asked(self) -> None:
        try:
            while True:
                do, done = self._asked.get_nowait()
                do()
                done.set()
        except Empty:
            return

    def _on_death(self, node: NodeProcess, status: int) -> None:
        write_cluster(self._data, self._cluster)
        words = node.last_words() if status >= 0 else ""
        text = f"node {node.row['id']} {how_it_ended(status)}" + (f": {words}" if words else "")
        if not self.ready and status > 0 and (not self._restart or node.deaths >= EARLY_DEATHS_MAX):
            raise SupervisorError(f"{text} (more in {node.log})")
        self._say(f"{text}; starting it again in {node.backoff_s:.1f} s" if self._restart else text)
        if not self._restart and all(other.process is None for other in self.nodes):
            raise SupervisorError("no node is left running")

    def _look_whether_ready(self, passed_s: float) -> None:
        views = [node.watcher.view for node in self.nodes]
        if all(view is not None and view.serving for view in views):
            self.ready = True
            self._say(f"ready {urls(self._cluster['nodes'])}")
        elif passed_s > READY_MAX_S:
            silent = [str(node.row["id"]) for node in self.nodes if node.watcher.view is None]
            what = (
                f"node {', '.join(silent)} does not answer"
                if silent
                else "the nodes have elected no leader, or not founded the cluster"
            )
            raise SupervisorError(
                f"not ready after {READY_MAX_S:.0f} s: {what}; see {self._data}/node-*/node.log"
            )

    def _tell_leader(self) -> None:
        for node in self.nodes:
            view = node.watcher.view
            if view is not None and view.role == "leader" and view.term > self._leader_told[0]:
                if self._leader_told[0]:
                    self._say(f"node {node.row['id']} leads, term {view.term}")
                self._leader_told = (view.term, node.row["id"])

    def _stop_all(self) -> None:
        self._desk.close()
        self._departures.stop()
        for node in self.nodes:
            node.watcher.stop()
            node.signal(signal.SIGTERM)
        told = self._signals
        deadline_s = time.monotonic() + STOP_MAX_S
        left = [node for node in self.nodes if node.process is not None]
        while left and time.monotonic() < deadline_s and self._signals <= max(told, 1):
            time.sleep(TURN_S)
            left = [node for node in left if node.process is not None and node.process.poll() is None]
        for node in left:
            self._say(f"node {node.row['id']} did not stop in time: killed")
            node.signal(signal.SIGKILL)
        for node in self.nodes:
            if node.process is not None:
                node.process.wait()
            node.row["pid"] = 0
        self._cluster["supervisor"] = 0
        write_cluster(self._data, self._cluster)
