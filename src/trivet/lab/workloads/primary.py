"""Keys of their own, each written once, where a failover may lose what no backup had (mode ``primary``).

What was acknowledged is there in the end, or stands in a file of a primary that was replaced; and that only
after a failover. All nodes end with the same. Some keys are written two or three at a time, by transactions
over groups: each part counts as a write of its own, since a failover may lose one and not the other. Without
any failover they are all there or none, and nobody sees less.
"""

from collections.abc import Mapping, Sequence

from trivet.core.base.prng import Prng
from trivet.lab.history import Operation, Outcome
from trivet.lab.judges.complaint import Complaint
from trivet.lab.judges.finals import final_values
from trivet.lab.workloads.workload import Base, Context
from trivet.lab.world.client import Call, transaction
from trivet.lab.world.options import RunOptions

TOGETHER_RATE = 0.3


class Primary(Base):
    """``P:`` keys."""

    prefixes = (b"P:",)
    weights = ("weight_primary",)
    may_lose = True

    def __init__(self, options: RunOptions, prng: Prng) -> None:
        super().__init__(options, prng)
        self._together: list[list[bytes]] = []
        """Keys of transactions."""

    def start(self, client: int, prng: Prng) -> Call:
        """SET of keys that nobody else has, or GET of some."""
        if self.used and prng.chance(0.2):
            return self.read(client, prng)
        count = prng.between(2, 3) if prng.chance(TOGETHER_RATE) else 1
        values = [self.fresh(client) for _ in range(count)]
        keys = [b"P:" + value for value in values]
        words = [[b"SET", key, value] for key, value in zip(keys, values, strict=True)]
        if count == 1:
            return Call(words, keys)
        self.count("transactions")
        self._together.append(keys)
        return transaction(words, keys)

    def read(self, client: int, prng: Prng) -> Call:
        """GET of a key that somebody has named, or of none; or of all that one transaction has."""
        if self._together and prng.chance(0.5):
            keys = self._together[prng.below(len(self._together))]
            return transaction([[b"GET", key] for key in keys], keys)
        keys = list(self.used) or [b"P:none"]
        return self._read_of(keys[prng.below(len(keys))])

    def check(
        self, history: Sequence[Operation], finals: Sequence[Operation], context: Context
    ) -> list[Complaint]:
        """What is lost is told of; what is told of is lost; all nodes say the same."""
        read = final_values(history)
        complaints: list[Complaint] = []
        for operation in history:
            if operation.final:
                continue
            if operation.commands[0][0] == b"SET":
                complaints += self._judge(operation, read, context)
            elif len(operation.keys) > 1 and not context.failovers:
                complaints += _half(operation, list(operation.replies))
        return complaints[:8]

    def _judge(
        self, write: Operation, read: Mapping[bytes, Sequence[Operation]], context: Context
    ) -> list[Complaint]:
        complaints: list[Complaint] = []
        for words in write.commands:
            complaints += self._judge_one(write, words[1], words[2], read.get(words[1], []), context)
        if len(write.keys) > 1 and not context.failovers:
            held = [read[key][0].replies[0] for key in write.keys if read.get(key)]
            complaints += _half(write, held)
        return complaints

    def _judge_one(
        self, write: Operation, key: bytes, value: bytes, reads: Sequence[Operation], context: Context
    ) -> list[Complaint]:
        held = [read.replies[0] for read in reads]
        evidence = [write.text(), *[read.text() for read in reads]]
        if any(one != held[0] for one in held):
            return [Complaint("primary", f"{key.decode()}: nodes end with different values", evidence)]
        if not held:
            return []
        is_told = key in context.set_aside
        # A file may also tell of an attempt of a transaction that came to nothing.
        is_wrong = held[0] is not None or (is_told and len(write.keys) == 1)
        if write.outcome is Outcome.FAIL and is_wrong:
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


def _half(operation: Operation, shown: Sequence[object]) -> list[Complaint]:
    """Of keys that one transaction writes, all are there or none."""
    if operation.outcome is Outcome.FAIL or len({one is None for one in shown}) < 2:
        return []
    sentence = f"{operation.keys[0].decode()}: a part of a transaction is there, without a failover"
    return [Complaint("primary", sentence, [operation.text()])]
