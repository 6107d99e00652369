"""When fields of hashes expire: HEXPIRE, HTTL and their relatives, as Redis 7.4 has them.

A hash becomes a ``MortalHash`` with the first deadline of a field. A field whose deadline has
passed is invisible at once, to every command. Every reply has one number per field.
"""

from typing import Final

from trivet.core.command.arguments import NOT_AN_INTEGER, WRONG_TYPE
from trivet.core.command.events import GENERIC, HASH
from trivet.core.command.expiry import invalid_expire
from trivet.core.command.table import Context, Flag, command
from trivet.core.values.hash_value import Hash, MortalHash
from trivet.core.values.numbers import parse_int
from trivet.core.wire.reply import Error, Reply

_READ: Final = Flag.READONLY
_WRITE: Final = Flag.WRITE
_FAST: Final = Flag.FAST
_ONE: Final = (1, 1, 1)
_NEGATIVE: Final = Error("ERR invalid expire time, must be >= 0")
_NO_FIELDS: Final = Error("ERR Mandatory argument FIELDS is missing or not at the right position")
_COUNT_TOO_SMALL: Final = Error("ERR Parameter `numFields` should be greater than 0")
COUNT_NOT_POSITIVE: Final = Error("ERR Number of fields must be a positive integer")
_WRONG_COUNT: Final = Error("ERR The `numfields` parameter must match the number of arguments")
_TIME_MAX_MS: Final = (1 << 46) - 1
"""The latest deadline of a field, as in Redis."""

_NOT_THERE: Final = -2
_NO_DEADLINE: Final = -1
_NOT_DONE: Final = 0
_DONE: Final = 1
_REMOVED: Final = 2
_CONDITIONS: Final = (b"NX", b"XX", b"GT", b"LT")


def counted_fields(args: list[bytes], at: int, too_small: Error) -> list[bytes] | Error:
    """The fields after ``FIELDS number`` at ``args[at]``, which end the call."""
    if at >= len(args) or args[at].upper() != b"FIELDS":
        return _NO_FIELDS
    number = parse_int(args[at + 1]) if at + 1 < len(args) else None
    if number is None or number < 1:
        return too_small
    fields = args[at + 2 :]
    return fields if number == len(fields) else _WRONG_COUNT


def hash_to_read(context: Context, key: bytes) -> Hash | Error | None:
    """The hash at ``key``, None when missing, an error when something else is there."""
    value = context.db.get(key)
    return value if value is None or isinstance(value, Hash) else WRONG_TYPE


# Deadlines given and taken


def field_deadline(context: Context, data: bytes, unit_ms: int, is_absolute: bool, name: str) -> int | Error:
    """The time asked for in Unix ms; it may lie in the past."""
    time = parse_int(data)
    if time is None:
        return NOT_AN_INTEGER
    if time < 0:
        return _NEGATIVE
    deadline_ms = time * unit_ms + (0 if is_absolute else context.now_ms)
    return deadline_ms if deadline_ms <= _TIME_MAX_MS else invalid_expire(name)


def _is_allowed(condition: bytes, old_ms: int, new_ms: int) -> bool:
    """A field without a deadline counts as one that expires infinitely late."""
    if condition == b"NX":
        return old_ms == -1
    if condition == b"XX":
        return old_ms != -1
    if condition == b"GT":
        return old_ms != -1 and new_ms > old_ms
    return condition != b"LT" or old_ms == -1 or new_ms < old_ms


def _expire(context: Context, args: list[bytes], name: str, unit_ms: int, is_absolute: bool) -> Reply:
    """HEXPIRE and its three relatives: key, time, [NX | XX | GT | LT], FIELDS number field [field ...]."""
    value = hash_to_read(context, args[1])
    if isinstance(value, Error):
        return value
    deadline_ms = field_deadline(context, args[2], unit_ms, is_absolute, name)
    if isinstance(deadline_ms, Error):
        return deadline_ms
    condition = args[3].upper()
    conditional = condition in _CONDITIONS
    fields = counted_fields(args, 4 if conditional else 3, _COUNT_TOO_SMALL)
    if isinstance(fields, Error):
        return fields
    if value is None:
        return [_NOT_THERE] * len(fields)
    return _expire_fields(context, args[1], value, fields, deadline_ms, condition if conditional else b"")


