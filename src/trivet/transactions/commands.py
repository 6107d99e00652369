"""What a program says to Trivet inside a transaction.

Commands that wait for the decision, and reads that are watched.
"""

from typing import Final

from trivet.client.resp import Reply
from trivet.transactions.asking import Call
from trivet.transactions.errors import SetupError, TransactionError
from trivet.transactions.protocol import Plan
from trivet.transactions.records import CALL_BYTES_MAX, CALLS_MAX

Word = bytes | str | int | float

_READS: Final = frozenset(
    {"GET", "STRLEN", "GETRANGE", "EXISTS", "TYPE", "TTL", "PTTL", "MGET", "HGET", "HMGET", "HGETALL", "HLEN"}
    | {"HEXISTS", "LRANGE", "LLEN", "LINDEX", "SISMEMBER", "SMEMBERS", "SCARD", "ZSCORE", "ZRANGE", "ZCARD"}
    | {"ZRANK", "ZCOUNT"}
)


def encoded(words: tuple[Word, ...]) -> Call:
    """Words as bytes."""
    return tuple(word if isinstance(word, bytes) else str(word).encode() for word in words)


def reading(words: tuple[Word, ...]) -> tuple[Call, list[bytes]]:
    """A read, and the keys to watch. Raises ``SetupError``."""
    call = encoded(words)
    name = call[0].decode("ascii", "replace").upper() if call else ""
    if name not in _READS or len(call) < 2:
        raise SetupError(
            f"read: {name or 'nothing'} is none of the reads that can be watched: {', '.join(sorted(_READS))}"
        )
    return call, list(call[1:]) if name in ("MGET", "EXISTS") else [call[1]]


class Queued:
    """A command that is executed with the decision."""

    def __init__(self, plan: Plan, at: int) -> None:
        self._plan = plan
        self._at = at

    def result(self) -> Reply:
        """Its reply, once the transaction is committed."""
        replies = self._plan.replies
        if replies is None:
            raise TransactionError(
                "there is no reply: the transaction is not committed, or its replies were lost"
            )
        return replies[self._at]


class Writes:
    """Commands that change keys. They are executed with the decision, all or none, in this order.

    Values are bytes, text (UTF-8) or numbers. What is not here goes by ``queue``.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._bytes = 0

    def queue(self, *words: Word) -> Queued:
        """Any command that has keys: ``tx.queue("LPUSH", "jobs", "a", "b")``.

        Raises ``SetupError`` at a limit.
        """
        call = encoded(words)
        self._bytes += sum(map(len, call))
        if len(self._plan.queued) >= CALLS_MAX or self._bytes > CALL_BYTES_MAX:
            raise SetupError(
                f"a transaction takes at most {CALLS_MAX} commands and {CALL_BYTES_MAX} bytes of them"
            )
        self._plan.queued.append(call)
        return Queued(self._plan, len(self._plan.queued) - 1)

    def set(self, key: Word, value: Word) -> Queued:
        """``SET``."""
        return self.queue("SET", key, value)

    def delete(self, *keys: Word) -> Queued:
        """``DEL``."""
        return self.queue("DEL", *keys)

    def incrby(self, key: Word, amount: int) -> Queued:
        """``INCRBY``."""
        return self.queue("INCRBY", key, amount)

    def decrby(self, key: Word, amount: int) -> Queued:
        """``DECRBY``."""
        return self.queue("DECRBY", key, amount)

    def incrbyfloat(self, key: Word, amount: float) -> Queued:
        """``INCRBYFLOAT``."""
        return self.queue("INCRBYFLOAT", key, amount)

    def append(self, key: Word, value: Word) -> Queued:
        """``APPEND``."""
        return self.queue("APPEND", key, value)

    def expire(self, key: Word, seconds: int) -> Queued:
        """``EXPIRE``."""
        return self.queue("EXPIRE", key, seconds)

    def hset(self, key: Word, field: Word, value: Word) -> Queued:
        """``HSET``."""
        return self.queue("HSET", key, field, value)

    def hdel(self, key: Word, *fields: Word) -> Queued:
        """``HDEL``."""
        return self.queue("HDEL", key, *fields)

    def hincrby(self, key: Word, field: Word, amount: int) -> Queued:
        """``HINCRBY``."""
        return self.queue("HINCRBY", key, field, amount)

    def sadd(self, key: Word, *members: Word) -> Queued:
        """``SADD``."""
        return self.queue("SADD", key, *members)

    def srem(self, key: Word, *members: Word) -> Queued:
        """``SREM``."""
        return self.queue("SREM", key, *members)

    def lpush(self, key: Word, *values: Word) -> Queued:
        """``LPUSH``."""
        return self.queue("LPUSH", key, *values)

    def rpush(self, key: Word, *values: Word) -> Queued:
        """``RPUSH``."""
        return self.queue("RPUSH", key, *values)

    def zadd(self, key: Word, score: float, member: Word) -> Queued:
        """``ZADD``."""
        return self.queue("ZADD", key, score, member)

    def zincrby(self, key: Word, amount: float, member: Word) -> Queued:
        """``ZINCRBY``."""
        return self.queue("ZINCRBY", key, amount, member)

    def xadd(self, key: Word, *fields_and_values: Word) -> Queued:
        """``XADD`` with an id that Trivet chooses."""
        return self.queue("XADD", key, "*", *fields_and_values)
