"""Strings that are numbers: INCR and its relatives.

Integers are 64 bits, and an overflow is an error. ``INCRBYFLOAT`` computes in
``long double``, see ``values.numbers``.
"""

from typing import Final

from trivet.core.command.arguments import (
    NOT_A_FLOAT,
    NOT_AN_INTEGER,
    NOT_FINITE,
    OVERFLOW,
    WRONG_TYPE,
    string_to_read,
)
from trivet.core.command.events import STRING
from trivet.core.command.table import Context, Flag, command
from trivet.core.values.numbers import (
    INT64_MAX,
    INT64_MIN,
    add_long_doubles,
    format_long_double,
    parse_int,
    parse_long_double,
)
from trivet.core.wire.reply import Error, Reply

_COUNTS: Final = Flag.WRITE | Flag.DENYOOM | Flag.FAST
_ONE: Final = (1, 1, 1)
_DECREMENT_OVERFLOW: Final = Error("ERR decrement would overflow")


def _add(context: Context, key: bytes, amount: int) -> Reply:
    """Add to the integer at ``key``; a missing one is 0."""
    db = context.db
    value = db.get(key)
    if value is None:
        db.set(key, b"%d" % amount)
        if context.notifies:
            context.notify(STRING, b"incrby", key)
        return amount
    if not isinstance(value, bytes):
        return WRONG_TYPE
    number = parse_int(value)
    if number is None:
        return NOT_AN_INTEGER
    number += amount
    if not INT64_MIN <= number <= INT64_MAX:
        return OVERFLOW
    db.replace(key, b"%d" % number)
    if context.notifies:
        context.notify(STRING, b"incrby", key)
    return number


@command(
    "incr",
    arity=2,
    flags=_COUNTS,
    keys=_ONE,
    group="string",
    summary="Adds one to the integer at a key.",
    since="1.0.0",
    complexity="O(1)",
)
def incr(context: Context, args: list[bytes]) -> Reply:
    """INCR key."""
    return _add(context, args[1], 1)


@command(
    "decr",
    arity=2,
    flags=_COUNTS,
    keys=_ONE,
    group="string",
    summary="Takes one from the integer at a key.",
    since="1.0.0",
    complexity="O(1)",
)
def decr(context: Context, args: list[bytes]) -> Reply:
    """DECR key."""
    return _add(context, args[1], -1)


@command(
    "incrby",
    arity=3,
    flags=_COUNTS,
    keys=_ONE,
    group="string",
    summary="Adds an amount to the integer at a key.",
    since="1.0.0",
    complexity="O(1)",
)
def incrby(context: Context, args: list[bytes]) -> Reply:
    """INCRBY key amount."""
    amount = parse_int(args[2])
    return NOT_AN_INTEGER if amount is None else _add(context, args[1], amount)


@command(
    "decrby",
    arity=3,
    flags=_COUNTS,
    keys=_ONE,
    group="string",
    summary="Takes an amount from the integer at a key.",
    since="1.0.0",
    complexity="O(1)",
)
def decrby(context: Context, args: list[bytes]) -> Reply:
    """DECRBY key amount."""
    amount = parse_int(args[2])
    if amount is None:
        return NOT_AN_INTEGER
    if amount == INT64_MIN:
        return _DECREMENT_OVERFLOW
    return _add(context, args[1], -amount)


@command(
    "incrbyfloat",
    arity=3,
    flags=_COUNTS,
    keys=_ONE,
    group="string",
    summary="Adds an amount to the float at a key.",
    since="2.6.0",
    complexity="O(1)",
)
def incrbyfloat(context: Context, args: list[bytes]) -> Reply:
    """INCRBYFLOAT key amount."""
    value = string_to_read(context, args[1])
    if isinstance(value, Error):
        return value
    number = (0, 0) if value is None else parse_long_double(value)
    amount = parse_long_double(args[2])
    if number is None or amount is None:
        return NOT_A_FLOAT
    total = add_long_doubles(number, amount)
    if total is None:
        return NOT_FINITE
    text = format_long_double(total)
    if value is None:
        context.db.set(args[1], text)
    else:
        context.db.replace(args[1], text)
    if context.notifies:
        context.notify(STRING, b"incrbyfloat", args[1])
    return text
