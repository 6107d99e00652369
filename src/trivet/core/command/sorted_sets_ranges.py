"""Sorted sets: ranges by index, score or member, given, counted, stored or removed.

Every form first becomes one ``Query`` and one ``Bounds``; both are checked before
the key is looked up, in the order in which redis-server 7.0 does.
"""

from typing import Final

from trivet.core.command.arguments import NOT_AN_INTEGER, SYNTAX, WRONG_TYPE
from trivet.core.command.events import SORTED_SET
from trivet.core.command.sorted_sets_bounds import (
    Bounds,
    index_bounds,
    member_bounds,
    score_bounds,
)
from trivet.core.command.table import Context, Flag, command
from trivet.core.values.numbers import parse_int
from trivet.core.values.sorted_set import Scored, SortedSet
from trivet.core.wire.reply import Error, Pairs, Reply

_READ: Final = Flag.READONLY
_WRITE: Final = Flag.WRITE
_GROW: Final = Flag.WRITE | Flag.DENYOOM
_FAST: Final = Flag.FAST
_ONE: Final = (1, 1, 1)
_LIMIT_NEEDS: Final = Error(
    "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX"
)
_SCORES_WITH_MEMBERS: Final = Error("ERR syntax error, WITHSCORES not supported in combination with BYLEX")

_FREE: Final = 0
_BY_INDEX: Final = 1
_BY_SCORE: Final = 2
_BY_MEMBER: Final = 3


class Query:
    """How a range is asked for: by what, in which order, how much of it, with scores or not."""

    __slots__ = ("by", "limit", "offset", "reverse", "scores")

    def __init__(self, by: int, reverse: bool) -> None:
        self.by = by
        self.reverse = reverse
        self.offset = 0
        self.limit = -1
        self.scores = False

    def read(self, args: list[bytes], at: int, free_order: bool, store: bool) -> Error | None:
        """The options from ``args[at]`` on; ``free_order``: REV is one of them."""
        free_by = self.by == _FREE
        while at < len(args):
            name = args[at].upper()
            if name == b"WITHSCORES" and not store:
                self.scores = True
            elif name == b"LIMIT" and at + 2 < len(args):
                offset, limit = parse_int(args[at + 1]), parse_int(args[at + 2])
                if offset is None or limit is None:
                    return NOT_AN_INTEGER
                self.offset, self.limit = offset, limit
                at += 2
            elif name == b"REV" and free_order:
                self.reverse, free_order = True, False
            elif name == b"BYLEX" and free_by:
                self.by, free_by = _BY_MEMBER, False
            elif name == b"BYSCORE" and free_by:
                self.by, free_by = _BY_SCORE, False
            else:
                return SYNTAX
            at += 1
        return self._check()

    def _check(self) -> Error | None:
        if self.by == _FREE:
            self.by = _BY_INDEX
        if self.limit != -1 and self.by == _BY_INDEX:
            return _LIMIT_NEEDS
        if self.scores and self.by == _BY_MEMBER:
            return _SCORES_WITH_MEMBERS
        return None

    def bounds(self, first: bytes, last: bytes) -> Bounds | Error:
        """The range from ``first`` to ``last``, which a reverse one names from the top."""
        if self.by == _BY_INDEX:
            return index_bounds(first, last, self.reverse)
        if self.reverse:
            first, last = last, first
        return score_bounds(first, last) if self.by == _BY_SCORE else member_bounds(first, last)

    def select(self, value: SortedSet, bounds: Bounds) -> list[Scored]:
        """The pairs asked for, in the order asked for."""
        start, stop = bounds.ranks(value)
        if start >= stop:
            return []
        if self.by != _BY_INDEX:
            if self.offset < 0 or self.offset >= stop - start:
                return []
            size = stop - start - self.offset
            if 0 <= self.limit < size:
                size = self.limit
            if self.reverse:
                stop -= self.offset
                start = stop - size
            else:
                start += self.offset
                stop = start + size
        pairs = value.between(start, stop)
        if self.reverse:
            pairs.reverse()
        return pairs


