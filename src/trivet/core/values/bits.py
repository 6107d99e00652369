"""Bits of a string: bit 0 is the highest of the first byte, and what is behind the end is zero.

Strategy: pieces of a string become integers, whose operations run over whole words;
a piece has ``PIECE_BYTES``, so that it stays in the cache and a long string takes no
memory twice. A change of one place copies the string once. No slice starts behind its
end: compiled by mypyc, that is an error and not empty.
"""

from collections.abc import Callable
from functools import reduce
from operator import and_, or_, xor
from typing import Final

PIECE_BYTES: Final = 64 * 1024
_LOOK_BYTES: Final = 4096
"""Looking for a bit, so many bytes are compared at once."""
_EDIT_MAX: Final = 4
"""So many changes are made by copying the string each time; more of them in a buffer of its own."""

AND: Final = "AND"
OR: Final = "OR"
XOR: Final = "XOR"
_JOINS: Final[dict[str, Callable[[int, int], int]]] = {AND: and_, OR: or_, XOR: xor}


def bit_at(data: bytes, offset: int) -> int:
    """The bit at ``offset``."""
    at = offset >> 3
    return data[at] >> (7 - (offset & 7)) & 1 if at < len(data) else 0


def with_piece(data: bytes, at: int, piece: bytes) -> bytes:
    """``data`` with ``piece`` over what is at byte ``at``, and zeros up to there where it was shorter."""
    size, end = len(data), at + len(piece)
    if at >= size:
        return b"".join((data, bytes(at - size), piece))
    view = memoryview(data)
    if end >= size:
        return b"".join((view[:at], piece))
    return b"".join((view[:at], piece, view[end:]))


def count_ones(data: bytes, first: int, last: int) -> int:
    """How many of the bits ``first`` to ``last``, both included and inside, are set."""
    if first > last:
        return 0
    start, end = first >> 3, last >> 3
    total = 0
    for at in range(start, end + 1, PIECE_BYTES):
        total += int.from_bytes(data[at : min(at + PIECE_BYTES, end + 1)], "little").bit_count()
    before = data[start] >> (8 - (first & 7)) if first & 7 else 0
    behind = data[end] & ((1 << (7 - (last & 7))) - 1)
    return total - before.bit_count() - behind.bit_count()


def find_bit(data: bytes, bit: int, first: int, last: int) -> int:
    """Where the first ``bit`` is among the bits ``first`` to ``last``, both inside; -1: nowhere."""
    if first > last:
        return -1
    start, end = first >> 3, last >> 3
    flip = 0 if bit else 0xFF
    head = (data[start] ^ flip) & (0xFF >> (first & 7))
    at = start
    if not head and start < end:
        at = _find_byte(data, flip, start + 1, end + 1)
        if at < 0:
            return -1
        head = data[at] ^ flip
    position = at * 8 + 8 - head.bit_length()
    return position if head and position <= last else -1


def _find_byte(data: bytes, other: int, start: int, stop: int) -> int:
    """Where the first byte is that is not ``other``, in [start, stop); -1: nowhere."""
    same = bytes((other,)) * _LOOK_BYTES
    strip = same[:1]
    for at in range(start, stop, _LOOK_BYTES):
        piece = data[at : min(at + _LOOK_BYTES, stop)]
        if piece == same:
            continue
        left = len(piece.lstrip(strip))
        if left:
            return at + len(piece) - left
    return -1


def joined(operation: str, sources: list[bytes]) -> bytes:
    """The bits of all sources together by ``operation``; as long as the longest."""
    join = _JOINS[operation]
    size = max(map(len, sources))
    pieces: list[bytes] = []
    for at in range(0, size, PIECE_BYTES):
        numbers = [
            int.from_bytes(source[at : at + PIECE_BYTES], "little") if at < len(source) else 0
            for source in sources
        ]
        pieces.append(reduce(join, numbers).to_bytes(min(PIECE_BYTES, size - at), "little"))
    return b"".join(pieces)


_INVERTED: Final = bytes(255 - byte for byte in range(256))


def inverted(data: bytes) -> bytes:
    """Every bit the other way round."""
    return data.translate(_INVERTED)


class Field:
    """An integer of 1 to 64 bits inside a string, at any bit; two's complement when signed."""

    __slots__ = ("bits", "offset", "signed")

    def __init__(self, signed: bool, bits: int, offset: int) -> None:
        self.signed = signed
        self.bits = bits
        self.offset = offset

    @property
    def low(self) -> int:
        """The least value."""
        return -(1 << (self.bits - 1)) if self.signed else 0

    @property
    def high(self) -> int:
        """The greatest value."""
        return (1 << (self.bits - 1 if self.signed else self.bits)) - 1

    def wrapped(self, value: int) -> int:
        """``value`` modulo the field's size, within its range."""
        value &= (1 << self.bits) - 1
        return value - (1 << self.bits) if value > self.high else value

    def read(self, data: bytes | bytearray) -> int:
        """The value."""
        start, size, shift = self._place()
        chunk = data[start : start + size] if start < len(data) else b""
        return self.wrapped(int.from_bytes(chunk, "big") << 8 * (size - len(chunk)) >> shift)

    def piece(self, data: bytes | bytearray, value: int) -> tuple[int, bytes]:
        """``(at, bytes)``: what is to stand at byte ``at``, which is inside, when the field has ``value``."""
        start, size, shift = self._place()
        mask = (1 << self.bits) - 1
        number = int.from_bytes(data[start : start + size], "big")
        number = number & ~(mask << shift) | (value & mask) << shift
        return start, number.to_bytes(size, "big")

    def _place(self) -> tuple[int, int, int]:
        """First byte, number of bytes, bits behind the field in the last one."""
        start, end = self.offset >> 3, self.offset + self.bits
        size = (end + 7 >> 3) - start
        return start, size, (start + size) * 8 - end


class Edited:
    """A string that is long enough, being changed field by field."""

    __slots__ = ("_buffer", "_data")

    def __init__(self, data: bytes, changes: int) -> None:
        self._data = data
        self._buffer = bytearray(data) if changes > _EDIT_MAX else None

    def read(self, field: Field) -> int:
        """The value of ``field``."""
        return field.read(self._data if self._buffer is None else self._buffer)

    def write(self, field: Field, value: int) -> None:
        """Give ``field``, which is inside, a value."""
        if self._buffer is None:
            self._data = with_piece(self._data, *field.piece(self._data, value))
        else:
            at, piece = field.piece(self._buffer, value)
            self._buffer[at : at + len(piece)] = piece

    def result(self) -> bytes:
        """The string as it is now."""
        return self._data if self._buffer is None else bytes(self._buffer)
