"""Sorted sets: members with scores. Here are the writes of single members and the lookups.

Ranges are in ``sorted_sets_ranges``, pops and chance in ``sorted_sets_ends``, unions,
intersections and differences in ``sorted_sets_algebra``. A score is never NaN: what
would make one is refused. A sorted set whose last member goes, goes (rule C2).
"""

from typing import Final

from trivet.core.command.arguments import NOT_A_FLOAT, SYNTAX, WRONG_TYPE
from trivet.core.command.collection_arguments import scan_cursor, scan_options
from trivet.core.command.events import SORTED_SET
from trivet.core.command.table import Context, Flag, command
from trivet.core.values.numbers import format_double, parse_float
from trivet.core.values.sorted_set import SortedSet
from trivet.core.wire.reply import Error, Reply

_READ: Final = Flag.READONLY
_WRITE: Final = Flag.WRITE
_GROW: Final = Flag.WRITE | Flag.DENYOOM
_FAST: Final = Flag.FAST
_ONE: Final = (1, 1, 1)
_NX_AND_XX: Final = Error("ERR XX and NX options at the same time are not compatible")
_GT_LT_NX: Final = Error("ERR GT, LT, and/or NX options at the same time are not compatible")
_ONE_INCREMENT: Final = Error("ERR INCR option supports a single increment-element pair")
_NOT_A_NUMBER: Final = Error("ERR resulting score is not a number (NaN)")
_INTEGER_MAX: Final = 1 << 62
"""Whole scores up to here are printed as integers, as from redis-server's compact form."""

_NX: Final = 1
_XX: Final = 2
_GT: Final = 4
_LT: Final = 8
_CH: Final = 16
_INCR: Final = 32
_OPTIONS: Final[dict[bytes, int]] = {
    b"NX": _NX,
    b"XX": _XX,
    b"GT": _GT,
    b"LT": _LT,
    b"CH": _CH,
    b"INCR": _INCR,
}


# Adding


@command(
    "zadd",
    arity=-4,
    flags=_GROW | _FAST,
    keys=_ONE,
    group="sorted-set",
    summary="Adds members with scores, or changes their scores.",
    since="1.2.0",
    complexity="O(log(N)) per member, N members in the set",
)
def zadd(context: Context, args: list[bytes]) -> Reply:
    """ZADD key [NX|XX] [GT|LT] [CH] [INCR] score member [score member ...]."""
    options = 0
    at = 2
    while at < len(args):
        option = _OPTIONS.get(args[at].upper())
        if option is None:
            break
        options |= option
        at += 1
    if options:
        fault = _options_fault(options, len(args) - at)
        if fault is not None:
            return fault
    elif len(args) % 2:
        return SYNTAX
    return _add(context, args, at, options)


def _options_fault(options: int, left: int) -> Error | None:
    """What is wrong with these options before ``left`` arguments of scores and members."""
    if left % 2 or left == 0:
        return SYNTAX
    if options & _NX and options & _XX:
        return _NX_AND_XX
    if (options & _GT and options & _LT) or (options & _NX and options & (_GT | _LT)):
        return _GT_LT_NX
    if options & _INCR and left > 2:
        return _ONE_INCREMENT
    return None


def _add(context: Context, args: list[bytes], at: int, options: int) -> Reply:
    """The scores and members from ``args[at]`` on; nothing changes before all scores are read."""
    scores: list[float] = []
    for i in range(at, len(args), 2):
        score = parse_float(args[i])
        if score is None:
            return NOT_A_FLOAT
        scores.append(score)
    value = context.db.get(args[1])
    if value is None:
        if options & _XX:
            return None if options & _INCR else 0
        made = SortedSet()
        context.db.set(args[1], made)
        value = made
    elif not isinstance(value, SortedSet):
        return WRONG_TYPE
    if options & _INCR:
        return _increment(context, args[1], value, scores[0], args[at + 1], options)
    added = changed = 0
    for index, score in enumerate(scores):
        member = args[at + 1 + 2 * index]
        old = value.get(member)
        if not _admits(options, old, score):
            continue
        if added + changed == 0:
            context.db.edit(args[1])
        value.put(member, score)
        if old is None:
            added += 1
        else:
            changed += 1
    if added + changed and context.notifies:
        context.notify(SORTED_SET, b"zadd", args[1])
    return added + changed if options & _CH else added


def _admits(options: int, old: float | None, score: float) -> bool:
    """Whether the member, whose score is ``old`` (None: missing), is to get another score, ``score``."""
    if old is None:
        return not options & _XX
    if score == old or options & _NX:
        return False
    if options & _GT:
        return score > old
    return not options & _LT or score < old


def _increment(
    context: Context,
    key: bytes,
    value: SortedSet,
    increment: float,
    member: bytes,
    options: int,
) -> Reply:
    old = value.get(member)
    score = increment if old is None else old + increment
    if old is not None:
        if options & _NX:
            return None
        if score != score:
            return _NOT_A_NUMBER
        if (options & _LT and score >= old) or (options & _GT and score <= old):
            return None
        if score == old:
            return score
    elif options & _XX:
        return None
    context.db.edit(key)
    value.put(member, score)
    if context.notifies:
        context.notify(SORTED_SET, b"zincr", key)
    return score


