"""Hashes: fields with values under one key.

A read takes the hash by ``get``; a write asks for it by ``edit`` just before it
changes it, so that a write without effect counts for nobody as a change. A hash
whose last field goes, goes (rule C2).
"""

from typing import Final

from trivet.core.command.arguments import (
    NOT_A_FLOAT,
    NOT_AN_INTEGER,
    NOT_FINITE,
    OVERFLOW,
    WRONG_TYPE,
    wrong_arity,
)
from trivet.core.command.collection_arguments import random_count, scan_cursor, scan_options
from trivet.core.command.events import HASH
from trivet.core.command.table import Context, Flag, command
from trivet.core.values.hash_value import Hash
from trivet.core.values.numbers import (
    INT64_MAX,
    INT64_MIN,
    LongDouble,
    add_long_doubles,
    format_long_double,
    parse_int,
    parse_long_double,
)
from trivet.core.wire.reply import OK, Error, Pairs, Reply

_READ: Final = Flag.READONLY
_WRITE: Final = Flag.WRITE
_GROW: Final = Flag.WRITE | Flag.DENYOOM
_FAST: Final = Flag.FAST
_ONE: Final = (1, 1, 1)
_VALUE_NOT_AN_INTEGER: Final = Error("ERR hash value is not an integer")
_VALUE_NOT_A_FLOAT: Final = Error("ERR hash value is not a float")
_INFINITE: Final = Error("ERR value is NaN or Infinity")
_ZERO: Final = (0, 0)


def _to_grow(context: Context, key: bytes) -> Hash | None:
    """The hash to put fields into, made when missing; None when something else is there."""
    value = context.db.edit(key)
    if value is None:
        value = Hash()
        context.db.set(key, value)
    return value if isinstance(value, Hash) else None


# Writes


@command(
    "hset",
    arity=-4,
    flags=_GROW | _FAST,
    keys=_ONE,
    group="hash",
    summary="Sets fields of a hash and tells how many are new.",
    since="2.0.0",
    complexity="O(N) for N fields",
)
def hset(context: Context, args: list[bytes]) -> Reply:
    """HSET key field value [field value ...]."""
    size = len(args)
    if size % 2:
        return wrong_arity("hset")
    value = _to_grow(context, args[1])
    if value is None:
        return WRONG_TYPE
    if context.notifies:
        context.notify(HASH, b"hset", args[1])
    if size == 4:
        return 1 if value.put(args[2], args[3]) else 0
    added = 0
    for at in range(2, size, 2):
        if value.put(args[at], args[at + 1]):
            added += 1
    return added


@command(
    "hmset",
    arity=-4,
    flags=_GROW | _FAST,
    keys=_ONE,
    group="hash",
    summary="Sets fields of a hash.",
    since="2.0.0",
    complexity="O(N) for N fields",
)
def hmset(context: Context, args: list[bytes]) -> Reply:
    """HMSET key field value [field value ...]."""
    if len(args) % 2:
        return wrong_arity("hmset")
    reply = hset(context, args)
    return reply if isinstance(reply, Error) else OK


@command(
    "hsetnx",
    arity=4,
    flags=_GROW | _FAST,
    keys=_ONE,
    group="hash",
    summary="Sets a field of a hash unless it exists.",
    since="2.0.0",
    complexity="O(1)",
)
def hsetnx(context: Context, args: list[bytes]) -> Reply:
    """HSETNX key field value."""
    value = context.db.get(args[1])
    if value is not None:
        if not isinstance(value, Hash):
            return WRONG_TYPE
        if args[2] in value:
            return 0
    value = _to_grow(context, args[1])
    assert value is not None
    value.put(args[2], args[3])
    if context.notifies:
        context.notify(HASH, b"hset", args[1])
    return 1


@command(
    "hdel",
    arity=-3,
    flags=_WRITE | _FAST,
    keys=_ONE,
    group="hash",
    summary="Removes fields of a hash and tells how many were there.",
    since="2.0.0",
    complexity="O(N) for N fields",
)
def hdel(context: Context, args: list[bytes]) -> Reply:
    """HDEL key field [field ...]."""
    db, key = context.db, args[1]
    value = db.get(key)
    if value is None:
        return 0
    if not isinstance(value, Hash):
        return WRONG_TYPE
    removed = 0
    for field in args[2:]:
        if field not in value:
            continue
        if removed == 0:
            db.edit(key)
        value.pop(field)
        removed += 1
    if removed:
        context.shrunk(HASH, b"hdel", key, len(value))
    return removed


