"""What a group of mode ``paxos`` does with its slots: which it serves, which go, which come, and since when.

On the path: what ``core/paxos`` is told with each epoch of the group's members (Rules P20 to P22 there). A
span is (first, last, since, state); ``since`` counts memberships from 1, as ``GroupRow.since`` does. A row
without spans serves its ranges since ever.
"""

from typing import Final

from trivet.core.cluster.ranges import Range, difference
from trivet.core.cluster.rows import GroupRow

SERVED: Final = 1
SEALED: Final = 2
ARRIVING: Final = 3

SPANS_MAX: Final = 1_024
"""Of one group: ranges that came at different times are apart, though they touch."""

Span = tuple[int, int, int, int]


def spans_of(row: GroupRow) -> list[Span]:
    """All of them, in order."""
    return row.spans or [(first, last, 1, SERVED) for first, last in row.ranges]


def ranges_in(row: GroupRow, *states: int) -> list[Range]:
    """The slots in one of these states; neighbours are apart."""
    return [(first, last) for first, last, _, state in spans_of(row) if state in states]


def without(spans: list[Span], ranges: list[Range]) -> list[Span]:
    """What is left when these slots are nobody's."""
    left: list[Span] = []
    for first, last, since, state in spans:
        left += [(low, high, since, state) for low, high in difference([(first, last)], ranges)]
    return left


def saying(spans: list[Span], ranges: list[Range], state: int) -> list[Span]:
    """The same slots, each held since when it was; those of ``ranges`` are in another state."""
    others = without(spans, ranges)
    changed = [
        (low, high, since, state)
        for first, last, since, _ in spans
        for low, high in difference([(first, last)], difference([(first, last)], ranges))
    ]
    return joined(others + changed)


def adding(spans: list[Span], ranges: list[Range], since: int, state: int) -> list[Span]:
    """These slots as well, since then, whatever was said of them."""
    return joined(without(spans, ranges) + [(first, last, since, state) for first, last in ranges])


def joined(spans: list[Span]) -> list[Span]:
    """In order; neighbours of which the same is said become one."""
    found: list[Span] = []
    for span in sorted(spans):
        if found and found[-1][1] + 1 == span[0] and found[-1][2:] == span[2:]:
            found[-1] = (found[-1][0], span[1], *span[2:])
        else:
            found.append(span)
    return found