def _expire_fields(
    context: Context, key: bytes, value: Hash, fields: list[bytes], deadline_ms: int, condition: bytes
) -> Reply:
    """Give the fields a deadline, or remove them when it has passed; one number for each."""
    replies: list[Reply] = []
    mortal = value if isinstance(value, MortalHash) else None
    set_, removed = False, False
    for field in fields:
        if field not in (value if mortal is None else mortal):
            replies.append(_NOT_THERE)
            continue
        if not _is_allowed(condition, -1 if mortal is None else mortal.deadline_ms(field), deadline_ms):
            replies.append(_NOT_DONE)
            continue
        if mortal is None:
            mortal = MortalHash.of(value, context.db.clock)
            context.db.replace(key, mortal)
        elif not (set_ or removed):
            context.db.edit(key)
        if deadline_ms <= context.now_ms:
            mortal.pop(field)
            removed = True
        else:
            mortal.expire_at(field, deadline_ms)
            set_ = True
        replies.append(_REMOVED if deadline_ms <= context.now_ms else _DONE)
    if mortal is not None and (set_ or removed):
        settle(context, key, mortal, b"hexpire" if set_ else b"hdel")
    return replies


def settle(context: Context, key: bytes, value: Hash, event: bytes) -> None:
    """After a change of deadlines: when to look at the hash next, or that it is gone."""
    if context.notifies:
        context.notify(HASH, event, key)
    if len(value):
        context.db.adopt(key, value)
        return
    context.db.remove(key)
    if context.notifies:
        context.notify(GENERIC, b"del", key)


@command(
    "hpersist",
    arity=-5,
    flags=_WRITE | _FAST,
    keys=_ONE,
    group="hash",
    summary="Takes the deadlines of fields of a hash away.",
    since="7.4.0",
    complexity="O(N) for N fields",
)
def hpersist(context: Context, args: list[bytes]) -> Reply:
    """HPERSIST key FIELDS number field [field ...]."""
    value = hash_to_read(context, args[1])
    if isinstance(value, Error):
        return value
    fields = counted_fields(args, 2, COUNT_NOT_POSITIVE)
    if isinstance(fields, Error):
        return fields
    replies: list[Reply] = []
    done = False
    for field in fields:
        if value is None or field not in value:
            replies.append(_NOT_THERE)
        elif not isinstance(value, MortalHash) or value.deadline_ms(field) == -1:
            replies.append(_NO_DEADLINE)
        else:
            if not done:
                context.db.edit(args[1])
                done = True
            value.persist(field)
            replies.append(_DONE)
    if done and isinstance(value, MortalHash):
        settle(context, args[1], value, b"hpersist")
    return replies


# Deadlines told


