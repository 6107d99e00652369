"""Sets: unions, intersections and differences, given or stored.

All sets are looked up, and their type checked, before anything is computed. A
result is a dict of members in a reproducible order: that of the first set (the
smallest, for an intersection), then of the next ones (rule V1). Storing an empty
result removes the destination.
"""

from collections.abc import Iterable
from typing import Final

from trivet.core.command.arguments import SYNTAX, WRONG_TYPE
from trivet.core.command.collection_arguments import (
    KEYS_NOT_POSITIVE,
    LIMIT_NEGATIVE,
    first_counted_positions,
    not_negative,
    positive,
)
from trivet.core.command.events import SET
from trivet.core.command.table import Context, Flag, command
from trivet.core.values.set_value import Set
from trivet.core.wire.reply import Error, Members, Reply

_GROW: Final = Flag.WRITE | Flag.DENYOOM
_TOO_MANY_KEYS: Final = Error("ERR Number of keys can't be greater than number of args")
_NO_LIMIT: Final = 0


@command(
    "sinter",
    arity=-2,
    flags=Flag.READONLY,
    keys=(1, -1, 1),
    group="set",
    summary="Gives the members that all sets have.",
    since="1.0.0",
    complexity="O(N*M) for the smallest set's N members and M sets",
)
def sinter(context: Context, args: list[bytes]) -> Reply:
    """SINTER key [key ...]."""
    sets = _sets(context, args[1:])
    return sets if isinstance(sets, Error) else Members(list(_intersection(sets, _NO_LIMIT)))


@command(
    "sinterstore",
    arity=-3,
    flags=_GROW,
    keys=(1, -1, 1),
    group="set",
    summary="Stores the members that all sets have.",
    since="1.0.0",
    complexity="O(N*M) for the smallest set's N members and M sets",
)
def sinterstore(context: Context, args: list[bytes]) -> Reply:
    """SINTERSTORE destination key [key ...]."""
    sets = _sets(context, args[2:])
    return (
        sets
        if isinstance(sets, Error)
        else _store(context, args[1], _intersection(sets, _NO_LIMIT), b"sinterstore")
    )


@command(
    "sintercard",
    arity=-3,
    flags=Flag.READONLY | Flag.MOVABLEKEYS,
    group="set",
    summary="Tells how many members all sets have.",
    since="7.0.0",
    complexity="O(N*M) for the smallest set's N members and M sets",
    key_finder=first_counted_positions,
)
def sintercard(context: Context, args: list[bytes]) -> Reply:
    """SINTERCARD numkeys key [key ...] [LIMIT limit]."""
    number = positive(args[1], KEYS_NOT_POSITIVE)
    if isinstance(number, Error):
        return number
    if number > len(args) - 2:
        return _TOO_MANY_KEYS
    limit = _NO_LIMIT
    for at in range(2 + number, len(args), 2):
        if args[at].upper() != b"LIMIT" or at + 1 == len(args):
            return SYNTAX
        parsed = not_negative(args[at + 1], LIMIT_NEGATIVE)
        if isinstance(parsed, Error):
            return parsed
        limit = parsed
    sets = _sets(context, args[2 : 2 + number])
    return sets if isinstance(sets, Error) else len(_intersection(sets, limit))


@command(
    "sunion",
    arity=-2,
    flags=Flag.READONLY,
    keys=(1, -1, 1),
    group="set",
    summary="Gives the members that any of the sets has.",
    since="1.0.0",
    complexity="O(N) for N members of all sets",
)
def sunion(context: Context, args: list[bytes]) -> Reply:
    """SUNION key [key ...]."""
    sets = _sets(context, args[1:])
    return sets if isinstance(sets, Error) else Members(list(_union(sets)))


@command(
    "sunionstore",
    arity=-3,
    flags=_GROW,
    keys=(1, -1, 1),
    group="set",
    summary="Stores the members that any of the sets has.",
    since="1.0.0",
    complexity="O(N) for N members of all sets",
)
def sunionstore(context: Context, args: list[bytes]) -> Reply:
    """SUNIONSTORE destination key [key ...]."""
    sets = _sets(context, args[2:])
    return sets if isinstance(sets, Error) else _store(context, args[1], _union(sets), b"sunionstore")


@command(
    "sdiff",
    arity=-2,
    flags=Flag.READONLY,
    keys=(1, -1, 1),
    group="set",
    summary="Gives the members of the first set that no other has.",
    since="1.0.0",
    complexity="O(N) for N members of all sets",
)
def sdiff(context: Context, args: list[bytes]) -> Reply:
    """SDIFF key [key ...]."""
    sets = _sets(context, args[1:])
    return sets if isinstance(sets, Error) else Members(list(_difference(sets)))


@command(
    "sdiffstore",
    arity=-3,
    flags=_GROW,
    keys=(1, -1, 1),
    group="set",
    summary="Stores the members of the first set that no other has.",
    since="1.0.0",
    complexity="O(N) for N members of all sets",
)
def sdiffstore(context: Context, args: list[bytes]) -> Reply:
    """SDIFFSTORE destination key [key ...]."""
    sets = _sets(context, args[2:])
    return sets if isinstance(sets, Error) else _store(context, args[1], _difference(sets), b"sdiffstore")


def _sets(context: Context, keys: list[bytes]) -> list[Set | None] | Error:
    """The sets at ``keys``, None for a missing one; an error when any key holds something else."""
    found: list[Set | None] = []
    for key in keys:
        value = context.db.get(key)
        if value is not None and not isinstance(value, Set):
            return WRONG_TYPE
        found.append(value)
    return found


def _union(sets: list[Set | None]) -> dict[bytes, bool]:
    union: dict[bytes, bool] = {}
    for one in sets:
        if one is not None:
            union.update(one.to_dict())
    return union


def _intersection(sets: list[Set | None], limit: int) -> dict[bytes, bool]:
    """What all have; with a limit other than 0, no more than so many."""
    present: list[Set] = [one for one in sets if one is not None]
    if len(present) < len(sets):
        return {}
    present.sort(key=len)
    others = present[1:]
    common: dict[bytes, bool] = {}
    for member in present[0].members():
        if all(member in other for other in others):
            common[member] = True
            if len(common) == limit:
                break
    return common


def _difference(sets: list[Set | None]) -> dict[bytes, bool]:
    first = sets[0]
    if first is None:
        return {}
    others: list[Set] = [one for one in sets[1:] if one is not None]
    return {member: True for member in first.members() if not any(member in other for other in others)}


def _store(context: Context, key: bytes, members: Iterable[bytes], event: bytes) -> Reply:
    """Put the result in the place of whatever is at ``key``; how many members it has."""
    result = Set.of(members)
    context.stored(SET, event, key, result, len(result))
    return len(result)
