"""Redis' glob patterns, matched without recursion and without back-tracking explosions.

A pattern is compiled once: stars divide it into segments in which every element
takes exactly one byte. The first segment is anchored at the start, the last at
the end, and those between are each placed as far left as possible, which is
enough. A segment of plain bytes is found by ``bytes.find``, another large one by
bits side by side (Shift-And; Baeza-Yates and Gonnet, CACM 1992): the worst case is
the text's length times a 64th of the pattern's, whatever the pattern.

The corner cases (an unclosed class, a trailing backslash, a range whose end is
the bracket, stars against an empty text) are those of redis-server 7.0, as
observed.
"""

from typing import Final

_STAR: Final = 0x2A
_ANY: Final = 0x3F
_OPEN: Final = 0x5B
_CLOSE: Final = 0x5D
_ESCAPE: Final = 0x5C
_NOT: Final = 0x5E
_DASH: Final = 0x2D

PATTERN_BYTES_MAX: Final = 64 * 1024
"""What commands that take a pattern allow: compiling takes time and memory for every byte."""

_SHIFTED_MIN: Final = 8
_SHIFTED_PLACES_MIN: Final = 64
"""The size of a segment, and the number of its possible places, from which bits side by side pay."""

_ANYTHING: Final = b"\x01" * 256
_NEGATED: Final = b"\x01\x00" + bytes(254)
"""Turns flags over: 0 becomes 1, 1 becomes 0."""


class _Segment:
    """Elements between two stars: one table of 256 flags per byte to match, or plain bytes."""

    __slots__ = ("literal", "masks", "size", "tables")

    def __init__(self, tables: list[bytes], literal: bytes | None) -> None:
        self.tables = tables
        self.literal = literal
        self.size = len(tables)
        self.masks: dict[int, int] = {}
        """By byte, once it was met: a bit per element, set where the element takes the byte."""

    def matches_at(self, text: bytes, start: int) -> bool:
        """Whether the segment matches at ``start``, where its size fits."""
        if self.literal is not None:
            return text.startswith(self.literal, start)
        return all(self.tables[offset][text[start + offset]] for offset in range(self.size))

    def find(self, text: bytes, start: int, end: int) -> int:
        """The first place in ``[start, end - size]`` where it matches, or -1."""
        if self.literal is not None:
            return text.find(self.literal, start, end)
        if self.size >= _SHIFTED_MIN and end - start - self.size >= _SHIFTED_PLACES_MIN:
            return self._find_shifted(text, start, end)
        for position in range(start, end - self.size + 1):
            if self.matches_at(text, position):
                return position
        return -1

    def _find_shifted(self, text: bytes, start: int, end: int) -> int:
        """As ``find``. Bit ``i`` of ``state``: the last ``i + 1`` bytes match as many first elements."""
        masks = self.masks
        whole = 1 << (self.size - 1)
        state = 0
        for position in range(start, end):
            byte = text[position]
            mask = masks.get(byte)
            if mask is None:
                mask = masks[byte] = self._mask_of(byte)
            state = (state << 1 | 1) & mask
            if state & whole:
                return position - self.size + 1
        return -1

    def _mask_of(self, byte: int) -> int:
        return int(bytes([48 + table[byte] for table in reversed(self.tables)]), 2)


class Glob:
    r"""A compiled pattern: ``*`` any bytes, ``?`` one byte, ``[a-c]`` ``[^a]`` classes, ``\`` escapes."""

    __slots__ = ("_everything", "_first", "_last", "_middle", "_pattern", "_prefix")

    def __init__(self, pattern: bytes) -> None:
        self._pattern = pattern
        self._everything = pattern == b"*"
        segments = _compile(pattern)
        self._first = segments[0]
        self._prefix = self._first.literal or b""
        """What every match begins with: most texts are ruled out by it at once."""
        self._last: _Segment | None = segments[-1] if len(segments) > 1 else None
        self._middle = segments[1:-1]

    def matches(self, text: bytes) -> bool:
        """Whether the whole of ``text`` matches."""
        if self._everything:
            return True
        if not text:
            return not self._pattern
        if not text.startswith(self._prefix):
            return False
        first, last = self._first, self._last
        size = len(text)
        if last is None:
            return size == first.size and first.matches_at(text, 0)
        end = size - last.size
        if end < first.size or not first.matches_at(text, 0) or not last.matches_at(text, end):
            return False
        position = first.size
        for segment in self._middle:
            position = segment.find(text, position, end)
            if position < 0:
                return False
            position += segment.size
        return True


def glob_matches(pattern: bytes, text: bytes) -> bool:
    """Whether ``text`` matches ``pattern``; for one text only."""
    return Glob(pattern).matches(text)


def _compile(pattern: bytes) -> list[_Segment]:
    """The segments between the stars; one more than there are (runs of) stars."""
    segments: list[_Segment] = []
    classes: dict[bytes, bytes] = {}
    tables: list[bytes] = []
    literal: bytearray | None = bytearray()
    position = 0
    while position < len(pattern):
        byte = pattern[position]
        if byte == _STAR:
            segments.append(_Segment(tables, None if literal is None else bytes(literal)))
            tables, literal = [], bytearray()
            while position < len(pattern) and pattern[position] == _STAR:
                position += 1
            continue
        if byte == _ANY:
            tables.append(_ANYTHING)
            literal = None
        elif byte == _OPEN:
            table, position = _class(pattern, position + 1)
            tables.append(classes.setdefault(table, table))
            literal = None
        else:
            if byte == _ESCAPE and position + 1 < len(pattern):
                position += 1
                byte = pattern[position]
            tables.append(_only(byte))
            if literal is not None:
                literal.append(byte)
        position += 1
    segments.append(_Segment(tables, None if literal is None else bytes(literal)))
    return segments


def _class(pattern: bytes, position: int) -> tuple[bytes, int]:
    """The table of a class whose content starts at ``position``, and where its last byte is."""
    flags = bytearray(256)
    negated = position < len(pattern) and pattern[position] == _NOT
    if negated:
        position += 1
    while position < len(pattern):
        left = len(pattern) - position
        byte = pattern[position]
        if byte == _ESCAPE and left >= 2:
            position += 1
            flags[pattern[position]] = 1
        elif byte == _CLOSE:
            break
        elif left >= 3 and pattern[position + 1] == _DASH:
            other = pattern[position + 2]
            low, high = min(byte, other), max(byte, other)
            flags[low : high + 1] = b"\x01" * (high + 1 - low)
            position += 2
        else:
            flags[byte] = 1
        position += 1
    if negated:
        return bytes(flags).translate(_NEGATED), position
    return bytes(flags), position


_ONLY: Final[list[bytes]] = [bytes(1 if i == byte else 0 for i in range(256)) for byte in range(256)]


def _only(byte: int) -> bytes:
    return _ONLY[byte]
