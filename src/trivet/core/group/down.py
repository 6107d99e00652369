"""Nodes that are most likely dead: what their clients wait for must not be served to them.

An element that is offered to a client of a dead node stays there until somebody finds out. So a
leader that loses a node's connection, or hears nothing of it for an election time-out,
says so in the log (``NODEDOWN``), ahead of the writes of the same turn; the machine then gives up
what that node's clients wait for, and gives back what they were served and have not
claimed. A node that was alive after all asks again, or claims what could not be given back (see
``machine/waiting``).
"""

from collections.abc import Callable, Mapping

from trivet.core.base.ids import NodeId
from trivet.core.group.run import Run
from trivet.core.machine.machine import Machine


class DownNodes:
    """What a leader has said of other nodes."""

    def __init__(self, node: NodeId, voters: tuple[NodeId, ...]) -> None:
        self._others = [voter for voter in voters if voter != node]
        self._said: dict[NodeId, Run] = {}

    def look(
        self, machine: Machine, up: Mapping[NodeId, None], is_silent: Callable[[NodeId], bool]
    ) -> list[Run]:
        """Runs to propose: one for each node that is down and whose clients wait for something."""
        runs: list[Run] = []
        for node in self._others:
            if node in up and not is_silent(node):
                continue
            said = self._said.get(node)
            if said is not None and said.replies is None:
                continue
            session = machine.sessions.by_node.get(node)
            if session is None or not machine.waiting.would_give_up(node):
                continue
            run = Run(self, True, patient=True)
            run.add((0, [b"NODEDOWN", b"%d" % node, b"%d" % session.incarnation]), 32)
            self._said[node] = run
            runs.append(run)
        return runs

    def run_done(self) -> None:
        """It is in the log, and applied."""
