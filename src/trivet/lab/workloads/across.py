"""Commands about several keys: MSET, RENAME, LMOVE, SMOVE, SINTERSTORE, a script… Judged by linearizability.

Three families of few keys: strings, lists, sets. A command names two or three different keys of one family,
so one order has to explain all of them together. Where keys are spread over groups, each is a transaction.
All strings are read in ``MULTI``, or by ``MGET``.
"""

from collections.abc import Sequence
from typing import ClassVar, Final

from trivet.core.base.prng import Prng
from trivet.lab.history import Operation
from trivet.lab.judges import linearizability
from trivet.lab.judges.complaint import Complaint
from trivet.lab.workloads.workload import Base, Context
from trivet.lab.world.client import Call, transaction
from trivet.lab.world.options import RunOptions

SWAP: Final = (
    b"local a, b = redis.call('GET', KEYS[1]), redis.call('GET', KEYS[2]) "
    b"if a then redis.call('SET', KEYS[2], a) else redis.call('DEL', KEYS[2]) end "
    b"if b then redis.call('SET', KEYS[1], b) else redis.call('DEL', KEYS[1]) end return a"
)
MEMBERS: Final = 4
"""So many different members of sets, beside fresh ones."""


class Across(Base):
    """``A:`` strings, ``B:`` lists, ``C:`` sets."""

    prefixes = (b"A:", b"B:", b"C:")
    weights = ("weight_across",)
    together = (b"A:", b"B:", b"C:")
    may_spread = True
    reads: ClassVar[dict[bytes, list[bytes]]] = {
        b"B:": [b"LRANGE", b"", b"0", b"-1"],
        b"C:": [b"SMEMBERS", b""],
    }

    def __init__(self, options: RunOptions, prng: Prng) -> None:
        super().__init__(options, prng)
        self._count = 3 + options.keys_per_kind // 3

    def start(self, client: int, prng: Prng) -> Call:
        """A command of one of the families."""
        prefix = self.prefixes[prng.below(3)]
        keys = [b"%s%d" % (prefix, i) for i in range(self._count)]
        prng.shuffle(keys)
        if prng.below(10) == 0:
            return self._read_of(keys[0])
        if prefix == b"A:":
            return self._strings(keys, client, prng)
        command = self._lists(keys, client, prng) if prefix == b"B:" else self._sets(keys, client, prng)
        return Call([command], [key for key in keys if key in command])

    def read(self, client: int, prng: Prng) -> Call:
        """All strings, all sets, or one key."""
        roll = prng.below(3)
        prefix = self.prefixes[prng.below(3)] if roll == 2 else self.prefixes[2 * roll]
        keys = [b"%s%d" % (prefix, i) for i in range(self._count)]
        if roll == 2:
            return self._read_of(keys[prng.below(len(keys))])
        return Call([[b"SUNION", *keys]], keys) if roll else _all_of(keys, client)

    def _strings(self, keys: list[bytes], client: int, prng: Prng) -> Call:
        one, other = self.fresh(client), self.fresh(client)
        a, b = keys[:2]
        rows = [
            [b"MSET", a, one, b, other], [b"MSET", a, one, b, other], [b"MSETNX", a, one, b, other],
            [b"GET", a], [b"GET", b], [b"UNLINK", a, b], [b"RENAME", a, b], [b"RENAMENX", a, b],
            [b"COPY", a, b], [b"COPY", a, b, b"REPLACE"], [b"SET", a, one], [b"SWAP", a, b], [b"SWAP", a, b],
        ]  # fmt: skip
        command = rows[prng.below(len(rows))]
        if command[0] == b"GET":
            return _all_of(keys, client)
        used = [key for key in keys if key in command]
        if command[0] != b"SWAP":
            return Call([command], used)
        self.count("scripts")
        return Call([command], used, [[b"EVAL", SWAP, b"2", a, b]])

    def _lists(self, keys: list[bytes], client: int, prng: Prng) -> list[bytes]:
        a, b = keys[:2]
        ends = [(b"LEFT", b"RIGHT")[prng.below(2)] for _ in range(2)]
        rows = [
            [b"RPUSH", a, self.fresh(client)], [b"LPUSH", a, self.fresh(client)], [b"LPOP", a],
            [b"LMOVE", a, b, *ends], [b"LMOVE", a, b, *ends], [b"LMOVE", b, a, *ends], [b"RENAME", a, b],
            [b"UNLINK", a, b],
        ]  # fmt: skip
        return rows[prng.below(len(rows))]

    def _sets(self, keys: list[bytes], client: int, prng: Prng) -> list[bytes]:
        a, b, c = keys[:3]
        member = b"f%d" % prng.below(MEMBERS) if prng.chance(0.7) else self.fresh(client)
        rows = [
            [b"SADD", a, member], [b"SADD", a, member], [b"SREM", a, member], [b"SMOVE", a, b, member],
            [b"SMOVE", a, b, member], [b"SINTERSTORE", a, b, c], [b"SUNIONSTORE", a, b, c],
            [b"SUNION", *keys],
        ]  # fmt: skip
        return rows[prng.below(len(rows))]

    def check(
        self, history: Sequence[Operation], finals: Sequence[Operation], context: Context
    ) -> list[Complaint]:
        """One order explains each family."""
        complaints, unknown = linearizability.judge(history, context.slack_us)
        context.unknown += unknown
        return complaints


def _all_of(keys: list[bytes], client: int) -> Call:
    """Some clients say it in one way, some in the other."""
    if client % 2:
        return Call([[b"MGET", *keys]], keys)
    return transaction([[b"GET", key] for key in sorted(keys)], sorted(keys))