@command(
    "hincrby",
    arity=4,
    flags=_GROW | _FAST,
    keys=_ONE,
    group="hash",
    summary="Adds an integer to a field of a hash.",
    since="2.0.0",
    complexity="O(1)",
)
def hincrby(context: Context, args: list[bytes]) -> Reply:
    """HINCRBY key field increment."""
    increment = parse_int(args[3])
    if increment is None:
        return NOT_AN_INTEGER
    value = context.db.get(args[1])
    old: int | None = 0
    if value is not None:
        if not isinstance(value, Hash):
            return WRONG_TYPE
        held = value.get(args[2])
        if held is not None:
            old = parse_int(held)
            if old is None:
                return _VALUE_NOT_AN_INTEGER
    assert old is not None
    total = old + increment
    if not INT64_MIN <= total <= INT64_MAX:
        return OVERFLOW
    value = _to_grow(context, args[1])
    assert value is not None
    value.put_keeping(args[2], b"%d" % total)
    if context.notifies:
        context.notify(HASH, b"hincrby", args[1])
    return total


@command(
    "hincrbyfloat",
    arity=4,
    flags=_GROW | _FAST,
    keys=_ONE,
    group="hash",
    summary="Adds a decimal number to a field of a hash.",
    since="2.6.0",
    complexity="O(1)",
)
def hincrbyfloat(context: Context, args: list[bytes]) -> Reply:
    """HINCRBYFLOAT key field increment."""
    increment = parse_long_double(args[3])
    if increment is None:
        return NOT_A_FLOAT
    if add_long_doubles(increment, _ZERO) is None:
        return _INFINITE
    value = context.db.get(args[1])
    old: LongDouble | None = _ZERO
    if value is not None:
        if not isinstance(value, Hash):
            return WRONG_TYPE
        held = value.get(args[2])
        if held is not None:
            old = parse_long_double(held)
    if old is None:
        return _VALUE_NOT_A_FLOAT
    total = add_long_doubles(old, increment)
    if total is None:
        return NOT_FINITE
    value = _to_grow(context, args[1])
    assert value is not None
    text = format_long_double(total)
    value.put_keeping(args[2], text)
    if context.notifies:
        context.notify(HASH, b"hincrbyfloat", args[1])
    return text


# Reads


@command(
    "hget",
    arity=3,
    flags=_READ | _FAST,
    keys=_ONE,
    group="hash",
    summary="Gives the value of a field of a hash.",
    since="2.0.0",
    complexity="O(1)",
)
def hget(context: Context, args: list[bytes]) -> Reply:
    """HGET key field."""
    value = context.db.get(args[1])
    if value is None:
        return None
    if not isinstance(value, Hash):
        return WRONG_TYPE
    return value.get(args[2])


@command(
    "hmget",
    arity=-3,
    flags=_READ | _FAST,
    keys=_ONE,
    group="hash",
    summary="Gives the values of several fields of a hash.",
    since="2.0.0",
    complexity="O(N) for N fields",
)
def hmget(context: Context, args: list[bytes]) -> Reply:
    """HMGET key field [field ...]."""
    value = context.db.get(args[1])
    if value is None:
        return [None] * (len(args) - 2)
    if not isinstance(value, Hash):
        return WRONG_TYPE
    return [value.get(field) for field in args[2:]]


@command(
    "hgetall",
    arity=2,
    flags=_READ,
    keys=_ONE,
    group="hash",
    summary="Gives all fields of a hash with their values.",
    since="2.0.0",
    complexity="O(N) for N fields in the hash",
)
def hgetall(context: Context, args: list[bytes]) -> Reply:
    """HGETALL key."""
    reply: dict[bytes, Reply] = {}
    value = context.db.get(args[1])
    if value is None:
        return reply
    if not isinstance(value, Hash):
        return WRONG_TYPE
    reply.update(value.to_dict())
    return reply


