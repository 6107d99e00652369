"""The write-ahead log of one node, for all its groups: group commit.

On the path: entries of all groups -> **one append -> one sync**. Strategy: records are staged and
encoded when they come; once per turn everything staged becomes one frame, written and synced by
one job. While that job runs, the next frame collects. Never more than one frame is under way
(rule W2): so a valid frame proves that all before it were synced, and recovery can tell a torn
tail from corruption.

It performs nothing: ``flush`` gives jobs, ``on_done`` and ``on_failed`` say what became of them.
"""

from collections import deque
from typing import Final

import msgspec

from trivet.core.base.buggify import FRAME_ALONE, SEGMENT_EARLY, Buggify
from trivet.core.base.disk import Channel, DiskFault, DiskJob, DiskOperation, Sync, Write
from trivet.core.base.ids import GroupId, Index, Instant, NodeId, Term
from trivet.core.base.tokens import Tokens
from trivet.core.wal.frame import HEAD_BYTES, aligned, encode_frame, frame_size_bytes
from trivet.core.wal.ledger import BOOT_KEY, Ledger
from trivet.core.wal.record import (
    UNKNOWN_INDEX,
    BootRecord,
    DropRecord,
    GroupRecord,
    Record,
    SnapshotRecord,
    encode_record,
    is_consistent,
)
from trivet.core.wal.segment import SegmentPool, segment_file

FRAME_BYTES_MAX: Final = 4 * 1024 * 1024
"""Staged records beyond this wait for the next frame (a single larger record goes alone)."""
MARKER_AFTER_MS: Final = 1000


class Doubt:
    """What a recovery could not vouch for in one group, until its member has settled it."""

    __slots__ = ("missing_to", "suspect")

    def __init__(self, missing_to: Index, suspect: bool) -> None:
        self.missing_to = missing_to
        self.suspect = suspect


class WalStart:
    """Where a log goes on: what recovery found, or nothing at all."""

    __slots__ = (
        "bytes_since_snapshot",
        "doubts",
        "ledger",
        "next_number",
        "obsolete",
        "pool",
        "salt",
        "tail",
    )

    def __init__(
        self,
        salt: int,
        next_number: int,
        pool: SegmentPool,
        ledger: Ledger,
        doubts: dict[GroupId, Doubt],
        tail: list[DiskOperation],
        obsolete: list[DiskOperation],
        bytes_since_snapshot: dict[GroupId, int],
    ) -> None:
        self.salt = salt
        self.next_number = next_number
        self.pool = pool
        self.ledger = ledger
        self.doubts = doubts
        self.tail = tail
        """Writes the last valid frame again and syncs it (rule W3)."""
        self.obsolete = obsolete
        """Removes what nothing refers to, once the first frame of this life is synced."""
        self.bytes_since_snapshot = bytes_since_snapshot


