"""Places of items in a list: names between which there is always room for another.

Source: Weiss, Urso, Molli: "Logoot" (2009). A place is a path: on each level a number, and the dot of the
update that made it, so no two are ever the same. Places compare as bytes. At the ends of a list the numbers
go on in steps, so pushing makes paths of one level; items put again and again into one gap make them longer.
"""

import struct
from typing import Final

from trivet.core.lattice.clock import Dot

LEVEL_BYTES: Final = 24
PLACE_BYTES_MAX: Final = LEVEL_BYTES * 10_000
"""Of a place from outside. A gap is halved 20 times before a level more is needed."""
_LEVEL: Final = struct.Struct(">QQQ")
_NUMBER: Final = struct.Struct(">Q")
_MIDDLE: Final = 1 << 63
_END: Final = (1 << 64) - 1
_STEP: Final = 1 << 20
"""From item to item at an end: so much room is left between two."""


def between(left: bytes | None, right: bytes | None, dot: Dot, count: int = 1) -> list[bytes]:
    """``count`` places behind ``left`` and before ``right``, in order; None: nothing is on that side."""
    prefix = b""
    at = 0
    while True:
        low = _number_at(left, at)
        high = _number_at(right, at)
        if low is not None and high is not None and left is not None and right is not None:
            level = left[at : at + LEVEL_BYTES]
            if level == right[at : at + LEVEL_BYTES]:
                prefix += level
                at += LEVEL_BYTES
                continue
        if low is None and high is None:
            return _spread(prefix, _MIDDLE, _END, dot, count)
        if low is None:
            assert high is not None and right is not None
            if high > count:
                return _before(prefix, high, dot, count)
            if high > 0:
                # No level ends with the number 0, so behind one there is always a further level.
                prefix += _LEVEL.pack(0, dot[0], dot[1])
                return _spread(prefix, _MIDDLE, _END, dot, count)
            prefix += right[at : at + LEVEL_BYTES]
            at += LEVEL_BYTES
            left = None
            continue
        assert left is not None
        top = _END if high is None else high
        if top - low > count:
            return _spread(prefix, low, top, dot, count)
        prefix += left[at : at + LEVEL_BYTES]
        at += LEVEL_BYTES
        right = None


def is_place(name: bytes) -> bool:
    """Whether a name from outside is one that ``between`` can have made."""
    size = len(name)
    if not size or size % LEVEL_BYTES or size > PLACE_BYTES_MAX:
        return False
    return _number_at(name, size - LEVEL_BYTES) != 0


def _number_at(place: bytes | None, at: int) -> int | None:
    """The number of the level that begins at ``at``; None: the path has ended."""
    if place is None or at >= len(place):
        return None
    number: int = _NUMBER.unpack_from(place, at)[0]
    return number


def _spread(prefix: bytes, low: int, high: int, dot: Dot, count: int) -> list[bytes]:
    """Above ``low``, below ``high``: in steps, or evenly where there is no room for steps."""
    step = min(_STEP, (high - low) // (count + 1))
    return [prefix + _LEVEL.pack(low + step * (n + 1), dot[0], dot[1]) for n in range(count)]


def _before(prefix: bytes, high: int, dot: Dot, count: int) -> list[bytes]:
    step = min(_STEP, high // (count + 1))
    return [prefix + _LEVEL.pack(high - step * (count - n), dot[0], dot[1]) for n in range(count)]
