"""Errands upon registers in memory: what is asked for, and who answers."""

from typing import ClassVar

from trivet.core.access.users import Users
from trivet.core.base.limits import Limits
from trivet.core.base.prng import Prng
from trivet.core.group.register_errand import Errand
from trivet.core.group.register_errands import (
    Errands,
)
from trivet.core.group.register_execution import (
    Numbers,
    Runner,
)
from trivet.core.group.register_keys import place_key
from trivet.core.group.register_runs import Part
from trivet.core.group.run import Run
from trivet.core.machine.register import Registers, Task
from trivet.core.paxos.operation import Operation, Outcome
from trivet.core.script.scripts import Scripts
from trivet.core.values.codec import encode_value
from trivet.core.values.types import Value
from trivet.core.wire.reply import NOT_HERE, Error, Reply

WALL_MS = 1_000_000
ORIGIN = 77


class Wanted(Part):
    """A part that remembers its end."""

    def __init__(self, calls: list[list[bytes]], reads_only: bool = False, now_ms: int = 0) -> None:
        key = calls[0][1] if calls and len(calls[0]) > 1 else None
        task = Task(0, key, [(0, call) for call in calls], 0, None, reads_only)
        super().__init__(task, 10 * len(calls), now_ms)
        self.replies: list[Reply] | None = None
        self.seen: tuple[int, bool] = (0, False)
        self.home: list[Run] | None = None

    def done(self, replies: list[Reply], version: int, there: bool) -> None:
        assert self.replies is None, "answered twice"
        self.replies = replies
        self.seen = (version, there)

    def failed(self, error: Error) -> None:
        self.done([error] * len(self.task.calls), 0, False)

    def moved(self) -> None:
        self.done([NOT_HERE] * len(self.task.calls), 0, False)

    def rehome(self, misrouted: list[Run]) -> None:
        self.home = misrouted


class Look(Wanted):
    """As that of ``WATCH``."""

    behind_writes: ClassVar[bool] = True


class Bench:
    """Errands, and a room that ends operations as the test says."""

    def __init__(self, numbers: Numbers | None = None) -> None:
        self.runner = Runner(Registers(Users(), Scripts()), ORIGIN, numbers)
        self.runner.wall_ms = WALL_MS
        self.errands = Errands(self.runner, Prng(1), 1000, Limits())
        self.values: dict[bytes, tuple[bytes | None, int]] = {}
        self.now_ms = 0

    def add(self, *calls: list[bytes], reads: bool = False) -> Wanted:
        part = Wanted(list(calls), reads, self.now_ms)
        self.errands.add(part, self.now_ms)
        return part

    def due(self) -> list[Errand]:
        return self.errands.take_due()

    def begin(self) -> list[Operation]:
        """Everything that is due is submitted here."""
        return [self.errands.operation(errand) for errand in self.due()]

    def run(self, operation: Operation) -> None:
        """As the room runs it."""
        value, version = self.values.get(operation.key, (None, 0))
        change = operation.change(value, version)
        if change.changed:
            version += 1
            self.values[operation.key] = (change.value, version)
        operation.reply, operation.version = change.reply, version

    def end(self, operation: Operation, outcome: Outcome = Outcome.OK) -> None:
        operation.outcome = outcome
        self.errands.ended(operation, self.now_ms)
        self.errands.check_rest()

    def do(self, operation: Operation) -> None:
        self.run(operation)
        self.end(operation)


SET = [b"SET", b"k", b"v"]
GET = [b"GET", b"k"]
INCR = [b"INCR", b"k"]


def place_of(key: bytes) -> bytes:
    return place_key(0, key)


def encoded(value: Value, deadline_ms: int) -> bytes:
    return encode_value(value, deadline_ms)


def sent(bench: Bench, *calls: list[bytes]) -> tuple[Wanted, Errand]:
    part = bench.add(*calls)
    (errand,) = bench.due()
    bench.errands.sent(errand, 2, bench.now_ms)
    return part, errand
