"""The two other packed forms: intsets (small sets of integers) and zipmaps (hashes before Redis 2.6)."""

from struct import unpack_from
from typing import Final

_FORMATS: Final = {2: "h", 4: "i", 8: "q"}
_END: Final = 0xFF
_LONG_LENGTH: Final = 0xFE


def decode_intset(data: bytes, items_max: int) -> list[bytes]:
    """The members in their digits: integers of 2, 4 or 8 bytes, strictly rising. Raises ``ValueError``."""
    if len(data) < 8:
        raise ValueError("an intset without a header")
    size, count = unpack_from("<II", data)
    if size not in _FORMATS or len(data) != 8 + size * count or count > items_max:
        raise ValueError("an intset of a wrong size")
    numbers: tuple[int, ...] = unpack_from(f"<{count}{_FORMATS[size]}", data, 8)
    if any(numbers[i] >= numbers[i + 1] for i in range(count - 1)):
        raise ValueError("an intset out of order")
    return [b"%d" % number for number in numbers]


def decode_zipmap(data: bytes, items_max: int) -> list[bytes]:
    """Fields and values in turn. Raises ``ValueError``."""
    end = len(data) - 1
    if end < 1 or data[end] != _END:
        raise ValueError("a zipmap without an end")
    items: list[bytes] = []
    at = 1
    try:
        while at < end:
            is_value = len(items) % 2
            length = data[at]
            at += 1
            if length == _LONG_LENGTH:
                length = int.from_bytes(data[at : at + 4], "little")
                at += 4
            elif length == _END:
                raise ValueError("a zipmap that ends too early")
            unused = data[at] if is_value else 0
            at += is_value
            items.append(data[at : at + length])
            at += length + unused
            if at > end or len(items) > items_max:
                raise ValueError("a zipmap with an element beyond its end, or with too many")
    except IndexError:
        raise ValueError("a zipmap with an element beyond its end") from None
    if len(items) % 2 or (data[0] < _LONG_LENGTH and data[0] * 2 != len(items)):
        raise ValueError("a zipmap with a wrong count")
    return items
