"""Writing lengths and strings, in the encodings that ``source`` reads."""

from typing import Final

SHORT_LENGTHS: Final = tuple(bytes([length]) for length in range(0x40))
"""Those of one byte, by length."""


def write_length(length: int) -> bytes:
    """A length in 1, 2, 5 or 9 bytes."""
    if length < 0x40:
        return SHORT_LENGTHS[length]
    if length < 0x4000:
        return bytes([0x40 | length >> 8, length & 0xFF])
    if length <= 0xFFFFFFFF:
        return b"\x80" + length.to_bytes(4, "big")
    return b"\x81" + length.to_bytes(8, "big")


def write_string(string: bytes) -> bytes:
    """A string, raw."""
    return write_length(len(string)) + string
