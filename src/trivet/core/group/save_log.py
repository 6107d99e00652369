"""The log of one group that has no log of commands: what it saves, in the log of the node, and snapshots.

On the path: a save of the group's room -> **an entry** -> the log of the node -> ``on_synced``. Strategy: a
save is one entry of a log with term 1 and without elections, so the node's log keeps, repeats, compacts and
doubts it as any group's (Rules W1 to W15), without knowing what it is.

- Rule J1: the entry's index is the number of the save, counted over all lives. Entries are replayed in order,
  after the records of the snapshot.
- Rule J2: a snapshot is fuzzy: a walk over what is held, a slice per turn, while it changes. Its index is
  the last save that was handed out before it began. What is saved during the walk stands behind that in the
  log.
- Rule J3: what kind of group it is stands where a replica of mode ``raft`` has its membership: with the
  founding, and with every snapshot.
- Rule J4: what can't be read is doubt: what the group makes of that is its own.
- Rule J5: a snapshot counts once its file is whole under its final name; then a record in the log says so,
  and only when that is synced is the older file removed. No snapshot goes to a peer.
"""

import struct
from collections import deque
from collections.abc import Callable
from typing import Final, Generic, Protocol, TypeVar

import msgspec

from trivet.core.base.buggify import SLICE_LATE, SNAPSHOT_EARLY, Buggify
from trivet.core.base.disk import DiskFault, DiskJob, Storage
from trivet.core.base.entry import Entry
from trivet.core.base.ids import NO_NODE, GroupId, Index, Instant
from trivet.core.base.limits import MIB, Limits
from trivet.core.base.tokens import Tokens
from trivet.core.group.snapshot_due import is_in_the_way, is_log_long
from trivet.core.group.snapshots import (
    FAILURE_PAUSE_MS,
    JOBS_MAX,
    SnapshotFile,
)
from trivet.core.wal.record import GroupRecord, SnapshotRecord
from trivet.core.wal.recovery import Recovery
from trivet.core.wal.replay import RecoveredGroup
from trivet.core.wal.snapshot_file import SnapshotReader, SnapshotWriter, remove_job
from trivet.core.wal.wal import Wal

T = TypeVar("T")

TERM: Final = 1
PIECES_BYTES_MAX: Final = 64 * MIB
"""Of several records in one chunk; a single larger one stands alone."""
_ARRAY32: Final = struct.Struct(">BI")
_ARRAY32_TAG: Final = 0xDD


class Source(Protocol):
    """What a snapshot is taken of."""

    def walk(self, cursor: bytes | None) -> tuple[list[bytes], bytes | None]:
        """Some encoded records of what is held behind ``cursor``, and where to go on; None: that was all.

        With no cursor, from the beginning: what concerns the whole comes first.
        """
        ...


class Found(Generic[T]):
    """What the disk has kept of a group."""

    __slots__ = ("doubtful", "last_index", "newest", "records")

    def __init__(
        self, records: list[T] | None = None, doubtful: bool = False, last_index: Index = 0,
        newest: SnapshotFile | None = None,
    ) -> None:  # fmt: skip
        self.records: list[T] = [] if records is None else records
        """In the order in which they were saved."""
        self.doubtful = doubtful
        """Something may be missing (Rule J4)."""
        self.last_index = last_index
        self.newest = newest

    def read(
        self, found: RecoveredGroup, storage: Storage, recovery: Recovery, decode: Callable[[bytes], list[T]],
        kind: bytes,
    ) -> None:  # fmt: skip
        """The group ``found`` in a log (Rules J1, J4); ``decode`` raises ``DecodeError`` at nonsense."""
        snapshot = found.snapshot
        if snapshot is not None:
            problem = self._read_snapshot(storage, snapshot, decode)
            if problem:
                recovery.notes.append(f"snapshot {snapshot.file}: {problem}")
                found = recovery.lose_snapshot(found.group)
                self.records = []
            else:
                size_bytes = storage.size_bytes(snapshot.file)
                self.newest = SnapshotFile(snapshot.file, snapshot.index, TERM, size_bytes, kind)
        self.doubtful = found.missing_to > 0 or found.hard_state_suspect
        for entry in found.entries:
            try:
                self.records.extend(decode(entry.payload))
            except msgspec.DecodeError as error:
                text = f"group {found.group}: an entry that is none of {kind.decode()} ({error})"
                recovery.notes.append(text)
                self.doubtful = True
        self.last_index = found.last_index

    def _read_snapshot(
        self, storage: Storage, snapshot: SnapshotRecord, decode: Callable[[bytes], list[T]]
    ) -> str:
        """Its records; what is wrong with it, or nothing."""
        reader = SnapshotReader(storage, snapshot.file)
        try:
            for chunk in reader.chunks():
                self.records.extend(decode(chunk))
        except msgspec.DecodeError as error:
            return str(error)
        if reader.head is not None and reader.head.index != snapshot.index and not reader.error:
            return f"it holds index {reader.head.index}, not {snapshot.index}"
        return reader.error


