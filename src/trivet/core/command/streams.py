"""Streams: adding, removing and counting entries.

A stream may be empty: it keeps its last id and its groups, and only ``DEL`` removes it. The
id that ``*`` stands for comes from the time in the log, so that every replica gives the same.
"""

from typing import Final

from trivet.core.command.arguments import NO_SUCH_KEY, NOT_AN_INTEGER, SYNTAX, WRONG_TYPE, wrong_arity
from trivet.core.command.events import STREAM
from trivet.core.command.stream_arguments import (
    AddOptions,
    add_options,
    entry_id,
    entry_ids,
    stream_at,
    stream_to_change,
    trim_options,
)
from trivet.core.command.table import Context, Flag, command
from trivet.core.values.numbers import parse_int
from trivet.core.values.stream import Stream
from trivet.core.values.stream_id import ID_MAX, UINT64_MAX, format_id, ms_of, next_id, sequence_of
from trivet.core.wire.reply import OK, Error, Reply

_ONE: Final = (1, 1, 1)
_ID_IS_ZERO: Final = Error("ERR The ID specified in XADD must be greater than 0-0")
_ID_TOO_SMALL: Final = Error(
    "ERR The ID specified in XADD is equal or smaller than the target stream top item"
)
_EXHAUSTED: Final = Error("ERR The stream has exhausted the last possible ID, unable to add more items")
_SET_BELOW_DELETED_GIVEN: Final = Error(
    "ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id"
)
_SET_BELOW_TOP: Final = Error("ERR The ID specified in XSETID is smaller than the target stream top item")
_ADDED_NEGATIVE: Final = Error("ERR entries_added must be positive")
_ADDED_TOO_FEW: Final = Error(
    "ERR The entries_added specified in XSETID is smaller than the target stream length"
)


@command(
    "xadd",
    arity=-5,
    flags=Flag.WRITE | Flag.DENYOOM | Flag.FAST,
    keys=_ONE,
    group="stream",
    summary="Adds an entry to a stream, and trims it if asked to.",
    since="5.0.0",
    complexity="O(log N); trimming O(M) for M entries removed",
)
def xadd(context: Context, args: list[bytes]) -> Reply:
    """XADD key [NOMKSTREAM] [MAXLEN|MINID [=|~] threshold [LIMIT count]] *|id field value [...]."""
    options = add_options(args)
    if isinstance(options, Error):
        return options
    fields = len(args) - options.field_at
    if fields < 2 or fields % 2:
        return wrong_arity("xadd")
    if options.entry_id == 0 and options.sequence_given:
        return _ID_IS_ZERO
    key = args[1]
    stream = stream_at(context, key)
    if isinstance(stream, Error):
        return stream
    if stream is None and not options.make:
        return None
    number = _new_id(context.now_ms, 0 if stream is None else stream.last_id, options)
    if isinstance(number, Error):
        return number
    if stream is None:
        stream = Stream()
        context.db.set(key, stream)
    else:
        context.db.edit(key)
    stream.append(number, args[options.field_at :])
    if context.notifies:
        context.notify(STREAM, b"xadd", key)
    if options.trims and options.trim(stream) and context.notifies:
        context.notify(STREAM, b"xtrim", key)
    return format_id(number)


def _new_id(now_ms: int, last_id: int, options: AddOptions) -> int | Error:
    """The id of the new entry: the one given, the next of the millisecond given (``ms-*``), or one of now."""
    given = options.entry_id
    if last_id == ID_MAX:
        return _EXHAUSTED
    if given is None:
        return next_id(last_id, now_ms)
    if not options.sequence_given and ms_of(last_id) == ms_of(given) and sequence_of(last_id) != UINT64_MAX:
        return last_id + 1
    return given if given > last_id else _ID_TOO_SMALL


