"""Slots that come from another group: ``IMPORT …`` in the log of the group that gets them.

The mover (the leader of the group that gives them) says, in this order:

| | |
|---|---|
| ``IMPORT BEGIN move ranges generation`` | keys of these slots are coming; they are foreign until the end |
| ``IMPORT ITEMS move generation packets`` | some of them, as they are now; the newest word on a key counts |
| ``IMPORT READY move generation time`` | everything is here, the source is sealed, and its time was this |
| ``IMPORT END move epoch`` | the map of that epoch names this group: it owns the slots from now on |
| ``IMPORT ABORT move`` | instead of the end: what came is to be purged |

All of them may be said twice. Each answers a list that begins with ``TAKEN``, ``AGAIN``, ``PURGE`` or
``ENDED``, or an error when it makes no sense.

- Rule I1: what a *generation* has brought counts as long as no database was emptied or exchanged here. That
  ends the import, and the mover begins again (``AGAIN``) with a higher one. Two movers never use the same.
- Rule I2: an import begins only where there is no garbage (``PURGE``): nobody could tell its keys from those
  that are gone at the source by now.
- Rule I3: from ``READY`` on nothing empties or exchanges a database here (Rule O3), so what the map then
  names as the owner has everything.
- Rule I4: what comes is unheard: no event, no invalidation, no watcher, no waiter.
- Rule I5: the time of this group is from then on not before that of the source: what has expired there is not
  there again, and nothing lives longer than was asked for. Nor do the numbers of ``FENCE`` fall (Rule G3).
"""

from typing import Final

from trivet.core.cluster.slots import slot_of
from trivet.core.command.table import Context
from trivet.core.machine.ownership import FOREIGN, IMPORTING, OWNED, Import, Ownership, Withheld
from trivet.core.machine.packets import unpack
from trivet.core.machine.slot_ranges import parse_number, parse_ranges
from trivet.core.machine.state import State
from trivet.core.values.codec import Item
from trivet.core.values.databases import NUMBERS_MAX
from trivet.core.wire.reply import OK, Error, Reply

TAKEN: Final = b"taken"
AGAIN: Final = b"again"
PURGE: Final = b"purge"
ENDED: Final = b"ended"

END: Final = b"END"
DISOWN: Final = b"DISOWN"
"""How a move ends, here and there."""

NO_SUCH_MOVE: Final = Error("ERR this move is not under way here")
IS_OVER: Final = Error("ERR this move is over")
BAD_CALL: Final = Error("ERR a call about moving slots that makes no sense")
_NOT_FREE: Final = Error("ERR some of these slots are owned here, or come from elsewhere")
_NOT_READY: Final = Error("ERR not everything of this move is here")


def found(state: State, context: Context, args: list[bytes]) -> Reply:
    """``FOUND ranges epoch [keyspace [database token]…]``: a new group, empty, that was never anything else.

    Of the default keyspace it does not hold those databases.
    """
    ownership = state.ownership
    ranges, epoch = parse_ranges(args[1]), parse_number(args[2])
    if ownership.epoch or ownership.imports or ownership.exports or ownership.done:
        return OK if ownership.epoch >= epoch else BAD_CALL
    if state.databases.key_count():
        return BAD_CALL
    numbers = [parse_number(arg) for arg in args[3:]]
    for db, token in zip(numbers[1::2], numbers[2::2], strict=True):
        ownership.withheld[db] = Withheld(token, epoch)
    ownership.take_all(ranges, epoch, numbers[0] if numbers else 0)
    state.owns_otherwise()
    return OK


