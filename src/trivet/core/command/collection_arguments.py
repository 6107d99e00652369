"""What the collection families share: counts, index ranges, numbers of keys, scans.

Every count is checked against its range before anything is allocated for it, so
that an absurd one costs nothing. Texts are those of redis-server 7.0.
"""

from typing import Final

from trivet.core.command.arguments import (
    INVALID_CURSOR,
    NOT_AN_INTEGER,
    NOT_POSITIVE,
    OUT_OF_RANGE,
    PATTERN_TOO_LONG,
    REPLY_ITEMS_MAX,
    SYNTAX,
)
from trivet.core.values.glob import PATTERN_BYTES_MAX, Glob
from trivet.core.values.numbers import INT64_MAX, parse_cursor, parse_int
from trivet.core.wire.reply import Error

KEYS_NOT_POSITIVE: Final = Error("ERR numkeys should be greater than 0")
COUNT_NOT_POSITIVE: Final = Error("ERR count should be greater than 0")
LIMIT_NEGATIVE: Final = Error("ERR LIMIT can't be negative")
_COUNT_OUT_OF_RANGE: Final = Error(
    f"ERR value is out of range, value must between {-INT64_MAX} and {INT64_MAX}"
)
_TOO_MANY: Final = Error(f"ERR value is out of range, a reply may repeat at most {REPLY_ITEMS_MAX} elements")
_SCAN_COUNT: Final = 10


def count_argument(data: bytes) -> int | Error:
    """How many to pop: from 0 up; anything else gets one and the same error."""
    count = parse_int(data)
    return NOT_POSITIVE if count is None or count < 0 else count


def positive(data: bytes, otherwise: Error) -> int | Error:
    """An integer of at least 1, or the error ``otherwise``."""
    count = parse_int(data)
    return otherwise if count is None or count < 1 else count


def pop_count(args: list[bytes], at: int) -> int | Error:
    """``[COUNT count]`` from ``args[at]`` to the end; 1 when nothing is there. The first fault decides."""
    if at >= len(args):
        return 1
    if args[at].upper() != b"COUNT" or at + 1 == len(args):
        return SYNTAX
    count = positive(args[at + 1], COUNT_NOT_POSITIVE)
    if isinstance(count, int) and at + 2 < len(args):
        return SYNTAX
    return count


class CountedPop:
    """What ``LMPOP`` and its like ask for: of the first of ``keys`` that has any, how many at which end."""

    __slots__ = ("count", "first", "keys")

    def __init__(self, keys: list[bytes], first: bool, count: int) -> None:
        self.keys = keys
        self.first = first
        self.count = count


def counted_pop(args: list[bytes], at: int, ends: dict[bytes, bool]) -> CountedPop | Error:
    """``numkeys key [key ...] END [COUNT count]`` from ``args[at]`` on; ``ends``: is it the first one."""
    number = positive(args[at], KEYS_NOT_POSITIVE)
    if isinstance(number, Error):
        return number
    where = at + 1 + number
    if where >= len(args):
        return SYNTAX
    first = ends.get(args[where].upper())
    if first is None:
        return SYNTAX
    count = pop_count(args, where + 1)
    return count if isinstance(count, Error) else CountedPop(args[at + 1 : where], first, count)


def not_negative(data: bytes, otherwise: Error) -> int | Error:
    """An integer of at least 0, or the error ``otherwise``."""
    count = parse_int(data)
    return otherwise if count is None or count < 0 else count


def random_count(args: list[bytes], option: bytes) -> tuple[int, bool] | Error:
    """The count of ``HRANDFIELD`` and ``ZRANDMEMBER``, and whether ``option`` asks for pairs.

    Negative: that many draws with repetition, at most ``REPLY_ITEMS_MAX``.
    """
    count = signed_count(args[2])
    if isinstance(count, Error):
        return count
    if len(args) > 4 or (len(args) == 4 and args[3].upper() != option):
        return SYNTAX
    paired = len(args) == 4
    if paired and not -(INT64_MAX // 2) <= count <= INT64_MAX // 2:
        return OUT_OF_RANGE
    if count < -REPLY_ITEMS_MAX:
        return _TOO_MANY
    return count, paired


def signed_count(data: bytes) -> int | Error:
    """A count whose negation is also one."""
    count = parse_int(data)
    if count is None:
        return NOT_AN_INTEGER
    return _COUNT_OUT_OF_RANGE if count < -INT64_MAX else count


def draw_count(data: bytes) -> int | Error:
    """The count of ``SRANDMEMBER``; negative: that many draws with repetition."""
    count = signed_count(data)
    return _TOO_MANY if isinstance(count, int) and count < -REPLY_ITEMS_MAX else count


def index_range(start: bytes, stop: bytes) -> tuple[int, int] | Error:
    """Both ends as written: inclusive, negative ones counting from the end."""
    first, last = parse_int(start), parse_int(stop)
    if first is None or last is None:
        return NOT_AN_INTEGER
    return first, last


def clamp(indices: tuple[int, int], size: int) -> tuple[int, int]:
    """An inclusive index range as a half-open one within ``size`` elements; (0, 0) when empty."""
    first, last = indices
    if first < 0:
        first = max(first + size, 0)
    if last < 0:
        last += size
    if first > last or first >= size:
        return 0, 0
    return first, min(last, size - 1) + 1


def counted_keys(args: list[bytes], at: int) -> list[bytes]:
    """The keys after the number of keys at ``args[at]``, which has been checked."""
    return args[at + 1 : at + 1 + int(args[at])]


def counted_positions(args: list[bytes], at: int) -> list[int]:
    """Where the keys after the number of keys at ``args[at]`` stand; none when the number is wrong."""
    number = parse_int(args[at]) if at < len(args) else None
    if number is None or number < 1 or number > len(args) - at - 1:
        return []
    return list(range(at + 1, at + 1 + number))


def first_counted_positions(args: list[bytes]) -> list[int]:
    """Key positions of ``COMMAND numkeys key [key ...]``."""
    return counted_positions(args, 1)


def stored_counted_positions(args: list[bytes]) -> list[int]:
    """Key positions of ``COMMAND destination numkeys key [key ...]``."""
    return [1, *counted_positions(args, 2)]


class ScanOptions:
    """What ``HSCAN``, ``SSCAN`` and ``ZSCAN`` were asked for."""

    __slots__ = ("count", "glob")

    def __init__(self) -> None:
        self.count = _SCAN_COUNT
        self.glob: Glob | None = None

    def select(self, found: list[bytes]) -> list[bytes]:
        """Those that match the pattern."""
        glob = self.glob
        return found if glob is None else [key for key in found if glob.matches(key)]


def scan_cursor(data: bytes) -> int | Error:
    """The cursor of a scan."""
    cursor = parse_cursor(data)
    return INVALID_CURSOR if cursor is None else cursor


def scan_options(args: list[bytes]) -> ScanOptions | Error:
    """``[MATCH pattern] [COUNT count]`` from the fourth argument on."""
    options = ScanOptions()
    pattern: bytes | None = None
    at = 3
    while at < len(args):
        name = args[at].upper()
        if at + 1 == len(args):
            return SYNTAX
        if name == b"COUNT":
            count = parse_int(args[at + 1])
            if count is None:
                return NOT_AN_INTEGER
            if count < 1:
                return SYNTAX
            options.count = count
        elif name == b"MATCH":
            pattern = args[at + 1]
        else:
            return SYNTAX
        at += 2
    if pattern is not None:
        if len(pattern) > PATTERN_BYTES_MAX:
            return PATTERN_TOO_LONG
        options.glob = Glob(pattern)
    return options
