"""Streams: reading a range of entries by their ids, in either direction."""

from typing import Final

from trivet.core.command.arguments import NOT_AN_INTEGER, SYNTAX
from trivet.core.command.stream_arguments import entry_reply, interval_end, interval_start, stream_at
from trivet.core.command.table import Context, Flag, command
from trivet.core.values.numbers import parse_int
from trivet.core.wire.reply import NULL_ARRAY, Error, Reply

_ONE: Final = (1, 1, 1)


@command(
    "xrange",
    arity=-4,
    flags=Flag.READONLY,
    keys=_ONE,
    group="stream",
    summary="Gives the entries of a stream with ids in an interval.",
    since="5.0.0",
    complexity="O(log N + M) for M entries given",
)
def xrange_(context: Context, args: list[bytes]) -> Reply:
    """XRANGE key start end [COUNT count]."""
    return _range(context, args, args[2], args[3], False)


@command(
    "xrevrange",
    arity=-4,
    flags=Flag.READONLY,
    keys=_ONE,
    group="stream",
    summary="Gives the entries of a stream with ids in an interval, the last first.",
    since="5.0.0",
    complexity="O(log N + M) for M entries given",
)
def xrevrange(context: Context, args: list[bytes]) -> Reply:
    """XREVRANGE key end start [COUNT count]."""
    return _range(context, args, args[3], args[2], True)


def _range(context: Context, args: list[bytes], start: bytes, end: bytes, backwards: bool) -> Reply:
    first = interval_start(start)
    if isinstance(first, Error):
        return first
    last = interval_end(end)
    if isinstance(last, Error):
        return last
    count = _count(args)
    if isinstance(count, Error):
        return count
    stream = stream_at(context, args[1])
    if stream is None or isinstance(stream, Error):
        return stream or []
    if count == 0:
        return NULL_ARRAY
    entries = stream.between(first, last, count or 0, backwards)
    return [entry_reply(entry) for entry in entries]


def _count(args: list[bytes]) -> int | Error | None:
    """``[COUNT count]`` from the fifth argument on; None when it is not there. A negative one is 0."""
    count: int | None = None
    for at in range(4, len(args), 2):
        if args[at].upper() != b"COUNT" or at + 1 == len(args):
            return SYNTAX
        count = parse_int(args[at + 1])
        if count is None:
            return NOT_AN_INTEGER
    return None if count is None else max(count, 0)
