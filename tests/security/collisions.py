"""Keys whose crc32 is the same: what an attacker who knows the tables' hash would send."""

from collections.abc import Iterator
from zlib import crc32

_POLYNOMIAL = 0xEDB88320


def _row(byte: int) -> int:
    for _ in range(8):
        byte = (byte >> 1) ^ (_POLYNOMIAL if byte & 1 else 0)
    return byte


_ROWS = [_row(byte) for byte in range(256)]
_ROW_BY_TOP = {row >> 24: number for number, row in enumerate(_ROWS)}


def forged(prefix: bytes, wanted: int = 0) -> bytes:
    """``prefix`` with four bytes behind it that make the crc32 of the whole ``wanted``."""
    register = wanted ^ 0xFFFFFFFF
    numbers = []
    for _ in range(4):
        number = _ROW_BY_TOP[register >> 24]
        numbers.append(number)
        register = ((register ^ _ROWS[number]) << 8) & 0xFFFFFFFF
    state = crc32(prefix) ^ 0xFFFFFFFF
    tail = bytearray()
    for number in reversed(numbers):
        tail.append((state ^ number) & 0xFF)
        state = (state >> 8) ^ _ROWS[number]
    return prefix + bytes(tail)


def colliding(count: int) -> Iterator[bytes]:
    """``count`` different keys with the same crc32."""
    for number in range(count):
        yield forged(b"k%07d" % number)
