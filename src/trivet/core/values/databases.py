"""The numbered databases of one replica: what a machine holds.

They are opened on first use. Time and the change hook are set here, for all.
"""

from typing import Final

from trivet.core.values.database import ChangeHook, Database, KeyListener
from trivet.core.values.deadlines import NEVER
from trivet.core.values.hash_value import Clock

DATABASES_MAX: Final = 16


class Databases:
    """Sixteen databases, most of them never opened."""

    __slots__ = ("_clock", "_hook", "_in_use", "_listener", "_now_ms", "_opened")

    def __init__(self) -> None:
        self._opened: list[Database | None] = [None] * DATABASES_MAX
        self._in_use: list[Database] = []
        """Those of them that are opened, in their order: for what runs every turn."""
        self._hook: ChangeHook | None = None
        self._listener: KeyListener | None = None
        self._now_ms = 0
        self._clock = Clock()

    @property
    def now_ms(self) -> int:
        """The time that decides about deadlines, Unix ms."""
        return self._now_ms

    def open(self, index: int) -> Database:
        """Database ``index`` in [0, 16), empty when it was never used; raises ``IndexError`` for another."""
        if index < 0:
            raise IndexError(index)
        database = self._opened[index]
        if database is None:
            database = Database(index, self._now_ms, self._hook, self._clock)
            database.listener = self._listener
            self._opened[index] = database
            self._in_use = self.opened()
        return database

    def items(self) -> list[tuple[int, Database]]:
        """The opened databases in the order of their numbers."""
        return [(index, database) for index, database in enumerate(self._opened) if database is not None]

    def opened(self) -> list[Database]:
        """The opened databases."""
        return [database for database in self._opened if database is not None]

    def swap(self, first: int, second: int) -> None:
        """Exchange two databases. The objects keep their content and change their number."""
        one, other = self.open(first), self.open(second)
        if self._hook is not None:
            self._hook.before_flush(one)
            self._hook.before_flush(other)
        self._opened[first], self._opened[second] = other, one
        one.index, other.index = second, first
        self._in_use = self.opened()

    def flush_all(self) -> None:
        """Remove everything."""
        for database in self.opened():
            database.flush()

    def set_now(self, now_ms: int) -> None:
        """Move the clock of all databases."""
        self._now_ms = now_ms
        self._clock.now_ms = now_ms
        for database in self._in_use:
            database.now_ms = now_ms

    def set_hook(self, hook: ChangeHook | None) -> None:
        """Install or remove the change hook in all databases, also those opened later."""
        self._hook = hook
        for database in self.opened():
            database.hook = hook

    def set_listener(self, listener: KeyListener | None) -> None:
        """Install or remove who hears of new and expired keys, in all databases, also those opened later."""
        self._listener = listener
        for database in self.opened():
            database.listener = listener

    def expire_due(self, limit: int) -> int:
        """Remove up to ``limit`` keys past their deadline, lowest database first; how many were."""
        removed = 0
        for database in self._in_use:
            if removed < limit and (database.deadlines.count or database.field_deadlines.count):
                removed += database.expire_due(limit - removed)
        return removed

    def next_deadline_ms(self) -> int:
        """The earliest deadline of all; ``NEVER`` when there is none."""
        next_ms = NEVER
        for database in self._in_use:
            if database.deadlines.count or database.field_deadlines.count:
                next_ms = min(next_ms, database.next_deadline_ms())
        return next_ms

    def key_count(self) -> int:
        """Keys in all databases."""
        return sum(len(database) for database in self.opened())
