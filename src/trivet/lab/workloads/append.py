"""Lists that grow in transactions: ``RPUSH`` and ``LRANGE`` over several keys in ``MULTI``. Judged by cycles.

An element is appended once in a run, so a list tells the order of its appends, and every read tells which of
them it saw: the dependencies of all transactions follow (Kingsbury and Alvaro, "Elle", VLDB 2020).
A key is left for a new one after ``APPENDS_MAX`` appends, since each read carries the whole list.
"""

from collections.abc import Sequence
from typing import ClassVar

from trivet.core.base.prng import Prng
from trivet.lab.history import Operation
from trivet.lab.judges import serializability
from trivet.lab.judges.complaint import Complaint
from trivet.lab.workloads.workload import Base, Context
from trivet.lab.world.client import Call, transaction
from trivet.lab.world.options import RunOptions

APPENDS_MAX = 40
COMMANDS_MAX = 4


class Append(Base):
    """``a:`` keys; elements are unique integers."""

    prefixes = (b"a:",)
    weights = ("weight_append",)
    together = (b"a:",)
    may_spread = True
    may_lose = True
    reads: ClassVar[dict[bytes, list[bytes]]] = {b"a:": [b"LRANGE", b"", b"0", b"-1"]}

    def __init__(self, options: RunOptions, prng: Prng) -> None:
        super().__init__(options, prng)
        self._next_key = 1 + options.keys_per_kind
        self._keys = [b"a:%d" % i for i in range(self._next_key)]
        self._appends = [0] * self._next_key

    def start(self, client: int, prng: Prng) -> Call:
        """A transaction of one to four appends and reads; one alone may go without ``MULTI``."""
        count = prng.between(1, COMMANDS_MAX)
        commands = [self._append(prng) if prng.chance(0.5) else self._look(prng) for _ in range(count)]
        return self._made(commands, prng)

    def read(self, client: int, prng: Prng) -> Call:
        """A transaction of reads."""
        return self._made([self._look(prng) for _ in range(prng.between(1, COMMANDS_MAX))], prng)

    def _made(self, commands: list[list[bytes]], prng: Prng) -> Call:
        keys = list(dict.fromkeys(command[1] for command in commands))
        if len(commands) == 1 and prng.chance(0.5):
            return Call(commands, keys)
        self.count("transactions")
        return transaction(commands, keys)

    def _append(self, prng: Prng) -> list[bytes]:
        place = prng.below(len(self._keys))
        if self._appends[place] == APPENDS_MAX:
            self._keys[place] = b"a:%d" % self._next_key
            self._next_key += 1
            self._appends[place] = 0
        self._appends[place] += 1
        self._value += 1
        return [b"RPUSH", self._keys[place], b"%d" % self._value]

    def _look(self, prng: Prng) -> list[bytes]:
        return [b"LRANGE", self._keys[prng.below(len(self._keys))], b"0", b"-1"]

    def check(
        self, history: Sequence[Operation], finals: Sequence[Operation], context: Context
    ) -> list[Complaint]:
        """The transactions have a serial order that is true to real time."""
        if self.is_beyond_judging(context):
            return []
        return serializability.judge_operations(history, self.prefixes[0])
