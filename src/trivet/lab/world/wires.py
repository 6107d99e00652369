"""The connections between clients and nodes: ordered bytes with a delay, and their ends.

Clients stand apart from the nodes' network: a wall between nodes does not cut them off,
which is how a client comes to talk to a deposed leader.
"""

# ruff: noqa: D102 (the small protocols say what their names say)

from typing import Protocol

from trivet.core.base.ids import ConnectionId, NodeId
from trivet.core.base.prng import Prng
from trivet.lab.world.options import RunOptions
from trivet.lab.world.process import Process
from trivet.lab.world.sim import Simulation


class Caller(Protocol):
    """A client as the wire sees it."""

    def on_bytes(self, conn: ConnectionId, data: bytes) -> None: ...
    def on_closed(self, conn: ConnectionId) -> None: ...


class _Wire:
    def __init__(self, number: ConnectionId, caller: Caller, process: Process) -> None:
        self.number = number
        self.caller = caller
        self.process = process
        self.life = process.incarnation
        self.open = True
        """As the client sees it."""
        self.serving = True
        """As the node sees it."""
        self.reading = True
        self.unread: list[bytes] = []
        self.up_us = 0
        self.down_us = 0


class Wires:
    """All client connections of a cluster."""

    def __init__(
        self, simulation: Simulation, prng: Prng, options: RunOptions, processes: dict[NodeId, Process]
    ) -> None:
        self._simulation = simulation
        self._prng = prng
        self._options = options
        self._processes = processes
        self._wires: dict[ConnectionId, _Wire] = {}
        self._next = 1

    def connect(self, caller: Caller, node: NodeId) -> ConnectionId:
        """A new connection, or 0 when the node's process is not there to accept it."""
        process = self._processes.get(node)
        if process is None or not process.is_up():
            return 0
        number = self._next
        self._next += 1
        wire = self._wires[number] = _Wire(number, caller, process)
        process.client_connected(wire.life, number, f"127.0.0.1:{40_000 + number % 20_000}")
        return number

    def send(self, conn: ConnectionId, data: bytes) -> None:
        """The client sends bytes; now and then they arrive in two pieces."""
        wire = self._wires.get(conn)
        if wire is None or not wire.open:
            return
        if self._options.split_rate and self._prng.chance(self._options.split_rate):
            cut = self._prng.below(len(data) + 1)
            self._send_piece(wire, data[:cut])
            self._send_piece(wire, data[cut:])
        else:
            self._send_piece(wire, data)

    def _send_piece(self, wire: _Wire, data: bytes) -> None:
        wire.up_us = max(wire.up_us, self._simulation.now_us + self._delay_us())
        self._simulation.at(wire.up_us, lambda: self._arrive(wire, data))

    def _arrive(self, wire: _Wire, data: bytes) -> None:
        if not wire.serving or not data:
            return
        if wire.reading:
            wire.process.client_bytes(wire.life, wire.number, data)
        else:
            wire.unread.append(data)

    def read(self, conn: ConnectionId, reading: bool) -> None:
        """The node stops, or goes on, reading from its client."""
        wire = self._wires.get(conn)
        if wire is None:
            return
        wire.reading = reading
        if reading:
            unread, wire.unread = wire.unread, []
            for data in unread:
                self._simulation.after(1, lambda data=data: self._arrive(wire, data))  # type: ignore[misc]

    def reply(self, conn: ConnectionId, data: bytes) -> None:
        """The node answers."""
        wire = self._wires.get(conn)
        if wire is None:
            return
        wire.down_us = max(wire.down_us, self._simulation.now_us + self._delay_us())
        self._simulation.at(wire.down_us, lambda: self._answer(wire, data))

    def _answer(self, wire: _Wire, data: bytes) -> None:
        if wire.open:
            wire.caller.on_bytes(wire.number, data)

    def server_closes(self, conn: ConnectionId) -> None:
        """The node closes; what it sent before still arrives."""
        wire = self._wires.get(conn)
        if wire is not None and wire.serving:
            wire.serving = False
            self._hang_up(wire, self._delay_us())

    def close(self, conn: ConnectionId) -> None:
        """The client closes; the node hears of it later."""
        wire = self._wires.get(conn)
        if wire is None or not wire.open:
            return
        wire.open = False

        def hear() -> None:
            if wire.serving:
                wire.serving = False
                wire.process.client_closed(wire.life, wire.number)
            self._wires.pop(wire.number, None)

        self._simulation.at(max(wire.up_us, self._simulation.now_us + self._delay_us()), hear)

    def crashed(self, node: NodeId, silent: bool) -> None:
        """A node's process is gone; replies on their way may be lost with it."""
        for wire in list(self._wires.values()):
            if wire.process.node == node and wire.serving:
                wire.serving = False
                if not silent:
                    self._hang_up(wire, self._delay_us(), abrupt=self._prng.chance(0.5))

    def _hang_up(self, wire: _Wire, delay_us: int, abrupt: bool = False) -> None:
        def hear() -> None:
            if wire.open:
                wire.open = False
                wire.caller.on_closed(wire.number)
            self._wires.pop(wire.number, None)

        earliest_us = self._simulation.now_us if abrupt else wire.down_us
        self._simulation.at(max(earliest_us, self._simulation.now_us + delay_us), hear)

    def _delay_us(self) -> int:
        return self._prng.between(self._options.net_us_min, self._options.net_us_max)
