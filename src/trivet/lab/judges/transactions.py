"""Transactions over lists: the only operations are "append a value to a key" and "read a key's whole list".

Every appended value is unique for its key. That makes a list its own history: who reads it sees in which
order its values were written (Kingsbury and Alvaro, "Elle: Inferring Isolation Anomalies from Experimental
Observations", VLDB 2020, §3).
"""

from collections.abc import Sequence

import msgspec

from trivet.lab.history import FOREVER_US, Operation, Outcome, brief
from trivet.lab.resp import ReplyError, Value


class Append(msgspec.Struct, frozen=True):
    """``length``: how long the store said the list is then, or None."""

    key: Value
    value: Value
    length: int | None = None


class Read(msgspec.Struct, frozen=True):
    """``values``: what was read, or None when that is not known."""

    key: Value
    values: tuple[Value, ...] | None = None


Step = Append | Read
LIST_SHOWN_MAX = 8


class Transaction(msgspec.Struct):
    """Steps that must take effect together. Times in µs, or in places of a log: only their order counts."""

    number: int
    process: int
    steps: tuple[Step, ...]
    outcome: Outcome
    invoke_us: int
    return_us: int = FOREVER_US
    told: str = ""
    """Where the user finds it: shown in front of its steps."""

    @property
    def name(self) -> str:
        """T and its number."""
        return f"T{self.number}"

    def text(self) -> str:
        """One line for people."""
        steps = "  ".join(step_text(step) for step in self.steps)
        word = {Outcome.OK: "ok", Outcome.FAIL: "failed"}.get(self.outcome, "indefinite")
        return f"{self.name} = {self.told}{steps}  ({word})"


def step_text(step: Step) -> str:
    """A step, readable."""
    key = word(step.key)
    if isinstance(step, Append):
        return f"append({key}, {word(step.value)})"
    return f"read({key})" + ("" if step.values is None else f" = {list_text(step.values)}")


def list_text(values: Sequence[Value]) -> str:
    """A list, its end when it is long."""
    shown = " ".join(word(value) for value in values[-LIST_SHOWN_MAX:])
    return f"[… {shown}]" if len(values) > LIST_SHOWN_MAX else f"[{shown}]"


def word(value: Value) -> str:
    """A key or a value as people write it."""
    return value.decode(errors="replace")[:80] if isinstance(value, bytes) else brief(value)


def from_operations(history: Sequence[Operation], prefix: bytes) -> list[Transaction]:
    """The RPUSH and LRANGE operations on keys with ``prefix``; a step answered with an error is none."""
    found: list[Transaction] = []
    for operation in history:
        if not operation.keys or not all(key.startswith(prefix) for key in operation.keys):
            continue
        steps: list[Step] = []
        for i, command in enumerate(operation.commands):
            reply: Value = operation.replies[i] if operation.outcome is Outcome.OK else None
            if not isinstance(reply, ReplyError):
                steps += _steps(command, reply)
        found.append(
            Transaction(
                number=operation.number,
                process=operation.client,
                steps=tuple(steps),
                outcome=operation.outcome,
                invoke_us=operation.invoke_us,
                return_us=operation.return_us,
                told=_told(operation),
            )
        )
    return found


def _steps(command: tuple[bytes, ...], reply: Value) -> list[Step]:
    key = command[1]
    if command[0] == b"RPUSH":
        after = reply if isinstance(reply, int) else None
        count = len(command) - 2
        return [
            Append(key, value, None if after is None else after - count + 1 + i)
            for i, value in enumerate(command[2:])
        ]
    if command[0] == b"LRANGE":
        return [Read(key, reply if isinstance(reply, tuple) else None)]
    return []


def _told(operation: Operation) -> str:
    end = "…" if operation.return_us == FOREVER_US else f"{operation.return_us / 1000:.3f}"
    who = f"op {operation.number} client {operation.client} node {operation.node}"
    return f"[{operation.invoke_us / 1000:.3f} .. {end} ms] {who}: "