def import_call(state: State, context: Context, args: list[bytes]) -> Reply:
    """``IMPORT verb move …``."""
    verb, move = args[1], parse_number(args[2])
    how = state.ownership.done.get(move)
    if how is not None:
        return [ENDED, *flat(how[1])] if how[0] == END and verb != b"ABORT" else IS_OVER
    if verb == b"BEGIN":
        return _begin(state, move, args)
    if verb == b"ABORT":
        drop(state, move)
        return [TAKEN]
    one = state.ownership.imports.get(move)
    if one is None:
        return [AGAIN]
    if verb == END:
        return _end(state, move, one, parse_number(args[3]))
    if parse_number(args[3]) != one.generation:
        return [AGAIN]
    if verb == b"ITEMS":
        return _items(state, one, args[4])
    if verb != b"READY":
        return BAD_CALL
    one.ready = True
    if len(args) > 4:
        source_ms = parse_number(args[4])
        catch_up(state, context, source_ms)
        state.fences.rise_above(source_ms)
    return [TAKEN]


def catch_up(state: State, context: Context, source_ms: int) -> None:
    """The group's time is not before ``source_ms`` from now on (Rules I5, L12)."""
    if source_ms > state.now_ms:
        state.now_ms = context.now_ms = source_ms
        state.databases.set_now(source_ms)


def _begin(state: State, move: int, args: list[bytes]) -> Reply:
    ownership = state.ownership
    ranges, generation = parse_ranges(args[3]), parse_number(args[4])
    known = ownership.imports.get(move)
    if known is not None:
        if generation < known.generation or (generation == known.generation and ranges != known.ranges):
            return [AGAIN]
        if generation == known.generation:
            return [TAKEN]
        drop(state, move)
    if ownership.garbage_count():
        return [PURGE]
    if not ranges or ownership.is_awaited or not ownership.are_all(ranges, FOREIGN):
        return _NOT_FREE
    ownership.imports[move] = Import(ranges, generation)
    ownership.mark(ranges, IMPORTING)
    state.owns_otherwise()
    return [TAKEN]


def drop(state: State, move: int) -> None:
    """The import ends without a hand-over: its keys are garbage from now on."""
    ownership = state.ownership
    one = ownership.imports.pop(move, None)
    if one is not None:
        ownership.mark(one.ranges, FOREIGN)
        state.owns_otherwise()


def _items(state: State, one: Import, data: bytes) -> Reply:
    packets = unpack(data)
    for index, gone, items in packets:
        if not 0 <= index < NUMBERS_MAX or not _are_of(state.ownership, one, gone, items):
            return BAD_CALL
    follower, state.follower = state.follower, None  # Rule I4
    try:
        for index, gone, items in packets:
            _put(state, one, index, gone, items)
    finally:
        state.follower = follower
    return [TAKEN]


def _are_of(ownership: Ownership, one: Import, gone: list[bytes], items: list[Item]) -> bool:
    """Whether all keys belong to slots of this import."""
    for key in [*gone, *[item[0] for item in items]]:
        if ownership.place(key) != IMPORTING or ownership.import_of(slot_of(key)) is not one:
            return False
    return True


def _put(state: State, one: Import, index: int, gone: list[bytes], items: list[Item]) -> None:
    database = state.databases.open(index)
    count = one.counts.get(index, 0)
    for key in gone:
        count -= database.drop_foreign(key)
    for key, value, deadline_ms in items:
        count += database.put_foreign(key, value, deadline_ms)
    one.counts[index] = count


def _end(state: State, move: int, one: Import, epoch: int) -> Reply:
    """The slots are owned from now on: a subtraction (Rule O4), however many keys there are."""
    if not one.ready:
        return _NOT_READY
    ownership = state.ownership
    for index, count in one.counts.items():
        state.databases.open(index).foreign_count -= count
    del ownership.imports[move]
    ownership.remember(move, END, one.counts)
    ownership.epoch = max(ownership.epoch, epoch)
    ownership.mark(one.ranges, OWNED)
    state.owns_otherwise()
    return [ENDED, *flat(one.counts)]


def flat(counts: dict[int, int]) -> list[Reply]:
    """Databases and their counts in turn."""
    return [number for index, count in sorted(counts.items()) if count for number in (index, count)]