@command(
    "hkeys",
    arity=2,
    flags=_READ,
    keys=_ONE,
    group="hash",
    summary="Gives the names of all fields of a hash.",
    since="2.0.0",
    complexity="O(N) for N fields in the hash",
)
def hkeys(context: Context, args: list[bytes]) -> Reply:
    """HKEYS key."""
    value = context.db.get(args[1])
    if value is None:
        return []
    if not isinstance(value, Hash):
        return WRONG_TYPE
    return list(value.keys())


@command(
    "hvals",
    arity=2,
    flags=_READ,
    keys=_ONE,
    group="hash",
    summary="Gives the values of all fields of a hash.",
    since="2.0.0",
    complexity="O(N) for N fields in the hash",
)
def hvals(context: Context, args: list[bytes]) -> Reply:
    """HVALS key."""
    value = context.db.get(args[1])
    if value is None:
        return []
    if not isinstance(value, Hash):
        return WRONG_TYPE
    return list(value.to_dict().values())


@command(
    "hlen",
    arity=2,
    flags=_READ | _FAST,
    keys=_ONE,
    group="hash",
    summary="Tells how many fields a hash has.",
    since="2.0.0",
    complexity="O(1)",
)
def hlen(context: Context, args: list[bytes]) -> Reply:
    """HLEN key."""
    value = context.db.get(args[1])
    if value is None:
        return 0
    return len(value) if isinstance(value, Hash) else WRONG_TYPE


@command(
    "hexists",
    arity=3,
    flags=_READ | _FAST,
    keys=_ONE,
    group="hash",
    summary="Tells whether a hash has a field.",
    since="2.0.0",
    complexity="O(1)",
)
def hexists(context: Context, args: list[bytes]) -> Reply:
    """HEXISTS key field."""
    value = context.db.get(args[1])
    if value is None:
        return 0
    if not isinstance(value, Hash):
        return WRONG_TYPE
    return 1 if args[2] in value else 0


@command(
    "hstrlen",
    arity=3,
    flags=_READ | _FAST,
    keys=_ONE,
    group="hash",
    summary="Tells how many bytes the value of a field has.",
    since="3.2.0",
    complexity="O(1)",
)
def hstrlen(context: Context, args: list[bytes]) -> Reply:
    """HSTRLEN key field."""
    value = context.db.get(args[1])
    if value is None:
        return 0
    if not isinstance(value, Hash):
        return WRONG_TYPE
    return len(value.get(args[2]) or b"")


@command(
    "hrandfield",
    arity=-2,
    flags=_READ,
    keys=_ONE,
    group="hash",
    summary="Gives fields of a hash by chance.",
    since="6.2.0",
    complexity="O(N) for N fields given",
)
def hrandfield(context: Context, args: list[bytes]) -> Reply:
    """HRANDFIELD key [count [WITHVALUES]]."""
    count, paired = 1, False
    if len(args) > 2:
        asked = random_count(args, b"WITHVALUES")
        if isinstance(asked, Error):
            return asked
        count, paired = asked
    value = context.db.get(args[1])
    if value is None:
        return None if len(args) == 2 else []
    if not isinstance(value, Hash):
        return WRONG_TYPE
    if len(args) == 2:
        return value.random_key(context.prng)
    if count < 0:
        fields = value.draw(context.prng, -count)
    else:
        fields = value.sample(context.prng, count)
    if not paired:
        return list(fields)
    return Pairs([(field, value.get(field)) for field in fields])


@command(
    "hscan",
    arity=-3,
    flags=_READ,
    keys=_ONE,
    group="hash",
    summary="Walks over the fields of a hash in steps.",
    since="2.8.0",
    complexity="O(1) per step, O(N) for the walk",
)
def hscan(context: Context, args: list[bytes]) -> Reply:
    """HSCAN key cursor [MATCH pattern] [COUNT count]."""
    cursor = scan_cursor(args[2])
    if isinstance(cursor, Error):
        return cursor
    value = context.db.get(args[1])
    if value is None:
        return [b"0", []]
    if not isinstance(value, Hash):
        return WRONG_TYPE
    options = scan_options(args)
    if isinstance(options, Error):
        return options
    cursor, found = value.scan(cursor, options.count)
    flat: list[Reply] = []
    for field in options.select(found):
        flat.append(field)
        flat.append(value.get(field))
    return [b"%d" % cursor, flat]
