"""When keys expire: EXPIRE, TTL and their relatives."""

from typing import Final

from trivet.core.command.arguments import NOT_AN_INTEGER, printable
from trivet.core.command.events import GENERIC
from trivet.core.command.expiry import deadline, set_deadline
from trivet.core.command.table import Context, Flag, command
from trivet.core.values.numbers import parse_int
from trivet.core.wire.reply import Error, Reply

_READ: Final = Flag.READONLY
_WRITE: Final = Flag.WRITE
_FAST: Final = Flag.FAST
_ONE: Final = (1, 1, 1)
_NX_AND_OTHERS: Final = Error("ERR NX and XX, GT or LT options at the same time are not compatible")
_GT_AND_LT: Final = Error("ERR GT and LT options at the same time are not compatible")


def _expire(context: Context, args: list[bytes], name: str, is_seconds: bool, is_absolute: bool) -> Reply:
    """EXPIRE and its three relatives: key, time, [NX | XX | GT | LT]."""
    options = _expire_options(args)
    if isinstance(options, Error):
        return options
    time = parse_int(args[2])
    if time is None:
        return NOT_AN_INTEGER
    deadline_ms = deadline(time, is_seconds, 0 if is_absolute else context.now_ms, name)
    if isinstance(deadline_ms, Error):
        return deadline_ms
    key = args[1]
    if not context.db.exists(key):
        return 0
    if options and not _expire_allowed(options, context.db.deadline_ms(key), deadline_ms):
        return 0
    set_deadline(context, key, deadline_ms)
    return 1


def _expire_options(args: list[bytes]) -> list[bytes] | Error:
    options: list[bytes] = []
    for argument in args[3:]:
        option = argument.upper()
        if option not in (b"NX", b"XX", b"GT", b"LT"):
            return Error("ERR Unsupported option " + printable(argument))
        options.append(option)
    if b"NX" in options and (b"XX" in options or b"GT" in options or b"LT" in options):
        return _NX_AND_OTHERS
    if b"GT" in options and b"LT" in options:
        return _GT_AND_LT
    return options


def _expire_allowed(options: list[bytes], old_ms: int, new_ms: int) -> bool:
    """A key without a deadline counts as one that expires infinitely late."""
    if b"NX" in options and old_ms != -1:
        return False
    if b"XX" in options and old_ms == -1:
        return False
    if b"GT" in options and (old_ms == -1 or new_ms <= old_ms):
        return False
    return not (b"LT" in options and old_ms != -1 and new_ms >= old_ms)


@command(
    "expire",
    arity=-3,
    flags=_WRITE | _FAST,
    keys=_ONE,
    group="generic",
    summary="Lets a key expire after some seconds.",
    since="1.0.0",
    complexity="O(1)",
)
def expire(context: Context, args: list[bytes]) -> Reply:
    """EXPIRE key seconds [NX | XX | GT | LT]."""
    return _expire(context, args, "expire", is_seconds=True, is_absolute=False)


@command(
    "pexpire",
    arity=-3,
    flags=_WRITE | _FAST,
    keys=_ONE,
    group="generic",
    summary="Lets a key expire after some milliseconds.",
    since="2.6.0",
    complexity="O(1)",
)
def pexpire(context: Context, args: list[bytes]) -> Reply:
    """PEXPIRE key milliseconds [NX | XX | GT | LT]."""
    return _expire(context, args, "pexpire", is_seconds=False, is_absolute=False)


@command(
    "expireat",
    arity=-3,
    flags=_WRITE | _FAST,
    keys=_ONE,
    group="generic",
    summary="Lets a key expire at a Unix time in seconds.",
    since="1.2.0",
    complexity="O(1)",
)
def expireat(context: Context, args: list[bytes]) -> Reply:
    """EXPIREAT key seconds [NX | XX | GT | LT]."""
    return _expire(context, args, "expireat", is_seconds=True, is_absolute=True)


@command(
    "pexpireat",
    arity=-3,
    flags=_WRITE | _FAST,
    keys=_ONE,
    group="generic",
    summary="Lets a key expire at a Unix time in milliseconds.",
    since="2.6.0",
    complexity="O(1)",
)
def pexpireat(context: Context, args: list[bytes]) -> Reply:
    """PEXPIREAT key milliseconds [NX | XX | GT | LT]."""
    return _expire(context, args, "pexpireat", is_seconds=False, is_absolute=True)


def _time_of(context: Context, key: bytes, is_seconds: bool, is_absolute: bool) -> int:
    """When the key expires, or in how long; -1 when never, -2 when there is no such key."""
    if not context.db.exists(key):
        return -2
    time_ms = context.db.deadline_ms(key)
    if time_ms == -1:
        return -1
    if not is_absolute:
        time_ms = max(time_ms - context.now_ms, 0)
    return (time_ms + 500) // 1000 if is_seconds else time_ms


@command(
    "ttl",
    arity=2,
    flags=_READ | _FAST,
    keys=_ONE,
    group="generic",
    summary="Tells in how many seconds a key expires.",
    since="1.0.0",
    complexity="O(1)",
)
def ttl(context: Context, args: list[bytes]) -> Reply:
    """TTL key."""
    return _time_of(context, args[1], is_seconds=True, is_absolute=False)


@command(
    "pttl",
    arity=2,
    flags=_READ | _FAST,
    keys=_ONE,
    group="generic",
    summary="Tells in how many milliseconds a key expires.",
    since="2.6.0",
    complexity="O(1)",
)
def pttl(context: Context, args: list[bytes]) -> Reply:
    """PTTL key."""
    return _time_of(context, args[1], is_seconds=False, is_absolute=False)


@command(
    "expiretime",
    arity=2,
    flags=_READ | _FAST,
    keys=_ONE,
    group="generic",
    summary="Tells at which Unix time in seconds a key expires.",
    since="7.0.0",
    complexity="O(1)",
)
def expiretime(context: Context, args: list[bytes]) -> Reply:
    """EXPIRETIME key."""
    return _time_of(context, args[1], is_seconds=True, is_absolute=True)


@command(
    "pexpiretime",
    arity=2,
    flags=_READ | _FAST,
    keys=_ONE,
    group="generic",
    summary="Tells at which Unix time in milliseconds a key expires.",
    since="7.0.0",
    complexity="O(1)",
)
def pexpiretime(context: Context, args: list[bytes]) -> Reply:
    """PEXPIRETIME key."""
    return _time_of(context, args[1], is_seconds=False, is_absolute=True)


@command(
    "persist",
    arity=2,
    flags=_WRITE | _FAST,
    keys=_ONE,
    group="generic",
    summary="Lets a key stay for ever.",
    since="2.2.0",
    complexity="O(1)",
)
def persist(context: Context, args: list[bytes]) -> Reply:
    """PERSIST key."""
    if not context.db.persist(args[1]):
        return 0
    if context.notifies:
        context.notify(GENERIC, b"persist", args[1])
    return 1
