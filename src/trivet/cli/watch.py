"""Watching one node over its client port: a thread per node, so that a stuck node delays nobody's news."""

import threading
import time

from trivet.cli.probe import Probe, ProbeError, keys_in

_PERIOD_S = 0.5
_PERIOD_UNREADY_S = 0.05
_SECTIONS = ("stats", "raft", "cluster", "keyspace")
"""No more than is looked at: it is asked for often."""


class NodeView:
    """What is known of one node. Made by its watcher, read by the supervisor; never changed."""

    __slots__ = ("commit", "keys", "leader", "ops_per_s", "role", "serving", "term")

    def __init__(
        self,
        role: str = "",
        term: int = 0,
        leader: int = 0,
        commit: int = 0,
        keys: int = 0,
        ops_per_s: float = 0.0,
        founded: bool = True,
    ) -> None:
        self.role = role
        self.term = term
        self.leader = leader
        self.commit = commit
        self.keys = keys
        self.ops_per_s = ops_per_s
        self.serving = role != "" and leader != 0 and founded
        """It knows a leader, and has the map of a cluster that is founded."""


def number(info: dict[str, str], name: str) -> int:
    """An integer of INFO, 0 when it is missing or no integer."""
    text = info.get(name, "0")
    return int(text) if text.isascii() and text.isdigit() else 0


def view_of(info: dict[str, str], ops_per_s: float) -> NodeView:
    """INFO as a view."""
    return NodeView(
        role=info.get("raft_role", ""),
        term=number(info, "raft_term"),
        leader=number(info, "raft_leader"),
        commit=number(info, "raft_commit_index"),
        keys=keys_in(info),
        ops_per_s=ops_per_s,
        founded=info.get("trivet_founded") != "0",
    )


class Watcher:
    """Asks one node for INFO again and again; ``view`` is None while it does not answer."""

    def __init__(self, host: str, port: int, password: str = "") -> None:
        self.view: NodeView | None = None
        self._probe = Probe(host, port, password)
        self._proved = False
        self._calls_before = 0
        self._asked_before_s = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name=f"watch-{port}")

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Stop soon; does not wait."""
        self._stop.set()

    def forget(self) -> None:
        """The process died: whatever was known is void until the next one has answered a read."""
        self._proved = False
        self.view = None

    def _run(self) -> None:
        while not self._stop.is_set():
            self.view = self._ask()
            ready = self.view is not None and self.view.serving
            self._stop.wait(_PERIOD_S if ready else _PERIOD_UNREADY_S)
        self._probe.close()

    def _ask(self) -> NodeView | None:
        try:
            info = self._probe.info(*_SECTIONS)
            view = view_of(info, self._rate(number(info, "total_commands_processed")))
            if view.serving and not self._proved:
                # A linearizable read: the node reaches the leader and the leader a quorum.
                self._probe.call("EXISTS", "trivet:ready")
                self._proved = True
            return view
        except ProbeError:
            self._proved = False
            return None

    def _rate(self, calls: int) -> float:
        now_s = time.monotonic()
        passed_s = now_s - self._asked_before_s
        others = calls - self._calls_before - 1  # one of them is our own INFO
        rate = max(others, 0) / passed_s if passed_s < 10 else 0.0
        self._calls_before, self._asked_before_s = calls, now_s
        return rate
