"""What the stream families share: ids as clients write them, options of trimming, streams and groups at keys.

An id is read with the leniency of redis-server, which takes whatever C's ``strtoull`` does;
the texts of the errors are those of redis-server 7.0. A parser answers the value or the ``Error`` to reply.
"""

import re
from typing import Final

from trivet.core.command.arguments import NOT_AN_INTEGER, SYNTAX, WRONG_TYPE, printable, wrong_arity
from trivet.core.command.table import SUBROWS, Context
from trivet.core.values.consumer_group import ConsumerGroup
from trivet.core.values.numbers import parse_int
from trivet.core.values.stream import Stream
from trivet.core.values.stream_id import ID_MAX, UINT64_MAX, format_id, id_of
from trivet.core.values.stream_node import ENTRIES_MAX, Entry
from trivet.core.wire.reply import Error, Reply

INVALID_ID: Final = Error("ERR Invalid stream ID specified as stream command argument")
_INVALID_START: Final = Error("ERR invalid start ID for the interval")
_INVALID_END: Final = Error("ERR invalid end ID for the interval")
_TWO_STRATEGIES: Final = Error(
    "ERR syntax error, MAXLEN and MINID options at the same time are not compatible"
)
_NEGATIVE_LENGTH: Final = Error("ERR The MAXLEN argument must be >= 0.")
_NEGATIVE_LIMIT: Final = Error("ERR The LIMIT argument must be >= 0.")
_LIMIT_ALONE: Final = Error("ERR syntax error, LIMIT cannot be used without specifying a trimming strategy")
_LIMIT_EXACT: Final = Error("ERR syntax error, LIMIT cannot be used without the special ~ option")
_NO_STRATEGY: Final = Error("ERR syntax error, XTRIM must be called with a trimming strategy")

_ID_BYTES_MAX: Final = 127
_LIMIT: Final = 100 * ENTRIES_MAX
"""Entries that a ``~`` without ``LIMIT`` removes at most."""
_LENIENT: Final = re.compile(rb"[ \t-\r]*([+-]?)0*(\d{1,20})")


# Ids


def _unsigned(data: bytes) -> int | None:
    """A number in [0, 2**64)."""
    if data.isdigit() and len(data) < 20:
        return int(data)
    value = parse_int(data)
    if value is not None:
        return value if value >= 0 else None
    match = _LENIENT.fullmatch(data)
    if match is None or int(match[2]) > UINT64_MAX:
        return None
    return -int(match[2]) & UINT64_MAX if match[1] == b"-" else int(match[2])


def entry_id(data: bytes, missing: int = 0) -> int | Error:
    """``ms-sequence``, or ``ms``: then the sequence is ``missing``."""
    if len(data) > _ID_BYTES_MAX:
        return INVALID_ID
    first, dash, second = data.split(b"\0", 1)[0].partition(b"-")
    ms = _unsigned(first)
    sequence = _unsigned(second) if dash else missing
    return INVALID_ID if ms is None or sequence is None else id_of(ms, sequence)


def any_id(data: bytes, missing: int = 0) -> int | Error:
    """As ``entry_id``; ``-`` is the least of all ids, ``+`` the greatest."""
    text = data.split(b"\0", 1)[0]
    if text == b"-":
        return 0
    return ID_MAX if text == b"+" else entry_id(data, missing)


def interval_start(data: bytes) -> int | Error:
    """The first id of an interval; ``(`` before it excludes it."""
    if len(data) < 2 or data[:1] != b"(":
        return any_id(data)
    start = entry_id(data[1:])
    if isinstance(start, Error):
        return start
    return _INVALID_START if start == ID_MAX else start + 1


def interval_end(data: bytes) -> int | Error:
    """The last id of an interval; ``(`` before it excludes it."""
    if len(data) < 2 or data[:1] != b"(":
        return any_id(data, UINT64_MAX)
    end = entry_id(data[1:], UINT64_MAX)
    if isinstance(end, Error):
        return end
    return _INVALID_END if end == 0 else end - 1


def entry_ids(args: list[bytes], at: int) -> list[int] | Error:
    """All arguments from ``args[at]`` on."""
    found: list[int] = []
    for argument in args[at:]:
        one = entry_id(argument)
        if isinstance(one, Error):
            return one
        found.append(one)
    return found


# Adding and trimming


class AddOptions:
    """The options of ``XADD`` and ``XTRIM``."""

    __slots__ = (
        "approximate",
        "entry_id",
        "field_at",
        "least_id",
        "length",
        "limit",
        "make",
        "sequence_given",
    )

    def __init__(self) -> None:
        self.length: int | None = None
        self.least_id: int | None = None
        self.approximate = False
        self.limit = 0
        """Entries that trimming removes at most; 0: any number."""
        self.make = True
        self.entry_id: int | None = None
        """None for ``*``."""
        self.sequence_given = True
        self.field_at = 0
        """Where the fields of ``XADD`` begin."""

    @property
    def trims(self) -> bool:
        """Whether there is anything to trim by."""
        return self.length is not None or self.least_id is not None

    def spares_all(self, stream: Stream) -> bool:
        """Whether trimming would plainly remove nothing."""
        if self.length is not None:
            return len(stream) <= self.length
        return len(stream) == 0 or (self.least_id is not None and stream.first_id >= self.least_id)

    def trim(self, stream: Stream) -> int:
        """Trim; how many entries were removed."""
        if self.length is not None:
            return stream.trim_to(self.length, self.approximate, self.limit)
        assert self.least_id is not None
        return stream.trim_before(self.least_id, self.approximate, self.limit)

    def read_trim(self, args: list[bytes], at: int) -> int | Error:
        """``MAXLEN`` or ``MINID`` at ``args[at]``, which is not the last; where the next option is."""
        if self.trims:
            return _TWO_STRATEGIES
        by_length = args[at].upper() == b"MAXLEN"
        at += 1
        self.approximate = False
        if at + 1 < len(args) and args[at] in (b"~", b"="):
            self.approximate = args[at] == b"~"
            at += 1
        if by_length:
            length = parse_int(args[at])
            if length is None:
                return NOT_AN_INTEGER
            if length < 0:
                return _NEGATIVE_LENGTH
            self.length = length
        else:
            least_id = entry_id(args[at])
            if isinstance(least_id, Error):
                return least_id
            self.least_id = least_id
        return at + 1

    def read_id(self, data: bytes) -> Error | None:
        """The id of the new entry: ``ms-sequence``, ``ms``, or ``ms-*``."""
        text = data.split(b"\0", 1)[0]
        if text.endswith(b"-*") and len(data) <= _ID_BYTES_MAX:
            self.sequence_given = False
            data = text[:-1] + b"0"
        read = entry_id(data)
        if isinstance(read, Error):
            return read
        self.entry_id = read
        return None


