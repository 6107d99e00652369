"""Streams: groups of consumers, made, moved and removed (``XGROUP``)."""

from typing import Final

from trivet.core.command.arguments import NOT_AN_INTEGER, printable
from trivet.core.command.events import STREAM
from trivet.core.command.stream_arguments import (
    any_id,
    entry_id,
    group_to_change,
    run_subcommand,
    stream_at,
    stream_to_change,
    subcommand_keys,
)
from trivet.core.command.table import Context, Flag, command
from trivet.core.values.consumer_group import ConsumerGroup
from trivet.core.values.numbers import parse_int
from trivet.core.values.stream import UNKNOWN, Stream
from trivet.core.wire.reply import OK, Error, Reply, Simple

_KEY: Final = (2, 2, 1)
_KEY_MISSING: Final = Error(
    "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the"
    " MKSTREAM option to create an empty stream automatically."
)
_READ_NEGATIVE: Final = Error("ERR value for ENTRIESREAD must be positive or -1")
_GROUP_EXISTS: Final = Error("BUSYGROUP Consumer Group name already exists")
_HELP: Final = (
    "XGROUP <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "CREATE <key> <groupname> <id|$> [option]",
    "    Make a group that has read up to an id. Options are:",
    "    * MKSTREAM",
    "      Make the stream when it is missing.",
    "    * ENTRIESREAD entries_read",
    "      How many entries there were up to the id.",
    "CREATECONSUMER <key> <groupname> <consumer>",
    "    Make a consumer of a group.",
    "DELCONSUMER <key> <groupname> <consumer>",
    "    Remove a consumer, with what is pending for it.",
    "DESTROY <key> <groupname>",
    "    Remove a group.",
    "SETID <key> <groupname> <id|$> [ENTRIESREAD entries_read]",
    "    Set up to which id a group has read.",
    "HELP",
    "    This text.",
)


@command(
    "xgroup",
    arity=-2,
    flags=Flag.WRITE | Flag.DENYOOM,
    group="stream",
    key_finder=subcommand_keys,
    summary="Holds subcommands about groups of consumers.",
    since="5.0.0",
    complexity="By subcommand.",
)
def xgroup(context: Context, args: list[bytes]) -> Reply:
    """XGROUP subcommand [argument ...]."""
    return run_subcommand(context, args)


def syntax_of(name: str, subcommand: bytes) -> Error:
    """The reply to a subcommand (as the client wrote it) with options that it does not have."""
    shown = printable(subcommand[:128])
    return Error(f"ERR unknown subcommand or wrong number of arguments for '{shown}'. Try {name} HELP.")


class _Options:
    """What may follow the id of ``CREATE`` and ``SETID``."""

    __slots__ = ("entries_read", "make")

    def __init__(self) -> None:
        self.make = False
        self.entries_read = UNKNOWN

    def read(self, args: list[bytes]) -> Error | None:
        """Read them. Too many are found out later."""
        creates, at = args[1].upper() == b"CREATE", 5
        while at < len(args):
            option = args[at].upper()
            if creates and option == b"MKSTREAM":
                self.make = True
                at += 1
            elif option == b"ENTRIESREAD" and at + 1 < len(args):
                number = parse_int(args[at + 1])
                if number is None:
                    return NOT_AN_INTEGER
                if number < UNKNOWN:
                    return _READ_NEGATIVE
                self.entries_read = number
                at += 2
            else:
                return syntax_of("XGROUP", args[1])
        return None


def _group_of(context: Context, args: list[bytes]) -> ConsumerGroup | Error:
    """The group that the subcommand names, to look at."""
    stream = stream_at(context, args[2])
    if stream is None or isinstance(stream, Error):
        return stream or _KEY_MISSING
    group = stream.groups.get(args[3])
    return no_such_group(args) if group is None else group


def no_such_group(args: list[bytes]) -> Error:
    """The stream has no group of that name."""
    return Error(f"NOGROUP No such consumer group '{printable(args[3])}' for key name '{printable(args[2])}'")


def _tell(context: Context, event: bytes, key: bytes) -> None:
    if context.notifies:
        context.notify(STREAM, event, key)


