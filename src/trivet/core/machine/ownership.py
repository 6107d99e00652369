"""Which slots a group holds, and which of its keys are nobody's business yet, or any more.

A group's machine may hold keys that it does not own: those that are being imported from another
group, and those that it has handed over and not yet purged. They are *foreign*: no command sees
them, no event tells of them. Whether a call may run here at all is decided by the slots of its
keys, as of the entry (or the read index) at which it runs.

- Rule O1: a group that owns all slots at the epoch at which it was founded checks nothing. While nothing
  is sealed and nothing is imported, a call whose node routed it by a map at least as new as the last
  change of ownership is not checked either. All others are.
- Rule O2: a call that names a key of a slot that is not owned, or sealed, is not run: ``NotHere``.
- Rule O3: a call about whole databases (``WHOLE``) is answered for the owned slots only. It is refused while
  something is sealed or an import is ready, and when its node's map is older than the last change. So
  of calls routed by one map each slot is answered for by exactly one group.
- Rule O4: the number of foreign keys of each database is exact (``Database.foreign_count``); those of an
  import are counted apart, so that the hand-over is a subtraction.
"""

from typing import Final

from trivet.core.base.checksum import crc32
from trivet.core.cluster.slots import SLOTS, slot_of
from trivet.core.machine.ownership_state import ExportState, ImportState, OwnershipState
from trivet.core.machine.slot_ranges import Ranges, ranges_of
from trivet.core.values.database import Database
from trivet.core.values.databases import Databases

FOREIGN: Final = 0
OWNED: Final = 1
SEALED: Final = 2
"""Owned, and on its way to another group: nothing may see or change it until the move is over."""
IMPORTING: Final = 3

DONE_MAX: Final = 64
"""Moves that are over and still remembered, so that what says so again gets the same answer."""
_ALL: Final = 1 << 63
"""Later than every epoch."""


class Import:
    """Keys that come from another group."""

    __slots__ = ("counts", "generation", "ranges", "ready")

    def __init__(self, ranges: Ranges, generation: int) -> None:
        self.ranges = ranges
        self.generation = generation
        """Rises each time that the mover starts again."""
        self.ready = False
        """Everything is here; the map may name the new owner."""
        self.counts: dict[int, int] = {}
        """Keys held, by database."""


class Export:
    """Slots that are sealed."""

    __slots__ = ("expired", "ranges")

    def __init__(self, ranges: Ranges) -> None:
        self.ranges = ranges
        self.expired: dict[int, int] = {}
        """Keys that have gone by their deadline since the seal, by database."""


