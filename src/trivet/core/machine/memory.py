"""How much memory the keys of a replica take, kept up to date while a limit is set.

Strategy: the sum over all keys of ``sizes.item_bytes``, kept by differences: the change hook
notes the size of a key before it changes for the first time in an entry, and the end of the
entry adds what has become of it. When a limit is set, or a state comes from a snapshot, a
count begins that goes through the hash space in slices; a key changes the sum from the moment
at which the count has passed its hash. Without a limit nothing is kept at all.

It is no part of the state: it decides nothing but what a leader proposes.
"""

from typing import Final
from zlib import crc32

from trivet.core.base.prng import Prng
from trivet.core.machine.access import Access
from trivet.core.values.database import Database
from trivet.core.values.databases import Databases
from trivet.core.values.sizes import BASE_BYTES, STRING_BYTES, item_bytes
from trivet.core.values.table import SPACE, Table, reverse32
from trivet.core.values.types import Value

COUNT_STEP: Final = 16
"""Buckets counted per entry; a tick does ``TICK_STEP``."""
TICK_STEP: Final = 64


class Count:
    """The keys of one table."""

    def __init__(self, database: Database, access: Access | None) -> None:
        self.database = database
        self.table: Table[Value] = database.values
        self.bytes = 0
        self.cursor = 0 if len(self.table) else SPACE
        """How far the count has come; ``SPACE``: through."""
        self.changed: dict[bytes, int] = {}
        """Keys that change in the present entry, with their size before."""
        self.access = access

    def size(self, key: bytes) -> int:
        """The size of a key now; 0 when it is missing."""
        value = self.table.get(key)
        if value is None:
            return 0
        deadlines = self.database.deadlines
        return item_bytes(key, value, bool(deadlines.count) and deadlines.get(key) is not None)

    def settle(self, now_ms: int) -> None:
        """The entry is over."""
        access = self.access
        get = self.table.get
        plain = not self.database.deadlines.count
        total = self.bytes
        for key, before in self.changed.items():
            value = get(key)
            if plain and type(value) is bytes:
                after = STRING_BYTES + len(key) + len(value)
            else:
                after = self.size(key)
            total += after - before
            if access is not None:
                if after:
                    access.use(key, now_ms)
                else:
                    access.drop(key)
        self.bytes = total
        self.changed = {}

    def advance(self, steps: int) -> int:
        """Count up to so many buckets; how many steps are left."""
        while steps and self.cursor < SPACE:
            steps -= 1
            index, end = self.table.range_at(self.cursor)
            whole = reverse32(index) == self.cursor
            for key in self.table.bucket(index):
                if whole or reverse32(crc32(key)) >= self.cursor:
                    self.bytes += self.size(key)
            self.cursor = end
        return steps


