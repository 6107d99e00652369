"""Strings: SET and its relatives, and pieces of strings.

A string is an immutable ``bytes``, so every change puts a new one in its place;
``APPEND`` and ``SETRANGE`` therefore cost the length of the result. No slice starts
behind its end: compiled by mypyc, that is an error and not empty.
"""

from typing import Final

from trivet.core.command.arguments import (
    NOT_AN_INTEGER,
    STRING_BYTES_MAX,
    TOO_LONG,
    WRONG_TYPE,
    string_to_read,
    wrong_arity,
)
from trivet.core.command.events import GENERIC, STRING
from trivet.core.command.expiry import (
    NO_EXPIRY,
    Expiry,
    expiry_options,
    set_deadline,
)
from trivet.core.command.table import Context, Flag, command
from trivet.core.values.numbers import (
    parse_int,
)
from trivet.core.wire.reply import OK, Error, Reply

_READ: Final = Flag.READONLY
_WRITE: Final = Flag.WRITE
_GROW: Final = Flag.WRITE | Flag.DENYOOM
_FAST: Final = Flag.FAST
_ONE: Final = (1, 1, 1)
_OFFSET_OUT_OF_RANGE: Final = Error("ERR offset is out of range")


# Whole values


@command(
    "get",
    arity=2,
    flags=_READ | _FAST,
    keys=_ONE,
    group="string",
    summary="Gives the string at a key.",
    since="1.0.0",
    complexity="O(1)",
)
def get(context: Context, args: list[bytes]) -> Reply:
    """GET key."""
    value = context.db.get(args[1])
    if value is None or isinstance(value, bytes):
        return value
    return WRONG_TYPE


@command(
    "set",
    arity=-3,
    flags=_GROW,
    keys=_ONE,
    group="string",
    summary="Stores a string at a key, whatever was there.",
    since="1.0.0",
    complexity="O(1)",
)
def set_(context: Context, args: list[bytes]) -> Reply:
    """SET key value [NX | XX] [GET] [EX s | PX ms | EXAT s | PXAT ms | KEEPTTL]."""
    if len(args) == 3:
        context.db.set(args[1], args[2])
        if context.notifies:
            context.notify(STRING, b"set", args[1])
        return OK
    options = expiry_options(args, 3, "set")
    if isinstance(options, Error):
        return options
    deadline_ms = options.deadline_ms(context.now_ms, "set")
    if isinstance(deadline_ms, Error):
        return deadline_ms
    db, key = context.db, args[1]
    old = db.get(key)
    if options.get and old is not None and not isinstance(old, bytes):
        return WRONG_TYPE
    found = old is not None
    if (options.only_missing and found) or (options.only_present and not found):
        return old if options.get and isinstance(old, bytes) else None
    if options.keep:
        db.replace(key, args[2])
    else:
        db.set(key, args[2])
    if context.notifies:
        context.notify(STRING, b"set", key)
    if deadline_ms != NO_EXPIRY:
        set_deadline(context, key, deadline_ms, is_new=True)
    if options.get:
        return old if isinstance(old, bytes) else None
    return OK


@command(
    "setnx",
    arity=3,
    flags=_GROW | _FAST,
    keys=_ONE,
    group="string",
    summary="Stores a string if the key is missing.",
    since="1.0.0",
    complexity="O(1)",
)
def setnx(context: Context, args: list[bytes]) -> Reply:
    """SETNX key value."""
    if context.db.exists(args[1]):
        return 0
    context.db.set(args[1], args[2])
    if context.notifies:
        context.notify(STRING, b"set", args[1])
    return 1


def _set_for(context: Context, args: list[bytes], unit: str, name: str) -> Reply:
    """SETEX and PSETEX: key, time, value."""
    deadline_ms = Expiry(unit=unit, time=args[2]).deadline_ms(context.now_ms, name)
    if isinstance(deadline_ms, Error):
        return deadline_ms
    context.db.set(args[1], args[3])
    if context.notifies:
        context.notify(STRING, b"set", args[1])
    set_deadline(context, args[1], deadline_ms, is_new=True)
    return OK


