"""Whole databases: their size, emptying and swapping them; and the time."""

from typing import Final

from trivet.core.command.arguments import SYNTAX
from trivet.core.command.table import Context, Flag, command
from trivet.core.values.databases import DATABASES_MAX
from trivet.core.values.numbers import parse_int
from trivet.core.wire.reply import OK, Error, Reply

_INT32_MAX: Final = 2**31 - 1
_NO_FIRST: Final = Error("ERR invalid first DB index")
_NO_SECOND: Final = Error("ERR invalid second DB index")
_NO_SUCH_DATABASE: Final = Error("ERR DB index is out of range")


@command(
    "time",
    arity=1,
    flags=Flag.LOADING | Flag.STALE | Flag.FAST,
    group="server",
    summary="Gives the time: seconds, and microseconds within the second.",
    since="2.6.0",
    complexity="O(1)",
)
def time(context: Context, args: list[bytes]) -> Reply:
    """TIME."""
    seconds, milliseconds = divmod(context.now_ms, 1000)
    return [b"%d" % seconds, b"%d" % (milliseconds * 1000)]


@command(
    "dbsize",
    arity=1,
    flags=Flag.READONLY | Flag.FAST,
    group="server",
    summary="Counts the keys of the database.",
    since="1.0.0",
    complexity="O(1)",
)
def dbsize(context: Context, args: list[bytes]) -> Reply:
    """DBSIZE."""
    return len(context.db)


def _is_flush(args: list[bytes]) -> bool:
    """Whether the options are none, ASYNC or SYNC. Both are one here: emptying is O(1)."""
    return len(args) == 1 or (len(args) == 2 and args[1].upper() in (b"ASYNC", b"SYNC"))


@command(
    "flushdb",
    arity=-1,
    flags=Flag.WRITE,
    group="server",
    summary="Removes all keys of the database.",
    since="1.0.0",
    complexity="O(1)",
)
def flushdb(context: Context, args: list[bytes]) -> Reply:
    """FLUSHDB [ASYNC | SYNC]."""
    if not _is_flush(args):
        return SYNTAX
    context.db.flush()
    return OK


@command(
    "flushall",
    arity=-1,
    flags=Flag.WRITE,
    group="server",
    summary="Removes all keys of all databases.",
    since="1.0.0",
    complexity="O(1)",
)
def flushall(context: Context, args: list[bytes]) -> Reply:
    """FLUSHALL [ASYNC | SYNC]."""
    if not _is_flush(args):
        return SYNTAX
    context.databases.flush_all()
    return OK


@command(
    "swapdb",
    arity=3,
    flags=Flag.WRITE | Flag.FAST,
    group="server",
    summary="Exchanges two databases.",
    since="4.0.0",
    complexity="O(1)",
)
def swapdb(context: Context, args: list[bytes]) -> Reply:
    """SWAPDB index1 index2."""
    first, second = parse_int(args[1]), parse_int(args[2])
    if first is None or not -_INT32_MAX - 1 <= first <= _INT32_MAX:
        return _NO_FIRST
    if second is None or not -_INT32_MAX - 1 <= second <= _INT32_MAX:
        return _NO_SECOND
    if not (0 <= first < DATABASES_MAX and 0 <= second < DATABASES_MAX):
        return _NO_SUCH_DATABASE
    if first != second:
        context.databases.swap(first, second)
        context.db = context.databases.open(context.db_index)
    return OK
