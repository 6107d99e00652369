"""BITFIELD: integers of any width inside a string.

All operations of a call are read before the first one runs. A write makes the string
long enough for the furthest of them, also when all of them then fail by overflow.
"""

from typing import Final

from trivet.core.command.arguments import NOT_AN_INTEGER, SYNTAX, string_to_read
from trivet.core.command.bitmaps import bit_offset
from trivet.core.command.events import STRING
from trivet.core.command.table import Context, Flag, command
from trivet.core.values.bits import Edited, Field
from trivet.core.values.numbers import parse_int
from trivet.core.wire.reply import Error, Reply

_BAD_TYPE: Final = Error(
    "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is."
)
_BAD_OVERFLOW: Final = Error("ERR Invalid OVERFLOW type specified")
_ONLY_GET: Final = Error("ERR BITFIELD_RO only supports the GET subcommand")

_GET: Final = 0
_SET: Final = 1
_INCREMENT: Final = 2
_KINDS: Final = {b"GET": _GET, b"SET": _SET, b"INCRBY": _INCREMENT}

_WRAP: Final = 0
_SATURATE: Final = 1
_FAIL: Final = 2
_OVERFLOWS: Final = {b"WRAP": _WRAP, b"SAT": _SATURATE, b"FAIL": _FAIL}


class Operation:
    """One read or write of one field."""

    __slots__ = ("amount", "field", "kind", "overflow")

    def __init__(self, kind: int, field: Field, amount: int, overflow: int) -> None:
        self.kind = kind
        self.field = field
        self.amount = amount
        self.overflow = overflow

    def run(self, string: Edited) -> int | None:
        """The reply; None when the result does not fit and is to fail."""
        field = self.field
        old = string.read(field)
        if self.kind == _GET:
            return old
        new = self.amount if self.kind == _SET else old + self.amount
        if self.kind == _SET and not field.signed:
            new &= (1 << 64) - 1
        if not field.low <= new <= field.high:
            if self.overflow == _FAIL:
                return None
            if self.overflow == _SATURATE:
                new = field.high if new > field.high else field.low
            else:
                new = field.wrapped(new)
        string.write(field, new)
        return old if self.kind == _SET else new


def field_type(data: bytes) -> tuple[bool, int] | Error:
    """Whether signed, and how many bits: ``i1`` to ``i64``, ``u1`` to ``u63``."""
    sign = data[:1]
    bits = parse_int(data[1:]) if sign in (b"i", b"u") else None
    if bits is None or not 1 <= bits <= (64 if sign == b"i" else 63):
        return _BAD_TYPE
    return sign == b"i", bits


def operations(args: list[bytes]) -> list[Operation] | Error:
    """What is to be done, from the third argument on."""
    found: list[Operation] = []
    overflow = _WRAP
    at = 2
    while at < len(args):
        name, left = args[at].upper(), len(args) - at - 1
        if name == b"OVERFLOW" and left >= 1:
            asked = _OVERFLOWS.get(args[at + 1].upper())
            if asked is None:
                return _BAD_OVERFLOW
            overflow = asked
            at += 2
            continue
        kind = _KINDS.get(name)
        size = 2 if kind == _GET else 3
        if kind is None or left < size:
            return SYNTAX
        kind_of_field = field_type(args[at + 1])
        if isinstance(kind_of_field, Error):
            return kind_of_field
        signed, bits = kind_of_field
        offset = bit_offset(args[at + 2], bits)
        if isinstance(offset, Error):
            return offset
        amount = parse_int(args[at + 3]) if kind != _GET else 0
        if amount is None:
            return NOT_AN_INTEGER
        found.append(Operation(kind, Field(signed, bits, offset), amount, overflow))
        at += size + 1
    return found


def _run(context: Context, args: list[bytes], may_write: bool) -> Reply:
    todo = operations(args)
    if isinstance(todo, Error):
        return todo
    writes = [operation.field for operation in todo if operation.kind != _GET]
    if writes and not may_write:
        return _ONLY_GET
    value = string_to_read(context, args[1])
    if isinstance(value, Error):
        return value
    data = b"" if value is None else value
    if not writes:
        string = Edited(data, 0)
        return [operation.run(string) for operation in todo]
    size = max(field.offset + field.bits + 7 >> 3 for field in writes)
    string = Edited(data if len(data) >= size else data.ljust(size, b"\0"), len(writes))
    replies: list[Reply] = [operation.run(string) for operation in todo]
    result = string.result()
    if result != data or value is None:
        context.db.replace(args[1], result)
        if context.notifies:
            context.notify(STRING, b"setbit", args[1])
    return replies


@command(
    "bitfield",
    arity=-2,
    flags=Flag.WRITE | Flag.DENYOOM,
    keys=(1, 1, 1),
    group="bitmap",
    summary="Reads and changes integers of any width inside a string.",
    since="3.2.0",
    complexity="O(M) for M operations; with writes also O(N), N bytes of the string",
)
def bitfield(context: Context, args: list[bytes]) -> Reply:
    """BITFIELD key [GET type offset | [OVERFLOW WRAP | SAT | FAIL] SET | INCRBY type offset number ...]."""
    return _run(context, args, True)


@command(
    "bitfield_ro",
    arity=-2,
    flags=Flag.READONLY | Flag.FAST,
    keys=(1, 1, 1),
    group="bitmap",
    summary="Reads integers of any width inside a string.",
    since="6.0.0",
    complexity="O(M) for M operations",
)
def bitfield_ro(context: Context, args: list[bytes]) -> Reply:
    """BITFIELD_RO key [GET type offset ...]."""
    return _run(context, args, False)
