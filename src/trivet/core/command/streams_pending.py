"""Streams: what is pending in a group: acknowledged, looked at, claimed by another consumer.

An entry that is pending may be gone from its stream. Who claims it removes it from what is pending.
"""

from itertools import islice
from typing import Final

from trivet.core.command.arguments import NOT_AN_INTEGER, SYNTAX, printable
from trivet.core.command.events import STREAM
from trivet.core.command.stream_arguments import (
    entry_id,
    entry_ids,
    entry_reply,
    group_to_change,
    interval_end,
    interval_start,
    no_group,
    signed,
    stream_at,
)
from trivet.core.command.table import Context, Flag, command
from trivet.core.values.consumer_group import Consumer, ConsumerGroup, Pending
from trivet.core.values.numbers import INT64_MAX, parse_int
from trivet.core.values.stream_id import format_id
from trivet.core.wire.reply import NULL_ARRAY, Error, Reply

_ONE: Final = (1, 1, 1)
_CLAIM_COUNT: Final = 100
_CLAIM_COUNT_MAX: Final = INT64_MAX // 16
_CLAIM_TRIES: Final = 10
"""Pending entries that ``XAUTOCLAIM`` looks at, for each that it may give."""
_BAD_COUNT: Final = Error("ERR COUNT must be > 0")


def _group_at(context: Context, args: list[bytes]) -> ConsumerGroup | Error:
    """The group ``args[2]`` of the stream ``args[1]``, to look at."""
    stream = stream_at(context, args[1])
    if isinstance(stream, Error):
        return stream
    group = None if stream is None else stream.groups.get(args[2])
    return no_group(args[1], args[2]) if group is None else group


@command(
    "xack",
    arity=-4,
    flags=Flag.WRITE | Flag.FAST,
    keys=_ONE,
    group="stream",
    summary="Acknowledges entries; tells how many were pending.",
    since="5.0.0",
    complexity="O(log N) per id",
)
def xack(context: Context, args: list[bytes]) -> Reply:
    """XACK key group id [id ...]."""
    stream = stream_at(context, args[1])
    if isinstance(stream, Error):
        return stream
    if stream is None or (group := stream.groups.get(args[2])) is None:
        return 0
    ids = entry_ids(args, 3)
    if isinstance(ids, Error):
        return ids
    pending = group.pending
    ids = [number for number in ids if number in pending]
    if not ids:
        return 0
    context.db.edit(args[1])
    return sum(1 for number in ids if group.acknowledge(number))


# Looking


@command(
    "xpending",
    arity=-3,
    flags=Flag.READONLY,
    keys=_ONE,
    group="stream",
    summary="Tells what is pending in a group: a summary, or entry by entry.",
    since="5.0.0",
    complexity="O(log N + M) for M entries given; the summary O(C) for C consumers",
)
def xpending(context: Context, args: list[bytes]) -> Reply:
    """XPENDING key group [[IDLE min-idle-time] start end count [consumer]]."""
    if len(args) == 3:
        group = _group_at(context, args)
        return group if isinstance(group, Error) else _summary(group)
    if not 6 <= len(args) <= 9:
        return SYNTAX
    least_idle, at = 0, 3
    if args[3].upper() == b"IDLE":
        idle = parse_int(args[4])
        if idle is None:
            return NOT_AN_INTEGER
        if len(args) < 8:
            return SYNTAX
        least_idle, at = idle, 5
    count = parse_int(args[at + 2])
    if count is None:
        return NOT_AN_INTEGER
    start = interval_start(args[at])
    if isinstance(start, Error):
        return start
    end = interval_end(args[at + 1])
    if isinstance(end, Error):
        return end
    group = _group_at(context, args)
    if isinstance(group, Error):
        return group
    consumer: Consumer | None = None
    if at + 3 < len(args):
        consumer = group.consumers.get(args[at + 3])
        if consumer is None:
            return []
    return _pending(group, consumer, (start, end), count, least_idle, context.now_ms)


