"""Numbers, and ranges of slots (``0-8191,9000-9000``: inclusive, sorted, disjoint), as arguments."""

from typing import Final

from trivet.core.cluster.slots import SLOTS

_DIGITS_MAX: Final = 18

Ranges = list[tuple[int, int]]

_BYTES_MAX: Final = 12 * SLOTS
"""More than every slot by itself takes."""


def parse_number(data: bytes) -> int:
    """The number in ``data``, from 0 up to what a snapshot can hold; raises ``ValueError`` for others."""
    if not data.isdigit() or len(data) > _DIGITS_MAX:
        raise ValueError(f"no number: {data[:20]!r}")
    return int(data)


def parse_ranges(data: bytes) -> Ranges:
    """The ranges in ``data``, perhaps none; raises ``ValueError`` for what is not that."""
    if len(data) > _BYTES_MAX:
        raise ValueError("too many ranges")
    ranges: Ranges = []
    free_from = 0
    for part in data.split(b",") if data else []:
        low, dash, high = part.partition(b"-")
        if not (dash and low.isdigit() and high.isdigit()):
            raise ValueError(f"no range: {part[:20]!r}")
        first, last = int(low), int(high)
        if not free_from <= first <= last < SLOTS:
            raise ValueError(f"a range out of order: {part[:20]!r}")
        ranges.append((first, last))
        free_from = last + 1
    return ranges


def write_ranges(ranges: Ranges) -> bytes:
    """The ranges as an argument."""
    return b",".join([b"%d-%d" % pair for pair in ranges])


def ranges_of(slots: bytearray, wanted: int) -> Ranges:
    """The ranges of the slots that are ``wanted`` in a table of all of them."""
    ranges: Ranges = []
    marks = slots.translate(bytes(wanted) + b"\1" + bytes(255 - wanted))
    start = marks.find(1)
    while start >= 0:
        end = marks.find(0, start)
        if end < 0:
            end = len(marks)
        ranges.append((start, end - 1))
        start = marks.find(1, end)
    return ranges
