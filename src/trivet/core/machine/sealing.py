"""Slots that go to another group: ``SEAL``, ``UNSEAL``, ``DISOWN``, ``PURGE`` in its own log.

| | |
|---|---|
| ``SEAL move ranges`` | from now on nothing sees or changes these slots: the last state is copied |
| ``UNSEAL move`` | instead of the hand-over: everything is as before |
| ``DISOWN move epoch [database count …]`` | the map of that epoch names another owner; counts at the seal |
| ``PURGE move cursor`` | remove some foreign keys; answers [cursor to go on from or 0, how many are left] |

All of them may be said twice. ``SEAL`` answers ``OK``, or how many keys of the slots are locked: transactions
over groups that hold them end as usual, and the last state is that after them (Rule L14).

- Rule X1: at the seal, watches of the slots' keys are broken, and who follows reads forgets them: changes
  will happen elsewhere.
- Rule X2: calls that wait for one of the slots' keys are told so (``NotHere``), and ask again where the keys
  go. What such a call was served and has not claimed is put back first, the last served first, so it goes
  along with its key. A call whose reply cannot be put back (``BLMOVE``, the stream reads) has had its
  effect: its claim stays good here.
- Rule X3: only ``DISOWN`` and ``UNSEAL`` lift the seal. Keys whose deadline passes meanwhile go, counted.
- Rule X4: ``PURGE`` removes foreign keys that belong to no import, and no others, unheard.
"""

from typing import Final

from trivet.core.cluster.slots import SLOTS, slot_of
from trivet.core.command.table import Context
from trivet.core.machine.importing import BAD_CALL, DISOWN, END, IS_OVER, NO_SUCH_MOVE
from trivet.core.machine.ownership import FOREIGN, OWNED, SEALED, Export, Ownership
from trivet.core.machine.slot_ranges import Ranges, parse_number, parse_ranges
from trivet.core.machine.state import State
from trivet.core.machine.transactions import locks_left
from trivet.core.values.database import Database
from trivet.core.values.table import SPACE
from trivet.core.wire.reply import OK, Error, Reply

PURGE_KEYS_MAX: Final = 256
"""Of one call, but for the rest of a bucket."""
PURGE_BUCKETS_MAX: Final = 64
_NOT_OWNED: Final = Error("ERR some of these slots are not owned here, or are sealed")


def seal(state: State, context: Context, args: list[bytes]) -> Reply:
    """``SEAL move ranges``."""
    ownership = state.ownership
    move, ranges = parse_number(args[1]), parse_ranges(args[2])
    known = ownership.exports.get(move)
    if known is not None:
        return _sealed(state, ranges) if known.ranges == ranges else BAD_CALL
    if move in ownership.done:
        return IS_OVER
    if not ranges or not ownership.are_all(ranges, OWNED):
        return _NOT_OWNED
    leaving = bytearray(SLOTS)
    for low, high in ranges:
        leaving[low : high + 1] = b"\1" * (high + 1 - low)
    state.waiting.leave(context, leaving)
    for watched in list(state.watches.keys):
        if leaving[slot_of(watched[1])]:
            state.watches.touched(watched)
    if state.follower is not None:
        for database in state.databases.opened():
            state.follower.before_flush(database)
    ownership.exports[move] = Export(ranges)
    ownership.mark(ranges, SEALED)
    state.owns_otherwise()
    return _sealed(state, ranges)


def _sealed(state: State, ranges: Ranges) -> Reply:
    return locks_left(state, ranges) or OK


def unseal(state: State, context: Context, args: list[bytes]) -> Reply:
    """``UNSEAL move``."""
    ownership = state.ownership
    move = parse_number(args[1])
    if move in ownership.done:
        return IS_OVER
    export = ownership.exports.pop(move, None)
    if export is not None:
        ownership.mark(export.ranges, OWNED)
        state.owns_otherwise()
    return OK


def disown(state: State, context: Context, args: list[bytes]) -> Reply:
    """``DISOWN move epoch [database count …]``."""
    ownership = state.ownership
    move, epoch = parse_number(args[1]), parse_number(args[2])
    if move in ownership.done:
        return BAD_CALL if ownership.done[move][0] == END else OK
    export = ownership.exports.get(move)
    if export is None:
        return NO_SUCH_MOVE
    numbers = [parse_number(arg) for arg in args[3:]]
    counts = dict(zip(numbers[::2], numbers[1::2], strict=True))
    for index, expired in export.expired.items():
        counts[index] = counts.get(index, 0) - expired
    for index, count in counts.items():
        if not 0 <= count <= len(state.databases.open(index)):
            return BAD_CALL
    for index, count in counts.items():
        state.databases.open(index).foreign_count += count
    del ownership.exports[move]
    ownership.remember(move, DISOWN, counts)
    ownership.epoch = max(ownership.epoch, epoch)
    ownership.mark(export.ranges, FOREIGN)
    state.owns_otherwise()
    return OK


def purge(state: State, context: Context, args: list[bytes]) -> Reply:
    """``PURGE move cursor``; a cursor is a database's number before a point of the hash space."""
    ownership = state.ownership
    first, point = divmod(parse_number(args[2]), SPACE)
    follower, state.follower = state.follower, None  # Rule X4
    budget = [PURGE_BUCKETS_MAX, PURGE_KEYS_MAX]
    try:
        for index, database in state.databases.items():
            if index >= first:
                point = _purge(ownership, database, point if index == first else 0, budget)
                if point < SPACE:
                    return [b"%d" % (index * SPACE + point), ownership.garbage_count()]
    finally:
        state.follower = follower
    return [b"0", ownership.garbage_count()]


def _purge(ownership: Ownership, database: Database, point: int, budget: list[int]) -> int:
    """Purge one database from a point on; how far it came (``SPACE``: through)."""
    while ownership.garbage(database) and point < SPACE:
        if min(budget) <= 0:
            return point
        bucket, point = database.values.range_at(point)
        for key in [k for k in database.values.bucket(bucket) if ownership.place(k) == FOREIGN]:
            database.drop_foreign(key)
            budget[1] -= 1
        budget[0] -= 1
    return SPACE


def counts_as_arguments(counts: dict[int, int]) -> list[bytes]:
    """The counts of ``DISOWN``."""
    return [b"%d" % number for pair in sorted(counts.items()) for number in pair]


def sealed_ranges(ownership: Ownership, move: int) -> Ranges:
    """What a move has sealed; nothing when it has not."""
    export = ownership.exports.get(move)
    return [] if export is None else export.ranges
