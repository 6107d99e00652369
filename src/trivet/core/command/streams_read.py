"""Streams: reading what comes after an id, of several streams, waiting for it if asked to.

``XREAD`` is a read, ``XREADGROUP`` a write: it moves the group on and makes entries pending. A
call that waits is kept with its ids made absolute (``$``); ``>`` stays, because the group decides. When it
is tried again, ``context.only_key`` names the one stream to look at, and the checks of the first
time are over: what has become of the stream or the group by then has errors of its own.
"""

from typing import Final

from trivet.core.command.arguments import NOT_AN_INTEGER, SYNTAX, printable
from trivet.core.command.events import STREAM
from trivet.core.command.stream_arguments import entry_id, entry_reply, group_to_change, stream_at
from trivet.core.command.table import Context, Flag, command
from trivet.core.command.waiting import timeout_ms, wait_or
from trivet.core.values.consumer_group import Consumer, ConsumerGroup
from trivet.core.values.numbers import parse_int
from trivet.core.values.stream import Stream
from trivet.core.values.stream_id import ID_MAX, format_id
from trivet.core.wire.reply import NULL_ARRAY, Error, MapPairs, Reply

_NEW: Final = ID_MAX
"""What ``>`` is read as: entries that the group has given to nobody."""
_WAITING_COUNT: Final = 1000
"""Entries that a call gets at most after it has waited, when it did not say ``COUNT``."""

_UNBALANCED: Final = Error(
    "ERR Unbalanced XREAD list of streams: for each stream key an ID or '$' must be specified."
)
_NOT_A_GROUP_READ: Final = "ERR The {} option is only supported by XREADGROUP. You called XREAD instead."
_MISSING_GROUP: Final = Error("ERR Missing GROUP option for XREADGROUP")
_LAST_OF_GROUP: Final = Error(
    "ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this"
    " consumer by specifying a proper ID, or use the > ID to get new messages. The $ ID would just return an"
    " empty result set."
)
_NEW_WITHOUT_GROUP: Final = Error(
    "ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option."
)
_GONE: Final = Error("UNBLOCKED the stream key no longer exists")
_GROUP_GONE: Final = Error("NOGROUP the consumer group this client was blocked on no longer exists")

_WORDS: Final = {b"BLOCK": 1, b"COUNT": 1, b"GROUP": 2, b"NOACK": 0}
"""The options and how many arguments follow them."""


class _Call:
    """What ``XREAD`` or ``XREADGROUP`` was asked for."""

    __slots__ = ("consumer", "count", "group", "keys", "no_ack", "streams_at", "timeout_ms")

    def __init__(self) -> None:
        self.timeout_ms: int | None = None
        """None: it does not wait."""
        self.count = 0
        self.no_ack = False
        self.group: bytes | None = None
        self.consumer = b""
        self.streams_at = 0
        """Where ``STREAMS`` stands."""
        self.keys: list[bytes] = []

    def read_option(self, args: list[bytes], at: int, word: bytes, of_group: bool) -> Error | None:
        """The option at ``args[at]``; what belongs to it is there."""
        if word == b"BLOCK":
            limit_ms = timeout_ms(args[at + 1])
            if isinstance(limit_ms, Error):
                return limit_ms
            self.timeout_ms = limit_ms
        elif word == b"COUNT":
            count = parse_int(args[at + 1])
            if count is None:
                return NOT_AN_INTEGER
            self.count = max(count, 0)
        elif not of_group:
            return Error(_NOT_A_GROUP_READ.format(word.decode()))
        elif word == b"GROUP":
            self.group, self.consumer = args[at + 1], args[at + 2]
        else:
            self.no_ack = True
        return None