def _summary(group: ConsumerGroup) -> Reply:
    """How many are pending, the first and last of them, and for whom how many."""
    ids = group.pending_ids
    if not ids:
        return [0, None, None, NULL_ARRAY]
    counts: list[Reply] = [
        [consumer.name, b"%d" % len(consumer.pending_ids)]
        for consumer in group.sorted_consumers()
        if consumer.pending_ids
    ]
    return [len(ids), format_id(ids[0]), format_id(ids[-1]), counts]


def _pending(
    group: ConsumerGroup,
    consumer: Consumer | None,
    interval: tuple[int, int],
    count: int,
    least_idle: int,
    now_ms: int,
) -> Reply:
    """Up to ``count`` pending entries in the interval: id, consumer, idle time, deliveries."""
    replies: list[Reply] = []
    for number in group.pending_from(interval[0], consumer):
        if number > interval[1] or len(replies) >= count:
            break
        held = group.pending[number]
        idle = now_ms - held.delivered_ms
        if least_idle and idle < least_idle:
            continue
        replies.append([format_id(number), held.consumer.name, max(idle, 0), signed(held.delivered_count)])
    return replies


# Claiming


class _Claim:
    """What ``XCLAIM`` was asked for."""

    __slots__ = ("delivered_count", "delivered_ms", "force", "ids", "just_id", "last_id", "least_idle")

    def __init__(self, least_idle: int) -> None:
        self.least_idle = least_idle
        self.ids: list[int] = []
        self.delivered_ms = -1
        self.delivered_count = -1
        self.force = False
        self.just_id = False
        self.last_id = 0

    def read(self, args: list[bytes], now_ms: int) -> Error | None:
        """The ids, as far as they are ids, and the options after them."""
        at = 5
        while at < len(args):
            number = entry_id(args[at])
            if isinstance(number, Error):
                break
            self.ids.append(number)
            at += 1
        while at < len(args):
            option = args[at].upper()
            if option == b"FORCE":
                self.force = True
            elif option == b"JUSTID":
                self.just_id = True
            elif at + 1 < len(args) and option in (b"IDLE", b"TIME", b"RETRYCOUNT", b"LASTID"):
                at += 1
                fault = self._read_value(option, args[at], now_ms)
                if fault is not None:
                    return fault
            else:
                return Error(f"ERR Unrecognized XCLAIM option '{printable(args[at])}'")
            at += 1
        if not 0 <= self.delivered_ms <= now_ms:
            self.delivered_ms = now_ms
        return None

    def _read_value(self, option: bytes, data: bytes, now_ms: int) -> Error | None:
        if option == b"LASTID":
            last_id = entry_id(data)
            if isinstance(last_id, Error):
                return last_id
            self.last_id = last_id
            return None
        number = parse_int(data)
        if number is None:
            return Error(f"ERR Invalid {option.decode()} option argument for XCLAIM")
        if option == b"RETRYCOUNT":
            self.delivered_count = number
        else:
            self.delivered_ms = now_ms - number if option == b"IDLE" else number
        return None


@command(
    "xclaim",
    arity=-6,
    flags=Flag.WRITE | Flag.FAST,
    keys=_ONE,
    group="stream",
    summary="Makes pending entries another consumer's.",
    since="5.0.0",
    complexity="O(log N) per id",
)
def xclaim(context: Context, args: list[bytes]) -> Reply:
    """XCLAIM key group consumer min-idle-time id [id ...], then options.

    They are IDLE ms, TIME ms, RETRYCOUNT count, FORCE, JUSTID and LASTID id.
    """
    group = _group_at(context, args)
    if isinstance(group, Error):
        return group
    least_idle = parse_int(args[4])
    if least_idle is None:
        return Error("ERR Invalid min-idle-time argument for XCLAIM")
    claim = _Claim(least_idle)
    fault = claim.read(args, context.now_ms)
    if fault is not None:
        return fault
    stream, group = group_to_change(context, args[1], args[2])
    group.last_id = max(group.last_id, claim.last_id)
    replies: list[Reply] = []
    for number in claim.ids:
        flat = stream.get(number)
        if flat is None:
            group.acknowledge(number)
        elif _may_claim(group, number, claim, context.now_ms):
            _claim_one(group, _consumer(context, group, args), number, claim, context.now_ms)
            replies.append(format_id(number) if claim.just_id else entry_reply((number, flat)))
    return replies


