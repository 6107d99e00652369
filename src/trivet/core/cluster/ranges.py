"""Sets of slots as ranges: pairs of first and last, both included, sorted and apart from each other."""

from typing import Final

from trivet.core.cluster.rows import RANGES_MAX
from trivet.core.cluster.slots import SLOTS
from trivet.core.values.numbers import parse_int

Range = tuple[int, int]
ALL: Final[Range] = (0, SLOTS - 1)
_TEXT_BYTES_MAX: Final = RANGES_MAX * 12


def parse(text: bytes) -> list[Range] | None:
    """``0-99,200``: at least one range, at most ``RANGES_MAX``, in order; None when it is none."""
    if not text or len(text) > _TEXT_BYTES_MAX:
        return None
    found: list[Range] = []
    for part in text.split(b","):
        low, dash, high = part.partition(b"-")
        first = parse_int(low)
        last = parse_int(high) if dash else first
        if first is None or last is None or not 0 <= first <= last < SLOTS:
            return None
        if found and first <= found[-1][1]:
            return None
        found.append((first, last))
    found = union(found, [])
    return found if len(found) <= RANGES_MAX else None


def show(ranges: list[Range]) -> str:
    """The text that ``parse`` reads."""
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)


def count(ranges: list[Range]) -> int:
    """How many slots there are."""
    return sum(last - first + 1 for first, last in ranges)


def union(one: list[Range], other: list[Range]) -> list[Range]:
    """All slots of both; neighbours become one range."""
    found: list[Range] = []
    for first, last in sorted([*one, *other]):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(last, found[-1][1]))
        else:
            found.append((first, last))
    return found


def difference(one: list[Range], other: list[Range]) -> list[Range]:
    """The slots of ``one`` that are not in ``other``."""
    found: list[Range] = []
    for first, last in one:
        for low, high in other:
            if high < first or low > last:
                continue
            if low > first:
                found.append((first, low - 1))
            first = high + 1
        if first <= last:
            found.append((first, last))
    return found


def overlap(one: list[Range], other: list[Range]) -> bool:
    """Some slot is in both."""
    return count(difference(one, other)) != count(one)


def covers(one: list[Range], other: list[Range]) -> bool:
    """Every slot of ``other`` is in ``one``."""
    return not difference(other, one)


def is_normal(ranges: list[Range]) -> bool:
    """Sorted, within the slots, and no two that could be one."""
    before = -2
    for first, last in ranges:
        if not before + 1 < first <= last < SLOTS:
            return False
        before = last
    return True


def shares(parts: int) -> list[Range]:
    """All slots in ``parts`` ranges of equal size, give or take one."""
    assert 1 <= parts <= SLOTS
    return [(SLOTS * i // parts, SLOTS * (i + 1) // parts - 1) for i in range(parts)]


def middle(ranges: list[Range]) -> int:
    """The slot that begins the upper half of them; 0 when there is less than two."""
    size = count(ranges)
    if size < 2:
        return 0
    left = size // 2
    for first, last in ranges:
        if left <= last - first:
            return first + left
        left -= last - first + 1
    raise AssertionError("half of it is within it")


def at_least(ranges: list[Range], slot: int) -> list[Range]:
    """The part of them from ``slot`` on."""
    return difference(ranges, [(0, slot - 1)] if slot else [])
