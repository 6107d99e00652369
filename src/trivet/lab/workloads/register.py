"""Registers: what one key of a string can do, and compare-and-set by ``WATCH``. Judged by linearizability."""

from collections.abc import Sequence

from trivet.core.base.prng import Prng
from trivet.lab.history import Operation
from trivet.lab.judges import linearizability
from trivet.lab.judges.complaint import Complaint
from trivet.lab.workloads.workload import Base, Context
from trivet.lab.world.client import Call, compare_and_set


class Register(Base):
    """``r:`` keys; ``weight_watch`` is the share of compare-and-set."""

    prefixes = (b"r:",)
    weights = ("weight_registers", "weight_watch")
    on_registers = True

    def start(self, client: int, prng: Prng) -> Call:
        """SET GET DEL INCR APPEND SETNX GETSET STRLEN, or compare-and-set."""
        key = self.key(b"r:", prng)
        value = self.fresh(client)
        options = self.options
        if options.weight_watch and prng.below(options.weight_registers + options.weight_watch) < (
            options.weight_watch
        ):
            return compare_and_set(key, value)
        roll = prng.below(20)
        if roll < 7:
            command = [b"GET", key]
        elif roll < 11:
            command = [b"SET", key, value]
        elif roll < 13:
            command = [b"APPEND", key, b"," + value]
        elif roll < 14:
            command = [b"SET", key, b"%d" % (self._value * 1000)]
        elif roll < 16:
            command = [b"INCR", key]
        else:
            rare = [[b"DEL", key], [b"SETNX", key, value], [b"GETSET", key, value], [b"STRLEN", key]]
            command = rare[roll - 16]
        return Call([command], [key])

    def check(
        self, history: Sequence[Operation], finals: Sequence[Operation], context: Context
    ) -> list[Complaint]:
        """One order explains each register."""
        complaints, unknown = linearizability.judge(history, context.slack_us)
        context.unknown += unknown
        return complaints
