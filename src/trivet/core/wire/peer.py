"""Frames between nodes: a length, a checksum, a body.

`u32 length of the rest | u32 crc32 of the body | body`, little-endian. Strategy:
TCP hardly ever damages bytes, software does; so a frame that does not check out
ends the link (``error``), and nothing after it is believed. The length is
checked against a limit before anything is kept for it.
"""

import struct
import zlib
from typing import Final

_HEADER: Final = struct.Struct("<II")
_HEADER_BYTES: Final = 8
_CRC_BYTES: Final = 4


def frame(body: bytes) -> bytes:
    """One frame that holds ``body``."""
    return _HEADER.pack(len(body) + _CRC_BYTES, zlib.crc32(body)) + body


class FrameParser:
    """The receiving end of one link. ``error`` not empty: close the link, feed no more."""

    def __init__(self, frame_bytes_max: int) -> None:
        """``frame_bytes_max`` bounds the body."""
        self.error = ""
        self._frame_bytes_max = frame_bytes_max
        self._buffer = bytearray()  # the unfinished frame, header included
        self._needed_bytes = _HEADER_BYTES  # at least this much of it must be there before it is worth a look

    def feed(self, data: bytes) -> list[bytes]:
        """Take a piece; give the bodies of all frames that it completes, those before an error included."""
        assert not self.error
        if not self._buffer:
            return self._take(data)
        self._buffer += data
        if len(self._buffer) < self._needed_bytes:
            return []
        whole = bytes(self._buffer)
        self._buffer = bytearray()
        return self._take(whole)

    def buffered_bytes(self) -> int:
        """Memory held for an unfinished frame."""
        return len(self._buffer)

    def _take(self, data: bytes) -> list[bytes]:
        bodies: list[bytes] = []
        position = 0
        size = len(data)
        needed = _HEADER_BYTES
        while size - position >= _HEADER_BYTES:
            rest, crc = _HEADER.unpack_from(data, position)
            if rest < _CRC_BYTES or rest - _CRC_BYTES > self._frame_bytes_max:
                self.error = f"frame of {rest} bytes announced, at most {self._frame_bytes_max} allowed"
                return bodies
            end = position + _CRC_BYTES + rest
            if end > size:
                needed = end - position
                break
            body = data[position + _HEADER_BYTES : end]
            if zlib.crc32(body) != crc:
                self.error = "frame with a wrong checksum"
                return bodies
            bodies.append(body)
            position = end
        if position < size:
            self._buffer += data[position:]
            self._needed_bytes = needed
        return bodies
