"""Counters: ``INCR`` only, so that an increment applied twice, or lost, shows in the number."""

from collections.abc import Sequence

from trivet.core.base.prng import Prng
from trivet.lab.history import Operation
from trivet.lab.judges import exactly_once, linearizability
from trivet.lab.judges.complaint import Complaint
from trivet.lab.workloads.workload import Base, Context
from trivet.lab.world.client import Call


class Counter(Base):
    """``c:`` keys."""

    prefixes = (b"c:",)
    weights = ("weight_counters",)
    on_registers = True

    def start(self, client: int, prng: Prng) -> Call:
        """INCR."""
        key = self.key(b"c:", prng)
        return Call([[b"INCR", key]], [key])

    def check(
        self, history: Sequence[Operation], finals: Sequence[Operation], context: Context
    ) -> list[Complaint]:
        """One order explains each counter; each increment counts once."""
        complaints, unknown = linearizability.judge(history, context.slack_us)
        context.unknown += unknown
        return complaints + exactly_once.judge(history)
