"""Sorted sets: popping the least and the greatest, and members by chance."""

from typing import Final

from trivet.core.command.arguments import SYNTAX, WRONG_TYPE
from trivet.core.command.collection_arguments import (
    count_argument,
    counted_pop,
    first_counted_positions,
    random_count,
)
from trivet.core.command.events import SORTED_SET
from trivet.core.command.table import Context, Flag, command
from trivet.core.values.sorted_set import Scored, SortedSet
from trivet.core.wire.reply import NULL_ARRAY, Error, Pairs, Reply

_ONE: Final = (1, 1, 1)
ENDS: Final[dict[bytes, bool]] = {b"MIN": True, b"MAX": False}
"""Whether the word means the least."""


@command(
    "zpopmin",
    arity=-2,
    flags=Flag.WRITE | Flag.FAST,
    keys=_ONE,
    group="sorted-set",
    summary="Removes and gives the members with the least scores.",
    since="5.0.0",
    complexity="O(log(N)*M) for M of N members",
)
def zpopmin(context: Context, args: list[bytes]) -> Reply:
    """ZPOPMIN key [count]."""
    return _pop(context, args, True)


@command(
    "zpopmax",
    arity=-2,
    flags=Flag.WRITE | Flag.FAST,
    keys=_ONE,
    group="sorted-set",
    summary="Removes and gives the members with the greatest scores.",
    since="5.0.0",
    complexity="O(log(N)*M) for M of N members",
)
def zpopmax(context: Context, args: list[bytes]) -> Reply:
    """ZPOPMAX key [count]."""
    return _pop(context, args, False)


def _pop(context: Context, args: list[bytes], least: bool) -> Reply:
    if len(args) > 3:
        return SYNTAX
    count: int | Error = 1 if len(args) == 2 else count_argument(args[2])
    if isinstance(count, Error):
        return count
    value = context.db.get(args[1])
    if value is None:
        return []
    if not isinstance(value, SortedSet):
        return WRONG_TYPE
    if count == 0:
        return []
    taken = take_members(context, args[1], value, count, least)
    if len(args) == 2:
        score, member = taken[0]
        return [member, score]
    return Pairs([(member, score) for score, member in taken])


def take_members(context: Context, key: bytes, value: SortedSet, count: int, least: bool) -> list[Scored]:
    """Remove and give up to ``count`` members from one end, the outermost first."""
    context.db.edit(key)
    size = len(value)
    count = min(count, size)
    if least:
        taken = value.remove_between(0, count)
    else:
        taken = value.remove_between(size - count, size)
        taken.reverse()
    context.shrunk(SORTED_SET, b"zpopmin" if least else b"zpopmax", key, len(value))
    return taken


@command(
    "zmpop",
    arity=-4,
    flags=Flag.WRITE | Flag.MOVABLEKEYS,
    group="sorted-set",
    summary="Removes and gives members from the first sorted set that has any.",
    since="7.0.0",
    complexity="O(K) + O(M*log(N)) for K keys and M of N members",
    key_finder=first_counted_positions,
)
def zmpop(context: Context, args: list[bytes]) -> Reply:
    """ZMPOP numkeys key [key ...] MIN|MAX [COUNT count]."""
    asked = counted_pop(args, 1, ENDS)
    if isinstance(asked, Error):
        return asked
    for key in asked.keys:
        value = context.db.get(key)
        if value is None:
            continue
        if not isinstance(value, SortedSet):
            return WRONG_TYPE
        pairs: list[Reply] = [
            [member, score] for score, member in take_members(context, key, value, asked.count, asked.first)
        ]
        return [key, pairs]
    return NULL_ARRAY


@command(
    "zrandmember",
    arity=-2,
    flags=Flag.READONLY,
    keys=_ONE,
    group="sorted-set",
    summary="Gives members of a sorted set by chance.",
    since="6.2.0",
    complexity="O(N) for N members given",
)
def zrandmember(context: Context, args: list[bytes]) -> Reply:
    """ZRANDMEMBER key [count [WITHSCORES]]."""
    count, paired = 1, False
    if len(args) > 2:
        asked = random_count(args, b"WITHSCORES")
        if isinstance(asked, Error):
            return asked
        count, paired = asked
    value = context.db.get(args[1])
    if value is None:
        return None if len(args) == 2 else []
    if not isinstance(value, SortedSet):
        return WRONG_TYPE
    if len(args) == 2:
        return value.random_key(context.prng)
    if count < 0:
        members = value.draw(context.prng, -count)
    else:
        members = value.sample(context.prng, count)
    if not paired:
        return list(members)
    return Pairs([(member, value.get(member)) for member in members])
