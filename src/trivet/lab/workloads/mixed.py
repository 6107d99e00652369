"""Mixed commands: lists, sets, hashes, sorted sets, and pairs in ``MULTI``. Judged by linearizability."""

from collections.abc import Sequence
from typing import ClassVar

from trivet.core.base.prng import Prng
from trivet.lab.history import Operation
from trivet.lab.judges import linearizability
from trivet.lab.judges.complaint import Complaint
from trivet.lab.workloads.workload import Base, Context
from trivet.lab.world.client import Call, transaction


class Mixed(Base):
    """``l: s: h: z:`` keys, and ``m:`` for pairs (their share is ``weight_pairs``)."""

    prefixes = (b"l:", b"s:", b"h:", b"z:", b"m:")
    weights = ("weight_collections", "weight_pairs")
    on_registers = True
    together = (b"m:",)
    may_spread = True
    reads: ClassVar[dict[bytes, list[bytes]]] = {
        b"l:": [b"LRANGE", b"", b"0", b"-1"],
        b"s:": [b"SMEMBERS", b""],
        b"h:": [b"HGETALL", b""],
        b"z:": [b"ZRANGE", b"", b"0", b"-1", b"WITHSCORES"],
    }

    def start(self, client: int, prng: Prng) -> Call:
        """A command on a collection, or on a pair."""
        pairs, collections = self.options.weight_pairs, self.options.weight_collections
        if not pairs + collections:
            pairs = collections = 1
        if self.has_one_key:
            pairs, collections = 0, 1
        return self._pair(prng) if prng.below(pairs + collections) < pairs else self._collection(client, prng)

    def read(self, client: int, prng: Prng) -> Call:
        """A read of one whole collection, or of a pair."""
        if prng.below(5) == 0 and not self.has_one_key:
            return transaction([[b"GET", b"m:0"], [b"GET", b"m:1"]], [b"m:0", b"m:1"])
        return self._read_of(self.key(self.prefixes[prng.below(4)], prng))

    def _collection(self, client: int, prng: Prng) -> Call:
        kind = (b"l:", b"s:", b"h:", b"z:")[prng.below(4)]
        key = self.key(kind, prng)
        value = self.fresh(client)
        member = b"f%d" % prng.below(4)
        number = b"%d" % prng.between(-5, 20)
        choices: dict[bytes, list[list[bytes]]] = {
            b"l:": [[b"RPUSH", key, value], [b"LPUSH", key, value], [b"LPOP", key], [b"RPOP", key],
                    [b"LLEN", key], [b"LRANGE", key, b"0", b"-1"]],
            b"s:": [[b"SADD", key, member], [b"SADD", key, value], [b"SREM", key, member], [b"SPOP", key],
                    [b"SCARD", key], [b"SMEMBERS", key]],
            b"h:": [[b"HSET", key, member, value], [b"HDEL", key, member], [b"HGET", key, member],
                    [b"HINCRBY", key, b"n" + member, number], [b"HLEN", key], [b"HGETALL", key]],
            b"z:": [[b"ZADD", key, number, member], [b"ZINCRBY", key, number, member], [b"ZREM", key, member],
                    [b"ZSCORE", key, member], [b"ZPOPMIN", key],
                    [b"ZRANGE", key, b"0", b"-1", b"WITHSCORES"]],
        }  # fmt: skip
        row = choices[kind]
        return Call([row[prng.below(len(row))]], [key])

    def _pair(self, prng: Prng) -> Call:
        left, right = b"m:0", b"m:1"
        roll = prng.below(4)
        if roll == 0:
            return transaction([[b"GET", left], [b"GET", right]], [left, right])
        if roll == 1:
            return transaction([[b"INCR", left], [b"INCR", right]], [left, right])
        if roll == 2:
            return Call([[b"GET", left if prng.chance(0.5) else right]], [left, right])
        self._value += 1
        value = b"%d" % (1000 * self._value)
        return transaction([[b"SET", left, value], [b"SET", right, value]], [left, right])

    def check(
        self, history: Sequence[Operation], finals: Sequence[Operation], context: Context
    ) -> list[Complaint]:
        """One order explains each collection, and both keys of the pair together."""
        complaints, unknown = linearizability.judge(history, context.slack_us)
        context.unknown += unknown
        return complaints
