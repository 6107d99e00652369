"""One connection of a directed client: bytes both ways, and the history that they tell.

Whatever speaks through it (a redis-py client in virtual time, or ``Stage.send``), the requests are read off
the bytes and become operations: one per command, one per ``MULTI … EXEC``. What is unanswered when the
connection ends is indefinite.
"""

from collections import deque
from collections.abc import Callable

from trivet.core.base.ids import ConnectionId, NodeId
from trivet.core.command.lookup import find_row, keys_of
from trivet.core.command.table import Row
from trivet.core.script import rows
from trivet.lab.history import FOREVER_US, Operation, Outcome, classify
from trivet.lab.resp import ReplyParser, Value
from trivet.lab.world.sim import Simulation
from trivet.lab.world.wires import Wires

assert rows.FAMILIES

Command = tuple[bytes, ...]
Picked = tuple[Outcome, tuple[Value, ...]]

_Asked = tuple[Operation, Callable[[Value], Picked]]

_UNTOLD = frozenset(
    b"HELLO AUTH CLIENT PING ECHO RESET QUIT COMMAND INFO WATCH UNWATCH MULTI DISCARD".split()
)
"""Commands that are no operations on data."""


def keys_in(command: Command) -> tuple[bytes, ...]:
    """The keys that a command names; none when the command is unknown."""
    row = find_row(list(command))
    return tuple(keys_of(row, list(command))) if isinstance(row, Row) else ()


class Conversation:
    """A caller of the wires that writes history."""

    def __init__(self, client: int, simulation: Simulation, wires: Wires, history: list[Operation]) -> None:
        self.client = client
        self.node: NodeId = 0
        self.open = False
        self._simulation = simulation
        self._wires = wires
        self._history = history
        self._conn: ConnectionId = 0
        self._asked: deque[_Asked | None] = deque()
        """What each reply to come belongs to."""
        self._queued: list[Command] | None = None
        self._requests = ReplyParser()
        self._replies = ReplyParser()
        self.hear: Callable[[bytes], None] = lambda data: None
        """What else happens to bytes that arrive; empty bytes: the other side hung up."""

    def connect(self, node: NodeId) -> bool:
        """Connect to ``node``; False when no process listens there."""
        assert not self.open
        self.node = node
        self._conn = self._wires.connect(self, node)
        self.open = self._conn != 0
        return self.open

    @property
    def waiting(self) -> bool:
        """Whether a reply is outstanding."""
        return bool(self._asked)

    def write(self, data: bytes) -> list[Operation]:
        """Send bytes; the operations that they begin."""
        begun = []
        for request in self._requests.feed(data):
            assert isinstance(request, tuple)
            asked = self._begin(tuple(word for word in request if isinstance(word, bytes)))
            self._asked.append(asked)
            if asked is not None:
                begun.append(asked[0])
        self._wires.send(self._conn, data)
        return begun

    def _begin(self, command: Command) -> _Asked | None:
        name = command[0].upper()
        if name == b"MULTI":
            self._queued = []
        elif name == b"DISCARD":
            self._queued = None
        elif name == b"EXEC" and self._queued is not None:
            queued, self._queued = self._queued, None
            return (self._note(tuple(queued)), _executed) if queued else None
        elif self._queued is not None:
            self._queued.append((name, *command[1:]))
        elif name not in _UNTOLD:
            return self._note(((name, *command[1:]),)), _answer
        return None

    def _note(self, commands: tuple[Command, ...]) -> Operation:
        # One µs after whatever its client has just learnt: at one instant judges take an order for unknown.
        keys = dict.fromkeys(key for command in commands for key in keys_in(command))
        operation = Operation(
            number=len(self._history), client=self.client, conn=self._conn, node=self.node,
            commands=commands, keys=tuple(keys), invoke_us=self._simulation.now_us + 1,
        )  # fmt: skip
        self._history.append(operation)
        return operation

    def on_bytes(self, conn: ConnectionId, data: bytes) -> None:
        """Bytes from the node."""
        if conn != self._conn or not self.open:
            return
        for reply in self._replies.feed(data):
            asked = self._asked.popleft() if self._asked else None
            if asked is not None:
                operation, pick = asked
                operation.outcome, operation.replies = pick(reply)
                if operation.outcome is not Outcome.INFO:
                    operation.return_us = self._simulation.now_us
        self.hear(data)

    def on_closed(self, conn: ConnectionId) -> None:
        """The node hung up."""
        if conn == self._conn and self.open:
            self._gone()
            self.hear(b"")

    def close(self) -> None:
        """Hang up."""
        if self.open:
            self._wires.close(self._conn)
            self._gone()

    def _gone(self) -> None:
        self.open = False
        for asked in self._asked:
            if asked is not None:
                asked[0].outcome = Outcome.INFO
                asked[0].return_us = FOREVER_US
        self._asked.clear()
        self._queued = None


def _answer(reply: Value) -> Picked:
    """What the reply to one command says."""
    outcome = classify(reply)
    return outcome, ((reply,) if outcome is Outcome.OK else ())


def _executed(reply: Value) -> Picked:
    """What the reply to ``EXEC`` says: refused and aborted transactions definitely did nothing."""
    if isinstance(reply, tuple):
        return Outcome.OK, reply
    return (Outcome.INFO if classify(reply) is Outcome.INFO else Outcome.FAIL), ()
