"""Reads over several groups without locks: what a replica has told a reader, and whether it still is so.

| | |
|---|---|
| ``COLLECT node number how key…`` | [index, packed ``LockReply``]: the keys as they are after that entry |
| ``COLLECTED node number index key…`` | 1: nothing of that has changed since; 0: it has, or nobody knows |

Both are linearizable reads. Nothing of this is replicated state: each replica remembers its own readers, for
a bounded time, and forgets them when in doubt. Strategy: double collect (Afek et al. 1993). When a reader has
asked all groups, and then all say that nothing has changed, there was a moment between at which all was as it
was told.

- Rule V1: both are refused while a transaction over groups holds one of the keys exclusively. So what is
  decided and not applied here yet is never missed: its lock was there before, and stays until it is applied.
- Rule V2: a change is one whatever the value is afterwards; a key that has gone by time has changed, and
  a hash with fields that go by time may have.
- Rule V3: what one replica has told another can't confirm: it does not know the reader, or began to watch for
  it after another index.
"""

from typing import Final

from trivet.core.base.ids import Index, WallMs
from trivet.core.machine.packets import Parcel
from trivet.core.machine.watches import Watcher, Watches
from trivet.core.transaction.words import GRANTED, LockReply, pack
from trivet.core.values.database import Database
from trivet.core.values.databases import Databases
from trivet.core.values.hash_value import MortalHash
from trivet.core.wire.reply import Reply

COLLECT: Final = b"COLLECT"
COLLECTED: Final = b"COLLECTED"
VALUES: Final = b"values"
BLIND_ONES: Final = b"blind"
"""How: only whether they exist is wanted."""

KEEP_MS: Final = 10_000
"""Of the group's time."""
KEYS_MAX: Final = 100_000
"""Of all readers together: beyond it the oldest reader is forgotten."""


class Collects:
    """The readers that this replica has told something."""

    def __init__(self) -> None:
        self.watches = Watches()
        self._since: dict[Watcher, tuple[Index, WallMs, int]] = {}
        """Index and time of what each was told, and of how many keys; the oldest first."""
        self._count = 0

    def tell(self, index: Index, now_ms: WallMs, database: Database, args: list[bytes]) -> Reply:
        """``COLLECT``; its keys are of this group and not locked."""
        reader: Watcher = (int(args[1]), int(args[2]))
        keys = args[4:]
        self._forget(reader)
        self.sweep(now_ms)
        self._count += len(keys)
        self._since[reader] = (index, now_ms, len(keys))
        while self._count > KEYS_MAX and len(self._since) > 1:
            self._forget(next(iter(self._since)))
        parcel = Parcel()
        for key in keys:
            exists = database.exists(key)
            self.watches.watch(reader, (database.index, key), exists)
            if isinstance(database.values.get(key), MortalHash):
                self.watches.dirty[reader] = None  # its fields go by time
            if exists and args[3] == BLIND_ONES:
                parcel.add_blind(database.index, key)
            elif exists:
                parcel.add(database, key)
        return [index, pack(LockReply(GRANTED, now_ms, False, parcel.packed()))]

    def confirm(self, databases: Databases, args: list[bytes]) -> Reply:
        """``COLLECTED``; the reader is forgotten."""
        reader: Watcher = (int(args[1]), int(args[2]))
        known = self._since.get(reader)
        holds = known is not None and known[0] <= int(args[3]) and self.watches.is_clean(reader, databases)
        self._forget(reader)
        return int(holds)

    def sweep(self, now_ms: WallMs) -> bool:
        """Readers that did not come again are forgotten; whether there were some."""
        count = len(self._since)
        while self._since:
            reader = next(iter(self._since))
            if now_ms < self._since[reader][1] + KEEP_MS:
                break
            self._forget(reader)
        return len(self._since) < count

    def forget_all(self) -> None:
        """What is here has become another's, or will: nothing is confirmed."""
        for reader in list(self._since):
            self._forget(reader)

    def _forget(self, reader: Watcher) -> None:
        known = self._since.pop(reader, None)
        if known is not None:
            self._count -= known[2]
            self.watches.forget(reader)


def is_collect(args: list[bytes]) -> bool:
    """Whether a call that begins with one of the two words makes sense."""
    if len(args) < 5 or not all(len(word) <= 18 and word.isdigit() for word in args[1:3]):
        return False
    fact = args[3]
    return fact in (VALUES, BLIND_ONES) if args[0] == COLLECT else len(fact) <= 18 and fact.isdigit()
