"""Checksums of bytes on disk and between nodes: the standard library's, nothing that an extra brings.

crc32 finds accidents in one frame or chunk; blake2b proves that a whole file is the one that
was written. Neither protects from an attacker who can write to the disk.
"""

import hashlib
import zlib
from typing import Final

DIGEST_BYTES: Final = 16


def crc32(data: bytes | memoryview, start: int = 0) -> int:
    """The crc32 of ``data``, going on from the crc ``start`` of what came before it."""
    return zlib.crc32(data, start)


class Digest:
    """A blake2b digest of ``DIGEST_BYTES`` bytes, fed piece by piece."""

    __slots__ = ("_state",)

    def __init__(self) -> None:
        self._state = hashlib.blake2b(digest_size=DIGEST_BYTES)

    def feed(self, data: bytes | memoryview) -> None:
        """Take the next bytes."""
        self._state.update(data)

    def value(self) -> bytes:
        """The digest of everything fed so far."""
        return self._state.digest()