# Giving


@command(
    "zrange",
    arity=-4,
    flags=_READ,
    keys=_ONE,
    group="sorted-set",
    summary="Gives the members of a range.",
    since="1.2.0",
    complexity="O(log(N)+M) for M of N members",
)
def zrange(context: Context, args: list[bytes]) -> Reply:
    """ZRANGE key start stop [BYSCORE|BYLEX] [REV] [LIMIT offset count] [WITHSCORES]."""
    return _range(context, args, Query(_FREE, False), True)


@command(
    "zrevrange",
    arity=-4,
    flags=_READ,
    keys=_ONE,
    group="sorted-set",
    summary="Gives the members of a range of indices, the greatest first.",
    since="1.2.0",
    complexity="O(log(N)+M) for M of N members",
)
def zrevrange(context: Context, args: list[bytes]) -> Reply:
    """ZREVRANGE key start stop [WITHSCORES]."""
    return _range(context, args, Query(_BY_INDEX, True), False)


@command(
    "zrangebyscore",
    arity=-4,
    flags=_READ,
    keys=_ONE,
    group="sorted-set",
    summary="Gives the members of a range of scores.",
    since="1.0.5",
    complexity="O(log(N)+M) for M of N members",
)
def zrangebyscore(context: Context, args: list[bytes]) -> Reply:
    """ZRANGEBYSCORE key min max [WITHSCORES] [LIMIT offset count]."""
    return _range(context, args, Query(_BY_SCORE, False), False)


@command(
    "zrevrangebyscore",
    arity=-4,
    flags=_READ,
    keys=_ONE,
    group="sorted-set",
    summary="Gives the members of a range of scores, the greatest first.",
    since="2.2.0",
    complexity="O(log(N)+M) for M of N members",
)
def zrevrangebyscore(context: Context, args: list[bytes]) -> Reply:
    """ZREVRANGEBYSCORE key max min [WITHSCORES] [LIMIT offset count]."""
    return _range(context, args, Query(_BY_SCORE, True), False)


@command(
    "zrangebylex",
    arity=-4,
    flags=_READ,
    keys=_ONE,
    group="sorted-set",
    summary="Gives the members of a range of members of equal score.",
    since="2.8.9",
    complexity="O(log(N)+M) for M of N members",
)
def zrangebylex(context: Context, args: list[bytes]) -> Reply:
    """ZRANGEBYLEX key min max [LIMIT offset count]."""
    return _range(context, args, Query(_BY_MEMBER, False), False)


@command(
    "zrevrangebylex",
    arity=-4,
    flags=_READ,
    keys=_ONE,
    group="sorted-set",
    summary="Gives the members of a range of members of equal score, the greatest first.",
    since="2.8.9",
    complexity="O(log(N)+M) for M of N members",
)
def zrevrangebylex(context: Context, args: list[bytes]) -> Reply:
    """ZREVRANGEBYLEX key max min [LIMIT offset count]."""
    return _range(context, args, Query(_BY_MEMBER, True), False)


def _range(context: Context, args: list[bytes], query: Query, free_order: bool) -> Reply:
    pairs = _pairs(context, args, 1, query, free_order)
    if isinstance(pairs, Error):
        return pairs
    if query.scores:
        return Pairs([(member, score) for score, member in pairs])
    return [member for _, member in pairs]


def _pairs(
    context: Context,
    args: list[bytes],
    at: int,
    query: Query,
    free_order: bool,
    store: bool = False,
) -> list[Scored] | Error:
    """What the query finds at the key ``args[at]``, the ends and options after it."""
    fault = query.read(args, at + 3, free_order, store)
    if fault is not None:
        return fault
    bounds = query.bounds(args[at + 1], args[at + 2])
    if isinstance(bounds, Error):
        return bounds
    value = context.db.get(args[at])
    if value is None:
        return []
    return query.select(value, bounds) if isinstance(value, SortedSet) else WRONG_TYPE


