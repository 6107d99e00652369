"""Lists: items in order, pushed and popped at both ends.

Indices that clients send count from 0 at the left or from -1 at the right. A list
whose last item goes, goes (rule C2). The commands that move items from list to list
or look at several lists are in ``lists_moves``.
"""

from typing import Final

from trivet.core.command.arguments import (
    INDEX_OUT_OF_RANGE,
    NO_SUCH_KEY,
    NOT_AN_INTEGER,
    SYNTAX,
    WRONG_TYPE,
    wrong_arity,
)
from trivet.core.command.collection_arguments import clamp, count_argument, index_range, not_negative
from trivet.core.command.events import LIST
from trivet.core.command.table import Context, Flag, command
from trivet.core.values.list_value import List
from trivet.core.values.numbers import INT64_MIN, parse_int
from trivet.core.wire.reply import NULL_ARRAY, OK, Error, Reply

_READ: Final = Flag.READONLY
_WRITE: Final = Flag.WRITE
_GROW: Final = Flag.WRITE | Flag.DENYOOM
_FAST: Final = Flag.FAST
_ONE: Final = (1, 1, 1)
_RANK_ZERO: Final = Error(
    "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... "
    "or use negative to start from the end of the list"
)
_COUNT_NEGATIVE: Final = Error("ERR COUNT can't be negative")
_LOOK_NEGATIVE: Final = Error("ERR MAXLEN can't be negative")


# The ends


@command(
    "lpush",
    arity=-3,
    flags=_GROW | _FAST,
    keys=_ONE,
    group="list",
    summary="Adds items at the left end of a list.",
    since="1.0.0",
    complexity="O(N) for N items",
)
def lpush(context: Context, args: list[bytes]) -> Reply:
    """LPUSH key element [element ...]."""
    return _push(context, args, True, True)


@command(
    "rpush",
    arity=-3,
    flags=_GROW | _FAST,
    keys=_ONE,
    group="list",
    summary="Adds items at the right end of a list.",
    since="1.0.0",
    complexity="O(N) for N items",
)
def rpush(context: Context, args: list[bytes]) -> Reply:
    """RPUSH key element [element ...]."""
    return _push(context, args, False, True)


@command(
    "lpushx",
    arity=-3,
    flags=_GROW | _FAST,
    keys=_ONE,
    group="list",
    summary="Adds items at the left end of a list that exists.",
    since="2.2.0",
    complexity="O(N) for N items",
)
def lpushx(context: Context, args: list[bytes]) -> Reply:
    """LPUSHX key element [element ...]."""
    return _push(context, args, True, False)


@command(
    "rpushx",
    arity=-3,
    flags=_GROW | _FAST,
    keys=_ONE,
    group="list",
    summary="Adds items at the right end of a list that exists.",
    since="2.2.0",
    complexity="O(N) for N items",
)
def rpushx(context: Context, args: list[bytes]) -> Reply:
    """RPUSHX key element [element ...]."""
    return _push(context, args, False, False)


def _push(context: Context, args: list[bytes], left: bool, create: bool) -> Reply:
    value = context.db.edit(args[1])
    if value is None:
        if not create:
            return 0
        value = List()
        context.db.set(args[1], value)
    elif not isinstance(value, List):
        return WRONG_TYPE
    if len(args) == 3:
        value.push(args[2], left)
    else:
        value.push_all(args[2:], left)
    if context.notifies:
        context.notify(LIST, b"lpush" if left else b"rpush", args[1])
    return len(value)


@command(
    "lpop",
    arity=-2,
    flags=_WRITE | _FAST,
    keys=_ONE,
    group="list",
    summary="Removes and gives items from the left end of a list.",
    since="1.0.0",
    complexity="O(N) for N items given",
)
def lpop(context: Context, args: list[bytes]) -> Reply:
    """LPOP key [count]."""
    return _pop(context, args, True)