@command(
    "setex",
    arity=4,
    flags=_GROW,
    keys=_ONE,
    group="string",
    summary="Stores a string that expires after some seconds.",
    since="2.0.0",
    complexity="O(1)",
)
def setex(context: Context, args: list[bytes]) -> Reply:
    """SETEX key seconds value."""
    return _set_for(context, args, "EX", "setex")


@command(
    "psetex",
    arity=4,
    flags=_GROW,
    keys=_ONE,
    group="string",
    summary="Stores a string that expires after some milliseconds.",
    since="2.6.0",
    complexity="O(1)",
)
def psetex(context: Context, args: list[bytes]) -> Reply:
    """PSETEX key milliseconds value."""
    return _set_for(context, args, "PX", "psetex")


@command(
    "getset",
    arity=3,
    flags=_GROW | _FAST,
    keys=_ONE,
    group="string",
    summary="Stores a string and gives the one before.",
    since="1.0.0",
    complexity="O(1)",
)
def getset(context: Context, args: list[bytes]) -> Reply:
    """GETSET key value."""
    old = string_to_read(context, args[1])
    if not isinstance(old, Error):
        context.db.set(args[1], args[2])
        if context.notifies:
            context.notify(STRING, b"set", args[1])
    return old


@command(
    "getdel",
    arity=2,
    flags=_WRITE | _FAST,
    keys=_ONE,
    group="string",
    summary="Gives the string at a key and removes the key.",
    since="6.2.0",
    complexity="O(1)",
)
def getdel(context: Context, args: list[bytes]) -> Reply:
    """GETDEL key."""
    old = string_to_read(context, args[1])
    if isinstance(old, bytes):
        context.db.remove(args[1])
        if context.notifies:
            context.notify(GENERIC, b"del", args[1])
    return old


@command(
    "getex",
    arity=-2,
    flags=_WRITE | _FAST,
    keys=_ONE,
    group="string",
    summary="Gives the string at a key and changes when it expires.",
    since="6.2.0",
    complexity="O(1)",
)
def getex(context: Context, args: list[bytes]) -> Reply:
    """GETEX key [EX s | PX ms | EXAT s | PXAT ms | PERSIST]."""
    options = expiry_options(args, 2, "getex")
    if isinstance(options, Error):
        return options
    key = args[1]
    value = string_to_read(context, key)
    if value is None or isinstance(value, Error):
        return value
    deadline_ms = options.deadline_ms(context.now_ms, "getex")
    if isinstance(deadline_ms, Error):
        return deadline_ms
    if deadline_ms != NO_EXPIRY:
        set_deadline(context, key, deadline_ms)
    elif options.persist and context.db.persist(key) and context.notifies:
        context.notify(GENERIC, b"persist", key)
    return value


@command(
    "mget",
    arity=-2,
    flags=_READ | _FAST,
    keys=(1, -1, 1),
    group="string",
    summary="Gives the strings at several keys.",
    since="1.0.0",
    complexity="O(N), N keys",
)
def mget(context: Context, args: list[bytes]) -> Reply:
    """MGET key [key ...]: what is no string counts as missing."""
    db = context.db
    replies: list[Reply] = []
    for key in args[1:]:
        value = db.get(key)
        replies.append(value if isinstance(value, bytes) else None)
    return replies


@command(
    "mset",
    arity=-3,
    flags=_GROW,
    keys=(1, -1, 2),
    group="string",
    summary="Stores several strings.",
    since="1.0.1",
    complexity="O(N), N keys",
)
def mset(context: Context, args: list[bytes]) -> Reply:
    """MSET key value [key value ...]."""
    if len(args) % 2 == 0:
        return wrong_arity("mset")
    for i in range(1, len(args), 2):
        context.db.set(args[i], args[i + 1])
        if context.notifies:
            context.notify(STRING, b"set", args[i])
    return OK


