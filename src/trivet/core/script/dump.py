"""``FUNCTION DUMP`` and ``RESTORE``: libraries in the form in which Redis 7 carries them.

Per library the byte 245 and its text as an RDB string; then the RDB version and a CRC64. We write texts
as they are and read compressed ones (LZF) too. A payload is untrusted: every length is checked first.
"""

from typing import Final

from trivet.core.values.rdb.crc64 import crc64
from trivet.core.values.rdb.lzf import decompress

_FUNCTION: Final = 245
_VERSION: Final = 10
_VERSION_MAX: Final = 11
_TEXT_BYTES_MAX: Final = 16 * 1024 * 1024


def dump(sources: list[bytes]) -> bytes:
    """The texts as one payload."""
    body = b"".join(bytes([_FUNCTION]) + _length(len(source)) + source for source in sources)
    body += _VERSION.to_bytes(2, "little")
    return body + crc64(body).to_bytes(8, "little")


def _length(count: int) -> bytes:
    if count < 64:
        return bytes([count])
    if count < 16384:
        return bytes([64 | count >> 8, count & 255])
    return b"\x80" + count.to_bytes(4, "big")


class BadDump(Exception):
    """Not a payload of ours or of Redis; the message is the error's text."""


def load(payload: bytes) -> list[bytes]:
    """The texts; raises ``BadDump``."""
    if len(payload) < 10:
        raise BadDump("ERR DUMP payload version or checksum are wrong")
    body, check = payload[:-8], int.from_bytes(payload[-8:], "little")
    version = int.from_bytes(body[-2:], "little")
    if version > _VERSION_MAX or (check and crc64(body) != check):
        raise BadDump("ERR DUMP payload version or checksum are wrong")
    reader = _Reader(body[:-2])
    sources = []
    while not reader.at_end:
        if reader.byte() != _FUNCTION:
            raise BadDump("ERR given type is not a function")
        sources.append(reader.text())
    return sources


class _Reader:
    """RDB strings, one after the other."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def at_end(self) -> bool:
        """Whether everything has been read."""
        return self._at == len(self._data)

    def byte(self) -> int:
        """The next byte."""
        return self._take(1)[0]

    def _take(self, count: int) -> bytes:
        if count > len(self._data) - self._at:
            raise BadDump("ERR failed loading functions from the payload")
        taken = self._data[self._at : self._at + count]
        self._at += count
        return taken

    def _count(self, first: int) -> int:
        kind = first >> 6
        if kind == 0:
            return first & 63
        if kind == 1:
            return (first & 63) << 8 | self.byte()
        if first == 0x80:
            return int.from_bytes(self._take(4), "big")
        raise BadDump("ERR failed loading functions from the payload")

    def text(self) -> bytes:
        """One string."""
        first = self.byte()
        if first != 0xC3:
            return self._take(self._count(first))
        packed_bytes = self._count(self.byte())
        plain_bytes = self._count(self.byte())
        if plain_bytes > _TEXT_BYTES_MAX:
            raise BadDump("ERR a library is too large")
        try:
            return decompress(self._take(packed_bytes), plain_bytes)
        except ValueError as error:
            raise BadDump("ERR failed loading functions from the payload") from error
