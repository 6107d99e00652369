"""Clients of the groups in ``register_world``: each at its node, and what it saw goes into the history."""

from typing import TYPE_CHECKING, Any

import msgspec

from trivet.core.group.run import Run
from trivet.core.machine.entry import encode_calls
from trivet.core.wire.reply import Error, Simple
from trivet.lab.history import Operation, Outcome
from trivet.lab.resp import OK, ReplyError

if TYPE_CHECKING:
    from tests.core.group.register_world import World

DB = 7


class Asking:
    """Whoever waits for one run."""

    def __init__(self, writes: bool) -> None:
        self.run = Run(self, writes)

    def run_done(self) -> None:
        pass


class Client:
    """One client of one node; a command at a time."""

    def __init__(self, world: "World", number: int, node: int) -> None:
        self.world = world
        self.number = number
        self.node = node
        self.run: Run | None = None
        self.operation: Operation | None = None
        self.steps: list[tuple[bool, list[bytes]]] = []
        """Of a compare-and-set: (writes, call), to come."""
        self.expected: bytes | None = None

    def run_done(self) -> None:
        assert self.run is not None and self.run.replies is not None
        run, self.run = self.run, None
        assert run.replies is not None and len(run.replies) == 1
        self.answered(run.replies[0])

    def send(self, writes: bool, call: list[bytes]) -> None:
        group = self.world.hosts[self.node].live
        run = self.run = Run(self, writes)
        run.add((DB, call), sum(map(len, call)) + 32)
        if writes:
            group.write(run, self.world.now_ms)
        else:
            group.read(run, self.world.now_ms)

    def begin(self, command: tuple[bytes, ...]) -> Operation:
        """Send a command."""
        number = len(self.world.history)
        operation = Operation(
            number, self.number, self.number, self.node, (command,), (command[1],), self.world.now_ms * 1000
        )
        self.operation = operation
        self.world.history.append(operation)
        self.send(command[0] not in (b"GET",), list(command))
        return operation

    def compare_and_set(self, key: bytes, value: bytes) -> None:
        """WATCH, GET, and a transaction that sets the key if nobody has changed it."""
        name = b"%d" % self.number
        self.steps = [
            (False, [b"GET", key]),
            (True, [b"EXEC", encode_calls([(DB, [b"SET", key, value])]), name]),
        ]
        self.send(True, [b"WATCH", name, key])

    def answered(self, reply: Any) -> None:
        """The reply is here."""
        if self.steps:
            self.go_on(reply)
            return
        operation = self.operation
        if operation is None:
            return
        self.operation = None
        if isinstance(reply, Error):
            self.world.count(reply.text.split(" ", 1)[0])
            code = ReplyError(reply.text).code()
            if code in ("CLUSTERDOWN", "BUSY"):
                operation.outcome = Outcome.FAIL
                return
            if code == "TIMEOUT" or "reply is lost" in reply.text:
                operation.outcome = Outcome.INFO
                return
            raise AssertionError(reply.text)
        command = operation.commands[0]
        if command[0] == b"CAS":
            if not isinstance(reply, list):
                self.world.count("broken off")
                operation.outcome = Outcome.FAIL
                return
            self.world.count("compared and set")
            reply = reply[0]
        operation.replies = (value_of(reply),)
        operation.return_us = self.world.now_ms * 1000
        operation.outcome = Outcome.OK

    def go_on(self, reply: Any) -> None:
        """The next step of a compare-and-set."""
        if isinstance(reply, Error):
            self.steps = []
            return
        writes, call = self.steps.pop(0)
        if call[0] == b"EXEC":
            key, value = self.cas_of(call)
            expected = (b"is", reply) if reply is not None else (b"no", b"")
            command = (b"CAS", key, value, *expected)
            number = len(self.world.history)
            self.operation = Operation(
                number, self.number, self.number, self.node, (command,), (key,), self.world.now_ms * 1000
            )
            self.world.history.append(self.operation)
        self.send(writes, call)

    def cas_of(self, call: list[bytes]) -> tuple[bytes, bytes]:
        calls: list[tuple[int, list[bytes]]] = msgspec.msgpack.decode(call[1])
        return calls[0][1][1], calls[0][1][2]


class Session:
    """A client that sends reads of a counter one after the other without waiting for replies."""

    def __init__(self, world: "World", node: int, key: bytes) -> None:
        self.world = world
        self.node = node
        self.key = key
        self.runs: list[Run] = []

    def run_done(self) -> None:
        pass

    def read(self) -> None:
        run = Run(self, False)
        run.add((DB, [b"GET", self.key]), 40)
        self.runs.append(run)
        self.world.hosts[self.node].live.read(run, self.world.now_ms)

    def seen(self) -> list[int]:
        """What the reads have shown, in the order in which they were sent; errors left out."""
        found = [run.replies[0] for run in self.runs if run.replies is not None]
        return [int(reply or b"0") for reply in found if reply is None or isinstance(reply, bytes)]


def value_of(reply: Any) -> Any:
    """In the judge's terms."""
    if isinstance(reply, Simple):
        return OK if reply.text == "OK" else reply.text
    if isinstance(reply, list):
        return tuple(value_of(item) for item in reply)
    return reply
