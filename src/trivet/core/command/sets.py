"""Sets: different members under one key.

What is chosen by chance is chosen by the entry's seed and the set's order, which is
the same on every replica (rule V1). A set whose last member goes, goes (rule C2).
Unions, intersections and differences are in ``sets_algebra``.
"""

from typing import Final

from trivet.core.command.arguments import SYNTAX, WRONG_TYPE
from trivet.core.command.collection_arguments import count_argument, draw_count, scan_cursor, scan_options
from trivet.core.command.events import SET
from trivet.core.command.table import Context, Flag, command
from trivet.core.values.set_value import Set
from trivet.core.wire.reply import Error, Members, Reply

_READ: Final = Flag.READONLY
_WRITE: Final = Flag.WRITE
_GROW: Final = Flag.WRITE | Flag.DENYOOM
_FAST: Final = Flag.FAST
_ONE: Final = (1, 1, 1)


@command(
    "sadd",
    arity=-3,
    flags=_GROW | _FAST,
    keys=_ONE,
    group="set",
    summary="Adds members to a set and tells how many are new.",
    since="1.0.0",
    complexity="O(N) for N members",
)
def sadd(context: Context, args: list[bytes]) -> Reply:
    """SADD key member [member ...]."""
    db, key = context.db, args[1]
    value = db.get(key)
    if value is None:
        value = Set()
        db.set(key, value)
    elif not isinstance(value, Set):
        return WRONG_TYPE
    elif len(args) == 3:
        if args[2] in value:
            return 0
        db.edit(key)
    elif all(member in value for member in args[2:]):
        return 0
    else:
        db.edit(key)
    before = len(value)
    for member in args[2:]:
        value.add(member)
    if context.notifies:
        context.notify(SET, b"sadd", key)
    return len(value) - before


@command(
    "srem",
    arity=-3,
    flags=_WRITE | _FAST,
    keys=_ONE,
    group="set",
    summary="Removes members of a set and tells how many were there.",
    since="1.0.0",
    complexity="O(N) for N members",
)
def srem(context: Context, args: list[bytes]) -> Reply:
    """SREM key member [member ...]."""
    db, key = context.db, args[1]
    value = db.get(key)
    if value is None:
        return 0
    if not isinstance(value, Set):
        return WRONG_TYPE
    removed = 0
    for member in args[2:]:
        if member not in value:
            continue
        if removed == 0:
            db.edit(key)
        value.discard(member)
        removed += 1
    if removed:
        context.shrunk(SET, b"srem", key, len(value))
    return removed


@command(
    "smove",
    arity=4,
    flags=_WRITE | _FAST,
    keys=(1, 2, 1),
    group="set",
    summary="Moves a member from one set to another.",
    since="1.0.0",
    complexity="O(1)",
)
def smove(context: Context, args: list[bytes]) -> Reply:
    """SMOVE source destination member."""
    db, member = context.db, args[3]
    source, target = db.get(args[1]), db.get(args[2])
    if source is None:
        return 0
    if not isinstance(source, Set) or not (target is None or isinstance(target, Set)):
        return WRONG_TYPE
    if member not in source:
        return 0
    if source is target:
        return 1
    db.edit(args[1])
    source.discard(member)
    context.shrunk(SET, b"srem", args[1], len(source))
    if target is None:
        db.set(args[2], Set.of((member,)))
    elif member not in target:
        db.edit(args[2])
        target.add(member)
    else:
        return 1
    if context.notifies:
        context.notify(SET, b"sadd", args[2])
    return 1


@command(
    "spop",
    arity=-2,
    flags=_WRITE | _FAST,
    keys=_ONE,
    group="set",
    summary="Removes and gives members of a set by chance.",
    since="1.0.0",
    complexity="O(N) for N members given",
)
def spop(context: Context, args: list[bytes]) -> Reply:
    """SPOP key [count]."""
    if len(args) > 3:
        return SYNTAX
    if len(args) == 2:
        return _pop_one(context, args[1])
    count = count_argument(args[2])
    if isinstance(count, Error):
        return count
    value = context.db.get(args[1])
    if value is None:
        return Members([])
    if not isinstance(value, Set):
        return WRONG_TYPE
    if count == 0:
        return Members([])
    context.db.edit(args[1])
    left = max(len(value) - count, 0)
    taken = value.take(context.prng, count) if left else value.to_list()
    context.shrunk(SET, b"spop", args[1], left)
    return Members(list(taken))