@command(
    "zincrby",
    arity=4,
    flags=_GROW | _FAST,
    keys=_ONE,
    group="sorted-set",
    summary="Adds to the score of a member.",
    since="1.2.0",
    complexity="O(log(N)) for N members in the set",
)
def zincrby(context: Context, args: list[bytes]) -> Reply:
    """ZINCRBY key increment member."""
    return _add(context, args, 2, _INCR)


@command(
    "zrem",
    arity=-3,
    flags=_WRITE | _FAST,
    keys=_ONE,
    group="sorted-set",
    summary="Removes members and tells how many were there.",
    since="1.2.0",
    complexity="O(M*log(N)) for M of N members",
)
def zrem(context: Context, args: list[bytes]) -> Reply:
    """ZREM key member [member ...]."""
    db, key = context.db, args[1]
    value = db.get(key)
    if value is None:
        return 0
    if not isinstance(value, SortedSet):
        return WRONG_TYPE
    removed = 0
    for member in args[2:]:
        if member not in value:
            continue
        if removed == 0:
            db.edit(key)
        value.pop(member)
        removed += 1
    if removed:
        context.shrunk(SORTED_SET, b"zrem", key, len(value))
    return removed


# Looking up


@command(
    "zcard",
    arity=2,
    flags=_READ | _FAST,
    keys=_ONE,
    group="sorted-set",
    summary="Tells how many members a sorted set has.",
    since="1.2.0",
    complexity="O(1)",
)
def zcard(context: Context, args: list[bytes]) -> Reply:
    """ZCARD key."""
    value = context.db.get(args[1])
    if value is None:
        return 0
    return len(value) if isinstance(value, SortedSet) else WRONG_TYPE


@command(
    "zscore",
    arity=3,
    flags=_READ | _FAST,
    keys=_ONE,
    group="sorted-set",
    summary="Gives the score of a member.",
    since="1.2.0",
    complexity="O(1)",
)
def zscore(context: Context, args: list[bytes]) -> Reply:
    """ZSCORE key member."""
    value = context.db.get(args[1])
    if value is None:
        return None
    return value.get(args[2]) if isinstance(value, SortedSet) else WRONG_TYPE


@command(
    "zmscore",
    arity=-3,
    flags=_READ | _FAST,
    keys=_ONE,
    group="sorted-set",
    summary="Gives the scores of several members.",
    since="6.2.0",
    complexity="O(N) for N members asked for",
)
def zmscore(context: Context, args: list[bytes]) -> Reply:
    """ZMSCORE key member [member ...]."""
    value = context.db.get(args[1])
    if value is None:
        return [None] * (len(args) - 2)
    if not isinstance(value, SortedSet):
        return WRONG_TYPE
    return [value.get(member) for member in args[2:]]


@command(
    "zrank",
    arity=3,
    flags=_READ | _FAST,
    keys=_ONE,
    group="sorted-set",
    summary="Tells how many members stand before a member.",
    since="2.0.0",
    complexity="O(log(N))",
)
def zrank(context: Context, args: list[bytes]) -> Reply:
    """ZRANK key member."""
    return _rank(context, args, False)


@command(
    "zrevrank",
    arity=3,
    flags=_READ | _FAST,
    keys=_ONE,
    group="sorted-set",
    summary="Tells how many members stand after a member.",
    since="2.0.0",
    complexity="O(log(N))",
)
def zrevrank(context: Context, args: list[bytes]) -> Reply:
    """ZREVRANK key member."""
    return _rank(context, args, True)


def _rank(context: Context, args: list[bytes], reverse: bool) -> Reply:
    value = context.db.get(args[1])
    if value is None:
        return None
    if not isinstance(value, SortedSet):
        return WRONG_TYPE
    rank = value.rank(args[2])
    if rank < 0:
        return None
    return len(value) - 1 - rank if reverse else rank


@command(
    "zscan",
    arity=-3,
    flags=_READ,
    keys=_ONE,
    group="sorted-set",
    summary="Walks over the members of a sorted set in steps.",
    since="2.8.0",
    complexity="O(1) per step, O(N) for the walk",
)
def zscan(context: Context, args: list[bytes]) -> Reply:
    """ZSCAN key cursor [MATCH pattern] [COUNT count]."""
    cursor = scan_cursor(args[2])
    if isinstance(cursor, Error):
        return cursor
    value = context.db.get(args[1])
    if value is None:
        return [b"0", []]
    if not isinstance(value, SortedSet):
        return WRONG_TYPE
    options = scan_options(args)
    if isinstance(options, Error):
        return options
    cursor, found = value.scan(cursor, options.count)
    flat: list[Reply] = []
    for member in options.select(found):
        score = value.get(member)
        assert score is not None
        flat.append(member)
        flat.append(_scanned(score))
    return [b"%d" % cursor, flat]


def _scanned(score: float) -> bytes:
    """A score as ZSCAN gives it: text in both protocols, all digits of what is held as an integer."""
    if -_INTEGER_MAX <= score <= _INTEGER_MAX and score == int(score):
        return b"%d" % int(score)
    return format_double(score)
