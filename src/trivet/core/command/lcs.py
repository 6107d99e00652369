"""LCS: the longest common subsequence of two strings.

The dynamic programme runs in bit vectors (Hyyro, "Bit-parallel LCS-length
computation revisited", 2004): one integer per byte of the second string, whose
bit ``i`` is 0 where taking byte ``i`` of the first string makes the subsequence
longer. Python's integers do 30 cells at a time, and keeping a row costs a bit
per cell. The way back through the rows prefers shortening the second string,
as Redis does, so ranges come out the same.
"""

from typing import Final

from trivet.core.command.arguments import NOT_AN_INTEGER, STRING_BYTES_MAX, SYNTAX
from trivet.core.command.table import Context, Flag, command
from trivet.core.values.numbers import parse_int
from trivet.core.wire.reply import Error, Reply

_NO_STRINGS: Final = Error("ERR The specified keys must contain string values")
_LENGTH_OR_INDEXES: Final = Error("ERR If you want both the length and indexes, please just use IDX.")
_TOO_LARGE: Final = Error("ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len")
_TOO_LONG: Final = Error("ERR String too long for LCS")
_CELL_BYTES: Final = 4
"""What Redis spends per cell; its limit is kept although ours are smaller."""
_LENGTHS_MAX: Final = 256 * 1024
"""Both strings together: bounds the time of one command to about a second."""


class _Options:
    """The options, read."""

    __slots__ = ("indexes", "length", "match_length", "match_min")

    def __init__(self) -> None:
        self.indexes = False
        self.length = False
        self.match_length = False
        self.match_min = 0


@command(
    "lcs",
    arity=-3,
    flags=Flag.READONLY,
    keys=(1, 2, 1),
    group="string",
    summary="Finds the longest common subsequence of two strings.",
    since="7.0.0",
    complexity="O(N*M), N and M the lengths",
)
def lcs(context: Context, args: list[bytes]) -> Reply:
    """LCS key1 key2 [LEN] [IDX] [MINMATCHLEN n] [WITHMATCHLEN]."""
    one, other = context.db.get(args[1]), context.db.get(args[2])
    if not isinstance(one, bytes | None) or not isinstance(other, bytes | None):
        return _NO_STRINGS
    options = _options(args)
    if isinstance(options, Error):
        return options
    first, second = one or b"", other or b""
    if (len(first) + 1) * (len(second) + 1) * _CELL_BYTES > STRING_BYTES_MAX:
        return _TOO_LARGE
    if len(first) + len(second) > _LENGTHS_MAX:
        return _TOO_LONG
    rows = _rows(first, second)
    length = len(first) - rows[-1].bit_count()
    if options.length:
        return length
    places = _places(first, second, rows, length)
    if not options.indexes:
        return bytes(first[i] for i, _ in reversed(places))
    return {b"matches": _matches(places, options), b"len": length}


def _options(args: list[bytes]) -> _Options | Error:
    options = _Options()
    i = 3
    while i < len(args):
        option = args[i].upper()
        if option == b"IDX":
            options.indexes = True
        elif option == b"LEN":
            options.length = True
        elif option == b"WITHMATCHLEN":
            options.match_length = True
        elif option == b"MINMATCHLEN" and i + 1 < len(args):
            minimum = parse_int(args[i + 1])
            if minimum is None:
                return NOT_AN_INTEGER
            options.match_min = minimum
            i += 1
        else:
            return SYNTAX
        i += 1
    return _LENGTH_OR_INDEXES if options.indexes and options.length else options


def _rows(first: bytes, second: bytes) -> list[int]:
    """Row ``j`` covers the first ``j`` bytes of ``second``; as many zeros as the subsequence is long."""
    full = (1 << len(first)) - 1
    backwards = first[::-1]
    where: list[int] = [-1] * 256
    row = full
    rows = [row]
    for byte in second:
        mask = where[byte]
        if mask < 0:
            digits = bytearray(b"0" * 256)
            digits[byte] = 0x31
            mask = int(backwards.translate(digits) or b"0", 2)
            where[byte] = mask
        met = row & mask
        row = ((row + met) | (row - met)) & full
        rows.append(row)
    return rows


def _places(first: bytes, second: bytes, rows: list[int], length: int) -> list[tuple[int, int]]:
    """The matched positions, last first."""
    places: list[tuple[int, int]] = []
    i, j = len(first), len(second)
    while i > 0 and j > 0 and length > 0:
        if first[i - 1] == second[j - 1]:
            i -= 1
            j -= 1
            length -= 1
            places.append((i, j))
            continue
        # Redis shortens the first string only where that alone keeps the length.
        if (rows[j] >> (i - 1)) & 1 and i - (rows[j - 1] & ((1 << i) - 1)).bit_count() < length:
            i -= 1
        else:
            j -= 1
    return places


def _matches(places: list[tuple[int, int]], options: _Options) -> Reply:
    """Runs of places adjacent in both strings, last first, as ranges."""
    matches: list[Reply] = []
    start = 0
    for end in range(1, len(places) + 1):
        i, j = places[end - 1]
        if end < len(places) and places[end] == (i - 1, j - 1):
            continue
        size = end - start
        last_i, last_j = places[start]
        if size >= options.match_min:
            match: list[Reply] = [[i, last_i], [j, last_j]]
            if options.match_length:
                match.append(size)
            matches.append(match)
        start = end
    return matches
