"""The ends of ranges over sorted sets, as clients write them, turned into ranks.

Three kinds: indices (``0 -1``), scores (``(1.5 +inf``) and members (``[a +``). Each
parser answers a ``Bounds``, which finds its half-open pair of ranks in O(log n).
"""

from math import inf, isnan
from typing import Final

from trivet.core.command.arguments import NOT_AN_INTEGER
from trivet.core.command.collection_arguments import clamp
from trivet.core.values.numbers import parse_float, parse_int
from trivet.core.values.sorted_set import SortedSet
from trivet.core.wire.reply import Error

NOT_A_SCORE_RANGE: Final = Error("ERR min or max is not a float")
NOT_A_MEMBER_RANGE: Final = Error("ERR min or max not valid string range item")
_DECIMAL_BYTES: Final = b"0123456789+-.eE"


class Bounds:
    """Two ends of a range; which kind decides how ``ranks`` reads them."""

    def ranks(self, value: SortedSet) -> tuple[int, int]:
        """The ranks [start, stop) that the range covers in ``value``; start >= stop when none."""
        raise NotImplementedError


class IndexBounds(Bounds):
    """Inclusive indices, negative ones from the end; ``reverse``: counted from the greatest."""

    __slots__ = ("first", "last", "reverse")

    def __init__(self, first: int, last: int, reverse: bool) -> None:
        self.first = first
        self.last = last
        self.reverse = reverse

    def ranks(self, value: SortedSet) -> tuple[int, int]:
        """See ``Bounds``."""
        size = len(value)
        start, stop = clamp((self.first, self.last), size)
        return (size - stop, size - start) if self.reverse else (start, stop)


class ScoreBounds(Bounds):
    """Scores, each inclusive or exclusive."""

    __slots__ = ("high", "high_open", "low", "low_open")

    def __init__(self, low: tuple[float, bool], high: tuple[float, bool]) -> None:
        self.low, self.low_open = low
        self.high, self.high_open = high

    def ranks(self, value: SortedSet) -> tuple[int, int]:
        """See ``Bounds``."""
        return value.score_rank(self.low, self.low_open), value.score_rank(self.high, not self.high_open)


class MemberBounds(Bounds):
    """Members, each inclusive or exclusive; ``None`` with -1 or 1 for "before all" and "after all"."""

    __slots__ = ("high", "high_open", "low", "low_open")

    def __init__(self, low: tuple[bytes | None, int], high: tuple[bytes | None, int]) -> None:
        self.low, self.low_open = low
        self.high, self.high_open = high

    def ranks(self, value: SortedSet) -> tuple[int, int]:
        """See ``Bounds``."""
        start = self._rank(value, self.low, self.low_open, True)
        return start, self._rank(value, self.high, self.high_open, False)

    @staticmethod
    def _rank(value: SortedSet, member: bytes | None, openness: int, is_low: bool) -> int:
        if member is None:
            return 0 if openness < 0 else len(value)
        return value.member_rank(member, (openness == 1) == is_low)


def index_bounds(first: bytes, last: bytes, reverse: bool) -> IndexBounds | Error:
    """Bounds from two indices."""
    start, stop = parse_int(first), parse_int(last)
    if start is None or stop is None:
        return NOT_AN_INTEGER
    return IndexBounds(start, stop, reverse)


def score_bounds(low: bytes, high: bytes) -> ScoreBounds | Error:
    """Bounds from two scores."""
    one, other = _score_end(low), _score_end(high)
    if one is None or other is None:
        return NOT_A_SCORE_RANGE
    return ScoreBounds(one, other)


def member_bounds(low: bytes, high: bytes) -> MemberBounds | Error:
    """Bounds from two members."""
    one, other = _member_end(low), _member_end(high)
    if one is None or other is None:
        return NOT_A_MEMBER_RANGE
    return MemberBounds(one, other)


def _score_end(data: bytes) -> tuple[float, bool] | None:
    """A score, and whether the range excludes it. As C's ``strtod``: leading space, nothing for 0."""
    exclusive = data[:1] == b"("
    if exclusive:
        data = data[1:]
    score = parse_float(data)
    if score is not None:
        return score, exclusive
    data = data.split(b"\0", 1)[0]
    if not data:
        return 0.0, exclusive
    data = data.lstrip(b" \t\n\v\f\r")
    score = parse_float(data)
    if score is None and not data.strip(_DECIMAL_BYTES):
        score = _overflowing(data)
    return None if score is None else (score, exclusive)


def _overflowing(data: bytes) -> float | None:
    """A decimal number too large or too small for a double: infinity or zero."""
    try:
        score = float(data)
    except ValueError:
        return None
    return None if isnan(score) else max(min(score, inf), -inf)


def _member_end(data: bytes) -> tuple[bytes | None, int] | None:
    """A member, and 1 when the range excludes it; or None with -1 for ``-``, 1 for ``+``."""
    kind = data[:1]
    if kind == b"[":
        return data[1:], 0
    if kind == b"(":
        return data[1:], 1
    if data[1:2] not in (b"", b"\0"):
        return None
    if kind == b"-":
        return None, -1
    if kind == b"+":
        return None, 1
    return None
