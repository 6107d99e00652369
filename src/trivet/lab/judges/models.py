"""What a correct store would answer: the commands of the workloads over one key's value.

The judge's own, small and slow on purpose: it shares nothing with the code it judges.
A value is an immutable Python value: ``bytes`` for a string, a tuple of items for a list, a sorted
tuple for the other types, None for a missing key.
"""

from collections.abc import Callable

from trivet.lab.resp import OK, ReplyError, Status, Value

Held = bytes | tuple[Value, ...] | None
Step = tuple[Held, Value]
"""(value after, reply)."""

ANY = Status("(any reply)")
"""In a model's answer: whatever the node said is right."""

NOT_AN_INTEGER = ReplyError("ERR")


def _members(held: Held) -> tuple[Value, ...]:
    assert held is None or isinstance(held, tuple)
    return held or ()


def _text(held: Held) -> bytes:
    assert held is None or isinstance(held, bytes)
    return held or b""


def _whole(text: bytes) -> int | None:
    digits = text[1:] if text[:1] == b"-" else text
    return int(text) if digits.isdigit() and len(digits) < 19 else None


# -- strings


def _get(held: Held, args: tuple[bytes, ...]) -> Step:
    return held, held


def _set(held: Held, args: tuple[bytes, ...]) -> Step:
    return args[2], OK


def _del(held: Held, args: tuple[bytes, ...]) -> Step:
    return None, int(held is not None)


def _incr(held: Held, args: tuple[bytes, ...]) -> Step:
    number = _whole(_text(held) or b"0")
    return (held, NOT_AN_INTEGER) if number is None else (b"%d" % (number + 1), number + 1)


def _append(held: Held, args: tuple[bytes, ...]) -> Step:
    text = _text(held) + args[2]
    return text, len(text)


def _strlen(held: Held, args: tuple[bytes, ...]) -> Step:
    return held, len(_text(held))


def _setnx(held: Held, args: tuple[bytes, ...]) -> Step:
    return (args[2], 1) if held is None else (held, 0)


def _getset(held: Held, args: tuple[bytes, ...]) -> Step:
    return args[2], held


def _cas(held: Held, args: tuple[bytes, ...]) -> Step:
    """The lab's word for SET guarded by WATCH; a success is right only where the value was as expected."""
    expected = args[4] if args[3] == b"is" else None
    return (args[2], OK) if held == expected else (held, None)


# -- lists


def _rpush(held: Held, args: tuple[bytes, ...]) -> Step:
    items = _members(held) + args[2:]
    return items, len(items)


def _lpush(held: Held, args: tuple[bytes, ...]) -> Step:
    items = tuple(reversed(args[2:])) + _members(held)
    return items, len(items)


def _lpop(held: Held, args: tuple[bytes, ...]) -> Step:
    items = _members(held)
    return (items[1:] or None, items[0]) if items else (None, None)


def _rpop(held: Held, args: tuple[bytes, ...]) -> Step:
    items = _members(held)
    return (items[:-1] or None, items[-1]) if items else (None, None)


def _count(held: Held, args: tuple[bytes, ...]) -> Step:
    return held, len(_members(held))


def _all(held: Held, args: tuple[bytes, ...]) -> Step:
    return held, _members(held)


# -- sets


def _sadd(held: Held, args: tuple[bytes, ...]) -> Step:
    items = _members(held)
    return (items, 0) if args[2] in items else (_ordered([*items, args[2]]), 1)


def _srem(held: Held, args: tuple[bytes, ...]) -> Step:
    items = _members(held)
    kept = tuple(item for item in items if item != args[2])
    return kept or None, len(items) - len(kept)


# -- hashes and sorted sets: sorted tuples of (field, value)


def _table(held: Held) -> dict[bytes, bytes]:
    return {pair[0]: pair[1] for pair in _members(held)}  # type: ignore[index, misc]


