"""Frames: one disk write of the log, checksummed, numbered and aligned to a sector.

On the path: records -> **frame** -> segment. Strategy: everything that recovery must know to
judge a frame stands in its header, so that a frame can be recognised anywhere in a file: its
number (one more than the previous frame's, for ever), the segment it was written for (a stale
frame in a recycled segment names another) and its place there (a disk may put it somewhere
else), and the log's salt (a value stored by a client cannot pass for a frame, because clients
don't know the salt).

A frame starts at a sector, so writing the next one touches no sector of this one.
"""

import struct
from typing import Final

from trivet.core.base.checksum import crc32
from trivet.core.wal.record import BODY_HEADER_BYTES, Record, body_header, decode_body

MAGIC: Final = b"TRW"
FRAME_FORMAT: Final = 2
ALIGN_BYTES: Final = 512
_HEAD: Final = struct.Struct("<3sBIIIQII")
_CHECKED: Final = struct.Struct("<IIQII")
HEAD_BYTES: Final = 32
_CHECKED_OFFSET: Final = 8
"""The checksum covers the first 4 bytes and everything from here on."""
SALT_MASK: Final = 0xFFFFFFFF


class FrameHead:
    """A frame's header, not yet believed."""

    __slots__ = ("body_bytes", "crc", "number", "place", "salt", "segment", "version")

    def __init__(
        self, version: int, crc: int, body_bytes: int, salt: int, number: int, segment: int, place: int
    ) -> None:
        self.version = version
        self.crc = crc
        self.body_bytes = body_bytes
        self.salt = salt
        self.number = number
        self.segment = segment
        self.place = place
        """The sector of the segment for which it was written."""


class Frame:
    """A valid frame as found in a segment file."""

    __slots__ = ("number", "offset", "records", "segment", "size_bytes")

    def __init__(
        self,
        number: int,
        segment: int,
        offset: int,
        size_bytes: int,
        records: list[Record],
    ) -> None:
        self.number = number
        self.segment = segment
        self.offset = offset
        self.size_bytes = size_bytes
        """Header and body, without the padding to the next sector."""
        self.records = records

    def end_offset(self) -> int:
        """Where the next frame starts."""
        return self.offset + aligned(self.size_bytes)


def aligned(size_bytes: int) -> int:
    """``size_bytes`` rounded up to whole sectors."""
    return (size_bytes + ALIGN_BYTES - 1) & -ALIGN_BYTES


def frame_size_bytes(records_bytes: int) -> int:
    """The size of a frame whose encoded records have ``records_bytes`` together."""
    return HEAD_BYTES + BODY_HEADER_BYTES + records_bytes


def encode_frame(number: int, segment: int, offset: int, salt: int, records: list[bytes]) -> bytes:
    """The bytes of a frame that holds ``records``, each already encoded, for ``offset`` of ``segment``."""
    place = offset // ALIGN_BYTES
    parts = [b"", body_header(len(records))]
    parts.extend(records)
    body_bytes = BODY_HEADER_BYTES
    for record in records:
        body_bytes += len(record)
    checked = _CHECKED.pack(body_bytes, salt, number, segment, place)
    crc = crc32(checked, crc32(MAGIC + bytes([FRAME_FORMAT])))
    for part in parts:
        crc = crc32(part, crc)
    parts[0] = _HEAD.pack(MAGIC, FRAME_FORMAT, crc, body_bytes, salt, number, segment, place)
    return b"".join(parts)


def read_head(data: bytes, offset: int) -> FrameHead | None:
    """The header at ``offset``, or None when there is none or its body would not fit into ``data``."""
    if len(data) - offset < HEAD_BYTES + BODY_HEADER_BYTES:
        return None
    magic: bytes
    version: int
    crc: int
    body_bytes: int
    salt: int
    number: int
    segment: int
    place: int
    magic, version, crc, body_bytes, salt, number, segment, place = _HEAD.unpack_from(data, offset)
    if magic != MAGIC or body_bytes > len(data) - offset - HEAD_BYTES:
        return None
    return FrameHead(version, crc, body_bytes, salt, number, segment, place)


def is_intact(data: bytes, offset: int, head: FrameHead) -> bool:
    """Whether the checksum of the frame at ``offset`` is right."""
    view = memoryview(data)
    crc = crc32(view[offset : offset + 4])
    crc = crc32(view[offset + _CHECKED_OFFSET : offset + HEAD_BYTES + head.body_bytes], crc)
    return crc == head.crc


def read_records(data: bytes, offset: int, head: FrameHead) -> list[Record] | None:
    """The records of an intact frame; None when its body is not what a body must be."""
    start = offset + HEAD_BYTES
    return decode_body(memoryview(data)[start : start + head.body_bytes])
