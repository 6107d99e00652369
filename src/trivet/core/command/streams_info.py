"""Streams: what they look like inside (``XINFO``).

The numbers of the radix tree are those of our nodes, which hold as many entries as Redis' do.
"""

from itertools import islice
from typing import Final

from trivet.core.command.arguments import NO_SUCH_KEY, NOT_AN_INTEGER
from trivet.core.command.stream_arguments import (
    entry_reply,
    run_subcommand,
    signed,
    stream_at,
    subcommand_keys,
)
from trivet.core.command.streams_groups import no_such_group, syntax_of
from trivet.core.command.table import Context, Flag, command
from trivet.core.values.consumer_group import Consumer, ConsumerGroup
from trivet.core.values.numbers import parse_int
from trivet.core.values.stream import UNKNOWN, Stream
from trivet.core.values.stream_id import ID_MAX, format_id
from trivet.core.wire.reply import Error, Reply, Simple

_KEY: Final = (2, 2, 1)
_FULL_COUNT: Final = 10
_HELP: Final = (
    "XINFO <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "CONSUMERS <key> <groupname>",
    "    The consumers of a group.",
    "GROUPS <key>",
    "    The groups of a stream.",
    "STREAM <key> [FULL [COUNT <count>]",
    "    The stream itself.",
    "HELP",
    "    This text.",
)


@command(
    "xinfo",
    arity=-2,
    flags=Flag.READONLY,
    group="stream",
    key_finder=subcommand_keys,
    summary="Holds subcommands about the insides of streams.",
    since="5.0.0",
    complexity="By subcommand.",
)
def xinfo(context: Context, args: list[bytes]) -> Reply:
    """XINFO subcommand [argument ...]."""
    return run_subcommand(context, args)


def _stream_of(context: Context, args: list[bytes]) -> Stream | Error:
    stream = stream_at(context, args[2])
    return NO_SUCH_KEY if stream is None else stream


@command(
    "xinfo|stream",
    arity=-3,
    flags=Flag.READONLY,
    keys=_KEY,
    group="stream",
    summary="Describes a stream, in full with entries, groups and what is pending.",
    since="5.0.0",
    complexity="O(1); FULL: O(N) for N entries and pending entries given",
)
def xinfo_stream(context: Context, args: list[bytes]) -> Reply:
    """XINFO STREAM key [FULL [COUNT count]]."""
    stream = _stream_of(context, args)
    if isinstance(stream, Error):
        return stream
    described: dict[bytes, Reply] = {
        b"length": len(stream),
        b"radix-tree-keys": stream.node_count,
        b"radix-tree-nodes": stream.node_count + 1,
        b"last-generated-id": format_id(stream.last_id),
        b"max-deleted-entry-id": format_id(stream.max_deleted_id),
        b"entries-added": signed(stream.entries_added),
        b"recorded-first-entry-id": format_id(stream.first_id),
    }
    if len(args) == 3:
        described[b"groups"] = len(stream.groups)
        described[b"first-entry"] = _only(stream, False)
        described[b"last-entry"] = _only(stream, True)
        return described
    words = [args[3].upper(), *(arg.upper() for arg in args[4:5])]
    if len(args) not in (4, 6) or words not in ([b"FULL"], [b"FULL", b"COUNT"]):
        return syntax_of("XINFO", args[1])
    count = _FULL_COUNT
    if len(args) == 6:
        asked = parse_int(args[5])
        if asked is None:
            return NOT_AN_INTEGER
        count = asked if asked >= 0 else _FULL_COUNT
    described[b"entries"] = [entry_reply(entry) for entry in stream.between(0, ID_MAX, count)]
    described[b"groups"] = [_full_group(stream, name, count) for name in sorted(stream.groups)]
    return described


def _only(stream: Stream, last: bool) -> Reply:
    """The first or the last entry; None when there is none."""
    entries = stream.between(0, ID_MAX, 1, last)
    return entry_reply(entries[0]) if entries else None


def _entries_read(group: ConsumerGroup) -> Reply:
    return None if group.entries_read == UNKNOWN else signed(group.entries_read)


def _lag(stream: Stream, group: ConsumerGroup) -> Reply:
    lag = stream.lag_of(group)
    return None if lag is None else signed(lag)


def _full_group(stream: Stream, name: bytes, count: int) -> Reply:
    group = stream.groups[name]
    pending: list[Reply] = []
    for number in islice(group.pending_ids, count or None):
        held = group.pending[number]
        pending.append(
            [format_id(number), held.consumer.name, held.delivered_ms, signed(held.delivered_count)]
        )
    return {
        b"name": name,
        b"last-delivered-id": format_id(group.last_id),
        b"entries-read": _entries_read(group),
        b"lag": _lag(stream, group),
        b"pel-count": len(group.pending),
        b"pending": pending,
        b"consumers": [_full_consumer(group, consumer, count) for consumer in group.sorted_consumers()],
    }


def _full_consumer(group: ConsumerGroup, consumer: Consumer, count: int) -> Reply:
    pending: list[Reply] = []
    for number in islice(consumer.pending_ids, count or None):
        held = group.pending[number]
        pending.append([format_id(number), held.delivered_ms, signed(held.delivered_count)])
    return {
        b"name": consumer.name,
        b"seen-time": consumer.seen_ms,
        b"pel-count": len(consumer.pending_ids),
        b"pending": pending,
    }


@command(
    "xinfo|groups",
    arity=3,
    flags=Flag.READONLY,
    keys=_KEY,
    group="stream",
    summary="Describes the groups of a stream.",
    since="5.0.0",
    complexity="O(N) for N groups",
)
def xinfo_groups(context: Context, args: list[bytes]) -> Reply:
    """XINFO GROUPS key."""
    stream = _stream_of(context, args)
    if isinstance(stream, Error):
        return stream
    replies: list[Reply] = []
    for name in sorted(stream.groups):
        group = stream.groups[name]
        described: dict[bytes, Reply] = {
            b"name": name,
            b"consumers": len(group.consumers),
            b"pending": len(group.pending),
            b"last-delivered-id": format_id(group.last_id),
            b"entries-read": _entries_read(group),
            b"lag": _lag(stream, group),
        }
        replies.append(described)
    return replies


@command(
    "xinfo|consumers",
    arity=4,
    flags=Flag.READONLY,
    keys=_KEY,
    group="stream",
    summary="Describes the consumers of a group.",
    since="5.0.0",
    complexity="O(N) for N consumers",
)
def xinfo_consumers(context: Context, args: list[bytes]) -> Reply:
    """XINFO CONSUMERS key group."""
    stream = _stream_of(context, args)
    if isinstance(stream, Error):
        return stream
    group = stream.groups.get(args[3])
    if group is None:
        return no_such_group(args)
    replies: list[Reply] = []
    for consumer in group.sorted_consumers():
        described: dict[bytes, Reply] = {
            b"name": consumer.name,
            b"pending": len(consumer.pending_ids),
            b"idle": max(context.now_ms - consumer.seen_ms, 0),
        }
        replies.append(described)
    return replies


@command(
    "xinfo|help",
    arity=2,
    flags=Flag.LOADING | Flag.STALE,
    group="stream",
    summary="Explains the subcommands.",
    since="5.0.0",
    complexity="O(1)",
)
def xinfo_help(context: Context, args: list[bytes]) -> Reply:
    """XINFO HELP."""
    return [Simple(line) for line in _HELP]
