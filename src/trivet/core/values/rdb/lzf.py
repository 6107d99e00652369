"""LZF decompression: literal runs, and references to what was put out already.

Redis compresses strings and packed lists of more than 20 bytes with it. Writing needs
none: raw strings are valid, and compressing byte by byte would be slow here.
"""

from typing import Final

_GROWTH_MAX: Final = 88
"""A reference of three bytes stands for at most 264."""


def decompress(data: bytes, size: int) -> bytes:
    """The ``size`` bytes that ``data`` stands for. Raises ``ValueError`` when it does not."""
    if size > len(data) * _GROWTH_MAX:
        raise ValueError("compressed data announces more than it can hold")
    out = bytearray()
    at, end = 0, len(data)
    try:
        while at < end:
            control = data[at]
            at += 1
            if control < 32:
                stop = at + control + 1
                if stop > end:
                    raise ValueError("compressed data ends in a literal run")
                out += data[at:stop]
                at = stop
            else:
                length = control >> 5
                if length == 7:
                    length += data[at]
                    at += 1
                length += 2
                distance = ((control & 0x1F) << 8 | data[at]) + 1
                at += 1
                start = len(out) - distance
                if start < 0:
                    raise ValueError("compressed data refers to before its beginning")
                if distance >= length:
                    out += out[start : start + length]
                else:
                    out += (out[start:] * (length // distance + 1))[:length]
            if len(out) > size:
                raise ValueError("compressed data is longer than announced")
    except IndexError:
        raise ValueError("compressed data ends in a reference") from None
    if len(out) != size:
        raise ValueError("compressed data is shorter than announced")
    return bytes(out)
