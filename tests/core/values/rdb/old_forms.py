"""Writers of the forms that older Redis servers wrote and that we only read."""

from math import inf, isinf
from struct import pack

from trivet.core.values.numbers import parse_int
from trivet.core.values.rdb.lengths import write_length, write_string


def ziplist(items: list[bytes]) -> bytes:
    """A ziplist; what looks like an integer is stored as one."""
    body, before, last = b"", 0, 10
    for item in items:
        entry = (
            bytes([before]) if before < 254 else b"\xfe" + before.to_bytes(4, "little")
        ) + _ziplist_entry(item)
        last = 10 + len(body)
        body += entry
        before = len(entry)
    return pack("<IIH", 11 + len(body), last, min(len(items), 0xFFFF)) + body + b"\xff"


def _ziplist_entry(item: bytes) -> bytes:
    number = parse_int(item)
    if number is None:
        size = len(item)
        if size < 0x40:
            return bytes([size]) + item
        return (
            bytes([0x40 | size >> 8, size & 0xFF]) if size < 0x4000 else b"\x80" + size.to_bytes(4, "big")
        ) + item
    if 0 <= number <= 12:
        return bytes([0xF1 + number])
    for code, size in ((0xFE, 1), (0xC0, 2), (0xF0, 3), (0xD0, 4)):
        if -(1 << 8 * size - 1) <= number < 1 << 8 * size - 1:
            return bytes([code]) + number.to_bytes(size, "little", signed=True)
    return b"\xe0" + number.to_bytes(8, "little", signed=True)


def quicklist(nodes: list[list[bytes]]) -> bytes:
    """The content of a list of ziplists."""
    return write_length(len(nodes)) + b"".join(write_string(ziplist(node)) for node in nodes)


def zipmap(flat: list[bytes]) -> bytes:
    """A zipmap; every value has two unused bytes behind it."""
    pairs = len(flat) // 2
    body = b""
    for number, part in enumerate(flat):
        body += bytes([len(part)]) if len(part) < 254 else b"\xfe" + len(part).to_bytes(4, "little")
        body += b"\x02" + part + b"??" if number % 2 else part
    return bytes([min(pairs, 254)]) + body + b"\xff"


def intset(numbers: list[int]) -> bytes:
    """An intset of sorted numbers, in the smallest size that holds them all."""
    widest = max((number if number >= 0 else -number - 1) for number in numbers).bit_length() + 1
    size, code = next((size, code) for size, code in ((2, "h"), (4, "i"), (8, "q")) if widest <= size * 8)
    return pack(f"<II{len(numbers)}{code}", size, len(numbers), *numbers)


def zset(members: list[bytes], scores: list[float]) -> bytes:
    """The content of a sorted set with scores in digits."""
    body = write_length(len(members))
    for member, score in zip(members, scores, strict=True):
        text = repr(score).encode()
        special = b"\xfe" if score == inf else b"\xff"
        body += write_string(member) + (special if isinf(score) else bytes([len(text)]) + text)
    return body
