"""What plain calls do that meet locks of transactions over groups.

Only looked at while there are locks here (``Ownership.checks_below``).

- Rule L9: a call that writes a locked key, or reads an exclusively locked one, is not run:
  ``NotHere(locked_at)``. Its node sends it again. To ``EXEC`` the keys that its client watches are read.
- Rule L10: a read of a whole database waits for the exclusive locks that were there when it came first
  (``SINCE``). Later ones it need not have seen: it was under way before they were decided.
- Rule L11: what empties or exchanges databases waits for all locks; while it does, new ones are refused.
"""

from typing import Final

from trivet.core.base.ids import Index, NodeId
from trivet.core.command.lookup import find_row, keys_of, other_databases
from trivet.core.command.table import Flag, Row
from trivet.core.machine.checking import WHOLE
from trivet.core.machine.collecting import COLLECT, COLLECTED
from trivet.core.machine.entry import decode_calls
from trivet.core.machine.rights import AS
from trivet.core.machine.scanning import SLOTKEYS
from trivet.core.machine.watches import Watches
from trivet.core.transaction.intents import Intents
from trivet.core.transaction.locks import Locks
from trivet.core.transaction.words import LockKey
from trivet.core.wire.reply import Error

FLUSHES: Final = (b"FLUSHDB", b"FLUSHALL", b"SWAPDB")
_READONLY: Final = int(Flag.READONLY)


class Looker:
    """Looks at one call after the other; the facts of the group beside."""

    __slots__ = ("_changes", "_intents", "_watches", "now_ms", "since")

    def __init__(self, intents: Intents, watches: Watches, changes: bool) -> None:
        self._changes = changes
        """It looks for an entry, and may change the state (the barrier); a reader changes nothing."""
        self._intents = intents
        self._watches = watches
        self.since: Index = 0
        """Of the call that is looked at: when it was first refused, or now."""
        self.now_ms = 0

    def meets(self, node: NodeId, db: int, args: list[bytes]) -> bool:
        """Whether the call must wait for a lock."""
        name = args[0]
        if name == AS:
            return self.meets(node, db, args[3:])
        if name == b"EXEC":
            return self._transaction_meets(node, args)
        if name in FLUSHES:
            return self._changes and self._intents.met_by_flush(self.now_ms)
        if name in WHOLE or name == SLOTKEYS:
            return self._intents.met_by_whole_read(self.since)
        locks = self._intents.locks
        if name in (COLLECT, COLLECTED):
            return any(locks.met_by_read((db, key)) for key in args[4:])
        if name == b"WATCH":
            return any(locks.met_by_read((db, key)) for key in args[2:])
        if name == b"BLOCK":
            args = args[2:]
        row = find_row(args)
        return not isinstance(row, Error) and row_meets(locks, db, row, args)

    def reads_locked(self, key: LockKey) -> bool:
        """Whether a read of ``key`` must wait for a lock."""
        return self._intents.locks.met_by_read(key)

    def _transaction_meets(self, node: NodeId, args: list[bytes]) -> bool:
        locks = self._intents.locks
        if args[2]:
            watched = self._watches.watchers.get((node, int(args[2])), {})
            if any(locks.met_by_read(key) for key in watched):
                return True
        calls = decode_calls(args[1])
        return any(db >= 0 and self.meets(node, db, inner) for db, inner in calls)


def row_meets(locks: Locks, db: int, row: Row, args: list[bytes]) -> bool:
    """Whether a command must wait; what is no mere read counts as a write of all its keys."""
    keys = touched_keys(db, row, args)
    if int(row.flags) & _READONLY:
        return any(locks.met_by_read(key) for key in keys)
    return any(locks.met_by_write(key) for key in keys)


def touched_keys(db: int, row: Row, args: list[bytes]) -> list[LockKey]:
    """The keys that a command names, with their databases."""
    names = keys_of(row, args)
    databases = [db, *[other for other in other_databases(args) if other >= 0]]
    return [(database, key) for database in databases for key in names]
