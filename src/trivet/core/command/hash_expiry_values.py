"""HGETDEL, HGETEX and HSETEX: values of fields together with their deadlines, as Redis 8.0 has them."""

from typing import Final

from trivet.core.command.arguments import WRONG_TYPE, printable, wrong_arity
from trivet.core.command.events import HASH
from trivet.core.command.hash_expiry import (
    COUNT_NOT_POSITIVE,
    counted_fields,
    field_deadline,
    hash_to_read,
    settle,
)
from trivet.core.command.table import Context, Flag, command
from trivet.core.values.hash_value import Hash, MortalHash
from trivet.core.values.numbers import parse_int
from trivet.core.wire.reply import Error, Reply

_WRITE: Final = Flag.WRITE
_FAST: Final = Flag.FAST
_ONE: Final = (1, 1, 1)
_MISSING_FIELDS: Final = Error("ERR missing FIELDS argument")
_MISSING_TIME: Final = Error("ERR missing expire time")
_BAD_COUNT: Final = Error("ERR invalid number of fields")
_TWO_CONDITIONS: Final = Error("ERR Only one of FXX or FNX arguments can be specified")
_UNITS: Final[dict[bytes, tuple[int, bool]]] = {
    b"EX": (1000, False),
    b"PX": (1, False),
    b"EXAT": (1000, True),
    b"PXAT": (1, True),
}
"""Milliseconds of the unit, and whether the time is absolute."""


class Options:
    """What HGETEX (``stay`` is PERSIST) or HSETEX (``stay`` is KEEPTTL) were asked for."""

    __slots__ = ("at", "condition", "count", "deadline_ms", "stay")

    def __init__(self) -> None:
        self.deadline_ms = 0
        """0 when no time was given."""
        self.stay = False
        self.condition = b""
        self.count = 0
        self.at = 0
        """Where the fields start."""

    def read(self, context: Context, args: list[bytes], name: str, stay: bytes, width: int) -> Error | None:
        """The options, up to ``FIELDS count`` and ``count`` times ``width`` arguments, which end the call."""
        i = 2
        while i < len(args):
            option = args[i].upper()
            if option == b"FIELDS":
                return self._read_fields(args, i, name, width)
            if option in _UNITS or option == stay:
                if self.stay or self.deadline_ms:
                    options = f"EX, PX, EXAT, PXAT or {stay.decode()}"
                    return Error(f"ERR Only one of {options} arguments can be specified")
                if option == stay:
                    self.stay = True
                elif i + 1 == len(args):
                    return _MISSING_TIME
                else:
                    i += 1
                    unit_ms, is_absolute = _UNITS[option]
                    deadline_ms = field_deadline(context, args[i], unit_ms, is_absolute, name)
                    if isinstance(deadline_ms, Error):
                        return deadline_ms
                    self.deadline_ms = max(deadline_ms, 1)
            elif option in (b"FNX", b"FXX") and width == 2:
                if self.condition:
                    return _TWO_CONDITIONS
                self.condition = option
            else:
                return Error(f"ERR unknown argument: {printable(args[i])}")
            i += 1
        return _MISSING_FIELDS

    def _read_fields(self, args: list[bytes], at: int, name: str, width: int) -> Error | None:
        count = parse_int(args[at + 1]) if at + 1 < len(args) else None
        if count is None or count < 1:
            return _BAD_COUNT
        if count * width != len(args) - at - 2:
            return wrong_arity(name)
        self.count, self.at = count, at + 2
        return None


@command(
    "hgetdel",
    arity=-5,
    flags=_WRITE | _FAST,
    keys=_ONE,
    group="hash",
    summary="Gives the values of fields of a hash and removes the fields.",
    since="8.0.0",
    complexity="O(N) for N fields",
)
def hgetdel(context: Context, args: list[bytes]) -> Reply:
    """HGETDEL key FIELDS number field [field ...]."""
    value = hash_to_read(context, args[1])
    if isinstance(value, Error):
        return value
    fields = counted_fields(args, 2, COUNT_NOT_POSITIVE)
    if isinstance(fields, Error):
        return fields
    replies: list[Reply] = []
    removed = False
    for field in fields:
        if value is None or field not in value:
            replies.append(None)
            continue
        if not removed:
            context.db.edit(args[1])
            removed = True
        replies.append(value.pop(field))
    if removed and value is not None:
        settle(context, args[1], value, b"hdel")
    return replies


@command(
    "hgetex",
    arity=-5,
    flags=_WRITE | _FAST,
    keys=_ONE,
    group="hash",
    summary="Gives the values of fields of a hash and changes when they expire.",
    since="8.0.0",
    complexity="O(N) for N fields",
)
def hgetex(context: Context, args: list[bytes]) -> Reply:
    """HGETEX key [EX s | PX ms | EXAT s | PXAT ms | PERSIST] FIELDS number field [field ...]."""
    value = hash_to_read(context, args[1])
    if isinstance(value, Error):
        return value
    options = Options()
    fault = options.read(context, args, "hgetex", b"PERSIST", 1)
    if fault is not None:
        return fault
    fields = args[options.at :]
    if value is None:
        return [None] * len(fields)
    replies: list[Reply] = [value.get(field) for field in fields]
    if options.deadline_ms:
        _give(context, args[1], value, fields, options.deadline_ms)
    elif options.stay and isinstance(value, MortalHash):
        lasting = [field for field in fields if field in value and value.deadline_ms(field) != -1]
        if lasting:
            context.db.edit(args[1])
            for field in lasting:
                value.persist(field)
            settle(context, args[1], value, b"hpersist")
    return replies


def _give(context: Context, key: bytes, value: Hash, fields: list[bytes], deadline_ms: int) -> None:
    """Give those of the fields that are there a deadline, or remove them when it has passed."""
    there = [field for field in fields if field in value]
    if not there:
        return
    context.db.edit(key)
    mortal = value if isinstance(value, MortalHash) else MortalHash.of(value, context.db.clock)
    if mortal is not value:
        context.db.replace(key, mortal)
    late = deadline_ms <= context.now_ms
    for field in there:
        if late:
            mortal.pop(field)
        else:
            mortal.expire_at(field, deadline_ms)
    settle(context, key, mortal, b"hdel" if late else b"hexpire")


@command(
    "hsetex",
    arity=-6,
    flags=_WRITE | Flag.DENYOOM | _FAST,
    keys=_ONE,
    group="hash",
    summary="Sets fields of a hash and when they expire.",
    since="8.0.0",
    complexity="O(N) for N fields",
)
def hsetex(context: Context, args: list[bytes]) -> Reply:
    """HSETEX key [FNX | FXX] [EX s | PX ms | EXAT s | PXAT ms | KEEPTTL] FIELDS number field value [...]."""
    options = Options()
    fault = options.read(context, args, "hsetex", b"KEEPTTL", 2)
    if fault is not None:
        return fault
    db, key = context.db, args[1]
    value = hash_to_read(context, key)
    if isinstance(value, Error):
        return value
    fields = args[options.at :: 2]
    if options.condition:
        wanted = options.condition == b"FXX"
        if any((value is not None and field in value) != wanted for field in fields):
            return 0
    target = db.edit(key)
    if target is None:
        target = Hash()
        db.set(key, target)
    if not isinstance(target, Hash):
        return WRONG_TYPE
    for i in range(options.at, len(args), 2):
        if options.stay:
            target.put_keeping(args[i], args[i + 1])
        else:
            target.put(args[i], args[i + 1])
    if context.notifies:
        context.notify(HASH, b"hset", key)
    if options.deadline_ms:
        _give(context, key, target, fields, options.deadline_ms)
    return 1