@command(
    "rpop",
    arity=-2,
    flags=_WRITE | _FAST,
    keys=_ONE,
    group="list",
    summary="Removes and gives items from the right end of a list.",
    since="1.0.0",
    complexity="O(N) for N items given",
)
def rpop(context: Context, args: list[bytes]) -> Reply:
    """RPOP key [count]."""
    return _pop(context, args, False)


def _pop(context: Context, args: list[bytes], left: bool) -> Reply:
    if len(args) == 2:
        return _pop_one(context, args[1], left)
    if len(args) > 3:
        return wrong_arity("lpop" if left else "rpop")
    count = count_argument(args[2])
    if isinstance(count, Error):
        return count
    value = context.db.get(args[1])
    if value is None:
        return NULL_ARRAY
    if not isinstance(value, List):
        return WRONG_TYPE
    if count == 0:
        return []
    context.db.edit(args[1])
    taken = value.take_many(count, left)
    context.shrunk(LIST, b"lpop" if left else b"rpop", args[1], len(value))
    return list(taken)


def _pop_one(context: Context, key: bytes, left: bool) -> Reply:
    value = context.db.edit(key)
    if value is None:
        return None
    if not isinstance(value, List):
        return WRONG_TYPE
    item = value.take(left)
    context.shrunk(LIST, b"lpop" if left else b"rpop", key, len(value))
    return item


# Looking


@command(
    "llen",
    arity=2,
    flags=_READ | _FAST,
    keys=_ONE,
    group="list",
    summary="Tells how many items a list has.",
    since="1.0.0",
    complexity="O(1)",
)
def llen(context: Context, args: list[bytes]) -> Reply:
    """LLEN key."""
    value = context.db.get(args[1])
    if value is None:
        return 0
    return len(value) if isinstance(value, List) else WRONG_TYPE


@command(
    "lindex",
    arity=3,
    flags=_READ,
    keys=_ONE,
    group="list",
    summary="Gives the item at an index of a list.",
    since="1.0.0",
    complexity="O(N) for N items to the nearer end",
)
def lindex(context: Context, args: list[bytes]) -> Reply:
    """LINDEX key index."""
    value = context.db.get(args[1])
    if value is None:
        return None
    if not isinstance(value, List):
        return WRONG_TYPE
    index = parse_int(args[2])
    if index is None:
        return NOT_AN_INTEGER
    if index < 0:
        index += len(value)
    return value.at(index) if 0 <= index < len(value) else None


@command(
    "lrange",
    arity=4,
    flags=_READ,
    keys=_ONE,
    group="list",
    summary="Gives the items between two indices of a list.",
    since="1.0.0",
    complexity="O(S+N) for N items, S from the nearer end",
)
def lrange(context: Context, args: list[bytes]) -> Reply:
    """LRANGE key start stop."""
    indices = index_range(args[2], args[3])
    if isinstance(indices, Error):
        return indices
    value = context.db.get(args[1])
    if value is None:
        return []
    if not isinstance(value, List):
        return WRONG_TYPE
    start, stop = clamp(indices, len(value))
    return list(value.between(start, stop))


@command(
    "lpos",
    arity=-3,
    flags=_READ,
    keys=_ONE,
    group="list",
    summary="Gives the indices at which an item stands in a list.",
    since="6.0.6",
    complexity="O(N) for N items in the list",
)
def lpos(context: Context, args: list[bytes]) -> Reply:
    """LPOS key element [RANK rank] [COUNT count] [MAXLEN length]."""
    options = _position_options(args)
    if isinstance(options, Error):
        return options
    rank, count, look_max = options
    value = context.db.get(args[1])
    if value is None:
        return None if count is None else []
    if not isinstance(value, List):
        return WRONG_TYPE
    wanted = 1 if count is None else count
    found = value.positions(args[2], abs(rank) - 1, wanted, look_max, rank < 0)
    if count is None:
        return found[0] if found else None
    return list(found)


