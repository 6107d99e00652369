"""What clients do: a weighted mix of small workloads on few keys, every written value unique.

The first letter of a key says which workload it belongs to, so that judges find theirs:

| key | workload | judged by |
|---|---|---|
| ``r:`` | registers: SET GET DEL INCR APPEND SETNX GETSET, and compare-and-set by WATCH | linearizability |
| ``c:`` | counters: INCR only | linearizability, exactly once |
| ``u:`` | unique keys, each SET once | durability |
| ``t:`` | token lists: RPUSH of unique tokens only | exactly once, order |
| ``l: s: h: z:`` | lists, sets, hashes, sorted sets, SPOP included | linearizability |
| ``m:`` | pairs: MULTI/EXEC over two keys | linearizability of both together |
| ``e:`` | values with a deadline | linearizability with time |
"""

from collections.abc import Callable

from trivet.core.base.prng import Prng
from trivet.lab.client import Call, compare_and_set, transaction
from trivet.lab.options import RunOptions

FINAL_READS: dict[bytes, list[bytes]] = {
    b"l": [b"LRANGE", b"", b"0", b"-1"],
    b"t": [b"LRANGE", b"", b"0", b"-1"],
    b"s": [b"SMEMBERS", b""],
    b"h": [b"HGETALL", b""],
    b"z": [b"ZRANGE", b"", b"0", b"-1", b"WITHSCORES"],
}


class Mix:
    """The source of calls: ``ops`` of them in all, then final reads when asked for."""

    def __init__(self, options: RunOptions) -> None:
        self._options = options
        self._value = 0
        self._left = options.ops
        self._used: dict[bytes, None] = {}
        self._makers: list[tuple[int, Callable[[Prng, int], Call]]] = [
            (options.weight_registers, self._register),
            (options.weight_counters, self._counter),
            (options.weight_unique, self._unique),
            (options.weight_tokens, self._token),
            (options.weight_collections, self._collection),
            (options.weight_pairs, self._pair),
            (options.weight_watch, self._watch),
            (options.weight_expiry, self._expiry),
        ]

    def done(self) -> bool:
        """Whether all operations have been handed out."""
        return self._left <= 0

    def add(self, ops: int) -> None:
        """Hand out so many more."""
        self._left += ops

    def abandon(self) -> None:
        """Hand out no more."""
        self._left = 0

    def next_calls(self, client: int, prng: Prng) -> list[Call]:
        """The next batch of ``client``: one call, or a pipeline of a few."""
        calls: list[Call] = []
        count = 1 if prng.chance(0.5) else prng.between(1, self._options.pipeline_max)
        while len(calls) < count and self._left > 0:
            self._left -= 1
            call = self._draw(prng, client)
            calls.append(call)
            for key in call.keys:
                self._used[key] = None
            if call.then is not None:
                break
        return calls

    def final_calls(self) -> list[Call]:
        """One read of every key that was ever used."""
        calls = []
        for key in self._used:
            words = FINAL_READS.get(key[:1], [b"GET", b""])
            calls.append(Call([[key if word == b"" else word for word in words]], [key], final=True))
        return calls

    def _draw(self, prng: Prng, client: int) -> Call:
        if client <= self._options.readers:
            return self._read(prng)
        point = prng.below(sum(weight for weight, _ in self._makers))
        for weight, make in self._makers:
            if point < weight:
                return make(prng, client)
            point -= weight
        raise AssertionError("unreachable")

    def _fresh(self, client: int) -> bytes:
        self._value += 1
        return b"v%d.%d" % (client, self._value)

    def _key(self, kind: bytes, prng: Prng) -> bytes:
        return b"%s:%d" % (kind, prng.below(self._options.keys_per_kind))

    def _register(self, prng: Prng, client: int) -> Call:
        key = self._key(b"r", prng)
        value = self._fresh(client)
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
            command = [[b"DEL", key], [b"SETNX", key, value], [b"GETSET", key, value], [b"STRLEN", key]][
                roll - 16
            ]
        return Call([command], [key])

    def _read(self, prng: Prng) -> Call:
        kinds = [(b"r", self._options.weight_registers), (b"c", self._options.weight_counters)]
        key = self._key(b"r" if prng.below(sum(w for _, w in kinds)) < kinds[0][1] else b"c", prng)
        return Call([[b"GET", key]], [key])

    def _counter(self, prng: Prng, client: int) -> Call:
        key = self._key(b"c", prng)
        return Call([[b"INCR", key]], [key])

    def _unique(self, prng: Prng, client: int) -> Call:
        value = self._fresh(client)
        key = b"u:" + value
        return Call([[b"SET", key, value]], [key])

    def _token(self, prng: Prng, client: int) -> Call:
        key = self._key(b"t", prng)
        return Call([[b"RPUSH", key, self._fresh(client)]], [key])

    def _collection(self, prng: Prng, client: int) -> Call:
        kind = [b"l", b"s", b"h", b"z"][prng.below(4)]
        key = self._key(kind, prng)
        value = self._fresh(client)
        member = b"f%d" % prng.below(4)
        number = b"%d" % prng.between(-5, 20)
        choices: dict[bytes, list[list[bytes]]] = {
            b"l": [[b"RPUSH", key, value], [b"LPUSH", key, value], [b"LPOP", key], [b"RPOP", key],
                   [b"LLEN", key], [b"LRANGE", key, b"0", b"-1"]],
            b"s": [[b"SADD", key, member], [b"SADD", key, value], [b"SREM", key, member], [b"SPOP", key],
                   [b"SCARD", key], [b"SMEMBERS", key]],
            b"h": [[b"HSET", key, member, value], [b"HDEL", key, member], [b"HGET", key, member],
                   [b"HINCRBY", key, b"n" + member, number], [b"HLEN", key], [b"HGETALL", key]],
            b"z": [[b"ZADD", key, number, member], [b"ZINCRBY", key, number, member], [b"ZREM", key, member],
                   [b"ZSCORE", key, member], [b"ZPOPMIN", key], [b"ZRANGE", key, b"0", b"-1", b"WITHSCORES"]],
        }  # fmt: skip
        row = choices[kind]
        return Call([row[prng.below(len(row))]], [key])

    def _pair(self, prng: Prng, client: int) -> Call:
        left, right = b"m:0", b"m:1"
        roll = prng.below(4)
        if roll == 0:
            return transaction([[b"GET", left], [b"GET", right]], [left, right])
        if roll == 1:
            return transaction([[b"INCR", left], [b"INCR", right]], [left, right])
        if roll == 2:
            return Call([[b"GET", left if prng.chance(0.5) else right]], [left, right])
        value = b"%d" % (1000 * (self._value + 1))
        self._value += 1
        return transaction([[b"SET", left, value], [b"SET", right, value]], [left, right])

    def _watch(self, prng: Prng, client: int) -> Call:
        return compare_and_set(self._key(b"r", prng), self._fresh(client))

    def _expiry(self, prng: Prng, client: int) -> Call:
        key = self._key(b"e", prng)
        value = self._fresh(client)
        ttl_ms = b"%d" % prng.between(1, 1500)
        rows = [
            [b"SET", key, value], [b"SET", key, value, b"PX", ttl_ms], [b"PEXPIRE", key, ttl_ms],
            [b"GET", key], [b"GET", key], [b"PERSIST", key], [b"APPEND", key, value],
        ]  # fmt: skip
        return Call([rows[prng.below(len(rows))]], [key])