def _pop_one(context: Context, key: bytes) -> Reply:
    value = context.db.edit(key)
    if value is None:
        return None
    if not isinstance(value, Set):
        return WRONG_TYPE
    member = value.random_key(context.prng)
    value.discard(member)
    context.shrunk(SET, b"spop", key, len(value))
    return member


@command(
    "srandmember",
    arity=-2,
    flags=_READ,
    keys=_ONE,
    group="set",
    summary="Gives members of a set by chance.",
    since="1.0.0",
    complexity="O(N) for N members given",
)
def srandmember(context: Context, args: list[bytes]) -> Reply:
    """SRANDMEMBER key [count]."""
    if len(args) > 3:
        return SYNTAX
    count: int | Error = 1 if len(args) == 2 else draw_count(args[2])
    if isinstance(count, Error):
        return count
    value = context.db.get(args[1])
    if value is None:
        return None if len(args) == 2 else []
    if not isinstance(value, Set):
        return WRONG_TYPE
    if len(args) == 2:
        return value.random_key(context.prng)
    if count < 0:
        return list(value.draw(context.prng, -count))
    return list(value.sample(context.prng, count))


@command(
    "sismember",
    arity=3,
    flags=_READ | _FAST,
    keys=_ONE,
    group="set",
    summary="Tells whether a set has a member.",
    since="1.0.0",
    complexity="O(1)",
)
def sismember(context: Context, args: list[bytes]) -> Reply:
    """SISMEMBER key member."""
    value = context.db.get(args[1])
    if value is None:
        return 0
    if not isinstance(value, Set):
        return WRONG_TYPE
    return 1 if args[2] in value else 0


@command(
    "smismember",
    arity=-3,
    flags=_READ | _FAST,
    keys=_ONE,
    group="set",
    summary="Tells for several members whether a set has them.",
    since="6.2.0",
    complexity="O(N) for N members",
)
def smismember(context: Context, args: list[bytes]) -> Reply:
    """SMISMEMBER key member [member ...]."""
    value = context.db.get(args[1])
    if value is None:
        return [0] * (len(args) - 2)
    if not isinstance(value, Set):
        return WRONG_TYPE
    return [1 if member in value else 0 for member in args[2:]]


@command(
    "scard",
    arity=2,
    flags=_READ | _FAST,
    keys=_ONE,
    group="set",
    summary="Tells how many members a set has.",
    since="1.0.0",
    complexity="O(1)",
)
def scard(context: Context, args: list[bytes]) -> Reply:
    """SCARD key."""
    value = context.db.get(args[1])
    if value is None:
        return 0
    return len(value) if isinstance(value, Set) else WRONG_TYPE


@command(
    "smembers",
    arity=2,
    flags=_READ,
    keys=_ONE,
    group="set",
    summary="Gives all members of a set.",
    since="1.0.0",
    complexity="O(N) for N members",
)
def smembers(context: Context, args: list[bytes]) -> Reply:
    """SMEMBERS key."""
    value = context.db.get(args[1])
    if value is None:
        return Members([])
    if not isinstance(value, Set):
        return WRONG_TYPE
    return Members(list(value.keys()))


@command(
    "sscan",
    arity=-3,
    flags=_READ,
    keys=_ONE,
    group="set",
    summary="Walks over the members of a set in steps.",
    since="2.8.0",
    complexity="O(1) per step, O(N) for the walk",
)
def sscan(context: Context, args: list[bytes]) -> Reply:
    """SSCAN key cursor [MATCH pattern] [COUNT count]."""
    cursor = scan_cursor(args[2])
    if isinstance(cursor, Error):
        return cursor
    value = context.db.get(args[1])
    if value is None:
        return [b"0", []]
    if not isinstance(value, Set):
        return WRONG_TYPE
    options = scan_options(args)
    if isinstance(options, Error):
        return options
    cursor, found = value.scan(cursor, options.count)
    return [b"%d" % cursor, list(options.select(found))]
