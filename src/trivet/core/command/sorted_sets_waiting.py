"""Sorted sets: the commands that wait for a member (``BZPOPMIN`` and its like)."""

from typing import Final

from trivet.core.command.arguments import WRONG_TYPE
from trivet.core.command.collection_arguments import counted_pop, counted_positions
from trivet.core.command.sorted_sets_ends import ENDS, take_members
from trivet.core.command.table import Context, Flag, command
from trivet.core.command.waiting import keys_to_look_at, timeout_seconds, wait_or
from trivet.core.values.sorted_set import SortedSet
from trivet.core.wire.reply import NULL_ARRAY, Error, Reply

_WAITS: Final = Flag.WRITE | Flag.BLOCKING
_ALONE: Final = _WAITS | Flag.NOSCRIPT


def _put_back(context: Context, key: bytes, taken: list[tuple[Reply, Reply]]) -> None:
    """Members that nobody got are there again; a key of another type by now keeps its value."""
    value = context.db.edit(key)
    if value is None:
        value = SortedSet()
        context.db.set(key, value)
    if not isinstance(value, SortedSet):
        return
    for member, score in taken:
        assert isinstance(member, bytes) and isinstance(score, float)
        if value.get(member) is None:
            value.put(member, score)


def _give_back(context: Context, args: list[bytes], reply: Reply) -> None:
    assert isinstance(reply, list)
    key, member, score = reply
    assert isinstance(key, bytes)
    _put_back(context, key, [(member, score)])


def _give_back_many(context: Context, args: list[bytes], reply: Reply) -> None:
    assert isinstance(reply, list)
    key, pairs = reply
    assert isinstance(key, bytes) and isinstance(pairs, list)
    _put_back(context, key, [(pair[0], pair[1]) for pair in pairs if isinstance(pair, list)])


@command(
    "bzpopmin",
    arity=-3,
    flags=_ALONE | Flag.FAST,
    keys=(1, -2, 1),
    group="sorted-set",
    summary="Removes and gives the member with the least score, waiting for one.",
    since="5.0.0",
    complexity="O(log(N)) for N members",
    give_back=_give_back,
)
def bzpopmin(context: Context, args: list[bytes]) -> Reply:
    """BZPOPMIN key [key ...] timeout."""
    return _pop(context, args, True)


@command(
    "bzpopmax",
    arity=-3,
    flags=_ALONE | Flag.FAST,
    keys=(1, -2, 1),
    group="sorted-set",
    summary="Removes and gives the member with the greatest score, waiting for one.",
    since="5.0.0",
    complexity="O(log(N)) for N members",
    give_back=_give_back,
)
def bzpopmax(context: Context, args: list[bytes]) -> Reply:
    """BZPOPMAX key [key ...] timeout."""
    return _pop(context, args, False)


def _pop(context: Context, args: list[bytes], least: bool) -> Reply:
    limit_ms = timeout_seconds(args[-1])
    if isinstance(limit_ms, Error):
        return limit_ms
    for key in keys_to_look_at(context, args[1:-1]):
        value = context.db.get(key)
        if value is None:
            continue
        if not isinstance(value, SortedSet):
            return WRONG_TYPE
        score, member = take_members(context, key, value, 1, least)[0]
        return [key, member, score]
    return wait_or(context, limit_ms, args, NULL_ARRAY)


def _bzmpop_keys(args: list[bytes]) -> list[int]:
    return counted_positions(args, 2)


@command(
    "bzmpop",
    arity=-5,
    flags=_WAITS | Flag.MOVABLEKEYS,
    group="sorted-set",
    summary="Removes and gives members from the first sorted set that has any, waiting for one.",
    since="7.0.0",
    complexity="O(K) + O(M*log(N)) for K keys and M of N members",
    key_finder=_bzmpop_keys,
    give_back=_give_back_many,
)
def bzmpop(context: Context, args: list[bytes]) -> Reply:
    """BZMPOP timeout numkeys key [key ...] MIN|MAX [COUNT count]."""
    limit_ms = timeout_seconds(args[1])
    if isinstance(limit_ms, Error):
        return limit_ms
    asked = counted_pop(args, 2, ENDS)
    if isinstance(asked, Error):
        return asked
    for key in keys_to_look_at(context, asked.keys):
        value = context.db.get(key)
        if value is None:
            continue
        if not isinstance(value, SortedSet):
            return WRONG_TYPE
        taken = take_members(context, key, value, asked.count, asked.first)
        pairs: list[Reply] = [[member, score] for score, member in taken]
        return [key, pairs]
    return wait_or(context, limit_ms, args, NULL_ARRAY)
