"""Ziplists: what listpacks were before Redis 7.

Header: total bytes (4, little-endian), offset of the last entry (4), entries (2; 65,535 when
there are more). Then per entry the length of the one before, an encoding, the data. A
byte 0xFF ends it.
"""

from typing import Final

_HEADER_BYTES: Final = 10
_END: Final = 0xFF
_LONG_LENGTH: Final = 0xFE
_COUNT_UNKNOWN: Final = 0xFFFF
_INTEGER_BYTES: Final = {0xC0: 2, 0xD0: 4, 0xE0: 8, 0xF0: 3, 0xFE: 1}


def decode(data: bytes, items_max: int) -> list[bytes]:
    """All entries, integers in their digits. Raises ``ValueError`` for bad data and for too many."""
    end = len(data) - 1
    if end < _HEADER_BYTES or data[end] != _END or int.from_bytes(data[:4], "little") != len(data):
        raise ValueError("a ziplist with a wrong header or end")
    items: list[bytes] = []
    at, before = _HEADER_BYTES, _HEADER_BYTES
    try:
        while at < end:
            start = at
            length_before = data[at]
            at += 1
            if length_before == _LONG_LENGTH:
                length_before = int.from_bytes(data[at : at + 4], "little")
                at += 4
            if length_before != start - before if items else length_before != 0:
                raise ValueError("a ziplist entry with a wrong length before it")
            at, item = _entry(data, at)
            if at > end:
                raise ValueError("a ziplist entry beyond its end")
            items.append(item)
            before = start
            if len(items) > items_max:
                raise ValueError("a ziplist with too many entries")
    except IndexError:
        raise ValueError("a ziplist entry beyond its end") from None
    count = int.from_bytes(data[8:10], "little")
    if int.from_bytes(data[4:8], "little") != before or (count != len(items) and count != _COUNT_UNKNOWN):
        raise ValueError("a ziplist with a wrong count or last entry")
    return items


def _entry(data: bytes, at: int) -> tuple[int, bytes]:
    """The entry whose encoding stands at ``at``: where it ends, and its content."""
    first = data[at]
    if first < 0x40:
        start = at + 1
        after = start + first
    elif first < 0x80:
        start = at + 2
        after = start + ((first & 0x3F) << 8 | data[at + 1])
    elif first == 0x80:
        start = at + 5
        after = start + int.from_bytes(data[at + 1 : start], "big")
    elif first in _INTEGER_BYTES:
        after = at + 1 + _INTEGER_BYTES[first]
        return after, b"%d" % int.from_bytes(data[at + 1 : after], "little", signed=True)
    elif 0xF1 <= first <= 0xFD:
        return at + 1, b"%d" % ((first & 0x0F) - 1)
    else:
        raise ValueError("a ziplist entry of unknown encoding")
    return after, data[start:after]