def _position_options(args: list[bytes]) -> tuple[int, int | None, int] | Error:
    """Rank, count (None when not given) and how many items to look at (0: all)."""
    rank = 1
    count: int | None = None
    look_max = 0
    for at in range(3, len(args), 2):
        if at + 1 == len(args):
            return SYNTAX
        name, data = args[at].upper(), args[at + 1]
        if name == b"RANK":
            number = parse_int(data)
            if number is None:
                return NOT_AN_INTEGER
            if number == 0:
                return _RANK_ZERO
            # Redis negates the lowest integer in vain, and so finds the first match from the end.
            rank = -1 if number == INT64_MIN else number
        elif name == b"COUNT":
            parsed = not_negative(data, _COUNT_NEGATIVE)
            if isinstance(parsed, Error):
                return parsed
            count = parsed
        elif name == b"MAXLEN":
            parsed = not_negative(data, _LOOK_NEGATIVE)
            if isinstance(parsed, Error):
                return parsed
            look_max = parsed
        else:
            return SYNTAX
    return rank, count, look_max


# Changing in the middle


@command(
    "lset",
    arity=4,
    flags=_GROW,
    keys=_ONE,
    group="list",
    summary="Replaces the item at an index of a list.",
    since="1.0.0",
    complexity="O(N) for N items to the nearer end",
)
def lset(context: Context, args: list[bytes]) -> Reply:
    """LSET key index element."""
    value = context.db.get(args[1])
    if value is None:
        return NO_SUCH_KEY
    if not isinstance(value, List):
        return WRONG_TYPE
    index = parse_int(args[2])
    if index is None:
        return NOT_AN_INTEGER
    if index < 0:
        index += len(value)
    if not 0 <= index < len(value):
        return INDEX_OUT_OF_RANGE
    context.db.edit(args[1])
    value.put_at(index, args[3])
    if context.notifies:
        context.notify(LIST, b"lset", args[1])
    return OK


@command(
    "linsert",
    arity=5,
    flags=_GROW,
    keys=_ONE,
    group="list",
    summary="Inserts an item before or after another one.",
    since="2.2.0",
    complexity="O(N) for N items in the list",
)
def linsert(context: Context, args: list[bytes]) -> Reply:
    """LINSERT key BEFORE|AFTER pivot element."""
    where = args[2].upper()
    if where not in (b"BEFORE", b"AFTER"):
        return SYNTAX
    value = context.db.get(args[1])
    if value is None:
        return 0
    if not isinstance(value, List):
        return WRONG_TYPE
    index = value.find(args[3])
    if index < 0:
        return -1
    context.db.edit(args[1])
    value.insert(index if where == b"BEFORE" else index + 1, args[4])
    if context.notifies:
        context.notify(LIST, b"linsert", args[1])
    return len(value)


@command(
    "lrem",
    arity=4,
    flags=_WRITE,
    keys=_ONE,
    group="list",
    summary="Removes items equal to a given one.",
    since="1.0.0",
    complexity="O(N) for N items in the list",
)
def lrem(context: Context, args: list[bytes]) -> Reply:
    """LREM key count element."""
    count = parse_int(args[2])
    if count is None:
        return NOT_AN_INTEGER
    value = context.db.get(args[1])
    if value is None:
        return 0
    if not isinstance(value, List):
        return WRONG_TYPE
    if value.find(args[3]) < 0:
        return 0
    context.db.edit(args[1])
    removed = value.remove(args[3], abs(count), count < 0)
    context.shrunk(LIST, b"lrem", args[1], len(value))
    return removed


@command(
    "ltrim",
    arity=4,
    flags=_WRITE,
    keys=_ONE,
    group="list",
    summary="Keeps only the items between two indices.",
    since="1.0.0",
    complexity="O(N) for N items removed",
)
def ltrim(context: Context, args: list[bytes]) -> Reply:
    """LTRIM key start stop."""
    indices = index_range(args[2], args[3])
    if isinstance(indices, Error):
        return indices
    value = context.db.edit(args[1])
    if value is None:
        return OK
    if not isinstance(value, List):
        return WRONG_TYPE
    start, stop = clamp(indices, len(value))
    if start < stop:
        value.keep(start, stop)
    context.shrunk(LIST, b"ltrim", args[1], stop - start)
    return OK
