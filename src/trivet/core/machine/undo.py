"""The journal of one call: what it would take to undo it (Rule L15).

Kept only in a group that has not all slots, or has locks, and there only for calls that come to keys which
they did not name: scripts, and transactions with such calls in them. A key is written down as it was, before
its first change. Undone is what clients could see: keys with their deadlines, emptied and exchanged
databases, events, messages, broken watches; waiting calls are not offered what is gone again. Not undone is
what nobody minds: a script stays in the cache, who follows changes has heard of two that cancel out.
"""

from trivet.core.command.table import Context
from trivet.core.machine.watches import Watcher, Watches
from trivet.core.values.codec import Item, decode_items, encode_item, join_items
from trivet.core.values.database import Database
from trivet.core.values.databases import Databases
from trivet.core.values.deadlines import Deadlines
from trivet.core.values.table import Table
from trivet.core.values.types import Value


class _Kept:
    """What one database was."""

    __slots__ = ("database", "expired_count", "foreign_count", "items", "tables")

    def __init__(self, database: Database) -> None:
        self.database = database
        self.expired_count = database.expired_count
        self.foreign_count = database.foreign_count
        self.items: dict[bytes, bytes] = {}
        """By key, in the order of their first changes; empty: there was none."""
        self.tables: tuple[Table[Value], Deadlines, Deadlines] | None = None
        """The old ones, once it was emptied or exchanged. No key of new ones matters."""


class Journal:
    """A change hook; begun before the call."""

    def __init__(self, databases: Databases, watches: Watches, context: Context) -> None:
        self._databases = databases
        self._watches = watches
        self._context = context
        self._kept: list[_Kept] = []
        self._numbers: dict[int, Database] | None = None
        self._events = len(context.events)
        self._published = len(context.published)
        self._dirty = dict(watches.dirty)

    def before_change(self, database: Database, key: bytes) -> None:
        """Write down what is there, once."""
        kept = self._of(database)
        emptied = kept.tables is not None and kept.tables[0] is not database.values
        if emptied or key in kept.items:
            return
        value = database.values.get(key)
        if value is None:
            kept.items[key] = b""
        else:
            kept.items[key] = join_items([encode_item(key, value, database.deadline_ms(key))])

    def before_flush(self, database: Database) -> None:
        """The old tables live on here. An exchange says it of both databases: they get their numbers back."""
        if self._numbers is None:
            self._numbers = dict(self._databases.items())
        kept = self._of(database)
        if kept.tables is None:
            kept.tables = (database.values, database.deadlines, database.field_deadlines)

    def _of(self, database: Database) -> _Kept:
        for kept in self._kept:
            if kept.database is database:
                return kept
        kept = _Kept(database)
        self._kept.append(kept)
        return kept

    def undo(self) -> None:
        """As if the call had never run. Other hooks hear of each key; it is no hook itself any more."""
        if self._numbers is not None:
            self._databases.renumber(self._numbers)
        for kept in self._kept:
            database = kept.database
            if kept.tables is not None:
                database.values, database.deadlines, database.field_deadlines = kept.tables
            for key, data in kept.items.items():
                _put_back(database, key, decode_items(data)[0] if data else None)
            database.expired_count = kept.expired_count
            database.foreign_count = kept.foreign_count
        context = self._context
        del context.events[self._events :]
        del context.published[self._published :]
        self._watches.dirty = self._dirty


class Watched:
    """What one client watches, to be watched again."""

    __slots__ = ("_existed", "_watcher")

    def __init__(self, watches: Watches, watcher: Watcher) -> None:
        self._watcher = watcher
        self._existed = dict(watches.watchers.get(watcher, {}))

    def restore(self, watches: Watches) -> None:
        """``EXEC`` has forgotten it."""
        for key, existed in self._existed.items():
            watches.watch(self._watcher, key, existed)


def _put_back(database: Database, key: bytes, item: Item | None) -> None:
    if database.hook is not None:
        database.hook.before_change(database, key)
    if item is None:
        database.values.pop(key)
        database.deadlines.drop(key)
        database.field_deadlines.drop(key)
        return
    _, value, deadline_ms = item
    database.values.put(key, value)
    if deadline_ms >= 0:
        database.deadlines.put(key, deadline_ms)
    else:
        database.deadlines.drop(key)
    database.field_deadlines.drop(key)
    database.adopt(key, value)