def _pairs(table: dict[bytes, bytes]) -> Held:
    return tuple((field, table[field]) for field in sorted(table)) or None


def _hset(held: Held, args: tuple[bytes, ...]) -> Step:
    table = _table(held)
    new = args[2] not in table
    table[args[2]] = args[3]
    return _pairs(table), int(new)


def _hdel(held: Held, args: tuple[bytes, ...]) -> Step:
    table = _table(held)
    gone = table.pop(args[2], None)
    return _pairs(table), int(gone is not None)


def _hget(held: Held, args: tuple[bytes, ...]) -> Step:
    return held, _table(held).get(args[2])


def _hincrby(held: Held, args: tuple[bytes, ...]) -> Step:
    table = _table(held)
    number = int(table.get(args[2], b"0")) + int(args[3])
    table[args[2]] = b"%d" % number
    return _pairs(table), number


def _zadd(held: Held, args: tuple[bytes, ...]) -> Step:
    return _hset(held, (args[0], args[1], args[3], args[2]))


def _zincrby(held: Held, args: tuple[bytes, ...]) -> Step:
    after, number = _hincrby(held, (args[0], args[1], args[3], args[2]))
    return after, b"%d" % number if isinstance(number, int) else number


def _zpopmin(held: Held, args: tuple[bytes, ...]) -> Step:
    table = _table(held)
    if not table:
        return None, ()
    least = min(table, key=lambda member: (int(table[member]), member))
    score = table.pop(least)
    return _pairs(table), ((least, score),)


MODELS: dict[bytes, Callable[[Held, tuple[bytes, ...]], Step]] = {
    b"GET": _get, b"SET": _set, b"DEL": _del, b"INCR": _incr, b"APPEND": _append, b"STRLEN": _strlen,
    b"SETNX": _setnx, b"GETSET": _getset, b"CAS": _cas,
    b"RPUSH": _rpush, b"LPUSH": _lpush, b"LPOP": _lpop, b"RPOP": _rpop, b"LLEN": _count, b"LRANGE": _all,
    b"SADD": _sadd, b"SREM": _srem, b"SCARD": _count, b"SMEMBERS": _all,
    b"HSET": _hset, b"HDEL": _hdel, b"HGET": _hget, b"HINCRBY": _hincrby, b"HLEN": _count, b"HGETALL": _all,
    b"ZADD": _zadd, b"ZREM": _hdel, b"ZSCORE": _hget, b"ZINCRBY": _zincrby, b"ZPOPMIN": _zpopmin,
    b"ZRANGE": _all,
}  # fmt: skip
"""SPOP and the commands of deadlines are the state's own business: see ``state.py``."""

READS = (
    b"GET",
    b"STRLEN",
    b"LLEN",
    b"LRANGE",
    b"SCARD",
    b"SMEMBERS",
    b"HGET",
    b"HLEN",
    b"HGETALL",
    b"ZSCORE",
    b"ZRANGE",
    b"SUNION",
)


def _ordered(items: list[Value]) -> tuple[Value, ...]:
    return tuple(sorted(items))  # type: ignore[type-var]


def _paired(items: tuple[Value, ...]) -> tuple[Value, ...]:
    """Pairs as a sorted tuple, from a flat array or from an array of pairs."""
    if items and isinstance(items[0], tuple):
        return _ordered(list(items))
    return _ordered([(items[i], items[i + 1]) for i in range(0, len(items) - 1, 2)])


def canonical(command: tuple[bytes, ...], reply: Value) -> Value:
    """A node's reply in the form that the models give."""
    if isinstance(reply, ReplyError):
        return ReplyError(reply.code())
    if isinstance(reply, tuple):
        if command[0] in (b"SMEMBERS", b"SUNION"):
            return _ordered(list(reply))
        if command[0] in (b"HGETALL", b"ZRANGE", b"ZPOPMIN"):
            return _paired(reply)
    return reply