class Ownership:
    """The slots of one group: part of the replicated state."""

    def __init__(self, databases: Databases) -> None:
        self.epoch = 0
        """That of the cluster map at the last change of what is owned."""
        self.imports: dict[int, Import] = {}
        """By move."""
        self.exports: dict[int, Export] = {}
        """By move."""
        self.done: dict[int, tuple[bytes, dict[int, int]]] = {}
        """How the newest moves ended (``END`` or ``DISOWN``), and with how many keys by database."""
        self.checks_below = 0
        """Calls routed by a map of an epoch below this are looked at (Rule O1)."""
        self.is_partial = False
        """There are slots that are not owned, or sealed."""
        self.is_locked = False
        """Transactions over groups hold locks here (Rule L9)."""
        self._databases = databases
        self._slots = bytearray([OWNED]) * SLOTS

    @property
    def whole(self) -> bool:
        """Whether all slots are owned and nothing is sealed."""
        return not self.is_partial

    @property
    def is_awaited(self) -> bool:
        """Whether this is a group that the map has made, and whose log has not said yet what it owns."""
        return not self.epoch and OWNED not in self._slots and not self.exports

    @property
    def looks(self) -> bool:
        """Whether a call may be ``NotHere``."""
        return self.is_partial or self.checks_below > 0

    @property
    def owned(self) -> Ranges:
        """What is owned, the sealed slots included."""
        return ranges_of(self._slots.replace(b"\2", b"\1"), OWNED)

    # -- slots and keys ------------------------------------------------------------------------

    def place(self, key: bytes) -> int:
        """How it stands with the slot of ``key``."""
        return self._slots[slot_of(key)]

    def are_all(self, ranges: Ranges, wanted: int) -> bool:
        """Whether all slots of the ranges stand so."""
        return all(self._slots.count(wanted, low, high + 1) == high + 1 - low for low, high in ranges)

    def mark(self, ranges: Ranges, place: int) -> None:
        """These slots stand so from now on."""
        for low, high in ranges:
            self._slots[low : high + 1] = bytes([place]) * (high + 1 - low)
        self.settle()

    def settle(self) -> None:
        """Imports, exports, slots or the epoch have changed: what follows from them."""
        self.is_partial = self._slots.count(OWNED) != SLOTS
        checks_all = self.exports or self.imports or self.is_locked or self.is_awaited
        self.checks_below = _ALL if checks_all else self.epoch

    def take_all(self, ranges: Ranges, epoch: int) -> None:
        """A new group: it owns these slots, and nothing else (Rule O1)."""
        self._slots = bytearray(SLOTS)
        self.epoch = epoch
        self.mark(ranges, OWNED)

    def is_in_the_way(self) -> bool:
        """Whether calls about whole databases must wait (Rule O3)."""
        return bool(self.exports) or any(one.ready for one in self.imports.values())

    # -- Outsiders -----------------------------------------------------------------------------

    def is_foreign(self, key: bytes) -> bool:
        """See ``Outsiders``."""
        place = self._slots[slot_of(key)]
        return place in (FOREIGN, IMPORTING)

    def forgotten(self, database: Database, key: bytes) -> bool:
        """See ``Outsiders``: the counts follow (Rule O4)."""
        slot = slot_of(key)
        place = self._slots[slot]
        if place == OWNED:
            return False
        if place == SEALED:
            expired = self._export_of(slot).expired
            expired[database.index] = expired.get(database.index, 0) + 1
            return False
        if place == IMPORTING:
            self.import_of(slot).counts[database.index] -= 1
        return True

    def import_of(self, slot: int) -> Import:
        """The import of a slot that is being imported."""
        for one in self.imports.values():
            if _holds(one.ranges, slot):
                return one
        raise AssertionError(slot)

    def _export_of(self, slot: int) -> Export:
        for one in self.exports.values():
            if _holds(one.ranges, slot):
                return one
        raise AssertionError(slot)

    def garbage(self, database: Database) -> int:
        """Foreign keys of a database that belong to no import."""
        index = database.index
        return database.foreign_count - sum([one.counts.get(index, 0) for one in self.imports.values()])

    def garbage_count(self) -> int:
        """The same of all databases."""
        return sum([self.garbage(database) for database in self._databases.opened()])

    # -- what ends a move ------------------------------------------------------------------------

    def flushed(self) -> None:
        """A database is emptied or exchanged: imports are over, and their movers must start again."""
        for one in self.imports.values():
            self._slots_of(one.ranges, FOREIGN)
        self.imports.clear()
        self.settle()

    def remember(self, move: int, how: bytes, counts: dict[int, int]) -> None:
        """A move is over."""
        self.done[move] = (how, counts)
        if len(self.done) > DONE_MAX:
            del self.done[next(iter(self.done))]

    def _slots_of(self, ranges: Ranges, place: int) -> None:
        for low, high in ranges:
            self._slots[low : high + 1] = bytes([place]) * (high + 1 - low)

    def digest(self, crc: int) -> int:
        """Fold all of it into a checksum (Rule M4)."""
        crc = crc32(bytes(self._slots), crc)
        facts: list[int] = [self.epoch]
        for move, one in self.imports.items():
            facts += [move, one.generation, one.ready, *one.counts.values()]
        for move, export in self.exports.items():
            facts += [move, *export.expired.values()]
        for database in self._databases.opened():
            if database.foreign_count:  # whether an empty one is open depends on reads
                facts += [database.index, database.foreign_count]
        return crc32(b",".join([b"%d" % fact for fact in facts]), crc)

    # -- snapshots -------------------------------------------------------------------------------

    def state(self) -> OwnershipState:
        """As a snapshot holds it."""
        return OwnershipState(
            self.epoch,
            self.owned,
            [
                ImportState(move, one.ranges, one.generation, one.ready, list(one.counts.items()))
                for move, one in self.imports.items()
            ],
            [ExportState(move, one.ranges, list(one.expired.items())) for move, one in self.exports.items()],
            [(move, how, list(counts.items())) for move, (how, counts) in self.done.items()],
        )

    def restore(self, state: OwnershipState) -> None:
        """Become what ``state`` says; raises ``ValueError`` for ranges that cannot be."""
        self._slots = bytearray(SLOTS)
        self.epoch = state.epoch
        self._mark_checked(state.owned, OWNED)
        for held in state.imports:
            self._mark_checked(held.ranges, IMPORTING)
            one = self.imports[held.move] = Import(held.ranges, held.generation)
            one.ready = held.ready
            one.counts = dict(held.counts)
        for sealed in state.exports:
            self._mark_checked(sealed.ranges, SEALED)
            export = self.exports[sealed.move] = Export(sealed.ranges)
            export.expired = dict(sealed.expired)
        self.done = {move: (how, dict(counts)) for move, how, counts in state.done}
        self.settle()

    def _mark_checked(self, ranges: Ranges, place: int) -> None:
        wanted = OWNED if place == SEALED else FOREIGN
        for low, high in ranges:
            if not 0 <= low <= high < SLOTS or not self.are_all([(low, high)], wanted):
                raise ValueError("impossible ranges of slots")
            self._slots_of([(low, high)], place)

    def check_invariants(self) -> None:
        """The counts are exact (Rule O4). Looks at every key: for tests and the lab."""
        for database in self._databases.opened():
            counts = dict.fromkeys(self.imports, 0)
            foreign = 0
            for key in database.values:
                if self.is_foreign(key):
                    foreign += 1
                    for move, one in self.imports.items():
                        counts[move] += _holds(one.ranges, slot_of(key))
            assert database.foreign_count == foreign, (database.index, database.foreign_count, foreign)
            for move, one in self.imports.items():
                assert one.counts.get(database.index, 0) == counts[move], (move, one.counts, counts)


def _holds(ranges: Ranges, slot: int) -> bool:
    return any(low <= slot <= high for low, high in ranges)