@command(
    "msetnx",
    arity=-3,
    flags=_GROW,
    keys=(1, -1, 2),
    group="string",
    summary="Stores several strings if all the keys are missing.",
    since="1.0.1",
    complexity="O(N), N keys",
)
def msetnx(context: Context, args: list[bytes]) -> Reply:
    """MSETNX key value [key value ...]."""
    if len(args) % 2 == 0:
        return wrong_arity("msetnx")
    for i in range(1, len(args), 2):
        if context.db.exists(args[i]):
            return 0
    for i in range(1, len(args), 2):
        context.db.set(args[i], args[i + 1])
        if context.notifies:
            context.notify(STRING, b"set", args[i])
    return 1


# Pieces


@command(
    "strlen",
    arity=2,
    flags=_READ | _FAST,
    keys=_ONE,
    group="string",
    summary="Gives the length of a string in bytes.",
    since="2.2.0",
    complexity="O(1)",
)
def strlen(context: Context, args: list[bytes]) -> Reply:
    """STRLEN key."""
    value = string_to_read(context, args[1])
    if isinstance(value, Error):
        return value
    return 0 if value is None else len(value)


@command(
    "append",
    arity=3,
    flags=_GROW | _FAST,
    keys=_ONE,
    group="string",
    summary="Adds bytes to the end of a string.",
    since="2.0.0",
    complexity="O(N), N the new length",
)
def append(context: Context, args: list[bytes]) -> Reply:
    """APPEND key value."""
    value = string_to_read(context, args[1])
    if isinstance(value, Error):
        return value
    if value is None:
        context.db.set(args[1], args[2])
        if context.notifies:
            context.notify(STRING, b"append", args[1])
        return len(args[2])
    if len(value) + len(args[2]) > STRING_BYTES_MAX:
        return TOO_LONG
    context.db.replace(args[1], value + args[2])
    if context.notifies:
        context.notify(STRING, b"append", args[1])
    return len(value) + len(args[2])


@command(
    "getrange",
    arity=4,
    flags=_READ,
    keys=_ONE,
    group="string",
    summary="Gives a part of a string.",
    since="2.4.0",
    complexity="O(N), N bytes given",
)
def getrange(context: Context, args: list[bytes]) -> Reply:
    """GETRANGE key start end: both included, negative from the end."""
    start, end = parse_int(args[2]), parse_int(args[3])
    if start is None or end is None:
        return NOT_AN_INTEGER
    value = string_to_read(context, args[1])
    if isinstance(value, Error):
        return value
    if value is None or (start < 0 and end < 0 and start > end):
        return b""
    size = len(value)
    start = max(start + size, 0) if start < 0 else start
    end = max(end + size, 0) if end < 0 else end
    return value[start : end + 1] if start <= end and start < size else b""


@command(
    "substr",
    arity=4,
    flags=_READ,
    keys=_ONE,
    group="string",
    summary="Gives a part of a string: the old name of GETRANGE.",
    since="1.0.0",
    complexity="O(N), N bytes given",
)
def substr(context: Context, args: list[bytes]) -> Reply:
    """SUBSTR key start end."""
    return getrange(context, args)


@command(
    "setrange",
    arity=4,
    flags=_GROW,
    keys=_ONE,
    group="string",
    summary="Overwrites a part of a string, with zero bytes up to it where it was shorter.",
    since="2.2.0",
    complexity="O(N), N the new length",
)
def setrange(context: Context, args: list[bytes]) -> Reply:
    """SETRANGE key offset value."""
    offset, piece = parse_int(args[2]), args[3]
    if offset is None:
        return NOT_AN_INTEGER
    if offset < 0:
        return _OFFSET_OUT_OF_RANGE
    value = string_to_read(context, args[1])
    if isinstance(value, Error):
        return value
    old = b"" if value is None else value
    if not piece:
        return len(old)
    if offset + len(piece) > STRING_BYTES_MAX:
        return TOO_LONG
    end = offset + len(piece)
    rest = old[end:] if end < len(old) else b""
    new = old[:offset].ljust(offset, b"\0") + piece + rest
    if value is None:
        context.db.set(args[1], new)
    else:
        context.db.replace(args[1], new)
    if context.notifies:
        context.notify(STRING, b"setrange", args[1])
    return len(new)
