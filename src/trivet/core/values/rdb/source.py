"""The bytes of a payload, taken from the front: lengths and strings in the encodings of RDB.

A length's two top bits say how it goes on: 6 bits, 14 bits, 32 or 64 bits, or that a
string in a special encoding follows (an integer, or LZF).

Rule D1: a size is checked against what is there before anything is made of it.
Rule D2: ``charge`` counts what the payload becomes in memory.
"""

from typing import Final

from trivet.core.values.rdb import listpack, packed, ziplist
from trivet.core.values.rdb.lzf import decompress

VALUE_BYTES_MAX: Final = 512 * 1024 * 1024
"""What one payload may become in memory, about: an element counts ``ITEM_BYTES`` beside what it holds."""
ITEM_BYTES: Final = 48
"""A small bytes object and its place in a container."""

_LZF: Final = 3


class Source:
    """A cursor over the body of a payload. Every method raises ``ValueError`` when the bytes do not fit."""

    __slots__ = ("_at", "_data", "_left")

    def __init__(self, data: bytes, bytes_max: int = VALUE_BYTES_MAX) -> None:
        self._data = data
        self._at = 0
        self._left = bytes_max

    def charge(self, size: int) -> None:
        """Count ``size`` bytes of memory."""
        self._left -= size
        if self._left < 0:
            raise ValueError("a value too large")

    def take(self, size: int) -> bytes:
        """The next ``size`` bytes."""
        stop = self._at + size
        if stop > len(self._data):
            raise ValueError("a payload that ends too early")
        taken = self._data[self._at : stop]
        self._at = stop
        return taken

    def byte(self) -> int:
        """The next byte."""
        return self.take(1)[0]

    def length(self) -> int:
        """A length that is no special encoding."""
        length, is_special = self._length()
        if is_special:
            raise ValueError("a string in the place of a length")
        return length

    def count(self, item_bytes_min: int) -> int:
        """How many elements follow, each of at least so many bytes in the payload. Charges for them."""
        count = self.length()
        if count * item_bytes_min > len(self._data) - self._at:
            raise ValueError("more elements announced than there are bytes")
        self.charge(count * ITEM_BYTES)
        return count

    def string(self) -> bytes:
        """A string in any encoding."""
        length, is_special = self._length()
        if not is_special:
            return self.take(length)
        if length < _LZF:
            return b"%d" % int.from_bytes(self.take(1 << length), "little", signed=True)
        if length > _LZF:
            raise ValueError("a string of unknown encoding")
        compressed_size = self.length()
        size = self.length()
        self.charge(size)
        return decompress(self.take(compressed_size), size)

    def strings(self, count: int) -> list[bytes]:
        """So many strings; ``count`` was checked and charged."""
        data, end = self._data, len(self._data)
        strings: list[bytes] = []
        for _ in range(count):
            start = self._at + 1
            if start > end:
                raise ValueError("a payload that ends too early")
            length = data[start - 1]
            if length >= 0x40:
                strings.append(self.string())
                continue
            stop = start + length
            if stop > end:
                raise ValueError("a payload that ends too early")
            strings.append(data[start:stop])
            self._at = stop
        return strings

    def listpack(self) -> list[bytes]:
        """The elements of a listpack."""
        return self._charged(listpack.decode(self.string(), self._items_max()))

    def ziplist(self) -> list[bytes]:
        """The entries of a ziplist."""
        return self._charged(ziplist.decode(self.string(), self._items_max()))

    def intset(self) -> list[bytes]:
        """The members of an intset."""
        return self._charged(packed.decode_intset(self.string(), self._items_max()))

    def zipmap(self) -> list[bytes]:
        """The fields and values of a zipmap."""
        return self._charged(packed.decode_zipmap(self.string(), self._items_max()))

    def _items_max(self) -> int:
        return self._left // ITEM_BYTES

    def _charged(self, items: list[bytes]) -> list[bytes]:
        self.charge(len(items) * ITEM_BYTES)
        return items

    def _length(self) -> tuple[int, bool]:
        """A length, or the number of a special encoding and True."""
        first = self.byte()
        kind = first >> 6
        if kind == 0:
            return first, False
        if kind == 1:
            return (first & 0x3F) << 8 | self.byte(), False
        if kind == 3:
            return first & 0x3F, True
        if first == 0x80:
            return int.from_bytes(self.take(4), "big"), False
        if first == 0x81:
            return int.from_bytes(self.take(8), "big"), False
        raise ValueError("a length of unknown encoding")