def _told(context: Context, args: list[bytes], unit_ms: int, is_absolute: bool) -> Reply:
    """HTTL and its three relatives: key, FIELDS number field [field ...]. Parts of a unit count as one."""
    value = hash_to_read(context, args[1])
    if isinstance(value, Error):
        return value
    fields = counted_fields(args, 2, COUNT_NOT_POSITIVE)
    if isinstance(fields, Error):
        return fields
    base_ms = 0 if is_absolute else context.now_ms
    replies: list[Reply] = []
    for field in fields:
        if value is None or field not in value:
            replies.append(_NOT_THERE)
            continue
        deadline_ms = value.deadline_ms(field) if isinstance(value, MortalHash) else -1
        if deadline_ms == -1:
            replies.append(_NO_DEADLINE)
        else:
            replies.append(max(deadline_ms - base_ms + unit_ms - 1, 0) // unit_ms)
    return replies


@command(
    "hexpire",
    arity=-6,
    flags=_WRITE | Flag.DENYOOM | _FAST,
    keys=_ONE,
    group="hash",
    summary="Lets fields of a hash expire after some seconds.",
    since="7.4.0",
    complexity="O(N) for N fields",
)
def hexpire(context: Context, args: list[bytes]) -> Reply:
    """HEXPIRE key seconds [NX | XX | GT | LT] FIELDS number field [field ...]."""
    return _expire(context, args, "hexpire", 1000, is_absolute=False)


@command(
    "hpexpire",
    arity=-6,
    flags=_WRITE | Flag.DENYOOM | _FAST,
    keys=_ONE,
    group="hash",
    summary="Lets fields of a hash expire after some milliseconds.",
    since="7.4.0",
    complexity="O(N) for N fields",
)
def hpexpire(context: Context, args: list[bytes]) -> Reply:
    """HPEXPIRE key milliseconds [NX | XX | GT | LT] FIELDS number field [field ...]."""
    return _expire(context, args, "hpexpire", 1, is_absolute=False)


@command(
    "hexpireat",
    arity=-6,
    flags=_WRITE | Flag.DENYOOM | _FAST,
    keys=_ONE,
    group="hash",
    summary="Lets fields of a hash expire at a Unix time in seconds.",
    since="7.4.0",
    complexity="O(N) for N fields",
)
def hexpireat(context: Context, args: list[bytes]) -> Reply:
    """HEXPIREAT key seconds [NX | XX | GT | LT] FIELDS number field [field ...]."""
    return _expire(context, args, "hexpireat", 1000, is_absolute=True)


@command(
    "hpexpireat",
    arity=-6,
    flags=_WRITE | Flag.DENYOOM | _FAST,
    keys=_ONE,
    group="hash",
    summary="Lets fields of a hash expire at a Unix time in milliseconds.",
    since="7.4.0",
    complexity="O(N) for N fields",
)
def hpexpireat(context: Context, args: list[bytes]) -> Reply:
    """HPEXPIREAT key milliseconds [NX | XX | GT | LT] FIELDS number field [field ...]."""
    return _expire(context, args, "hpexpireat", 1, is_absolute=True)


@command(
    "httl",
    arity=-5,
    flags=_READ | _FAST,
    keys=_ONE,
    group="hash",
    summary="Tells in how many seconds fields of a hash expire.",
    since="7.4.0",
    complexity="O(N) for N fields",
)
def httl(context: Context, args: list[bytes]) -> Reply:
    """HTTL key FIELDS number field [field ...]."""
    return _told(context, args, 1000, is_absolute=False)


@command(
    "hpttl",
    arity=-5,
    flags=_READ | _FAST,
    keys=_ONE,
    group="hash",
    summary="Tells in how many milliseconds fields of a hash expire.",
    since="7.4.0",
    complexity="O(N) for N fields",
)
def hpttl(context: Context, args: list[bytes]) -> Reply:
    """HPTTL key FIELDS number field [field ...]."""
    return _told(context, args, 1, is_absolute=False)


@command(
    "hexpiretime",
    arity=-5,
    flags=_READ | _FAST,
    keys=_ONE,
    group="hash",
    summary="Tells when fields of a hash expire, as a Unix time in seconds.",
    since="7.4.0",
    complexity="O(N) for N fields",
)
def hexpiretime(context: Context, args: list[bytes]) -> Reply:
    """HEXPIRETIME key FIELDS number field [field ...]."""
    return _told(context, args, 1000, is_absolute=True)


@command(
    "hpexpiretime",
    arity=-5,
    flags=_READ | _FAST,
    keys=_ONE,
    group="hash",
    summary="Tells when fields of a hash expire, as a Unix time in milliseconds.",
    since="7.4.0",
    complexity="O(N) for N fields",
)
def hpexpiretime(context: Context, args: list[bytes]) -> Reply:
    """HPEXPIRETIME key FIELDS number field [field ...]."""
    return _told(context, args, 1, is_absolute=True)
