"""The numbered databases of one replica: what a machine holds.

They are opened on first use, in any order; which numbers a client may choose is not decided here. Time and
the change hook are set here, for all.
"""

from typing import Final

from trivet.core.values.database import ChangeHook, Database, KeyListener, Outsiders
from trivet.core.values.deadlines import NEVER
from trivet.core.values.hash_value import Clock

DATABASES_MAX: Final = 16
"""As many has the keyspace that is always there."""
NUMBERS_MAX: Final = 10_000
"""Databases are numbered below this."""


class Databases:
    """Databases by number, most of them never opened."""

    __slots__ = ("_clock", "_hook", "_in_use", "_listener", "_now_ms", "_opened", "_outsiders")

    def __init__(self) -> None:
        self._opened: dict[int, Database] = {}
        self._in_use: list[Database] = []
        """The same in the order of their numbers: for what runs every turn."""
        self._hook: ChangeHook | None = None
        self._listener: KeyListener | None = None
        self._outsiders: Outsiders | None = None
        self._now_ms = 0
        self._clock = Clock()

    @property
    def now_ms(self) -> int:
        """The time that decides about deadlines, Unix ms."""
        return self._now_ms

    def open(self, index: int) -> Database:
        """Database ``index``, empty when it was never used; raises ``IndexError`` when there can be none."""
        database = self._opened.get(index)
        if database is None:
            if not 0 <= index < NUMBERS_MAX:
                raise IndexError(index)
            database = Database(index, self._now_ms, self._hook, self._clock)
            database.listener = self._listener
            database.outsiders = self._outsiders
            self._opened[index] = database
            self._in_use = self.opened()
        return database

    def items(self) -> list[tuple[int, Database]]:
        """The opened databases in the order of their numbers."""
        return sorted(self._opened.items(), key=_number)

    def opened(self) -> list[Database]:
        """The opened databases, in that order."""
        return [database for _, database in self.items()]

    def swap(self, first: int, second: int) -> None:
        """Exchange two databases. The objects keep their content and change their number."""
        one, other = self.open(first), self.open(second)
        if self._hook is not None:
            self._hook.before_flush(one)
            self._hook.before_flush(other)
        self._opened[first], self._opened[second] = other, one
        one.index, other.index = second, first
        self._in_use = self.opened()

    def renumber(self, numbered: dict[int, Database]) -> None:
        """These are all there are, under these numbers: an exchange is undone."""
        self._opened = dict(numbered)
        for index, database in numbered.items():
            database.index = index
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

    def set_outsiders(self, outsiders: Outsiders | None) -> None:
        """Install or remove who knows the foreign keys, in all databases, also those opened later."""
        self._outsiders = outsiders
        for database in self.opened():
            database.outsiders = outsiders

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


def _number(numbered: tuple[int, Database]) -> int:
    return numbered[0]