class Wal:
    """Staging, the frame under way, and what is durable."""

    def __init__(self, tokens: Tokens, start: WalStart, buggify: Buggify | None = None) -> None:
        self._buggify = buggify
        self._tokens = tokens
        self._salt = start.salt
        self._number = start.next_number
        self._pool = start.pool
        self._ledger = start.ledger
        self._doubts = start.doubts
        self._tail = start.tail
        self._obsolete = start.obsolete
        self._bytes_since_snapshot = start.bytes_since_snapshot
        self._staged: deque[tuple[Record, bytes]] = deque()
        self._token = 0
        """Of the frame under way; 0 when there is none."""
        self._framed_lsn = 0
        self._framed_snapshot = True
        """Something may be forgotten once the frame under way is synced."""
        self._said: dict[int, bool] = {}
        """Groups with records in the last frame, and whether others than hard states were among them (W8)."""
        self._tombstones: dict[GroupId, DropRecord] = {}
        for group, state in start.ledger.groups.items():
            if state.dropped is not None:
                self._tombstones[group] = state.dropped
        self._boot: BootRecord | None = None
        """As it was said last in this life."""
        self._holders: dict[GroupId, None] = {}
        self._held_bytes = 0
        self._marker_due = False
        self._quiet_since: Instant = -1
        """When a tick first saw that the last data frame was synced; -1: not, or a marker followed."""
        self._unmarked = False
        self.last_lsn = 0
        self.synced_lsn = 0
        self.open = False
        """False until what recovery read is known to be durable: until then nothing that depends
        on it, vote or entry, may leave the node (rule W3)."""
        self.failed = ""
        """Not empty: a write or sync failed. The node must stop; nothing can be trusted (rule W10)."""
        self.frames = 0
        """Frames synced in this life."""

    # -- what the node asks

    @property
    def full(self) -> bool:
        """Whether the disk has no room for another segment: refuse growth, keep votes (rule W7)."""
        return self._pool.full

    @property
    def idle(self) -> bool:
        """Whether everything staged is synced."""
        return self._token == 0 and not self._staged and self.open

    def bytes_since_snapshot(self, group: GroupId) -> int:
        """Bytes logged for ``group`` since its last snapshot record."""
        return self._bytes_since_snapshot.get(group, 0)

    def held_bytes(self, group: GroupId) -> int:
        """Bytes of the log that are kept, among others, for ``group``; 0 while it is not in the way (W14)."""
        return self._held_bytes if group in self._holders else 0

    def holders(self) -> list[GroupId]:
        """The groups that keep the oldest segment; their snapshots would set it free."""
        return list(self._holders)

    def groups_count(self) -> int:
        """How many groups have a replica here, as far as the log says."""
        return self._ledger.live_count()

    def tombstone(self, group: GroupId) -> DropRecord | None:
        """What a replica of ``group`` that comes begins with, if one was dropped or is lost (W13, W15)."""
        stone = self._tombstones.get(group)
        if stone is None and self._boot is not None and group < self._boot.unknown_below:
            self._doubts[group] = Doubt(UNKNOWN_INDEX, True)
            return DropRecord(group, 0, 0, UNKNOWN_INDEX, True)
        return stone

    def knows_groups_from(self, group: GroupId) -> None:
        """No group of this number or a higher one was here before anything was lost (rule W15)."""
        if self._boot is not None and group < self._boot.unknown_below:
            self.append(msgspec.structs.replace(self._boot, unknown_below=group))

    def births(self) -> dict[NodeId, int]:
        """By which data directories this node knows the others."""
        return {} if self._boot is None else self._boot.births

    def remember_births(self, births: dict[NodeId, int]) -> None:
        """They are known by these from now on."""
        if self._boot is not None and births != self._boot.births:
            self.append(msgspec.structs.replace(self._boot, births=births))

    def another_incarnation(self) -> int:
        """One above all that were given: no later life of the node is given it, nor any before was."""
        assert self._boot is not None
        incarnation = self._boot.incarnation + 1
        self.append(msgspec.structs.replace(self._boot, incarnation=incarnation))
        return incarnation

    def segments(self) -> tuple[int, int, int]:
        """(segments in use, of these waiting to be recycled, spares)."""
        return self._pool.counts()

    def files(self, group: GroupId, first: Index) -> list[tuple[str, int]]:
        """(file, bytes that count) of all in which entries of ``group`` from ``first`` on may be."""
        return self._pool.files(group, first)

    # -- staging

    def append(self, record: Record) -> int:
        """Stage ``record`` behind all others; its lsn. Durable once ``synced_lsn`` has reached it."""
        assert is_consistent(record), record
        if isinstance(record, GroupRecord):
            if self._tombstones:
                self._tombstones.pop(record.group, None)
            if self._doubts:
                record = self._with_doubt(record)
        data = encode_record(record)
        self._staged.append((record, data))
        if isinstance(record, GroupRecord):
            counted = self._bytes_since_snapshot.get(record.group, 0) + len(data)
            self._bytes_since_snapshot[record.group] = counted
        elif isinstance(record, SnapshotRecord):
            self._bytes_since_snapshot[record.group] = 0
        elif isinstance(record, BootRecord):
            self._boot = record
        self.last_lsn += 1
        return self.last_lsn

    def drop(self, group: GroupId, term: Term, vote: NodeId, last_index: Index) -> int:
        """The replica of ``group`` is removed: forget it, but for a tombstone; the record's lsn (W13).

        ``term``, ``vote`` and ``last_index`` are its member's. Its snapshot file is removed by its owner,
        once this is synced.
        """
        doubt = self._doubts.get(group, Doubt(0, False))
        missing_to = max(last_index, doubt.missing_to)
        record = DropRecord(group, term, vote, missing_to, doubt.suspect)
        lsn = self.append(record)
        self._tombstones[group] = record
        self._bytes_since_snapshot.pop(group, None)
        self._doubts.pop(group, None)
        if missing_to or doubt.suspect:
            self._doubts[group] = Doubt(missing_to, doubt.suspect)
        return lsn

    def _with_doubt(self, record: GroupRecord) -> GroupRecord:
        doubt = self._doubts.get(record.group)
        if doubt is None:
            return record
        if record.last_index >= doubt.missing_to:
            doubt.missing_to = 0
        if doubt.missing_to == 0 and not doubt.suspect:
            del self._doubts[record.group]
            return record
        return GroupRecord(
            record.group,
            record.term,
            record.vote,
            record.commit,
            record.first_index,
            record.entries,
            record.prev_term,
            record.last_index,
            record.last_term,
            doubt.missing_to,
            doubt.suspect,
        )

    def settle(self, group: GroupId) -> None:
        """The member of ``group`` has made good what recovery could not vouch for (rule W9)."""
        self._doubts.pop(group, None)

    def lose_log(self, group: GroupId, missing_to: Index, suspect: bool) -> None:
        """The log of ``group`` is of no use, its snapshot being unreadable: it starts again, empty.

        Before the first ``flush`` only. The doubt is written with everything else (rule W9).
        """
        assert not self.open and self._token == 0
        held = self._doubts.get(group, Doubt(0, False))
        doubt = self._doubts[group] = Doubt(max(held.missing_to, missing_to), held.suspect or suspect)
        self._ledger.lose_log(group, doubt.missing_to, doubt.suspect)

    # -- jobs

    def tick(self, now: Instant) -> None:
        """Time passes: failed preparations are tried again; a log gone quiet gets a marker."""
        self._pool.now = now
        if not self._unmarked or self._token or self._staged:
            self._quiet_since = -1
        elif self._quiet_since < 0:
            self._quiet_since = now
        elif now - self._quiet_since >= MARKER_AFTER_MS:
            self._marker_due = True

    def flush(self) -> list[DiskJob]:
        """End of a turn: the jobs that are due."""
        jobs: list[DiskJob] = []
        if self.failed:
            return jobs
        if self._token == 0 and (self._staged or self._marker_due or not self.open):
            job = self._next_frame()
            if job is not None:
                jobs.append(job)
        housekeeping = self._pool.job()
        if housekeeping is not None:
            jobs.append(housekeeping)
        return jobs

    def _next_frame(self) -> DiskJob | None:
        """The next frame as a job; None while there is no segment for it."""
        count = 0
        staged_bytes = 0
        fresh: dict[int, None] = {}
        bytes_max = FRAME_BYTES_MAX
        if self._buggify is not None and self._buggify.rare(FRAME_ALONE):
            bytes_max = 0
        for record, data in self._staged:
            if count and staged_bytes + len(data) > bytes_max:
                break
            count += 1
            staged_bytes += len(data)
            if isinstance(record, GroupRecord):
                fresh[record.group] = None
            elif isinstance(record, BootRecord):
                fresh[BOOT_KEY] = None
        parts = self._repeats(fresh, not self.open)
        size_bytes = frame_size_bytes(staged_bytes + _total(parts))
        if not self._pool.has_room(size_bytes) or self._goes_on_early(staged_bytes):
            parts = self._repeats(fresh, True)
            size_bytes = frame_size_bytes(staged_bytes + _total(parts))
            if not self._pool.advance(size_bytes):
                return None
            self._look_who_holds()
        self._said = {}
        overhead_bytes = aligned(size_bytes) - staged_bytes
        for _ in range(count):
            record, data = self._staged.popleft()
            parts.append(data)
            self._note(record, overhead_bytes)
            overhead_bytes = 0
        self._framed_lsn += count
        self._unmarked = count > 0
        return self._job(parts)

    def _goes_on_early(self, staged_bytes: int) -> bool:
        """Buggify: on to the next segment though this one has room, if the next one is ready."""
        if self._buggify is None or not self._pool.offset or not self._buggify.rare(SEGMENT_EARLY):
            return False
        size_bytes = frame_size_bytes(staged_bytes + _total(self._repeats({}, True)))
        return self._pool.next_is_ready(size_bytes)

    def _repeats(self, fresh: dict[int, None], everything: bool) -> list[bytes]:
        """What must be said again at the start of the frame (rules W5, W8).

        A group whose hard state is in the frame anyway (``fresh``) has said enough, unless the
        last frame also placed its snapshot.
        """
        if everything:
            return [encode_record(record) for record in self._ledger.repeat_all()]
        parts: list[bytes] = []
        for key, placed in self._said.items():
            if placed or key not in fresh:
                parts.extend([encode_record(record) for record in self._ledger.repeat(key)])
        return parts

    def _note(self, record: Record, overhead_bytes: int) -> None:
        """``record`` is part of the frame being built."""
        key = self._ledger.note(record)
        if isinstance(record, DropRecord):
            self._pool.forget(record.group)
        if not isinstance(record, (GroupRecord, BootRecord)):
            self._said[key] = True
            self._framed_snapshot = True
            return
        self._said[key] = self._said.get(key, False)
        if isinstance(record, BootRecord):
            return
        if overhead_bytes:
            self._bytes_since_snapshot[key] = self._bytes_since_snapshot.get(key, 0) + overhead_bytes
        current = self._pool.current
        if record.entries and current is not None:
            last_indexes = current.last_indexes
            last_indexes[key] = max(last_indexes.get(key, 0), record.last_index)

    def _job(self, parts: list[bytes]) -> DiskJob:
        segment = self._pool.current
        assert segment is not None
        data = encode_frame(self._number, segment.number, self._pool.offset, self._salt, parts)
        assert len(data) >= HEAD_BYTES
        file = segment_file(segment.number)
        operations = self._tail
        operations.append(Write(file, self._pool.offset, data))
        operations.append(Sync(file))
        # Removed before anyone learns that the log is open: a new snapshot may have an old one's name.
        operations.extend(self._obsolete)
        self._tail = []
        self._obsolete = []
        self._pool.took(len(data))
        self._number += 1
        self._marker_due = False
        self._token = self._tokens.next()
        return DiskJob(self._token, Channel.LOG, operations)

    # -- reports

    def on_done(self, token: int) -> bool:
        """A disk job is done; False when it is none of this log's."""
        if token != self._token:
            return self._pool.on_done(token)
        self._token = 0
        self.open = True
        self.frames += 1
        self.synced_lsn = self._framed_lsn
        if self._framed_snapshot:
            self._framed_snapshot = False
            self._pool.free(self._ledger.first_needed())
            self._look_who_holds()
        return True

    def _look_who_holds(self) -> None:
        """A segment was closed or set free: who keeps the oldest one now (rule W14)?"""
        self._holders = self._pool.holders(self._ledger.first_needed())
        self._held_bytes = self._pool.closed_bytes()

    def on_failed(self, token: int, fault: DiskFault, text: str = "") -> bool:
        """A disk job failed; False when it is none of this log's. See ``failed`` and ``full``."""
        if token != self._token:
            ours = self._pool.on_failed(token, fault, text)
            self.failed = self.failed or self._pool.failed
            return ours
        self._token = 0
        self.failed = text or f"the log could not be written or synced ({fault.name.lower()})"
        return True


def _total(parts: list[bytes]) -> int:
    size_bytes = 0
    for part in parts:
        size_bytes += len(part)
    return size_bytes
