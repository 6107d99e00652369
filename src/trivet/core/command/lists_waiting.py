"""Lists: the commands that wait for an item (``BLPOP`` and its like)."""

from typing import Final

from trivet.core.command.arguments import SYNTAX, WRONG_TYPE
from trivet.core.command.collection_arguments import counted_pop, counted_positions
from trivet.core.command.lists_moves import ENDS, move_item, pop_items
from trivet.core.command.table import Context, Flag, command
from trivet.core.command.waiting import keys_to_look_at, timeout_seconds, wait_or
from trivet.core.values.list_value import List
from trivet.core.wire.reply import NULL_ARRAY, Error, Reply

_WAITS: Final = Flag.WRITE | Flag.BLOCKING
_ALONE: Final = _WAITS | Flag.NOSCRIPT


def _put_back(context: Context, key: bytes, items: list[bytes], left: bool) -> None:
    """Items that nobody got stand again where they were; a key of another type by now keeps its value."""
    value = context.db.edit(key)
    if value is None:
        value = List()
        context.db.set(key, value)
    if isinstance(value, List):
        for item in reversed(items):
            value.push(item, left)


def _give_back(context: Context, args: list[bytes], reply: Reply) -> None:
    assert isinstance(reply, list)
    key, item = reply
    assert isinstance(key, bytes) and isinstance(item, bytes)
    _put_back(context, key, [item], args[0] == b"BLPOP")


@command(
    "blpop",
    arity=-3,
    flags=_ALONE,
    keys=(1, -2, 1),
    group="list",
    summary="Removes and gives the first item of a list, waiting for one.",
    since="2.0.0",
    complexity="O(N) for N keys",
    give_back=_give_back,
)
def blpop(context: Context, args: list[bytes]) -> Reply:
    """BLPOP key [key ...] timeout."""
    return _pop(context, args, True)


@command(
    "brpop",
    arity=-3,
    flags=_ALONE,
    keys=(1, -2, 1),
    group="list",
    summary="Removes and gives the last item of a list, waiting for one.",
    since="2.0.0",
    complexity="O(N) for N keys",
    give_back=_give_back,
)
def brpop(context: Context, args: list[bytes]) -> Reply:
    """BRPOP key [key ...] timeout."""
    return _pop(context, args, False)


def _pop(context: Context, args: list[bytes], left: bool) -> Reply:
    limit_ms = timeout_seconds(args[-1])
    if isinstance(limit_ms, Error):
        return limit_ms
    for key in keys_to_look_at(context, args[1:-1]):
        value = context.db.get(key)
        if value is None:
            continue
        if not isinstance(value, List):
            return WRONG_TYPE
        return [key, pop_items(context, key, value, 1, left)[0]]
    return wait_or(context, limit_ms, args, NULL_ARRAY)


@command(
    "blmove",
    arity=6,
    flags=_ALONE | Flag.DENYOOM,
    keys=(1, 2, 1),
    group="list",
    summary="Moves an item from one end of a list to one end of another, waiting for one.",
    since="6.2.0",
    complexity="O(1)",
)
def blmove(context: Context, args: list[bytes]) -> Reply:
    """BLMOVE source destination LEFT|RIGHT LEFT|RIGHT timeout."""
    take_left, put_left = ENDS.get(args[3].upper()), ENDS.get(args[4].upper())
    if take_left is None or put_left is None:
        return SYNTAX
    return _move(context, args, take_left, put_left)


@command(
    "brpoplpush",
    arity=4,
    flags=_ALONE | Flag.DENYOOM,
    keys=(1, 2, 1),
    group="list",
    summary="Moves an item from the right end of a list to the left end of another, waiting for one.",
    since="2.2.0",
    complexity="O(1)",
)
def brpoplpush(context: Context, args: list[bytes]) -> Reply:
    """BRPOPLPUSH source destination timeout."""
    return _move(context, args, False, True)


def _move(context: Context, args: list[bytes], take_left: bool, put_left: bool) -> Reply:
    limit_ms = timeout_seconds(args[-1])
    if isinstance(limit_ms, Error):
        return limit_ms
    if context.only_key is not None and context.only_key != args[1]:
        return wait_or(context, limit_ms, args, None)
    reply = move_item(context, args[1], args[2], take_left, put_left)
    return wait_or(context, limit_ms, args, None) if reply is None else reply


def _blmpop_keys(args: list[bytes]) -> list[int]:
    return counted_positions(args, 2)


def _give_back_many(context: Context, args: list[bytes], reply: Reply) -> None:
    assert isinstance(reply, list)
    key, items = reply
    assert isinstance(key, bytes) and isinstance(items, list)
    taken = [item for item in items if isinstance(item, bytes)]
    _put_back(context, key, taken, ENDS[args[int(args[2]) + 3].upper()])


@command(
    "blmpop",
    arity=-5,
    flags=_WAITS | Flag.MOVABLEKEYS,
    group="list",
    summary="Removes and gives items from the first list that has any, waiting for one.",
    since="7.0.0",
    complexity="O(N+M) for N keys and M items given",
    key_finder=_blmpop_keys,
    give_back=_give_back_many,
)
def blmpop(context: Context, args: list[bytes]) -> Reply:
    """BLMPOP timeout numkeys key [key ...] LEFT|RIGHT [COUNT count]."""
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
        if not isinstance(value, List):
            return WRONG_TYPE
        taken: list[Reply] = list(pop_items(context, key, value, asked.count, asked.first))
        return [key, taken]
    return wait_or(context, limit_ms, args, NULL_ARRAY)
