"""HEDGE of px-node until px-log's comes."""

from collections import deque
from typing import Final

import msgspec

from trivet.core.base.buggify import Buggify
from trivet.core.base.disk import DiskFault, DiskJob, Storage
from trivet.core.base.entry import Entry
from trivet.core.base.ids import GroupId, Index, Instant
from trivet.core.base.limits import Limits
from trivet.core.base.tokens import Tokens
from trivet.core.group.snapshots import FAILURE_PAUSE_MS, JOBS_MAX, SnapshotFile
from trivet.core.paxos.paxos import Paxos
from trivet.core.paxos.ready import Save, SavedRecord, SavedRegister
from trivet.core.wal.record import GroupRecord, SnapshotRecord
from trivet.core.wal.recovery import Recovery
from trivet.core.wal.replay import RecoveredGroup
from trivet.core.wal.snapshot_file import SnapshotReader, SnapshotWriter, remove_job
from trivet.core.wal.wal import Wal

REGISTERS: Final = b"registers"
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[SavedRecord])


class Kept:
    """What the disk has kept of a group."""

    def __init__(
        self, records: list[SavedRecord], doubtful: bool, last_index: Index, newest: SnapshotFile | None
    ) -> None:
        self.records = records
        self.doubtful = doubtful
        self.last_index = last_index
        self.newest = newest


def found_registers(found: RecoveredGroup, storage: Storage, recovery: Recovery) -> Kept:
    """Records in order."""
    records: list[SavedRecord] = []
    newest: SnapshotFile | None = None
    bad = False
    snapshot = found.snapshot
    if snapshot is not None:
        reader = SnapshotReader(storage, snapshot.file)
        problem = ""
        try:
            for chunk in reader.chunks():
                records.extend(_decoder.decode(chunk))
            problem = reader.error
        except msgspec.DecodeError as error:
            problem = str(error)
        if problem:
            recovery.notes.append(f"snapshot {snapshot.file}: {problem}")
            found = recovery.lose_snapshot(found.group)
            records = []
        else:
            newest = SnapshotFile(
                snapshot.file, snapshot.index, 1, storage.size_bytes(snapshot.file), REGISTERS
            )
    for entry in found.entries:
        try:
            records.extend(_decoder.decode(entry.payload))
        except msgspec.DecodeError:
            bad = True
    doubtful = bad or found.missing_to > 0 or found.hard_state_suspect
    return Kept(records, doubtful, found.last_index, newest)


