"""Scanning: the valid frames of the segment files, in order, and the gaps between them.

On the path: segment files -> **frames and gaps** -> recovery. Strategy: frame numbers leave no
gap, so whatever is wrong shows as a missing number before a valid frame: that is corruption
(rule W2). Invalid bytes that no valid frame follows are a torn tail, or nothing at all. After
invalid bytes the search goes on at every sector, without trusting any length found there. The
frames of a segment are taken in the order of their numbers, wherever in it they lie (rule W12).

One segment is in memory at a time. Nothing is written.
"""

from collections.abc import Iterator

from trivet.core.base.disk import Storage
from trivet.core.wal.frame import (
    ALIGN_BYTES,
    FRAME_FORMAT,
    HEAD_BYTES,
    MAGIC,
    Frame,
    FrameHead,
    aligned,
    is_intact,
    read_head,
    read_records,
)
from trivet.core.wal.segment import segment_number


class Gap:
    """Frames ``first_lost`` to ``last_lost`` were synced and are gone. ``first_lost`` 0: unknown how many."""

    __slots__ = ("first_lost", "last_lost", "offset", "segment")

    def __init__(self, segment: int, offset: int, first_lost: int, last_lost: int) -> None:
        self.segment = segment
        """Where the search found a valid frame again."""
        self.offset = offset
        self.first_lost = first_lost
        self.last_lost = last_lost


class ForeignFormat:
    """An intact frame of a format that this code does not know."""

    __slots__ = ("offset", "segment", "version")

    def __init__(self, segment: int, offset: int, version: int) -> None:
        self.segment = segment
        self.offset = offset
        self.version = version


class SegmentEnd:
    """The frames of one segment file are through."""

    __slots__ = ("end_offset", "file", "frames", "number", "size_bytes", "torn")

    def __init__(
        self,
        number: int,
        file: str,
        size_bytes: int,
        frames: int,
        end_offset: int,
        torn: bool,
    ) -> None:
        self.number = number
        self.file = file
        self.size_bytes = size_bytes
        self.frames = frames
        self.end_offset = end_offset
        """After the last valid frame; 0 when there is none."""
        self.torn = torn
        """A frame begins at ``end_offset`` that is not whole; what that means depends on what follows."""


Found = Frame | Gap | ForeignFormat | SegmentEnd


def segment_numbers(names: list[str]) -> list[int]:
    """The numbers of the segments among ``names``, rising."""
    return sorted(number for number in map(segment_number, names) if number)


def _is_in_place(offset: int, head: FrameHead) -> bool:
    return head.place * ALIGN_BYTES == offset


def _order(found: tuple[int, FrameHead]) -> tuple[int, bool, int]:
    offset, head = found
    return head.number, not _is_in_place(offset, head), offset


class Scanner:
    """One pass over a log."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._files = sorted(name for name in storage.names() if segment_number(name))
        self.salt = -1
        """The log's salt; -1 until a frame told it."""
        self.last_number = 0
        """The number of the last valid frame; 0 until there is one."""

    def scan(self) -> Iterator[Found]:
        """Everything in the order of the files."""
        self.salt = self._find_salt()
        empty_before = False
        for file in self._files:
            data = self._storage.read(file, 0, self._storage.size_bytes(file))
            number = segment_number(file)
            frames = 0
            end_offset = 0
            for offset, head in self._intact_frames(data, number):
                if head.version != FRAME_FORMAT:
                    yield ForeignFormat(number, offset, head.version)
                    continue
                if head.number == self.last_number:
                    continue  # the same one again, at another place
                records = read_records(data, offset, head)
                if records is None:
                    continue
                gap = self._gap_before(head, number, offset, empty_before)
                if gap is not None:
                    yield gap
                self.salt = head.salt
                self.last_number = head.number
                frame = Frame(head.number, number, offset, HEAD_BYTES + head.body_bytes, records)
                yield frame
                frames += 1
                end_offset = max(end_offset, frame.end_offset())
            empty_before = empty_before or frames == 0
            yield SegmentEnd(
                number, file, len(data), frames, end_offset, self._is_torn(data, end_offset, number)
            )

    def _intact_frames(self, data: bytes, segment: int) -> list[tuple[int, FrameHead]]:
        """All frames of this segment whose checksum is right, in the order of their numbers.

        That is the order of their places, but for one that the disk put where it does not belong. Of
        two with one number the one in its place comes first.
        """
        found: list[tuple[int, FrameHead]] = []
        offset = 0
        while True:
            offset, head = self._next_intact(data, offset, segment)
            if head is None:
                break
            found.append((offset, head))
            if head.version == FRAME_FORMAT:
                offset += aligned(HEAD_BYTES + head.body_bytes)
            else:
                offset += ALIGN_BYTES
        found.sort(key=_order)
        return found

    def _next_intact(self, data: bytes, offset: int, segment: int) -> tuple[int, FrameHead | None]:
        """The next frame of this segment at or after ``offset`` whose checksum is right."""
        while True:
            offset = data.find(MAGIC, offset)
            if offset < 0:
                return 0, None
            if offset % ALIGN_BYTES == 0:
                head = read_head(data, offset)
                if head is not None and self._is_ours(head, segment) and is_intact(data, offset, head):
                    return offset, head
            offset += 1

    def _is_ours(self, head: FrameHead, segment: int) -> bool:
        """Cheap checks before the checksum: not stale, not copied from another log (rule W4)."""
        if head.segment != segment or head.number <= self.last_number:
            return False
        return self.salt in (-1, head.salt)

    def _gap_before(self, head: FrameHead, segment: int, offset: int, empty_before: bool) -> Gap | None:
        if self.last_number == 0:
            # The log may begin anywhere, since old segments are forgotten, but only with a segment.
            begins = offset == 0 and _is_in_place(offset, head) and not empty_before
            if head.number == 1 or begins:
                return None
            return Gap(segment, offset, 0, head.number - 1)
        if head.number == self.last_number + 1:
            return None
        return Gap(segment, offset, self.last_number + 1, head.number - 1)

    def _is_torn(self, data: bytes, offset: int, segment: int) -> bool:
        head = read_head(data, offset)
        return head is not None and head.version == FRAME_FORMAT and self._is_ours(head, segment)

    def _find_salt(self) -> int:
        """The salt of the first frame at the start of a segment: no client's bytes can stand there."""
        for file in self._files:
            data = self._storage.read(file, 0, self._storage.size_bytes(file))
            head = read_head(data, 0)
            if head is not None and head.segment == segment_number(file) and is_intact(data, 0, head):
                return head.salt
        return -1