@command(
    "zrangestore",
    arity=-5,
    flags=_GROW,
    keys=(1, 2, 1),
    group="sorted-set",
    summary="Stores the members of a range.",
    since="6.2.0",
    complexity="O(log(N)+M) for M of N members",
)
def zrangestore(context: Context, args: list[bytes]) -> Reply:
    """ZRANGESTORE destination source start stop [BYSCORE|BYLEX] [REV] [LIMIT offset count]."""
    pairs = _pairs(context, args, 2, Query(_FREE, False), True, True)
    if isinstance(pairs, Error):
        return pairs
    context.stored(SORTED_SET, b"zrangestore", args[1], SortedSet.load(0, sorted(pairs)), len(pairs))
    return len(pairs)


# Counting


@command(
    "zcount",
    arity=4,
    flags=_READ | _FAST,
    keys=_ONE,
    group="sorted-set",
    summary="Counts the members of a range of scores.",
    since="2.0.0",
    complexity="O(log(N))",
)
def zcount(context: Context, args: list[bytes]) -> Reply:
    """ZCOUNT key min max."""
    return _count(context, args, score_bounds(args[2], args[3]))


@command(
    "zlexcount",
    arity=4,
    flags=_READ | _FAST,
    keys=_ONE,
    group="sorted-set",
    summary="Counts the members of a range of members of equal score.",
    since="2.8.9",
    complexity="O(log(N))",
)
def zlexcount(context: Context, args: list[bytes]) -> Reply:
    """ZLEXCOUNT key min max."""
    return _count(context, args, member_bounds(args[2], args[3]))


def _count(context: Context, args: list[bytes], bounds: Bounds | Error) -> Reply:
    if isinstance(bounds, Error):
        return bounds
    value = context.db.get(args[1])
    if value is None:
        return 0
    if not isinstance(value, SortedSet):
        return WRONG_TYPE
    start, stop = bounds.ranks(value)
    return max(stop - start, 0)


# Removing


@command(
    "zremrangebyrank",
    arity=4,
    flags=_WRITE,
    keys=_ONE,
    group="sorted-set",
    summary="Removes the members of a range of indices.",
    since="2.0.0",
    complexity="O(log(N)+M) for M of N members",
)
def zremrangebyrank(context: Context, args: list[bytes]) -> Reply:
    """ZREMRANGEBYRANK key start stop."""
    return _remove(context, args, index_bounds(args[2], args[3], False), b"zremrangebyrank")


@command(
    "zremrangebyscore",
    arity=4,
    flags=_WRITE,
    keys=_ONE,
    group="sorted-set",
    summary="Removes the members of a range of scores.",
    since="1.2.0",
    complexity="O(log(N)+M) for M of N members",
)
def zremrangebyscore(context: Context, args: list[bytes]) -> Reply:
    """ZREMRANGEBYSCORE key min max."""
    return _remove(context, args, score_bounds(args[2], args[3]), b"zremrangebyscore")


@command(
    "zremrangebylex",
    arity=4,
    flags=_WRITE,
    keys=_ONE,
    group="sorted-set",
    summary="Removes the members of a range of members of equal score.",
    since="2.8.9",
    complexity="O(log(N)+M) for M of N members",
)
def zremrangebylex(context: Context, args: list[bytes]) -> Reply:
    """ZREMRANGEBYLEX key min max."""
    return _remove(context, args, member_bounds(args[2], args[3]), b"zremrangebylex")


def _remove(context: Context, args: list[bytes], bounds: Bounds | Error, event: bytes) -> Reply:
    if isinstance(bounds, Error):
        return bounds
    value = context.db.get(args[1])
    if value is None:
        return 0
    if not isinstance(value, SortedSet):
        return WRONG_TYPE
    start, stop = bounds.ranks(value)
    if start >= stop:
        return 0
    context.db.edit(args[1])
    value.remove_between(start, stop)
    context.shrunk(SORTED_SET, event, args[1], len(value))
    return stop - start