@command(
    "xtrim",
    arity=-4,
    flags=Flag.WRITE,
    keys=_ONE,
    group="stream",
    summary="Removes the oldest entries of a stream, up to a length or an id.",
    since="5.0.0",
    complexity="O(N) for N entries removed",
)
def xtrim(context: Context, args: list[bytes]) -> Reply:
    """XTRIM key MAXLEN|MINID [=|~] threshold [LIMIT count]."""
    options = trim_options(args)
    if isinstance(options, Error):
        return options
    stream = stream_at(context, args[1])
    if stream is None or isinstance(stream, Error):
        return stream or 0
    if options.spares_all(stream):
        return 0
    removed = options.trim(stream_to_change(context, args[1]))
    if removed and context.notifies:
        context.notify(STREAM, b"xtrim", args[1])
    return removed


@command(
    "xdel",
    arity=-3,
    flags=Flag.WRITE | Flag.FAST,
    keys=_ONE,
    group="stream",
    summary="Removes entries of a stream by their ids and tells how many were there.",
    since="5.0.0",
    complexity="O(log N) per id",
)
def xdel(context: Context, args: list[bytes]) -> Reply:
    """XDEL key id [id ...]."""
    stream = stream_at(context, args[1])
    if stream is None or isinstance(stream, Error):
        return stream or 0
    ids = entry_ids(args, 2)
    if isinstance(ids, Error):
        return ids
    ids = [number for number in ids if number in stream]
    if not ids:
        return 0
    context.db.edit(args[1])
    removed = sum(1 for number in ids if stream.delete(number))
    if context.notifies:
        context.notify(STREAM, b"xdel", args[1])
    return removed


@command(
    "xlen",
    arity=2,
    flags=Flag.READONLY | Flag.FAST,
    keys=_ONE,
    group="stream",
    summary="Counts the entries of a stream.",
    since="5.0.0",
    complexity="O(1)",
)
def xlen(context: Context, args: list[bytes]) -> Reply:
    """XLEN key."""
    value = context.db.get(args[1])
    if value is None:
        return 0
    return len(value) if isinstance(value, Stream) else WRONG_TYPE


@command(
    "xsetid",
    arity=-3,
    flags=Flag.WRITE | Flag.DENYOOM | Flag.FAST,
    keys=_ONE,
    group="stream",
    summary="Sets the last id of a stream, and what it knows of entries that are gone.",
    since="5.0.0",
    complexity="O(1)",
)
def xsetid(context: Context, args: list[bytes]) -> Reply:
    """XSETID key last-id [ENTRIESADDED entries-added] [MAXDELETEDID max-deleted-id]."""
    last_id = entry_id(args[2])
    if isinstance(last_id, Error):
        return last_id
    added, max_deleted_id = -1, 0
    for at in range(3, len(args), 2):
        option = args[at].upper()
        if at + 1 < len(args) and option == b"ENTRIESADDED":
            number = parse_int(args[at + 1])
            if number is None:
                return NOT_AN_INTEGER
            if number < 0:
                return _ADDED_NEGATIVE
            added = number
        elif at + 1 < len(args) and option == b"MAXDELETEDID":
            deleted = entry_id(args[at + 1])
            if isinstance(deleted, Error):
                return deleted
            if last_id < deleted:
                return _SET_BELOW_DELETED_GIVEN
            max_deleted_id = deleted
        else:
            return SYNTAX
    stream = stream_at(context, args[1])
    if stream is None or isinstance(stream, Error):
        return stream or NO_SUCH_KEY
    if len(stream) and last_id < stream.top_id:
        return _SET_BELOW_TOP
    if len(stream) and added != -1 and len(stream) > added:
        return _ADDED_TOO_FEW
    context.db.edit(args[1])
    stream.last_id = last_id
    stream.entries_added = stream.entries_added if added == -1 else added
    stream.max_deleted_id = max_deleted_id or stream.max_deleted_id
    if context.notifies:
        context.notify(STREAM, b"xsetid", args[1])
    return OK