@command(
    "xgroup|create",
    arity=-5,
    flags=Flag.WRITE | Flag.DENYOOM,
    keys=_KEY,
    group="stream",
    summary="Makes a group of consumers.",
    since="5.0.0",
    complexity="O(1)",
)
def xgroup_create(context: Context, args: list[bytes]) -> Reply:
    """XGROUP CREATE key group id|$ [MKSTREAM] [ENTRIESREAD entries-read]."""
    options = _Options()
    fault = options.read(args)
    if fault is not None:
        return fault
    key, name = args[2], args[3]
    stream = stream_at(context, key)
    if isinstance(stream, Error):
        return stream
    if stream is None and not options.make:
        return _KEY_MISSING
    if len(args) > 8:
        return syntax_of("XGROUP", args[1])
    last_id: int | Error = 0 if stream is None else stream.last_id
    if args[4] != b"$":
        last_id = entry_id(args[4])
    if isinstance(last_id, Error):
        return last_id
    if stream is None:
        stream = Stream()
        context.db.set(key, stream)
    elif name in stream.groups:
        return _GROUP_EXISTS
    stream_to_change(context, key).groups[name] = ConsumerGroup(last_id, options.entries_read)
    _tell(context, b"xgroup-create", key)
    return OK


@command(
    "xgroup|setid",
    arity=-5,
    flags=Flag.WRITE,
    keys=_KEY,
    group="stream",
    summary="Sets up to which id a group has read.",
    since="5.0.0",
    complexity="O(1)",
)
def xgroup_setid(context: Context, args: list[bytes]) -> Reply:
    """XGROUP SETID key group id|$ [ENTRIESREAD entries-read]."""
    options = _Options()
    fault = options.read(args)
    if fault is not None:
        return fault
    group = _group_of(context, args)
    if isinstance(group, Error):
        return group
    if len(args) > 7:
        return syntax_of("XGROUP", args[1])
    stream = stream_at(context, args[2])
    assert isinstance(stream, Stream)
    last_id = stream.last_id if args[4] == b"$" else any_id(args[4])
    if isinstance(last_id, Error):
        return last_id
    _, group = group_to_change(context, args[2], args[3])
    group.last_id = last_id
    group.entries_read = options.entries_read
    _tell(context, b"xgroup-setid", args[2])
    return OK


@command(
    "xgroup|destroy",
    arity=4,
    flags=Flag.WRITE,
    keys=_KEY,
    group="stream",
    summary="Removes a group of consumers.",
    since="5.0.0",
    complexity="O(N) for N pending entries",
)
def xgroup_destroy(context: Context, args: list[bytes]) -> Reply:
    """XGROUP DESTROY key group."""
    group = _group_of(context, args)
    if isinstance(group, Error):
        return 0 if group.text.startswith("NOGROUP") else group
    del stream_to_change(context, args[2]).groups[args[3]]
    _tell(context, b"xgroup-destroy", args[2])
    return 1


@command(
    "xgroup|createconsumer",
    arity=5,
    flags=Flag.WRITE | Flag.DENYOOM,
    keys=_KEY,
    group="stream",
    summary="Makes a consumer of a group; tells whether it is new.",
    since="6.2.0",
    complexity="O(1)",
)
def xgroup_createconsumer(context: Context, args: list[bytes]) -> Reply:
    """XGROUP CREATECONSUMER key group consumer."""
    group = _group_of(context, args)
    if isinstance(group, Error):
        return group
    if args[4] in group.consumers:
        return 0
    _, group = group_to_change(context, args[2], args[3])
    group.add_consumer(args[4], context.now_ms)
    _tell(context, b"xgroup-createconsumer", args[2])
    return 1


@command(
    "xgroup|delconsumer",
    arity=5,
    flags=Flag.WRITE,
    keys=_KEY,
    group="stream",
    summary="Removes a consumer of a group; tells how many entries were pending for it.",
    since="5.0.0",
    complexity="O(N) for N entries pending for it",
)
def xgroup_delconsumer(context: Context, args: list[bytes]) -> Reply:
    """XGROUP DELCONSUMER key group consumer."""
    group = _group_of(context, args)
    if isinstance(group, Error):
        return group
    if args[4] not in group.consumers:
        return 0
    _, group = group_to_change(context, args[2], args[3])
    removed = group.remove_consumer(group.consumers[args[4]])
    _tell(context, b"xgroup-delconsumer", args[2])
    return removed


@command(
    "xgroup|help",
    arity=2,
    flags=Flag.LOADING | Flag.STALE,
    group="stream",
    summary="Explains the subcommands.",
    since="5.0.0",
    complexity="O(1)",
)
def xgroup_help(context: Context, args: list[bytes]) -> Reply:
    """XGROUP HELP."""
    return [Simple(line) for line in _HELP]