def _chunk(pieces: list[bytes]) -> bytes:
    """A list of records."""
    return _ARRAY32.pack(_ARRAY32_TAG, len(pieces)) + b"".join(pieces)


class _Taking:
    """The snapshot being taken."""

    __slots__ = ("cursor", "finishing", "index", "jobs", "writer")

    def __init__(self, writer: SnapshotWriter, index: Index) -> None:
        self.writer = writer
        self.index = index
        self.cursor: bytes | None = None
        """Up to where things were written down."""
        self.jobs: dict[int, None] = {}
        self.finishing = 0
        """The token of the last job; 0 while chunks still come."""


class SaveLog:
    """See the module. The owner takes ``jobs`` after every turn."""

    def __init__(
        self, kind: bytes, group: GroupId, wal: Wal, tokens: Tokens, limits: Limits, last_index: Index = 0,
        newest: SnapshotFile | None = None, buggify: Buggify | None = None,
    ) -> None:  # fmt: skip
        """``kind``: Rule J3. ``last_index``, ``newest``: as ``Found`` has them."""
        self._kind = kind
        self.last_index = last_index
        self.notes: list[str] = []
        """Sentences for the log that people read."""
        self.jobs: list[DiskJob] = []
        self.taken = 0
        self._buggify = buggify
        self._group = group
        self._wal = wal
        self._tokens = tokens
        self._limits = limits
        self._before = last_index
        """The last index of earlier lives."""
        self._newest = newest
        self._saves: deque[tuple[int, int]] = deque()
        """(lsn, save id) of saves on their way to the disk."""
        self._records: deque[tuple[int, SnapshotFile]] = deque()
        """The same of finished snapshots (Rule J5)."""
        self._taking: _Taking | None = None
        self._paused_until_ms: Instant = 0
        self._now_ms: Instant = 0
        self._looked_bytes = -1
        """So much was logged when it was last looked whether a snapshot is called for; -1: look anyhow."""

    # -- saves ---------------------------------------------------------------------------------------

    @property
    def full(self) -> bool:
        """The node's log can't grow."""
        return self._wal.full

    @property
    def waits_for_log(self) -> bool:
        """Whether something is on its way to the disk."""
        return bool(self._saves or self._records)

    @property
    def saved_index(self) -> Index:
        """Up to which save, over all lives, everything is durable; 0: nothing is known yet (Rule W3)."""
        if not self._wal.open:
            return 0
        return self._before + self._saves[0][1] - 1 if self._saves else self.last_index

    def append(self, save_id: int, payload: bytes) -> None:
        """Stage a save behind all before (Rule J1); its ids are 1, 2, 3, ... in each life."""
        index = self.last_index = self._before + save_id
        record = GroupRecord(
            self._group, TERM, NO_NODE, index, index, [Entry(TERM, payload)],
            TERM if index > 1 else 0, index, TERM,
        )  # fmt: skip
        self._saves.append((self._wal.append(record), save_id))

    def on_synced(self) -> int:
        """The log is synced up to ``wal.synced_lsn``: the newest save that is durable now; 0: none more."""
        saved = 0
        while self._saves and self._saves[0][0] <= self._wal.synced_lsn:
            saved = self._saves.popleft()[1]
        while self._records and self._records[0][0] <= self._wal.synced_lsn:
            _, file = self._records.popleft()
            if self._newest is not None:
                self.jobs.append(remove_job(self._tokens, self._newest.file))
            self._newest = file
        return saved

    def settle(self) -> None:
        """What could not be vouched for is made good."""
        self._wal.settle(self._group)

    # -- snapshots -------------------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """Whether a snapshot is taken, or is to be."""
        return bool(self._taking or self._records or self._paused_until_ms) or self._is_called_for()

    @property
    def wants_turn(self) -> bool:
        """Whether ``slice`` has something to do at once."""
        taking = self._taking
        return taking is not None and not taking.finishing and len(taking.jobs) < JOBS_MAX

    def slice(self, source: Source, now_ms: Instant) -> None:
        """One slice of work, behind the saves of the turn."""
        self._now_ms = now_ms
        if now_ms >= self._paused_until_ms:
            self._paused_until_ms = 0
        if self._taking is None and not self._paused_until_ms and self._is_to_look() and self._may_begin():
            writer = SnapshotWriter(self._tokens, self._group, self.last_index, TERM)
            self._taking = _Taking(writer, self.last_index)
        taking = self._taking
        if taking is None or taking.finishing or len(taking.jobs) >= JOBS_MAX:
            return
        if self._buggify is None or not self._buggify.rare(SLICE_LATE):
            self._slice(taking, source)

    def _is_to_look(self) -> bool:
        """Whether anything has changed that could call for a snapshot: turns may be many."""
        logged_bytes, before = self._wal.bytes_since_snapshot(self._group), self._looked_bytes
        self._looked_bytes = logged_bytes
        return logged_bytes != before or self._wal.held_bytes(self._group) > 0

    def _may_begin(self) -> bool:
        if self._is_called_for():
            return True
        return self._buggify is not None and self._has_news() and self._buggify.rare(SNAPSHOT_EARLY)

    def _has_news(self) -> bool:
        """Whether something was saved since the last snapshot, which counts already."""
        newest = self._newest
        return not self._records and self.last_index != (0 if newest is None else newest.index)

    def _is_called_for(self) -> bool:
        if not self._has_news():
            return False
        wal, group, limits = self._wal, self._group, self._limits
        size_bytes = 0 if self._newest is None else self._newest.size_bytes
        return is_log_long(wal, group, limits, size_bytes) or is_in_the_way(wal, group, limits, size_bytes)

    def _slice(self, taking: _Taking, source: Source) -> None:
        """The next chunk, or the end (Rule J2)."""
        pieces: list[bytes] = []
        size_bytes = 0
        is_end = False
        while size_bytes < self._limits.snapshot_chunk_bytes and not is_end:
            records, taking.cursor = source.walk(taking.cursor)
            is_end = taking.cursor is None
            for data in records:
                if size_bytes and size_bytes + len(data) > PIECES_BYTES_MAX:
                    self._give(taking, taking.writer.add(_chunk(pieces)))
                    pieces = []
                    size_bytes = 0
                size_bytes += len(data)
                pieces.append(data)
        if pieces:
            self._give(taking, taking.writer.add(_chunk(pieces)))
        if is_end:
            job = taking.writer.finish()
            taking.finishing = job.token
            self._give(taking, job)

    def _give(self, taking: _Taking, job: DiskJob) -> None:
        taking.jobs[job.token] = None
        self.jobs.append(job)

    def take_jobs(self) -> list[DiskJob]:
        """The disk jobs of this turn."""
        jobs, self.jobs = self.jobs, []
        return jobs

    def on_done(self, token: int, reads: list[bytes]) -> None:
        """A disk job is done."""
        taking = self._taking
        if taking is None or taking.jobs.pop(token, 0) is not None or token != taking.finishing:
            return
        self._taking = None
        self.taken += 1
        file = SnapshotFile(taking.writer.file, taking.index, TERM, taking.writer.size_bytes, self._kind)
        record = SnapshotRecord(self._group, file.index, TERM, file.file, False, self._kind)
        self._records.append((self._wal.append(record), file))

    def on_failed(self, token: int, fault: DiskFault, text: str) -> None:
        """A disk job failed: the snapshot is given up for a while."""
        taking = self._taking
        if taking is None or token not in taking.jobs:
            return
        self._paused_until_ms = self._now_ms + FAILURE_PAUSE_MS
        self._looked_bytes = -1
        self._taking = None
        self.jobs.append(taking.writer.abort())
        self.notes.append(f"group {self._group}: a snapshot could not be written ({text})")

    # -- the end ---------------------------------------------------------------------------------------

    def drop(self) -> int:
        """The group is no more: the lsn of the record that says so. Once that is synced, ``remove``."""
        self._saves.clear()
        return self._wal.drop(self._group, TERM, NO_NODE, self.last_index)

    def remove(self) -> list[DiskJob]:
        """No file of it is needed any more."""
        if self._taking is not None:
            self.jobs.append(self._taking.writer.abort())
            self._taking = None
        files = [file.file for _, file in self._records]
        if self._newest is not None:
            files.append(self._newest.file)
        self.jobs.extend([remove_job(self._tokens, file) for file in files])
        self._records.clear()
        self._newest = None
        return self.take_jobs()
