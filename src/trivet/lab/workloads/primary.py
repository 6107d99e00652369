"""Keys of their own, each written once, where a failover may lose what no backup had (mode ``primary``).

What was acknowledged is there in the end, or stands in a file of a primary that was replaced; and that only
after a failover. All nodes end with the same.
"""

from collections.abc import Sequence

from trivet.core.base.prng import Prng
from trivet.lab.history import Operation, Outcome
from trivet.lab.judges.complaint import Complaint
from trivet.lab.judges.finals import final_values
from trivet.lab.workloads.workload import Base, Context
from trivet.lab.world.client import Call


class Primary(Base):
    """``q:`` keys."""

    prefixes = (b"P:",)
    weights = ("weight_primary",)
    may_lose = True

    def start(self, client: int, prng: Prng) -> Call:
        """SET of a key that nobody else has, or GET of one."""
        if self.used and prng.chance(0.2):
            keys = list(self.used)
            return self._read_of(keys[prng.below(len(keys))])
        value = self.fresh(client)
        return Call([[b"SET", b"P:" + value, value]], [b"P:" + value])

    def read(self, client: int, prng: Prng) -> Call:
        """GET of a key that somebody has named, or of none."""
        keys = list(self.used) or [b"P:none"]
        return self._read_of(keys[prng.below(len(keys))])

    def check(
        self, history: Sequence[Operation], finals: Sequence[Operation], context: Context
    ) -> list[Complaint]:
        """What is lost is told of; what is told of is lost; all nodes say the same."""
        read = final_values(history)
        complaints: list[Complaint] = []
        for operation in history:
            if operation.final or operation.commands[0][0] != b"SET":
                continue
            complaints += self._judge(operation, read.get(operation.keys[0], []), context)
        return complaints[:8]

    def _judge(self, write: Operation, reads: Sequence[Operation], context: Context) -> list[Complaint]:
        key, value = write.keys[0], write.commands[0][2]
        held = [read.replies[0] for read in reads]
        evidence = [write.text(), *[read.text() for read in reads]]
        if any(one != held[0] for one in held):
            return [Complaint("primary", f"{key.decode()}: nodes end with different values", evidence)]
        if not held:
            return []
        is_told = key in context.set_aside
        if write.outcome is Outcome.FAIL and (held[0] is not None or is_told):
            return [Complaint("primary", f"{key.decode()}: a write that failed took effect", evidence)]
        if write.outcome is Outcome.OK and held[0] != value:
            if not is_told:
                return [Complaint("primary", f"{key.decode()}: lost, and nobody tells of it", evidence)]
            if not context.failovers:
                return [Complaint("primary", f"{key.decode()}: lost without a failover", evidence)]
            self.count("lost")
        elif is_told and held[0] == value:
            # A batch that was on its way twice: the one that no backup had, and the one after the failover.
            self.count("told, and there")
        return []
