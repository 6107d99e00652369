"""Locks of one group: who holds which key, who waits for it, and who has to give way.

Strategy: wait-die (Rosenkrantz, Stearns, Lewis 1978). A request that meets the lock of another
transaction waits when it is the older one and gives up everything when it is not. So whoever waits is
older than who it waits for, and nobody waits in a circle.

- Rule L2: a key has one exclusive holder or many shared ones. A request gets all its keys or none.
- Rule L3: only an older transaction waits for a younger one. An attempt waits for its own earlier attempt,
  which waits for nobody.
- Rule L4: who waits *reserves*: younger ones get no key that it waits for, for a bounded time after it was
  last heard of. So the oldest of all is not overtaken for ever.
"""

from typing import Final

from trivet.core.base.ids import GroupId, Index, WallMs
from trivet.core.transaction.words import DIE, GRANTED, SHARED, WAIT, LockKey, Stamp, TransactionId

RESERVED_MS: Final = 1_000
"""Of the group's time."""
BARRIER_MS: Final = 200
LOCKS_MAX: Final = 1_000_000
"""Of one group: beyond it who wants more gives way."""


class Intent:
    """A transaction that is not decided yet, as far as this group knows: the locks that it holds here."""

    __slots__ = ("home", "id", "index", "is_exclusive", "keys", "since_ms", "stamp")

    def __init__(
        self, transaction: TransactionId, home: GroupId, stamp: Stamp, since_ms: WallMs, index: Index
    ) -> None:
        self.id = transaction
        self.home = home
        """Where it is decided; that is this group itself when it is the home."""
        self.stamp = stamp
        self.since_ms = since_ms
        self.index = index
        """Of its first lock in the group's log."""
        self.keys: dict[LockKey, int] = {}
        """With their modes."""
        self.is_exclusive = False
        """Some mode is another than shared."""


class Reservation:
    """Somebody older waits for this key."""

    __slots__ = ("mode", "stamp", "until_ms")

    def __init__(self, stamp: Stamp, mode: int, until_ms: WallMs) -> None:
        self.stamp = stamp
        self.mode = mode
        self.until_ms = until_ms


class Locks:
    """The lock table, part of the replicated state."""

    def __init__(self) -> None:
        self.held: dict[LockKey, dict[TransactionId, Intent]] = {}
        self.reserved: dict[LockKey, Reservation] = {}
        """Those that end first come first."""
        self.barrier_until_ms: WallMs = 0
        """Until then nobody who has no lock here gets one; 0: there is no barrier."""
        self.count = 0
        self.has_freed = False
        """Keys have become free: no part of the state, whoever asks takes it."""

    # -- transactions ----------------------------------------------------------------------------

    def ask(
        self, intent: Intent, wanted: dict[LockKey, int], others: dict[TransactionId, Intent], now_ms: WallMs
    ) -> int:
        """``GRANTED``, ``WAIT`` (and the keys are reserved) or ``DIE``; ``others``: who has locks here."""
        self._sweep(now_ms)
        if self.count + len(wanted) > LOCKS_MAX:
            return DIE
        waits = False
        if not intent.keys and now_ms < self.barrier_until_ms:
            if any(other.stamp < intent.stamp for other in others.values()):
                return DIE
            waits = True
        for key, mode in wanted.items():
            outcome = self._ask_for(intent, key, mode)
            if outcome == DIE:
                return DIE
            waits = waits or outcome == WAIT
        if waits:
            self._reserve(intent.stamp, wanted, now_ms)
            return WAIT
        self.take(intent, wanted)
        return GRANTED

    def _ask_for(self, intent: Intent, key: LockKey, mode: int) -> int:
        own = intent.keys.get(key)
        if own is not None and (own != SHARED or mode == SHARED):
            return GRANTED
        if self.bars(key, mode, intent.stamp):
            return DIE
        for holder in self.held.get(key, {}).values():
            if holder.id != intent.id and not (mode == SHARED and holder.keys[key] == SHARED):
                return WAIT
        return GRANTED

    def bars(self, key: LockKey, mode: int, stamp: Stamp) -> bool:
        """Whether somebody older holds or reserves ``key``: then a request as old as ``stamp`` has to die."""
        for holder in self.held.get(key, {}).values():
            if holder.stamp < stamp and not (mode == SHARED and holder.keys[key] == SHARED):
                return True
        reservation = self.reserved.get(key)
        return (
            reservation is not None
            and reservation.stamp < stamp
            and not (mode == SHARED and reservation.mode == SHARED)
        )

    def take(self, intent: Intent, wanted: dict[LockKey, int]) -> None:
        """It holds these keys from now on, each in the stronger of the modes that it has asked for."""
        for key, mode in wanted.items():
            own = intent.keys.get(key)
            if own is None:
                self.held.setdefault(key, {})[intent.id] = intent
                self.count += 1
            if own is None or own == SHARED:
                intent.keys[key] = mode
            if mode != SHARED:
                intent.is_exclusive = True
            reservation = self.reserved.get(key)
            if reservation is not None and reservation.stamp == intent.stamp:
                del self.reserved[key]

    def release(self, intent: Intent) -> list[LockKey]:
        """It holds nothing any more; the keys that nobody holds now."""
        freed: list[LockKey] = []
        for key in intent.keys:
            holders = self.held[key]
            del holders[intent.id]
            self.count -= 1
            if not holders:
                del self.held[key]
                freed.append(key)
        self.has_freed = self.has_freed or bool(freed)
        return freed

    def _reserve(self, stamp: Stamp, wanted: dict[LockKey, int], now_ms: WallMs) -> None:
        """Rule L4."""
        for key, mode in wanted.items():
            known = self.reserved.get(key)
            if known is not None:
                if known.stamp < stamp:
                    continue
                if known.stamp == stamp and known.mode != SHARED:
                    mode = known.mode
                del self.reserved[key]
            self.reserved[key] = Reservation(stamp, mode, now_ms + RESERVED_MS)

    def _sweep(self, now_ms: WallMs) -> None:
        """Reservations of those who were not heard of any more."""
        while self.reserved:
            key = next(iter(self.reserved))
            if now_ms < self.reserved[key].until_ms:
                break
            del self.reserved[key]

    # -- others ----------------------------------------------------------------------------------

    def met_by_write(self, key: LockKey) -> bool:
        """Whether a write to ``key`` must wait."""
        return key in self.held

    def met_by_read(self, key: LockKey) -> bool:
        """The same of a read: it minds exclusive locks only."""
        holders = self.held.get(key)
        return holders is not None and next(iter(holders.values())).keys[key] != SHARED
