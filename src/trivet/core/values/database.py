"""One numbered database: keys, their values, their deadlines.

Every command reaches the state through these few methods. Reads never change
anything: a key past its deadline is invisible to them and stays until a write
meets it or ``expire_due`` takes it. ``now_ms`` is set from outside, once per
entry. Every change first tells the hook, so that a snapshot in progress can
write the old value before it is gone.
"""

from collections.abc import Iterator
from typing import Final, Protocol

from trivet.core.base.prng import Prng
from trivet.core.values.deadlines import NEVER, Deadlines
from trivet.core.values.hash_value import Clock, MortalHash
from trivet.core.values.table import Table
from trivet.core.values.types import Value

_RANDOM_TRIES_MAX: Final = 100


class ChangeHook(Protocol):
    """Who wants to see the state just before it changes."""

    def before_change(self, database: "Database", key: bytes) -> None:
        """``key`` is about to be created, changed or removed; nothing has happened yet."""
        ...

    def before_flush(self, database: "Database") -> None:
        """All keys are about to go, or to move to another number; who holds the tables finds them intact."""
        ...


class KeyListener(Protocol):
    """Who wants to know which keys come and which expire. Not a change hook: it is told while it happens."""

    def expired(self, database: "Database", key: bytes) -> None:
        """``key`` has gone because its deadline had passed."""
        ...

    def created(self, database: "Database", key: bytes) -> None:
        """``key`` is about to be there, and was not before."""
        ...


class Outsiders(Protocol):
    """Who knows which keys are *foreign*: held here, and not (yet, or any more) this replica's to show."""

    def is_foreign(self, key: bytes) -> bool:
        """Whether ``key``, if it is held, is nothing that a client sees here."""
        ...

    def forgotten(self, database: "Database", key: bytes) -> bool:
        """``key`` was held and has just gone because its deadline had passed; whether it was foreign."""
        ...


