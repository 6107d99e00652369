"""Bits of strings: single ones, counts, the first of a kind, whole strings combined.

An offset is checked before anything is looked at or allocated for it. Integers inside
strings (``BITFIELD``) are in ``bitfields``.
"""

from typing import Final

from trivet.core.command.arguments import (
    NOT_AN_INTEGER,
    STRING_BYTES_MAX,
    SYNTAX,
    WRONG_TYPE,
    string_to_read,
)
from trivet.core.command.events import GENERIC, STRING
from trivet.core.command.table import Context, Flag, command
from trivet.core.values.bits import bit_at, count_ones, find_bit, inverted, joined, with_piece
from trivet.core.values.numbers import parse_int
from trivet.core.wire.reply import Error, Reply

_READ: Final = Flag.READONLY
_GROW: Final = Flag.WRITE | Flag.DENYOOM
_FAST: Final = Flag.FAST
_ONE: Final = (1, 1, 1)
BAD_OFFSET: Final = Error("ERR bit offset is not an integer or out of range")
_NOT_A_BIT: Final = Error("ERR bit is not an integer or out of range")
_NEITHER: Final = Error("ERR The bit argument must be 1 or 0.")
_ONE_SOURCE: Final = Error("ERR BITOP NOT must be called with a single source key.")
_OPERATIONS: Final = {b"AND": "AND", b"OR": "OR", b"XOR": "XOR", b"NOT": "NOT"}


def bit_offset(data: bytes, unit: int = 0) -> int | Error:
    """An offset inside the longest possible string; after ``#`` in units of ``unit`` bits, unless 0."""
    factor = 1
    if unit and data[:1] == b"#":
        data = data[1:]
        factor = unit
    offset = parse_int(data)
    if offset is None or not 0 <= offset * factor < STRING_BYTES_MAX * 8:
        return BAD_OFFSET
    return offset * factor


@command(
    "setbit",
    arity=4,
    flags=_GROW,
    keys=_ONE,
    group="bitmap",
    summary="Sets or clears a bit of a string and gives the one before.",
    since="2.2.0",
    complexity="O(N), N bytes of the string",
)
def setbit(context: Context, args: list[bytes]) -> Reply:
    """SETBIT key offset value."""
    offset = bit_offset(args[2])
    if isinstance(offset, Error):
        return offset
    bit = parse_int(args[3])
    if bit is None or bit & ~1:
        return _NOT_A_BIT
    value = string_to_read(context, args[1])
    if isinstance(value, Error):
        return value
    old = b"" if value is None else value
    at = offset >> 3
    mask = 0x80 >> (offset & 7)
    inside = at < len(old)
    byte = old[at] if inside else 0
    was = 1 if byte & mask else 0
    if was != bit or not inside:
        piece = bytes((byte | mask if bit else byte & ~mask,))
        context.db.replace(args[1], with_piece(old, at, piece))
        if context.notifies:
            context.notify(STRING, b"setbit", args[1])
    return was


@command(
    "getbit",
    arity=3,
    flags=_READ | _FAST,
    keys=_ONE,
    group="bitmap",
    summary="Gives a bit of a string.",
    since="2.2.0",
    complexity="O(1)",
)
def getbit(context: Context, args: list[bytes]) -> Reply:
    """GETBIT key offset."""
    offset = bit_offset(args[2])
    if isinstance(offset, Error):
        return offset
    value = string_to_read(context, args[1])
    if isinstance(value, Error):
        return value
    return 0 if value is None else bit_at(value, offset)


def _is_bits(args: list[bytes], at: int) -> bool | Error:
    """Whether the unit of a range, ``args[at]`` if it is there, is the bit."""
    if at >= len(args):
        return False
    unit = args[at].upper()
    return unit == b"BIT" if unit in (b"BIT", b"BYTE") else SYNTAX


