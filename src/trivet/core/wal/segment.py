"""Segments: the files of the log, made ready ahead of need and used again.

On the path: frame -> **segment**. Strategy: a segment is filled with zeros before it is used, on
the bulk channel, so that writing the log only ever overwrites (a sync then need not touch the
file's metadata) and cannot run out of space. One spare is always being kept ready. Segments that
nobody needs become spares by a rename; their stale frames name another segment (rule W4).

Rule W6: segments are used, freed, renamed and removed in the order of their numbers.
"""

from enum import IntEnum
from typing import Final

from trivet.core.base.disk import Channel, DiskFault, DiskJob, DiskOperation, Prepare, Remove, Rename
from trivet.core.base.ids import GroupId, Index, Instant
from trivet.core.base.tokens import Tokens
from trivet.core.wal.frame import aligned

SPARES_MAX: Final = 2
RETRY_MS: Final = 1000
_PREFIX: Final = "wal-"
_SUFFIX: Final = ".log"
_DIGITS: Final = 16


def segment_file(number: int) -> str:
    """The file name of segment ``number`` (>= 1)."""
    return f"{_PREFIX}{number:016x}{_SUFFIX}"


def segment_number(file: str) -> int:
    """The number of the segment in ``file``; 0 when ``file`` is no segment."""
    if len(file) != len(_PREFIX) + _DIGITS + len(_SUFFIX):
        return 0
    if not file.startswith(_PREFIX) or not file.endswith(_SUFFIX):
        return 0
    digits = file[len(_PREFIX) : -len(_SUFFIX)]
    for digit in digits:
        if digit not in "0123456789abcdef":
            return 0
    return int(digits, 16)


class Segment:
    """One file of the log."""

    __slots__ = ("last_indexes", "number", "size_bytes")

    def __init__(self, number: int, size_bytes: int, last_indexes: dict[GroupId, Index]) -> None:
        self.number = number
        self.size_bytes = size_bytes
        self.last_indexes = last_indexes
        """For each group the highest index of an entry in this segment."""


class _Action(IntEnum):
    NONE = 0
    CLEAN = 1
    PREPARE = 2
    RECYCLE = 3
    DROP = 4


