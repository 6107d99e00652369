"""DUMP and RESTORE: values as bytes that real Redis servers read and write. The format is in ``values/rdb``.

A payload travels through the log as the client sent it; every replica reads it.
"""

from typing import Final

from trivet.core.command.arguments import NOT_AN_INTEGER, SYNTAX
from trivet.core.command.events import GENERIC
from trivet.core.command.table import Context, Flag, command
from trivet.core.values.numbers import INT64_MAX, parse_int
from trivet.core.values.rdb.payload import dump as dump_value
from trivet.core.values.rdb.payload import is_intact
from trivet.core.values.rdb.payload import restore as restore_value
from trivet.core.wire.reply import OK, Error, Reply

_FREQUENCY_MAX: Final = 255

_BUSY_KEY: Final = Error("BUSYKEY Target key name already exists.")
_BAD_IDLE_TIME: Final = Error("ERR Invalid IDLETIME value, must be >= 0")
_BAD_FREQUENCY: Final = Error("ERR Invalid FREQ value, must be >= 0 and <= 255")
_BAD_TIME: Final = Error("ERR Invalid TTL value, must be >= 0")
_BAD_FOOTER: Final = Error("ERR DUMP payload version or checksum are wrong")
_BAD_CONTENT: Final = Error("ERR Bad data format")


class _Options:
    """The options of RESTORE, read. What IDLETIME and FREQ say is checked and not kept."""

    __slots__ = ("absolute", "has_frequency", "has_idle_time", "replace")

    def __init__(self) -> None:
        self.absolute = False
        self.has_frequency = False
        self.has_idle_time = False
        self.replace = False


def _options(args: list[bytes]) -> _Options | Error:
    options = _Options()
    i = 4
    while i < len(args):
        option = args[i].upper()
        has_argument = i + 1 < len(args)
        if option == b"REPLACE":
            options.replace = True
        elif option == b"ABSTTL":
            options.absolute = True
        elif option == b"IDLETIME" and has_argument and not options.has_frequency:
            idle_time = parse_int(args[i + 1])
            if idle_time is None:
                return NOT_AN_INTEGER
            if idle_time < 0:
                return _BAD_IDLE_TIME
            options.has_idle_time = True
            i += 1
        elif option == b"FREQ" and has_argument and not options.has_idle_time:
            frequency = parse_int(args[i + 1])
            if frequency is None:
                return NOT_AN_INTEGER
            if not 0 <= frequency <= _FREQUENCY_MAX:
                return _BAD_FREQUENCY
            options.has_frequency = True
            i += 1
        else:
            return SYNTAX
        i += 1
    return options


@command(
    "dump",
    arity=2,
    flags=Flag.READONLY,
    keys=(1, 1, 1),
    group="generic",
    summary="Gives the value of a key in the serialization of Redis.",
    since="2.6.0",
    complexity="O(N), N bytes or elements",
)
def dump(context: Context, args: list[bytes]) -> Reply:
    """DUMP key."""
    value = context.db.get(args[1])
    return None if value is None else dump_value(value)


@command(
    "restore",
    arity=-4,
    flags=Flag.WRITE | Flag.DENYOOM,
    keys=(1, 1, 1),
    group="generic",
    summary="Creates a key with the value that DUMP gave.",
    since="2.6.0",
    complexity="O(N), N bytes or elements",
)
def restore(context: Context, args: list[bytes]) -> Reply:
    """RESTORE key ttl payload [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]."""
    options = _options(args)
    if isinstance(options, Error):
        return options
    db, key = context.db, args[1]
    if not options.replace and db.exists(key):
        return _BUSY_KEY
    time_ms = parse_int(args[2])
    if time_ms is None:
        return NOT_AN_INTEGER
    if time_ms < 0:
        return _BAD_TIME
    if not is_intact(args[3]):
        return _BAD_FOOTER
    try:
        value = restore_value(args[3])
    except ValueError:
        return _BAD_CONTENT
    deadline_ms = time_ms if options.absolute or time_ms == 0 else time_ms + context.now_ms
    if time_ms and not context.now_ms < deadline_ms <= INT64_MAX:
        # A sum beyond 64 bits has wrapped around in Redis, and lies in the past.
        if db.remove(key) and context.notifies:
            context.notify(GENERIC, b"del", key)
        return OK
    db.remove(key)  # what it replaces goes first: it is a new key
    db.set(key, value)
    db.adopt(key, value)
    if time_ms:
        db.expire_at(key, deadline_ms)
    if context.notifies:
        context.notify(GENERIC, b"restore", key)
    return OK
