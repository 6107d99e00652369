"""Noticing nodes that have left the cluster while `trivet up` runs them (`trivet leave`, `CLUSTER LEAVE`).

A thread asks the leader of the system group now and then. A node that is missing from its map so often in a
row has left: one look could come from a leader that has not caught up with its own log.
"""

import threading
from collections.abc import Callable

from trivet.cli.asking import Asker
from trivet.cli.probe import ProbeError
from trivet.cli.view import View

PERIOD_S = 3.0
LOOKS = 3


class Departures:
    """``gone`` has the ids of nodes that have left."""

    def __init__(self, ids: Callable[[], list[int]], asker: Callable[[], Asker]) -> None:
        self.gone: frozenset[int] = frozenset()
        self._ids = ids
        self._asker = asker
        self._missing: dict[int, int] = {}
        self._stop = threading.Event()

    def start(self) -> None:
        """Begin to ask."""
        threading.Thread(target=self._run, daemon=True, name="departures").start()

    def stop(self) -> None:
        """Stop soon; does not wait."""
        self._stop.set()

    def note(self, view: View) -> None:
        """What the leader says now."""
        there = {node.id for node in view.nodes if node.state != "gone"}
        self._missing = {
            node: self._missing.get(node, 0) + 1 for node in self._ids() if there and node not in there
        }
        self.gone = frozenset(node for node, looks in self._missing.items() if looks >= LOOKS)

    def _run(self) -> None:
        while not self._stop.wait(PERIOD_S):
            try:
                asker = self._asker()
                self.note(asker.at_system_leader(asker.view()).view())
            except ProbeError:
                continue
