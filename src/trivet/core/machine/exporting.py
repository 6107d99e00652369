"""``RangeWalk``: what the leader of a group that gives slots away copies to the group that gets them.

Strategy: a walk through the hash space of every database, some buckets at a time. A key that is met, and a
key behind the walk that is about to change, is *due*; what is taken of the due keys is their value at that
moment, or that they are gone. A key before the walk is not noted: it will be met. So whoever takes until
nothing is due, after the slots were sealed, has given the last word on every key, and no key that is changed
all the time holds up the others.

It is no part of the state. A leader that is new begins a new walk, as long as need be on sealed slots.
"""

from collections import deque
from typing import Final
from zlib import crc32

from trivet.core.cluster.slots import SLOTS, slot_of
from trivet.core.machine.packets import Parcel
from trivet.core.machine.slot_ranges import Ranges
from trivet.core.machine.state import State
from trivet.core.values.database import Database
from trivet.core.values.table import SPACE, reverse32

_DUE_ENOUGH: Final = 512
"""With so many keys due, the walk goes no further for now."""
_BUCKETS_MAX: Final = 32
"""Buckets that one ``take`` looks through: most of their keys may be of other slots."""
DUE_MAX: Final = 1_000_000
"""With more the walk begins anew: keys that come and go must not fill the memory of a mover that waits."""


class RangeWalk:
    """One walk over the keys of some slots of one machine; it is told of changes until ``close``."""

    def __init__(self, machine: State, ranges: Ranges) -> None:
        self.restarts = 0
        """How often it began anew, because a database was emptied or exchanged: so must the import."""
        self.due_max = DUE_MAX
        self._machine = machine
        self._wanted = bytearray(SLOTS)
        for low, high in ranges:
            self._wanted[low : high + 1] = b"\1" * (high + 1 - low)
        self._cursors: dict[int, int] = {}
        """How far it has come, by database; ``SPACE``: through."""
        self._due: dict[tuple[int, bytes], bool] = {}
        """(database, key): whether the key is among ``_counts``."""
        self._order: deque[tuple[int, bytes]] = deque()
        """The keys of ``_due``, oldest first."""
        self._counts: dict[int, int] = {}
        machine.walks.append(self)
        machine.hooks_changed()

    def close(self) -> None:
        """Stop listening."""
        if self in self._machine.walks:
            self._machine.walks.remove(self)
            self._machine.hooks_changed()

    def restart(self) -> None:
        """Begin anew: nothing that was given counts any more."""
        self._cursors = {}
        self._due = {}
        self._order.clear()
        self._counts = {}

    # -- the hook ------------------------------------------------------------------------------

    def before_change(self, database: Database, key: bytes) -> None:
        """``key`` is about to change: it is due, unless the walk has yet to meet it."""
        if not self._wanted[slot_of(key)]:
            return
        index = database.index
        cursor = self._cursors.get(index, 0)
        if cursor < SPACE and reverse32(crc32(key)) >= cursor:
            return
        place = (index, key)
        if place not in self._due:
            self._is_due(place, key in database.values)
            if len(self._order) > self.due_max:
                self.restarts += 1
                self.restart()

    def before_flush(self, database: Database) -> None:
        """A database is about to be emptied or exchanged: there is no saying what was given of it."""
        self.restarts += 1
        self.restart()

    def _is_due(self, place: tuple[int, bytes], counted: bool) -> None:
        self._due[place] = counted
        self._order.append(place)

    # -- what the mover asks ---------------------------------------------------------------------

    def take(self, bytes_max: int) -> bytes:
        """The next packets, of about ``bytes_max`` (a value may be larger); nothing when none is due now."""
        self._go_on()
        parcel = Parcel()
        while self._order and parcel.bytes < bytes_max:
            place = self._order.popleft()
            counted = self._due.pop(place)
            index, key = place
            held = parcel.add(self._machine.databases.open(index), key)
            if held is not counted:
                self._counts[index] = self._counts.get(index, 0) + (1 if held else -1)
        return parcel.packed()

    def pass_over(self) -> None:
        """As ``take``, of who wants no packets and only counts, on sealed slots (``counts_at_seal``)."""
        self._go_on()
        while self._order:
            place = self._order.popleft()
            counted = self._due.pop(place)
            index, key = place
            held = key in self._machine.databases.open(index).values
            if held is not counted:
                self._counts[index] = self._counts.get(index, 0) + (1 if held else -1)

    @property
    def is_complete(self) -> bool:
        """Whether everything was given, as it is now."""
        return not self._order and all(
            self._cursor(database) == SPACE for database in self._machine.databases.opened()
        )

    @property
    def given(self) -> int:
        """How many keys were given and are still there."""
        return sum(self._counts.values())

    @property
    def lag(self) -> int:
        """About how many keys are to be given, were nothing to change any more."""
        share = self._wanted.count(1)
        left = 0
        for database in self._machine.databases.opened():
            left += len(database.values) * (SPACE - self._cursor(database)) // SPACE * share // SLOTS
        return len(self._order) + left

    def counts_at_seal(self, move: int) -> dict[int, int]:
        """Once ``is_complete`` on sealed slots: keys by database, for ``DISOWN``."""
        counts = {index: count for index, count in self._counts.items() if count}
        export = self._machine.ownership.exports.get(move)
        for index, expired in export.expired.items() if export is not None else ():
            counts[index] = counts.get(index, 0) + expired
        return counts

    # -- the walk ----------------------------------------------------------------------------------

    def _cursor(self, database: Database) -> int:
        if not len(database.values):
            return SPACE
        return self._cursors.get(database.index, 0)

    def _go_on(self) -> None:
        """Meet the keys of some buckets more."""
        budget = _BUCKETS_MAX
        for index, database in self._machine.databases.items():
            cursor = self._cursor(database)
            while cursor < SPACE:
                if budget <= 0 or len(self._order) >= _DUE_ENOUGH:
                    return
                budget -= 1
                cursor = self._meet(index, database, cursor)
            self._cursors[index] = SPACE

    def _meet(self, index: int, database: Database, cursor: int) -> int:
        """Meet the rest of the bucket that holds ``cursor``; where the next begins."""
        bucket, end = database.values.range_at(cursor)
        self._cursors[index] = end
        for key in database.values.bucket(bucket):
            if self._wanted[slot_of(key)] and reverse32(crc32(key)) >= cursor:
                self._is_due((index, key), False)
        return end