class RegisterLog:
    """See the module."""

    def __init__(
        self, group: GroupId, wal: Wal, tokens: Tokens, limits: Limits, last_index: Index = 0,
        newest: SnapshotFile | None = None, buggify: Buggify | None = None,
    ) -> None:  # fmt: skip
        self._group = group
        self._wal = wal
        self._tokens = tokens
        self._limits = limits
        self._base = self.last_index = last_index
        self._newest = newest
        self.notes: list[str] = []
        self.jobs: list[DiskJob] = []
        self._saves: deque[tuple[int, int]] = deque()
        self._records: deque[tuple[int, SnapshotFile]] = deque()
        self._writer: SnapshotWriter | None = None
        self._cursor: bytes | None = None
        self._index = 0
        self._under_way: dict[int, None] = {}
        self._finishing = 0
        self._paused_until_ms: Instant = 0
        self._now_ms: Instant = 0

    @property
    def full(self) -> bool:
        """The log can't grow."""
        return self._wal.full

    def save(self, save: Save) -> None:
        """Stage it."""
        index = self.last_index = self._base + save.save_id
        record = GroupRecord(
            self._group, 1, 0, index, index, [Entry(1, _encoder.encode(save.records))],
            1 if index > 1 else 0, index, 1,
        )  # fmt: skip
        self._saves.append((self._wal.append(record), save.save_id))

    def on_synced(self) -> int:
        """The newest save that is durable; 0: none more."""
        saved = 0
        while self._saves and self._saves[0][0] <= self._wal.synced_lsn:
            saved = self._saves.popleft()[1]
        while self._records and self._records[0][0] <= self._wal.synced_lsn:
            _, file = self._records.popleft()
            if self._newest is not None and self._newest.file != file.file:
                self.jobs.append(remove_job(self._tokens, self._newest.file))
            self._newest = file
        return saved

    @property
    def waits_for_log(self) -> bool:
        """Something is on its way."""
        return bool(self._saves or self._records)

    @property
    def busy(self) -> bool:
        """A snapshot is under way."""
        return bool(
            self._writer or self._records or self._paused_until_ms or self._wal.held_bytes(self._group)
        )

    @property
    def wants_turn(self) -> bool:
        """There is a slice to do."""
        return self._writer is not None and not self._finishing and len(self._under_way) < JOBS_MAX

    def step(self, paxos: Paxos, now_ms: Instant) -> None:
        """One slice."""
        self._now_ms = now_ms
        if now_ms >= self._paused_until_ms:
            self._paused_until_ms = 0
        if self._writer is None and not self._paused_until_ms and self._is_due():
            self._writer = SnapshotWriter(self._tokens, self._group, self.last_index, 1)
            self._index = self.last_index
            self._cursor = None
            self._finishing = 0
            self._first = True
        if self.wants_turn:
            self._slice(paxos)

    def _is_due(self) -> bool:
        index = 0 if self._newest is None else self._newest.index
        if self._records or self.last_index == index:
            return False
        size = 0 if self._newest is None else self._newest.size_bytes
        logged = self._wal.bytes_since_snapshot(self._group)
        if logged > self._limits.snapshot_log_bytes and logged > size:
            return True
        held = self._wal.held_bytes(self._group)
        share = self._wal.groups_count() * self._limits.snapshot_log_bytes
        return held > max(4 * self._limits.snapshot_log_bytes, 4 * size, share // 4)

    def _slice(self, paxos: Paxos) -> None:
        writer = self._writer
        assert writer is not None
        records: list[SavedRecord] = []
        size = 0
        while size < self._limits.snapshot_chunk_bytes:
            more = paxos.records(self._cursor, 8) if not self._first else paxos.records(None, 8)
            self._first = False
            last = [r.key for r in more if isinstance(r, SavedRegister)]
            records.extend(more)
            if not last:
                if records:
                    self._add(writer.add(_encoder.encode(records)))
                job = writer.finish()
                self._finishing = job.token
                self._add(job)
                return
            self._cursor = last[-1]
            size += sum(len(_encoder.encode(r)) for r in more)
        self._add(writer.add(_encoder.encode(records)))

    def _add(self, job: DiskJob) -> None:
        self._under_way[job.token] = None
        self.jobs.append(job)

    def take_jobs(self) -> list[DiskJob]:
        """For the disk."""
        jobs, self.jobs = self.jobs, []
        return jobs

    def on_done(self, token: int, reads: list[bytes]) -> None:
        """A job is done."""
        if token not in self._under_way:
            return
        del self._under_way[token]
        if token == self._finishing and self._writer is not None:
            writer, self._writer = self._writer, None
            file = SnapshotFile(writer.file, self._index, 1, writer.size_bytes, REGISTERS)
            record = SnapshotRecord(self._group, self._index, 1, file.file, False, REGISTERS)
            self._records.append((self._wal.append(record), file))

    def on_failed(self, token: int, fault: DiskFault, text: str) -> None:
        """A job failed."""
        if token in self._under_way and self._writer is not None:
            self.jobs.append(self._writer.abort())
            self._writer = None
            self._under_way.clear()
            self._paused_until_ms = self._now_ms + FAILURE_PAUSE_MS
            self.notes.append(f"a snapshot of group {self._group} failed: {text}")

    def settle(self) -> None:
        """No doubts any more."""
        self._wal.settle(self._group)

    def drop(self) -> int:
        """The group is gone."""
        return self._wal.drop(self._group, 1, 0, self.last_index)

    def remove(self) -> list[DiskJob]:
        """Files."""
        if self._writer is not None:
            self.jobs.append(self._writer.abort())
        files = [file.file for _, file in self._records]
        if self._newest is not None:
            files.append(self._newest.file)
        self.jobs.extend([remove_job(self._tokens, file) for file in files])
        return self.take_jobs()