class SegmentPool:
    """Which segments there are, which one is written to, and the jobs that keep a spare ready."""

    def __init__(
        self,
        tokens: Tokens,
        segment_bytes: int,
        closed: list[Segment],
        current: Segment | None,
        offset: int,
        spares: list[Segment],
        leftovers: list[str],
    ) -> None:
        assert segment_bytes >= 1
        self._tokens = tokens
        self._segment_bytes = aligned(segment_bytes)
        self._closed = closed
        self.current = current
        self.offset = offset
        """Where the next frame goes in ``current``; a multiple of the sector size."""
        self._spares = spares
        self._leftovers = leftovers
        self._free = 0
        """So many of the first closed segments are needed by no group."""
        self._needed_bytes = 0
        """Size of a frame that waits for a segment large enough."""
        self._action = _Action.NONE
        self._token = 0
        self._target = Segment(0, 0, {})
        self._retry_at: Instant = 0
        self.full = False
        """The disk had no room for a spare; what is left of ``current`` is the reserve (rule W7)."""
        self.failed = ""
        self.now: Instant = 0

    # -- room for frames

    def has_room(self, size_bytes: int) -> bool:
        """Whether a frame of ``size_bytes`` fits into the current segment."""
        return self.current is not None and self.offset + size_bytes <= self.current.size_bytes

    def next_is_ready(self, size_bytes: int) -> bool:
        """Whether ``advance`` would find a segment for a frame of ``size_bytes``."""
        return self._spare_fits(size_bytes)

    def advance(self, size_bytes: int) -> bool:
        """Go on to the next segment for a frame of ``size_bytes``; False: not ready yet, ask again."""
        if not self._spare_fits(size_bytes):
            self._needed_bytes = size_bytes
            return False
        self._needed_bytes = 0
        if self.current is not None:
            self._closed.append(self.current)
        self.current = self._spares.pop(0)
        self.offset = 0
        return True

    def took(self, size_bytes: int) -> None:
        """A frame of ``size_bytes`` was placed at ``offset``."""
        self.offset += aligned(size_bytes)

    def _next_number(self) -> int:
        return 1 if self.current is None else self.current.number + 1

    def _spare_fits(self, size_bytes: int) -> bool:
        if not self._spares or self._spares[0].number != self._next_number():
            return False
        return self._spares[0].size_bytes >= size_bytes

    # -- compaction

    def free(self, first_needed: dict[GroupId, Index]) -> None:
        """Forget the oldest segments in which every entry of every group is below its first needed index."""
        while self._free < len(self._closed):
            for group, last_index in self._closed[self._free].last_indexes.items():
                if last_index >= first_needed.get(group, 0):
                    return
            self._free += 1

    def forget(self, group: GroupId) -> None:
        """No entry of ``group`` that is in a segment up to now is needed any more."""
        for segment in self._closed:
            segment.last_indexes.pop(group, None)
        if self.current is not None:
            self.current.last_indexes.pop(group, None)

    def holders(self, first_needed: dict[GroupId, Index]) -> dict[GroupId, None]:
        """The groups that need the oldest closed segment that is needed at all."""
        if self._free >= len(self._closed):
            return {}
        held: dict[GroupId, None] = {}
        for group, last_index in self._closed[self._free].last_indexes.items():
            if last_index >= first_needed.get(group, 0):
                held[group] = None
        return held

    def closed_bytes(self) -> int:
        """Bytes of the closed segments that somebody needs, or that come after such a one."""
        return sum([segment.size_bytes for segment in self._closed[self._free :]])

    def files(self, group: GroupId, first: Index) -> list[tuple[str, int]]:
        """(file, bytes written) of the segments in which entries of ``group`` from ``first`` on may be."""
        found = [
            (segment_file(segment.number), segment.size_bytes)
            for segment in self._closed
            if segment.last_indexes.get(group, 0) >= first
        ]
        if self.current is not None:
            found.append((segment_file(self.current.number), self.offset))
        return found

    def counts(self) -> tuple[int, int, int]:
        """(segments in use, of these needed by nobody, spares)."""
        in_use = len(self._closed) + (0 if self.current is None else 1)
        return in_use, self._free, len(self._spares)

    # -- jobs

    def job(self) -> DiskJob | None:
        """The next job of housekeeping, if one is due; at most one is under way."""
        if self._action != _Action.NONE:
            return None
        if self._leftovers:
            operations: list[DiskOperation] = [Remove(file) for file in self._leftovers]
            return self._start(_Action.CLEAN, Segment(0, 0, {}), operations)
        if not self._spare_fits(self._needed_bytes):
            if self._free and not self._spares and self._closed[0].size_bytes >= self._needed_bytes:
                return self._recycle()
            if self.now < self._retry_at:
                return None
            return self._prepare()
        if not self._free or self.now < self._retry_at:
            return None
        if len(self._spares) < SPARES_MAX and self._closed[0].size_bytes == self._segment_bytes:
            return self._recycle()
        return self._start(_Action.DROP, self._closed[0], [Remove(segment_file(self._closed[0].number))])

    def _prepare(self) -> DiskJob:
        target = Segment(self._next_number(), max(self._segment_bytes, aligned(self._needed_bytes)), {})
        file = segment_file(target.number)
        if self._spares and self._spares[0].number == target.number:
            self._spares.pop(0)  # too small for the frame that waits
        # A failed attempt may have left a part of the file behind.
        return self._start(_Action.PREPARE, target, [Remove(file), Prepare(file, target.size_bytes)])

    def _recycle(self) -> DiskJob:
        oldest = self._closed[0]
        number = self._spares[-1].number + 1 if self._spares else self._next_number()
        target = Segment(number, oldest.size_bytes, {})
        return self._start(
            _Action.RECYCLE, target, [Rename(segment_file(oldest.number), segment_file(number))]
        )

    def _start(self, action: _Action, target: Segment, operations: list[DiskOperation]) -> DiskJob:
        self._action = action
        self._target = target
        self._token = self._tokens.next()
        return DiskJob(self._token, Channel.BULK, operations)

    def on_done(self, token: int) -> bool:
        """A job is done; False when it is none of ours."""
        if self._action == _Action.NONE or token != self._token:
            return False
        action, target = self._action, self._target
        self._action = _Action.NONE
        if action == _Action.CLEAN:
            self._leftovers = []
        elif action == _Action.PREPARE:
            self._spares.insert(0, target)
            self.full = False
        else:
            self._closed.pop(0)
            self._free -= 1
            if action == _Action.RECYCLE:
                self._keep_spare(target)
        return True

    def _keep_spare(self, target: Segment) -> None:
        # The log may have moved on to the spares before this one while the rename was under way,
        # but never past it: their numbers leave no gap.
        self._spares.append(target)
        self.full = False

    def on_failed(self, token: int, fault: DiskFault, text: str) -> bool:
        """A job failed; False when it is none of ours. Without space it is tried again later."""
        if self._action == _Action.NONE or token != self._token:
            return False
        action = self._action
        self._action = _Action.NONE
        if fault != DiskFault.FULL:
            self.failed = text or f"disk job failed ({action.name.lower()})"
            return True
        self._retry_at = self.now + RETRY_MS
        if action == _Action.PREPARE:
            self.full = True
        return True