class Memory:
    """The account of one replica."""

    def __init__(self, databases: Databases, policy: bytes, log_factor: int, decay_minutes: int) -> None:
        self._databases = databases
        self._counts: list[Count] = []
        self._last: Count | None = None
        """That of the last change: most come in one database."""
        self.policy = policy
        self._factors = (log_factor, decay_minutes)
        self.notes_use = policy.endswith((b"lru", b"lfu"))
        self.total = BASE_BYTES
        self.counted = False
        """The count is through; until then ``total`` is too low."""
        self._since_ms = databases.now_ms
        self.settle()

    def before_change(self, database: Database, key: bytes) -> None:
        """The hook: ``key`` is about to change. The hot path of writes while there is a limit."""
        table = database.values
        count = self._last
        if count is None or count.table is not table:
            count = self._last = self._count_of(database)
        changed = count.changed
        if key in changed or (count.cursor != SPACE and reverse32(crc32(key)) >= count.cursor):
            return
        value = table.get(key)
        if value is None:
            changed[key] = 0
        elif type(value) is bytes and not database.deadlines.count:
            changed[key] = STRING_BYTES + len(key) + len(value)
        else:
            changed[key] = count.size(key)

    def before_flush(self, database: Database) -> None:
        """The hook: the tables that go, or change their number, are missed at the end of the entry."""

    def _count_of(self, database: Database) -> Count:
        table = database.values
        for count in self._counts:
            if count.table is table:
                return count
        access: Access | None = None
        if self.notes_use:
            access = Access(self.policy.endswith(b"lfu"), *self._factors, self._since_ms)
        count = Count(database, access)
        self._counts.append(count)
        return count

    def begin_anew(self) -> None:
        """Keys came that no hook was told of: a snapshot is being loaded."""
        self._counts = []
        self._last = None
        self.counted = False

    def is_for(self, policy: bytes, log_factor: int, decay_minutes: int) -> bool:
        """Whether the account can go on under these settings."""
        return self.policy == policy and self._factors == (log_factor, decay_minutes)

    def settle(self) -> None:
        """An entry is over. Tables that were emptied or exchanged find themselves here."""
        now_ms = self._databases.now_ms
        counts: list[Count] = []
        for database in self._databases.opened():
            count = self._count_of(database)
            count.database = database
            if count.changed:
                count.settle(now_ms)
            counts.append(count)
        self._counts = counts
        self._last = None
        self.advance(COUNT_STEP)

    def advance(self, steps: int) -> None:
        """Go on counting, and add up."""
        if not self.counted:
            for database in self._databases.opened():
                steps = self._count_of(database).advance(steps)
        total = BASE_BYTES
        counted = True
        for count in self._counts:
            total += count.bytes
            counted = counted and count.cursor == SPACE
        self.total = total
        self.counted = counted

    # -- uses --------------------------------------------------------------------------------

    def note_reads(self, keys: list[tuple[int, bytes]], now_ms: int) -> None:
        """Keys that were read here."""
        for db_index, key in keys:
            database = self._databases.open(db_index)
            if key in database.values:
                access = self._count_of(database).access
                if access is not None:
                    access.use(key, now_ms)

    def idle_s(self, database: Database, key: bytes, now_ms: int) -> int | None:
        """How long ago ``key`` was used; None when that is not kept."""
        access = self._count_of(database).access
        return None if access is None or access.often else access.idle_ms(key, now_ms) // 1000

    def frequency(self, database: Database, key: bytes, now_ms: int) -> int | None:
        """How often ``key`` is used, of 255; None when that is not kept."""
        access = self._count_of(database).access
        return access.count(key, now_ms) if access is not None and access.often else None

    # -- victims -----------------------------------------------------------------------------

    def victims(
        self, surplus_bytes: int, samples: int, now_ms: int, count_max: int, prng: Prng
    ) -> list[tuple[int, bytes]]:
        """(database, key) of keys to evict, about ``surplus_bytes`` together, at most ``count_max``."""
        chosen: dict[tuple[int, bytes], int] = {}
        misses = 0
        while surplus_bytes > 0 and len(chosen) < count_max and misses < 16:
            best = self._best(samples, now_ms, chosen, prng)
            if best is None:
                misses += 1
                continue
            misses = 0
            count, key = best
            size = count.size(key)
            chosen[(count.database.index, key)] = size
            surplus_bytes -= size
        return list(chosen)

    def _best(
        self, samples: int, now_ms: int, chosen: dict[tuple[int, bytes], int], prng: Prng
    ) -> tuple[Count, bytes] | None:
        """Of some keys by chance the one that can best be missed."""
        volatile = self.policy.startswith(b"volatile")
        counts = [c for c in self._counts if (c.database.deadlines.count if volatile else len(c.table))]
        if not counts:
            return None
        best: tuple[Count, bytes] | None = None
        best_score = 0
        for _ in range(1 if self.policy.endswith(b"random") else samples):
            count = counts[prng.below(len(counts))] if len(counts) > 1 else counts[0]
            source = count.database.deadlines if volatile else count.table
            key = source.random_key(prng)
            if key is None or (count.database.index, key) in chosen or _is_foreign(count.database, key):
                continue
            score = self._score(count, key, now_ms)
            if best is None or score > best_score:
                best, best_score = (count, key), score
        return best

    def _score(self, count: Count, key: bytes, now_ms: int) -> int:
        """The higher, the sooner it goes."""
        if count.access is not None:
            if count.access.often:
                return 255 - count.access.count(key, now_ms)
            return count.access.idle_ms(key, now_ms)
        if self.policy.endswith(b"ttl"):
            return -count.database.deadline_ms(key)
        return 0


def _is_foreign(database: Database, key: bytes) -> bool:
    """Whether it is nothing that this group may evict."""
    return database.outsiders is not None and database.outsiders.is_foreign(key)
