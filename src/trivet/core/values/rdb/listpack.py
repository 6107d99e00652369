"""Listpacks: strings and integers packed one behind the other (Redis 5 and later).

Header: total bytes (4, little-endian), elements (2; 65,535 when there are more). Then per
element an encoding byte, the data, and the length of both written backwards, for walking
from the end. A byte 0xFF ends it.
"""

from typing import Final

_HEADER_BYTES: Final = 6
_END: Final = 0xFF
_COUNT_UNKNOWN: Final = 0xFFFF


def decode(data: bytes, items_max: int) -> list[bytes]:
    """All elements, integers in their digits. Raises ``ValueError`` for bad data and for too many."""
    end = len(data) - 1
    if end < _HEADER_BYTES or data[end] != _END or int.from_bytes(data[:4], "little") != len(data):
        raise ValueError("a listpack with a wrong header or end")
    items: list[bytes] = []
    at = _HEADER_BYTES
    try:
        while at < end:
            first = data[at]
            if first < 0x80:
                after = at + 1
                items.append(b"%d" % first)
            elif first < 0xC0:
                after = at + 1 + (first & 0x3F)
                items.append(data[at + 1 : after])
            else:
                after, item = _longer(data, at, first)
                items.append(item)
            size = after - at
            at = after
            if size < 0x80:
                if data[at] != size or at >= end:
                    raise ValueError("a listpack element with a wrong length")
                at += 1
            else:
                back = backward_length(size)
                at += len(back)
                if at > end or data[at - len(back) : at] != back:
                    raise ValueError("a listpack element with a wrong length")
            if len(items) > items_max:
                raise ValueError("a listpack with too many elements")
    except IndexError:
        raise ValueError("a listpack element beyond its end") from None
    count = int.from_bytes(data[4:6], "little")
    if count != len(items) and count != _COUNT_UNKNOWN:
        raise ValueError("a listpack with a wrong count")
    return items


def _longer(data: bytes, at: int, first: int) -> tuple[int, bytes]:
    """An element of more than the two shortest kinds: where it ends, and its content."""
    if first < 0xE0:
        number = (first & 0x1F) << 8 | data[at + 1]
        return at + 2, b"%d" % (number - 0x2000 if number >= 0x1000 else number)
    if first < 0xF0:
        start = at + 2
        after = start + ((first & 0x0F) << 8 | data[at + 1])
    elif first == 0xF0:
        start = at + 5
        after = start + int.from_bytes(data[at + 1 : start], "little")
    elif first <= 0xF4:
        after = at + 1 + (2, 3, 4, 8)[first - 0xF1]
        return after, b"%d" % int.from_bytes(data[at + 1 : after], "little", signed=True)
    else:
        raise ValueError("a listpack element of unknown encoding")
    return after, data[start:after]


def backward_length(size: int) -> bytes:
    """The length of an element as it stands behind it: groups of 7 bits, marked on all but the first."""
    back = bytearray([size & 0x7F])
    size >>= 7
    while size:
        back[0] |= 0x80
        back.insert(0, size & 0x7F)
        size >>= 7
    return bytes(back)


def encode(items: list[bytes | int]) -> bytes:
    """A listpack of strings and 64-bit integers."""
    body = b"".join([_element(item) for item in items])
    total = _HEADER_BYTES + len(body) + 1
    count = min(len(items), _COUNT_UNKNOWN)
    return total.to_bytes(4, "little") + count.to_bytes(2, "little") + body + b"\xff"


def _element(item: bytes | int) -> bytes:
    if isinstance(item, int):
        encoded = _integer(item)
    elif len(item) < 0x40:
        encoded = bytes([0x80 | len(item)]) + item
    elif len(item) < 0x1000:
        encoded = bytes([0xE0 | len(item) >> 8, len(item) & 0xFF]) + item
    else:
        encoded = b"\xf0" + len(item).to_bytes(4, "little") + item
    return encoded + backward_length(len(encoded))


def _integer(number: int) -> bytes:
    if 0 <= number < 0x80:
        return bytes([number])
    if -0x1000 <= number < 0x1000:
        return bytes([0xC0 | number >> 8 & 0x1F, number & 0xFF])
    for code, size in ((0xF1, 2), (0xF2, 3), (0xF3, 4), (0xF4, 8)):
        if -(1 << 8 * size - 1) <= number < 1 << 8 * size - 1:
            return bytes([code]) + number.to_bytes(size, "little", signed=True)
    raise AssertionError("a number of more than 64 bits")