def _may_claim(group: ConsumerGroup, number: int, claim: _Claim, now_ms: int) -> bool:
    held = group.pending.get(number)
    if held is None:
        return claim.force
    return claim.least_idle <= 0 or now_ms - held.delivered_ms >= claim.least_idle


def _claim_one(group: ConsumerGroup, consumer: Consumer, number: int, claim: _Claim, now_ms: int) -> None:
    """The entry is the consumer's now; with ``FORCE`` it need not have been pending."""
    held = group.pending.get(number)
    if held is None:
        held = group.add(number, consumer, now_ms, 1)
    _take(group, consumer, number, held, claim.delivered_ms)
    if claim.delivered_count >= 0:
        held.delivered_count = claim.delivered_count
    elif not claim.just_id:
        held.delivered_count += 1


def _take(group: ConsumerGroup, consumer: Consumer, number: int, held: Pending, delivered_ms: int) -> None:
    group.pass_on(number, held, consumer)
    held.delivered_ms = delivered_ms


def _consumer(context: Context, group: ConsumerGroup, args: list[bytes]) -> Consumer:
    """The consumer ``args[3]``, seen now; made when there is something for it, and it is new."""
    consumer = group.consumers.get(args[3])
    if consumer is None:
        consumer = group.add_consumer(args[3], context.now_ms)
        if context.notifies:
            context.notify(STREAM, b"xgroup-createconsumer", args[1])
    consumer.seen_ms = context.now_ms
    return consumer


@command(
    "xautoclaim",
    arity=-6,
    flags=Flag.WRITE | Flag.FAST,
    keys=_ONE,
    group="stream",
    summary="Makes entries that are pending for long another consumer's, from an id on.",
    since="6.2.0",
    complexity="O(log N + M) for M = 10 times the count",
)
def xautoclaim(context: Context, args: list[bytes]) -> Reply:
    """XAUTOCLAIM key group consumer min-idle-time start [COUNT count] [JUSTID]."""
    least_idle = parse_int(args[4])
    if least_idle is None:
        return Error("ERR Invalid min-idle-time argument for XAUTOCLAIM")
    start = interval_start(args[5])
    if isinstance(start, Error):
        return start
    count, just_id, at = _CLAIM_COUNT, False, 6
    while at < len(args):
        option = args[at].upper()
        if option == b"COUNT" and at + 1 < len(args):
            asked = parse_int(args[at + 1])
            if asked is None or not 1 <= asked <= _CLAIM_COUNT_MAX:
                return _BAD_COUNT
            count = asked
            at += 1
        elif option == b"JUSTID":
            just_id = True
        else:
            return SYNTAX
        at += 1
    found = _group_at(context, args)
    if isinstance(found, Error):
        return found
    ids = list(islice(found.pending_from(start), min(count * _CLAIM_TRIES, len(found.pending)) + 1))
    return _claim_many(context, args, ids, (count, least_idle, just_id))


def _claim_many(context: Context, args: list[bytes], ids: list[int], asked: tuple[int, int, bool]) -> Reply:
    """Where to go on from, the entries claimed, and the ids of those that are gone from the stream.

    ``ids`` are the pending ones from the start on, one more than are looked at.
    """
    (stream, group), now_ms = group_to_change(context, args[1], args[2]), context.now_ms
    count, least_idle, just_id = asked
    claimed: list[Reply] = []
    gone: list[Reply] = []
    following = 0
    for looked, number in enumerate(ids):
        if looked == count * _CLAIM_TRIES or len(claimed) + len(gone) == count:
            following = number
            break
        flat = stream.get(number)
        held = group.pending[number]
        if flat is None:
            group.acknowledge(number)
            gone.append(format_id(number))
        elif least_idle <= 0 or now_ms - held.delivered_ms >= least_idle:
            _take(group, _consumer(context, group, args), number, held, now_ms)
            held.delivered_count += not just_id
            claimed.append(format_id(number) if just_id else entry_reply((number, flat)))
    return [format_id(following), claimed, gone]