class Database:
    """One database. Values got by ``get`` are read only; ``edit`` gives one that may be mutated."""

    __slots__ = (
        "clock",
        "deadlines",
        "expired_count",
        "field_deadlines",
        "foreign_count",
        "hook",
        "index",
        "listener",
        "now_ms",
        "outsiders",
        "values",
    )

    def __init__(
        self, index: int, now_ms: int = 0, hook: ChangeHook | None = None, clock: Clock | None = None
    ) -> None:
        self.index = index
        self.now_ms = now_ms
        self.hook: ChangeHook | None = hook
        self.listener: KeyListener | None = None
        self.values: Table[Value] = Table()
        self.deadlines = Deadlines()
        self.clock = Clock(now_ms) if clock is None else clock
        """Time as fields of hashes see it."""
        self.field_deadlines = Deadlines()
        """When to look at hashes with mortal fields: never later than their earliest field is due."""
        self.expired_count = 0
        """Keys removed because their deadline had passed, ever."""
        self.outsiders: Outsiders | None = None
        """Asked only while there are foreign keys, or could be."""
        self.foreign_count = 0
        """Keys held that are foreign (Rule V10)."""

    def __len__(self) -> int:
        """Keys held that are no foreign ones, those past their deadline and not yet removed included."""
        return len(self.values) - self.foreign_count

    @property
    def deadline_count(self) -> int:
        """Keys that have a deadline."""
        return self.deadlines.count

    def get(self, key: bytes) -> Value | None:
        """The value to read; None when missing or past its deadline."""
        value = self.values.get(key)
        if value is None or not (self.deadlines.count or self.field_deadlines.count):
            return value
        deadline_ms = self.deadlines.get(key)
        if deadline_ms is not None and deadline_ms <= self.now_ms:
            return None
        return None if isinstance(value, MortalHash) and value.is_gone() else value

    def edit(self, key: bytes) -> Value | None:
        """The value to mutate in place; None when missing. Removes it when past its deadline."""
        value = self.values.get(key)
        if value is None:
            return None
        if self.hook is not None:
            self.hook.before_change(self, key)
        if (self.deadlines.count or self.field_deadlines.count) and self._is_due(key):
            self._forget(key)
            return None
        return value

    def exists(self, key: bytes) -> bool:
        """Whether ``key`` has a value now."""
        return self.get(key) is not None

    def set(self, key: bytes, value: Value) -> None:
        """Create or replace; clears the deadline."""
        if self.hook is not None:
            self.hook.before_change(self, key)
        if self.listener is not None:
            self._tell(self.listener, key)
        self.values.put(key, value)
        if self.deadlines.count:
            self.deadlines.drop(key)
        if self.field_deadlines.count:
            self.field_deadlines.drop(key)

    def replace(self, key: bytes, value: Value) -> None:
        """Create or replace; keeps the deadline, unless it has passed."""
        if self.hook is not None:
            self.hook.before_change(self, key)
        if self.listener is not None:
            self._tell(self.listener, key)
        if (self.deadlines.count or self.field_deadlines.count) and self._is_due(key):
            self.deadlines.drop(key)
            self.expired_count += 1
        self.values.put(key, value)
        if self.field_deadlines.count:
            self.field_deadlines.drop(key)

    def remove(self, key: bytes) -> bool:
        """Remove ``key``; True when it had a value now."""
        if key not in self.values:
            return False
        if self.hook is not None:
            self.hook.before_change(self, key)
        if (self.deadlines.count or self.field_deadlines.count) and self._is_due(key):
            self._forget(key)
            return False
        self.values.pop(key)
        if self.deadlines.count:
            self.deadlines.drop(key)
        if self.field_deadlines.count:
            self.field_deadlines.drop(key)
        return True

    def deadline_ms(self, key: bytes) -> int:
        """When ``key`` expires, in Unix ms; -1 when never."""
        deadline_ms = self.deadlines.get(key)
        return -1 if deadline_ms is None else deadline_ms

    def expire_at(self, key: bytes, deadline_ms: int) -> None:
        """Give ``key``, which exists, a deadline."""
        assert key in self.values
        if self.hook is not None:
            self.hook.before_change(self, key)
        self.deadlines.put(key, deadline_ms)

    def adopt(self, key: bytes, value: Value) -> None:
        """Look after the fields of ``value``, which stands at ``key``, if it is a hash with mortal ones."""
        if isinstance(value, MortalHash):
            value.clock = self.clock
            next_ms = value.next_deadline_ms()
            if next_ms != NEVER:
                self.field_deadlines.put(key, next_ms)
            else:
                self.field_deadlines.drop(key)

    def persist(self, key: bytes) -> bool:
        """Take the deadline away; True when there was one and the key is there."""
        if not self.deadlines.count or self.deadlines.get(key) is None or self.get(key) is None:
            return False
        if self.hook is not None:
            self.hook.before_change(self, key)
        return self.deadlines.drop(key)

    def expire_due(self, limit: int) -> int:
        """Remove up to ``limit`` keys and fields that are past their deadline; how many were."""
        removed = 0
        while removed < limit:
            keys = self.deadlines.due(self.now_ms, limit - removed)
            if not keys:
                break
            for key in keys:
                if self.hook is not None:
                    self.hook.before_change(self, key)
                self._forget(key)
            removed += len(keys)
        return removed + self._expire_fields(limit - removed) if self.field_deadlines.count else removed

    def _expire_fields(self, limit: int) -> int:
        """Remove up to ``limit`` fields past their deadline, and the hashes that they leave empty."""
        removed = 0
        while removed < limit:
            keys = self.field_deadlines.due(self.now_ms, 1)
            if not keys:
                break
            key = keys[0]
            value = self.values.get(key)
            assert isinstance(value, MortalHash)
            if value.next_deadline_ms() != self.field_deadlines.get(key):
                self.adopt(key, value)  # nobody said that its earliest field went: it waits for its turn
                continue
            if self.hook is not None:
                self.hook.before_change(self, key)
            removed += value.take_due(limit - removed)
            if value.held():
                self.adopt(key, value)
            else:
                self._forget(key)
        return removed

    def next_deadline_ms(self) -> int:
        """The earliest deadline; ``deadlines.NEVER`` when there is none."""
        next_ms = self.deadlines.next_ms()
        return min(next_ms, self.field_deadlines.next_ms()) if self.field_deadlines.count else next_ms

    def flush(self) -> None:
        """Remove everything: new tables take the old ones' place, which live on while somebody holds them."""
        if self.hook is not None:
            self.hook.before_flush(self)
        self.values = Table()
        self.deadlines = Deadlines()
        self.field_deadlines = Deadlines()
        self.foreign_count = 0

    def scan(self, cursor: int, count: int) -> tuple[int, list[bytes]]:
        """Keys that are there now; see ``Table.scan``."""
        following, keys = self.values.scan(cursor, count)
        if self._hides_some():
            keys = [key for key in keys if not self._is_hidden(key)]
        return following, keys

    def random_key(self, prng: Prng) -> bytes | None:
        """Some key that is there now. May miss when nearly all are past their deadline, not when foreign."""
        for _ in range(_RANDOM_TRIES_MAX):
            key = self.values.random_key(prng)
            if key is None or not self._is_hidden(key):
                return key
        return next(self.keys(), None) if self.foreign_count else None

    def keys(self) -> Iterator[bytes]:
        """All keys that are there now. Nothing may change meanwhile."""
        check = self._hides_some()
        for key in self.values:
            if not check or not self._is_hidden(key):
                yield key

    # -- foreign keys (Rule V10) -----------------------------------------------------------------

    def put_foreign(self, key: bytes, value: Value, deadline_ms: int) -> bool:
        """Create or replace a foreign key with its deadline (-1: none), unheard; True when it is new."""
        if self.hook is not None:
            self.hook.before_change(self, key)
        is_new = key not in self.values
        self.foreign_count += is_new
        self.values.put(key, value)
        if deadline_ms == -1:
            self.deadlines.drop(key)
        else:
            self.deadlines.put(key, deadline_ms)
        self.field_deadlines.drop(key)
        self.adopt(key, value)
        return is_new

    def drop_foreign(self, key: bytes) -> bool:
        """Remove a foreign key, unheard; True when it was held."""
        if key not in self.values:
            return False
        if self.hook is not None:
            self.hook.before_change(self, key)
        self.values.pop(key)
        self.deadlines.drop(key)
        self.field_deadlines.drop(key)
        self.foreign_count -= 1
        return True

    def check_invariants(self) -> None:
        """A deadline belongs to a key that exists."""
        self.values.check_invariants()
        self.deadlines.check_invariants()
        self.field_deadlines.check_invariants()

    def _hides_some(self) -> bool:
        return self.deadlines.count > 0 or self.field_deadlines.count > 0 or self.foreign_count > 0

    def _is_hidden(self, key: bytes) -> bool:
        """Whether nobody sees the key: it is past its deadline, or foreign."""
        if self.foreign_count and self.outsiders is not None and self.outsiders.is_foreign(key):
            return True
        return self._is_due(key)

    def _is_due(self, key: bytes) -> bool:
        """Whether the key, or the last of its fields, is past its deadline."""
        deadline_ms = self.deadlines.get(key)
        if deadline_ms is not None and deadline_ms <= self.now_ms:
            return True
        if not self.field_deadlines.count:
            return False
        value = self.values.get(key)
        return isinstance(value, MortalHash) and value.is_gone()

    def _forget(self, key: bytes) -> None:
        self.values.pop(key)
        self.deadlines.drop(key)
        self.field_deadlines.drop(key)
        if self.outsiders is not None and self.outsiders.forgotten(self, key):
            self.foreign_count -= 1
            return
        self.expired_count += 1
        if self.listener is not None:
            self.listener.expired(self, key)

    def _tell(self, listener: KeyListener, key: bytes) -> None:
        """A value is about to be put at ``key``."""
        if key in self.values:
            if not self._is_due(key):
                return
            listener.expired(self, key)
        listener.created(self, key)
