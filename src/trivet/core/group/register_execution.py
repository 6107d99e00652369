"""One run of tasks upon what a proposer has found in their register, and the mark that tells its reply.

On the path: an errand, or an operation of another node -> the change function of an operation of the room. A
proposer may run it several times upon different values; what counts is the run that was accepted (Rule N3).
"""

import struct
from typing import Final

import msgspec

from trivet.core.base.ids import WallMs
from trivet.core.machine.plain_reply import decode_replies, encode_replies
from trivet.core.machine.register import Registers, Task, TaskResult
from trivet.core.paxos.operation import Change
from trivet.core.wire.reply import Error, Reply

DONE_REPLY_BYTES: Final = 4096
"""Replies that a register remembers; longer ones only the run itself has."""

_MARK: Final = struct.Struct(">QQ")
MARK_BYTES: Final = _MARK.size

REPLY_LOST: Final = Error("ERR it was done, but its reply is lost: another node had taken it over")


class Numbers:
    """What is counted over all groups of a node: registers go from one to another (Rule M3)."""

    __slots__ = ("mark", "seq")

    def __init__(self) -> None:
        self.seq = 0
        self.mark = 0


class Runner:
    """What all runs of this node in this group share."""

    __slots__ = ("numbers", "origin", "registers", "wall_ms")

    def __init__(self, registers: Registers, origin: int, numbers: Numbers | None = None) -> None:
        """``origin``: of this life of this node. ``numbers``: of the node; None: it has one group."""
        self.registers = registers
        self.wall_ms: WallMs = 0
        """By which values expire; the owner moves it on, never back."""
        self.origin = origin
        self.numbers = Numbers() if numbers is None else numbers

    def next_mark(self) -> bytes:
        """Of a run, and of no other of any node in any life (Rule N3)."""
        self.numbers.mark += 1
        return _MARK.pack(self.origin, self.numbers.mark)


class Execution:
    """Runs tasks of one register upon what a proposer has found; keeps the results of the last run."""

    __slots__ = ("_mark", "_reads_only", "_results", "_runner", "_seed", "tasks", "was_cut", "was_late")

    def __init__(self, runner: Runner, tasks: list[Task], seed: int, reads_only: bool) -> None:
        self.tasks = tasks
        self.was_late = False
        """The last run found a value past its deadline."""
        self.was_cut = False
        """The replies of the last run are longer than a register remembers."""
        self._runner = runner
        self._seed = seed
        self._reads_only = reads_only
        self._mark = b""
        self._results: list[TaskResult] = []

    def change(self, value: bytes | None, version: int) -> Change:
        """The change function of an operation."""
        runner = self._runner
        registers = runner.registers
        tasks = self.tasks
        changed = False
        if len(tasks) == 1:
            result = registers.run(tasks[0], value, version, runner.wall_ms, self._seed)
            self._results = [result]
            changed, value = result.changed, result.value
            self.was_late = result.was_late
            replies = result.replies
        else:
            self._results, changed, value = registers.run_all(
                tasks, value, version, runner.wall_ms, self._seed
            )  # fmt: skip
            self.was_late = any(result.was_late for result in self._results)
            replies = [reply for result in self._results for reply in result.replies]
        if self._reads_only:
            return Change(False, None, b"")
        self._mark = runner.next_mark()
        encoded = encode_replies(replies)
        self.was_cut = len(encoded) > DONE_REPLY_BYTES
        if self.was_cut:
            encoded = encode_replies([REPLY_LOST] * len(replies))
        return Change(changed, value if changed else None, self._mark + encoded)

    def results_of(self, reply: bytes) -> list[TaskResult] | None:
        """Of the last run, if ``reply`` is its (Rule N3)."""
        return self._results if self._reads_only or reply[:MARK_BYTES] == self._mark else None


def replies_of(reply: bytes, count: int) -> list[Reply] | None:
    """What a run of another proposer, or an earlier one, has left; None: it can't be read."""
    try:
        replies = decode_replies(reply[MARK_BYTES:])
    except (ValueError, msgspec.DecodeError):
        return None
    return replies if len(replies) == count else None
