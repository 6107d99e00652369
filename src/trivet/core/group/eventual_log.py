"""The log of one group of mode ``eventual``: what its replica has taken, in the log of the node; snapshots.

On the path: updates of this node's clients and of its peers -> **one save per turn** -> the log of the node
-> ``on_synced``; only then replies and messages about them leave. How saves become entries and snapshots, see
``save_log`` (Rules J1 to J3, J5).

- Rule J6: what is recovered is a state that this replica once had: the entries without a gap after the
  snapshot, each taken as it was when it came.
- Rule J7: whoever may have lost updates of its own goes on as another actor: no dot is given twice.
"""

from typing import Final

import msgspec

from trivet.core.base.buggify import Buggify
from trivet.core.base.disk import Storage
from trivet.core.base.ids import GroupId, Index
from trivet.core.base.limits import Limits
from trivet.core.base.tokens import Tokens
from trivet.core.group.save_log import Found, SaveLog
from trivet.core.group.snapshots import SnapshotFile
from trivet.core.lattice.delta import Delta
from trivet.core.wal.recovery import Recovery
from trivet.core.wal.replay import RecoveredGroup
from trivet.core.wal.wal import Wal

EVENTUAL: Final = b"eventual"
"""Rule J3."""


class SavedActor(msgspec.Struct, array_like=True, tag=1, frozen=True):
    """As whom this replica makes updates from now on (Rule J7)."""

    actor: int


class SavedUpdate(msgspec.Struct, array_like=True, tag=2, frozen=True):
    """An update was taken, whoever made it."""

    delta: Delta


class SavedState(msgspec.Struct, array_like=True, tag=3, frozen=True):
    """The state of a key as another replica has it was joined, and what that replica had seen by then."""

    key: bytes
    state: bytes
    clock: bytes


class SavedClock(msgspec.Struct, array_like=True, tag=4, frozen=True):
    """All that ``clock`` has is here; in a snapshot, before all keys."""

    clock: bytes


class SavedKey(msgspec.Struct, array_like=True, tag=5, frozen=True):
    """In a snapshot: a key as it was when the walk came to it."""

    key: bytes
    state: bytes


SavedRecord = SavedActor | SavedUpdate | SavedState | SavedClock | SavedKey

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[SavedRecord])

Kept = Found[SavedRecord]
"""What the disk has kept of a group."""


def found_updates(found: RecoveredGroup, storage: Storage, recovery: Recovery) -> Kept:
    """The group ``found`` in a log (Rule J6)."""
    kept = Kept()
    kept.read(found, storage, recovery, _decode, EVENTUAL)
    return kept


def _decode(data: bytes) -> list[SavedRecord]:
    return _decoder.decode(data)


def encode_record(record: SavedRecord) -> bytes:
    """One record, as snapshots have it."""
    return _encoder.encode(record)


class EventualLog(SaveLog):
    """See the module. The owner takes ``jobs`` after every turn."""

    def __init__(
        self, group: GroupId, wal: Wal, tokens: Tokens, limits: Limits, last_index: Index = 0,
        newest: SnapshotFile | None = None, buggify: Buggify | None = None,
    ) -> None:  # fmt: skip
        """``last_index``, ``newest``: as ``Kept`` has them."""
        super().__init__(EVENTUAL, group, wal, tokens, limits, last_index, newest, buggify)
        self.save_id = 0
        """Of the last save in this life."""

    def save(self, records: list[SavedRecord]) -> int:
        """Stage a save behind all before (Rule J1); its id."""
        self.save_id += 1
        self.append(self.save_id, _encoder.encode(records))
        return self.save_id
