"""What a group of registers saves, in the node's log (stand-in: without snapshots).

A save becomes one entry of a log with term 1 and without elections.
"""

from collections import deque
from typing import Final

import msgspec

from trivet.core.base.buggify import Buggify
from trivet.core.base.disk import DiskFault, DiskJob, Storage
from trivet.core.base.entry import Entry
from trivet.core.base.ids import GroupId, Index, Instant
from trivet.core.base.limits import Limits
from trivet.core.base.tokens import Tokens
from trivet.core.group.snapshots import SnapshotFile
from trivet.core.paxos.paxos import Paxos
from trivet.core.paxos.ready import Save, SavedRecord
from trivet.core.wal.record import GroupRecord
from trivet.core.wal.recovery import Recovery
from trivet.core.wal.replay import RecoveredGroup
from trivet.core.wal.wal import Wal

REGISTERS: Final = b"registers"
"""Stands where a replica of mode ``raft`` has its membership."""

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[SavedRecord])


class RegisterLog:
    """Saves on their way to the disk."""

    def __init__(
        self, group: GroupId, wal: Wal, tokens: Tokens, limits: Limits, last_index: Index = 0,
        newest: SnapshotFile | None = None, buggify: Buggify | None = None,
    ) -> None:  # fmt: skip
        self.last_index = last_index
        self.notes: list[str] = []
        self.jobs: list[DiskJob] = []
        self.wants_turn = False
        self.busy = False
        self._group = group
        self._wal = wal
        self._saves: deque[tuple[int, int]] = deque()
        """(lsn, save id)."""

    @property
    def full(self) -> bool:
        """The log can't grow."""
        return self._wal.full

    @property
    def waits_for_log(self) -> bool:
        """Something is on its way."""
        return bool(self._saves)

    def save(self, save: Save) -> None:
        """One more entry."""
        self.last_index += 1
        index = self.last_index
        entry = Entry(1, _encoder.encode(save.records))
        lsn = self._wal.append(
            GroupRecord(self._group, 1, 0, index, index, [entry], int(index > 1), index, 1)
        )
        self._saves.append((lsn, save.save_id))

    def on_synced(self) -> int:
        """The highest save that is durable now; 0: none more than before."""
        saved = 0
        while self._saves and self._saves[0][0] <= self._wal.synced_lsn:
            saved = self._saves.popleft()[1]
        return saved

    def step(self, paxos: Paxos, now_ms: Instant) -> None:
        """One slice of a snapshot."""

    def take_jobs(self) -> list[DiskJob]:
        """For the disk."""
        jobs, self.jobs = self.jobs, []
        return jobs

    def on_done(self, token: int, reads: list[bytes]) -> None:
        """A job is done."""

    def on_failed(self, token: int, fault: DiskFault, text: str) -> None:
        """A job failed."""

    def settle(self) -> None:
        """What recovery could not vouch for is made good."""
        self._wal.settle(self._group)

    def drop(self) -> int:
        """The group is gone; the record's lsn."""
        return self._wal.drop(self._group, 1, 0, self.last_index)

    def remove(self) -> list[DiskJob]:
        """Its files are to go."""
        return []


class Kept:
    """What the disk has of a group."""

    def __init__(self) -> None:
        self.records: list[SavedRecord] = []
        self.doubtful = False
        self.last_index: Index = 0
        self.newest: SnapshotFile | None = None


def found_registers(found: RecoveredGroup, storage: Storage, recovery: Recovery) -> Kept:
    """Read it."""
    kept = Kept()
    kept.doubtful = found.missing_to > 0 or found.hard_state_suspect
    kept.last_index = found.first_index - 1 + len(found.entries)
    for entry in found.entries:
        try:
            kept.records.extend(_decoder.decode(entry.payload))
        except msgspec.DecodeError:
            kept.doubtful = True
    return kept