def _bit_range(first: int, last: int, in_bits: bool, size: int) -> tuple[int, int]:
    """A range as written, of a string of ``size`` bytes, as its first and last bit; empty when they cross."""
    total = size * 8 if in_bits else size
    first = max(first + total, 0) if first < 0 else first
    last = max(last + total, 0) if last < 0 else last
    last = min(last, total - 1)
    return (first, last) if in_bits or first > last else (first * 8, last * 8 + 7)


@command(
    "bitcount",
    arity=-2,
    flags=_READ,
    keys=_ONE,
    group="bitmap",
    summary="Counts the bits that are set in a string.",
    since="2.6.0",
    complexity="O(N), N bytes looked at",
)
def bitcount(context: Context, args: list[bytes]) -> Reply:
    """BITCOUNT key [start end [BYTE | BIT]]."""
    value = string_to_read(context, args[1])
    if value is None:
        return 0
    if isinstance(value, Error):
        return value
    if len(args) == 2:
        return count_ones(value, 0, len(value) * 8 - 1)
    if len(args) not in (4, 5):
        return SYNTAX
    first, last = parse_int(args[2]), parse_int(args[3])
    if first is None or last is None:
        return NOT_AN_INTEGER
    if last < first < 0:
        return 0
    in_bits = _is_bits(args, 4)
    if isinstance(in_bits, Error):
        return in_bits
    return count_ones(value, *_bit_range(first, last, in_bits, len(value)))


@command(
    "bitpos",
    arity=-3,
    flags=_READ,
    keys=_ONE,
    group="bitmap",
    summary="Finds the first bit that is set, or clear, in a string.",
    since="2.8.7",
    complexity="O(N), N bytes looked at",
)
def bitpos(context: Context, args: list[bytes]) -> Reply:
    """BITPOS key bit [start [end [BYTE | BIT]]]."""
    bit = parse_int(args[2])
    if bit is None:
        return NOT_AN_INTEGER
    if bit not in (0, 1):
        return _NEITHER
    value = string_to_read(context, args[1])
    if value is None:
        return -1 if bit else 0
    if isinstance(value, Error):
        return value
    if len(args) > 6:
        return SYNTAX
    first = parse_int(args[3]) if len(args) > 3 else 0
    if first is None:
        return NOT_AN_INTEGER
    in_bits = _is_bits(args, 5)
    if isinstance(in_bits, Error):
        return in_bits
    last = parse_int(args[4]) if len(args) > 4 else -1
    if last is None:
        return NOT_AN_INTEGER
    size = len(value)
    low, high = _bit_range(first, last, in_bits, size)
    if low > high:
        return -1
    found = find_bit(value, bit, low, high)
    # Without an end, the zeros behind the string count.
    return size * 8 if found < 0 and not bit and len(args) <= 4 else found


@command(
    "bitop",
    arity=-4,
    flags=_GROW,
    keys=(2, -1, 1),
    group="bitmap",
    summary="Combines the bits of strings and stores the result.",
    since="2.6.0",
    complexity="O(N), N bytes of all strings",
)
def bitop(context: Context, args: list[bytes]) -> Reply:
    """BITOP AND | OR | XOR | NOT destination key [key ...]."""
    operation = _OPERATIONS.get(args[1].upper())
    if operation is None:
        return SYNTAX
    if operation == "NOT" and len(args) != 4:
        return _ONE_SOURCE
    sources: list[bytes] = []
    for key in args[3:]:
        source = context.db.get(key)
        if source is None:
            sources.append(b"")
        elif isinstance(source, bytes):
            sources.append(source)
        else:
            return WRONG_TYPE
    result = inverted(sources[0]) if operation == "NOT" else joined(operation, sources)
    if result:
        context.db.set(args[2], result)
        if context.notifies:
            context.notify(STRING, b"set", args[2])
    elif context.db.remove(args[2]) and context.notifies:
        context.notify(GENERIC, b"del", args[2])
    return len(result)