def _read_call(args: list[bytes], of_group: bool) -> _Call | Error:
    call, at, size = _Call(), 1, len(args)
    while at < size:
        word = args[at].upper()
        if word == b"STREAMS" and at + 1 < size:
            if (size - at - 1) % 2:
                return _UNBALANCED
            call.streams_at = at
            call.keys = args[at + 1 : at + 1 + (size - at - 1) // 2]
            break
        following = _WORDS.get(word, size)
        if at + following >= size:
            return SYNTAX
        fault = call.read_option(args, at, word, of_group)
        if fault is not None:
            return fault
        at += 1 + following
    if not call.keys:
        return SYNTAX
    return _MISSING_GROUP if of_group and call.group is None else call


def stream_positions(args: list[bytes]) -> list[int]:
    """Where the keys of ``XREAD`` and ``XREADGROUP`` stand; of an odd list, as many as have an id."""
    at = 1
    while at < len(args):
        word = args[at].upper()
        if word == b"STREAMS":
            return list(range(at + 1, at + 1 + (len(args) - at - 1) // 2))
        at += 1 + _WORDS.get(word, len(args))
    return []


def alike(args: list[bytes], key: bytes) -> bytes:
    """What decides whether a waiting call finds something at ``key``: its group, or else its ids there."""
    call = _read_call(args, args[0].upper() == b"XREADGROUP")
    assert not isinstance(call, Error)
    if call.group is not None:
        return b"XREADGROUP " + call.group
    ids = args[call.streams_at + 1 + len(call.keys) :]
    return b" ".join(
        [b"XREAD", *(number for name, number in zip(call.keys, ids, strict=True) if name == key)]
    )


@command(
    "xread",
    arity=-4,
    flags=Flag.READONLY | Flag.BLOCKING | Flag.MOVABLEKEYS,
    group="stream",
    key_finder=stream_positions,
    alike=alike,
    summary="Gives the entries of streams after the ids given, waiting for some if asked to.",
    since="5.0.0",
    complexity="O(log N + M) per stream, for M entries given",
)
def xread(context: Context, args: list[bytes]) -> Reply:
    """XREAD [COUNT count] [BLOCK ms] STREAMS key [key ...] id [id ...]."""
    call = _read_call(args, False)
    if isinstance(call, Error):
        return call
    ids: list[int] = []
    streams: list[Stream | None] = []
    for key, text in zip(call.keys, args[call.streams_at + 1 + len(call.keys) :], strict=True):
        stream = _readable(context, key)
        if isinstance(stream, Error):
            return stream
        after = _after(stream, text)
        if isinstance(after, Error):
            return after
        ids.append(after)
        streams.append(stream)
    found: list[tuple[Reply, Reply]] = []
    for key, after, stream in zip(call.keys, ids, streams, strict=True):
        if stream is not None and stream.top_id > after and context.only_key in (None, key):
            entries = stream.between(after + 1, ID_MAX, call.count)
            found.append((key, [entry_reply(entry) for entry in entries]))
            if context.only_key is not None:
                break
    if found:
        return MapPairs(found)
    if call.timeout_ms is None:
        return NULL_ARRAY
    return wait_or(context, call.timeout_ms, _kept(call, args, ids), NULL_ARRAY)


def _readable(context: Context, key: bytes) -> Stream | Error | None:
    """The stream at ``key``. A call that waits goes on waiting when something else is there by now."""
    stream = stream_at(context, key)
    return None if isinstance(stream, Error) and context.only_key is not None else stream


def _after(stream: Stream | None, text: bytes) -> int | Error:
    """The id after which ``XREAD`` reads."""
    if text == b"$":
        return 0 if stream is None else stream.last_id
    return _NEW_WITHOUT_GROUP if text == b">" else entry_id(text)


def _kept(call: _Call, args: list[bytes], ids: list[int] | None) -> list[bytes]:
    """The call to try again: with a count, and with absolute ids (None: those of groups stay)."""
    head, tail = args[: call.streams_at], args[call.streams_at :]
    if not call.count:
        head += [b"COUNT", b"%d" % _WAITING_COUNT]
    if ids is not None:
        tail[1 + len(call.keys) :] = [format_id(number) for number in ids]
    return head + tail


@command(
    "xreadgroup",
    arity=-7,
    flags=Flag.WRITE | Flag.BLOCKING | Flag.MOVABLEKEYS,
    group="stream",
    key_finder=stream_positions,
    alike=alike,
    summary="Gives new entries of streams to a consumer of a group, or tells it what is pending for it.",
    since="5.0.0",
    complexity="O(log N + M) per stream, for M entries given",
)
def xreadgroup(context: Context, args: list[bytes]) -> Reply:
    """XREADGROUP GROUP group consumer [COUNT count] [BLOCK ms] [NOACK] STREAMS key [key ...] id [id ...]."""
    call = _read_call(args, True)
    if isinstance(call, Error):
        return call
    assert call.group is not None
    if context.only_key is not None:
        return _read_again(context, call, context.only_key, args)
    ids: list[int] = []
    for key, text in zip(call.keys, args[call.streams_at + 1 + len(call.keys) :], strict=True):
        stream = stream_at(context, key)
        if isinstance(stream, Error):
            return stream
        if stream is None or call.group not in stream.groups:
            return Error(
                f"NOGROUP No such key '{printable(key)}' or consumer group '{printable(call.group)}'"
                " in XREADGROUP with GROUP option"
            )
        after = _LAST_OF_GROUP if text == b"$" else _NEW if text == b">" else entry_id(text)
        if isinstance(after, Error):
            return after
        ids.append(after)
    found: list[tuple[Reply, Reply]] = []
    for key, after in zip(call.keys, ids, strict=True):
        stream = stream_at(context, key)
        assert isinstance(stream, Stream)
        if after != _NEW or stream.top_id > stream.groups[call.group].last_id:
            found.append((key, _serve(context, call, key, after)))
    if found:
        return MapPairs(found)
    if call.timeout_ms is None:
        return NULL_ARRAY
    return wait_or(context, call.timeout_ms, _kept(call, args, None), NULL_ARRAY)


def _read_again(context: Context, call: _Call, key: bytes, args: list[bytes]) -> Reply:
    """A call that has waited: something has happened to ``key``."""
    assert call.group is not None and call.timeout_ms is not None
    stream = stream_at(context, key)
    if not isinstance(stream, Stream):
        return _GONE
    group = stream.groups.get(call.group)
    if group is None:
        return _GROUP_GONE
    if stream.top_id <= group.last_id:
        return wait_or(context, call.timeout_ms, args, NULL_ARRAY)
    return MapPairs([(key, _serve(context, call, key, _NEW))])


def _serve(context: Context, call: _Call, key: bytes, after: int) -> Reply:
    """New entries, or the consumer's pending ones after an id; the consumer is made when it is new."""
    assert call.group is not None
    stream, group = group_to_change(context, key, call.group)
    consumer = group.consumers.get(call.consumer)
    if consumer is None:
        consumer = group.add_consumer(call.consumer, context.now_ms)
        if context.notifies:
            context.notify(STREAM, b"xgroup-createconsumer", key)
    consumer.seen_ms = context.now_ms
    if after != _NEW:
        return _history(context, stream, group, consumer, after + 1, call.count)
    replies: list[Reply] = []
    for entry in stream.between(group.last_id + 1, ID_MAX, call.count):
        stream.count_read(group, entry[0])
        if not call.no_ack:
            group.deliver(entry[0], consumer, context.now_ms)
        replies.append(entry_reply(entry))
    return replies


def _history(
    context: Context, stream: Stream, group: ConsumerGroup, consumer: Consumer, start: int, count: int
) -> Reply:
    """What is pending for the consumer; it counts as one more delivery, unless the entry is gone."""
    replies: list[Reply] = []
    for number in group.pending_from(start, consumer):
        flat = stream.get(number)
        if flat is None:
            replies.append([format_id(number), NULL_ARRAY])
        else:
            held = group.pending[number]
            held.delivered_ms = context.now_ms
            held.delivered_count += 1
            replies.append(entry_reply((number, flat)))
        if len(replies) == count:
            break
    return replies