def add_options(args: list[bytes]) -> AddOptions | Error:
    """The options and the id of ``XADD``."""
    options, at, limit = AddOptions(), 2, None
    while at < len(args):
        word = args[at].upper()
        following: int | Error = at + 1
        if word == b"*":
            break
        if word in (b"MAXLEN", b"MINID") and at + 1 < len(args):
            following = options.read_trim(args, at)
        elif word == b"LIMIT" and at + 1 < len(args):
            limit = _limit(args[at + 1])
            following = limit if isinstance(limit, Error) else at + 2
        elif word == b"NOMKSTREAM":
            options.make = False
        else:
            fault = options.read_id(args[at])
            if fault is not None:
                return fault
            break
        if isinstance(following, Error):
            return following
        at = following
    options.field_at = at + 1
    return _limited(options, limit)


def trim_options(args: list[bytes]) -> AddOptions | Error:
    """The options of ``XTRIM``."""
    options, at, limit = AddOptions(), 2, None
    while at < len(args):
        word = args[at].upper()
        following: int | Error = SYNTAX
        if word in (b"MAXLEN", b"MINID") and at + 1 < len(args):
            following = options.read_trim(args, at)
        elif word == b"LIMIT" and at + 1 < len(args):
            limit = _limit(args[at + 1])
            following = limit if isinstance(limit, Error) else at + 2
        if isinstance(following, Error):
            return following
        at = following
    if not options.trims and not limit:
        return _NO_STRATEGY
    return _limited(options, limit)


def _limit(data: bytes) -> int | Error:
    limit = parse_int(data)
    if limit is None:
        return NOT_AN_INTEGER
    return _NEGATIVE_LIMIT if limit < 0 else limit


def _limited(options: AddOptions, limit: int | Error | None) -> AddOptions | Error:
    """``options`` with the limit that was given, or that holds without one."""
    if limit is None:
        options.limit = _LIMIT if options.approximate else 0
        return options
    if isinstance(limit, Error):
        return limit
    if limit and not options.trims:
        return _LIMIT_ALONE
    if not options.approximate:
        return _LIMIT_EXACT
    options.limit = limit
    return options


# Subcommands


def subcommand_keys(args: list[bytes]) -> list[int]:
    """Where the keys of ``XGROUP`` and ``XINFO`` stand: a container's keys are its subcommand's."""
    row = SUBROWS[args[0].upper()].get(args[1].upper())
    return [row.first_key] if row is not None and 0 < row.first_key < len(args) else []


def run_subcommand(context: Context, args: list[bytes]) -> Reply:
    """Run the subcommand ``args[1]`` of a container, its arity checked here."""
    row = SUBROWS[args[0].upper()].get(args[1].upper())
    if row is None or row.run is None:
        name = printable(args[0].upper())
        return Error(f"ERR unknown subcommand '{printable(args[1][:128])}'. Try {name} HELP.")
    if len(args) != row.arity and (row.arity > 0 or len(args) < -row.arity):
        return wrong_arity(row.name)
    return row.run(context, args)


# Streams and groups


def stream_at(context: Context, key: bytes) -> Stream | Error | None:
    """The stream to read at ``key``; None when nothing is there."""
    value = context.db.get(key)
    if value is None or isinstance(value, Stream):
        return value
    return WRONG_TYPE


def stream_to_change(context: Context, key: bytes) -> Stream:
    """The stream at ``key``, which is there, to change it."""
    value = context.db.edit(key)
    assert isinstance(value, Stream)
    return value


def group_to_change(context: Context, key: bytes, name: bytes) -> tuple[Stream, ConsumerGroup]:
    """The stream and its group, which are there, to change them."""
    stream = stream_to_change(context, key)
    return stream, stream.groups[name]


def no_group(key: bytes, name: bytes) -> Error:
    """The key or the group that a command needs is not there."""
    return Error(f"NOGROUP No such key '{printable(key)}' or consumer group '{printable(name)}'")


def entry_reply(entry: Entry) -> Reply:
    """An id, and fields and values in turn."""
    number, flat = entry
    return [format_id(number), [*flat]]


def signed(number: int) -> int:
    """A count as a reply shows it: 64 bits, wrapped as in redis-server."""
    return number if -(1 << 63) <= number < 1 << 63 else (number + (1 << 63)) % (1 << 64) - (1 << 63)
