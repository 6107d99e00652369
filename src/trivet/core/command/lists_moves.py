"""Lists, several at a time: moving an item from one to another, popping from the first that has any."""

from typing import Final

from trivet.core.command.arguments import SYNTAX, WRONG_TYPE
from trivet.core.command.collection_arguments import counted_pop, first_counted_positions
from trivet.core.command.events import LIST
from trivet.core.command.table import Context, Flag, command
from trivet.core.values.list_value import List
from trivet.core.wire.reply import NULL_ARRAY, Error, Reply

_GROW: Final = Flag.WRITE | Flag.DENYOOM
ENDS: Final[dict[bytes, bool]] = {b"LEFT": True, b"RIGHT": False}
"""Whether the word means the left end."""


@command(
    "rpoplpush",
    arity=3,
    flags=_GROW,
    keys=(1, 2, 1),
    group="list",
    summary="Moves an item from the right end of a list to the left end of another.",
    since="1.2.0",
    complexity="O(1)",
)
def rpoplpush(context: Context, args: list[bytes]) -> Reply:
    """RPOPLPUSH source destination."""
    return move_item(context, args[1], args[2], False, True)


@command(
    "lmove",
    arity=5,
    flags=_GROW,
    keys=(1, 2, 1),
    group="list",
    summary="Moves an item from one end of a list to one end of another.",
    since="6.2.0",
    complexity="O(1)",
)
def lmove(context: Context, args: list[bytes]) -> Reply:
    """LMOVE source destination LEFT|RIGHT LEFT|RIGHT."""
    take_left, put_left = ENDS.get(args[3].upper()), ENDS.get(args[4].upper())
    if take_left is None or put_left is None:
        return SYNTAX
    return move_item(context, args[1], args[2], take_left, put_left)


def move_item(context: Context, source: bytes, target: bytes, take_left: bool, put_left: bool) -> Reply:
    """Move an item between two ends, which may be those of one list; None when there is none."""
    db = context.db
    giver = db.get(source)
    if giver is None:
        return None
    taker = db.get(target)
    if not isinstance(giver, List) or not (taker is None or isinstance(taker, List)):
        return WRONG_TYPE
    db.edit(source)
    item = giver.take(take_left)
    if taker is None:
        db.set(target, List((item,)))
    else:
        db.edit(target)
        taker.push(item, put_left)
    if context.notifies:
        context.notify(LIST, b"lpush" if put_left else b"rpush", target)
    context.shrunk(LIST, b"lpop" if take_left else b"rpop", source, len(giver))
    return item


@command(
    "lmpop",
    arity=-4,
    flags=Flag.WRITE | Flag.MOVABLEKEYS,
    group="list",
    summary="Removes and gives items from the first list that has any.",
    since="7.0.0",
    complexity="O(N+M) for N keys and M items given",
    key_finder=first_counted_positions,
)
def lmpop(context: Context, args: list[bytes]) -> Reply:
    """LMPOP numkeys key [key ...] LEFT|RIGHT [COUNT count]."""
    asked = counted_pop(args, 1, ENDS)
    if isinstance(asked, Error):
        return asked
    for key in asked.keys:
        value = context.db.get(key)
        if value is None:
            continue
        if not isinstance(value, List):
            return WRONG_TYPE
        taken: list[Reply] = list(pop_items(context, key, value, asked.count, asked.first))
        return [key, taken]
    return NULL_ARRAY


def pop_items(context: Context, key: bytes, value: List, count: int, left: bool) -> list[bytes]:
    """Remove and give up to ``count`` items of the list at ``key``, which has some."""
    context.db.edit(key)
    taken = value.take_many(count, left)
    context.shrunk(LIST, b"lpop" if left else b"rpop", key, len(value))
    return taken
