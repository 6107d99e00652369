"""When a key is to expire: the options of SET and GETEX, and deadlines from arguments.

A deadline is Unix time in ms. One that has already passed removes the key at once.
"""

from typing import Final

from trivet.core.command.arguments import NOT_AN_INTEGER, SYNTAX
from trivet.core.command.events import EXPIRED, GENERIC
from trivet.core.command.table import Context
from trivet.core.values.numbers import INT64_MAX, INT64_MIN, parse_int
from trivet.core.wire.reply import Error

NO_EXPIRY: Final = -1

_SECONDS_MAX: Final = INT64_MAX // 1000
_SECONDS_MIN: Final = -(-INT64_MIN // 1000)
_UNITS: Final = (b"EX", b"PX", b"EXAT", b"PXAT")


class Expiry:
    """The options of SET or GETEX, read."""

    __slots__ = ("get", "keep", "only_missing", "only_present", "persist", "time", "unit")

    def __init__(self, unit: str = "", time: bytes = b"") -> None:
        self.unit = unit
        """EX, PX, EXAT, PXAT, or nothing."""
        self.time = time
        self.keep = False
        self.persist = False
        self.get = False
        self.only_missing = False
        self.only_present = False

    def deadline_ms(self, now_ms: int, name: str) -> int | Error:
        """The deadline asked for, > 0, or ``NO_EXPIRY``; ``name`` is the command's, for the error."""
        if not self.unit:
            return NO_EXPIRY
        time = parse_int(self.time)
        if time is None:
            return NOT_AN_INTEGER
        if time <= 0:
            return invalid_expire(name)
        return deadline(time, self.unit in ("EX", "EXAT"), 0 if self.unit.endswith("AT") else now_ms, name)


def expiry_options(args: list[bytes], start: int, name: str) -> Expiry | Error:
    """Read the options of SET or GETEX (``name``) from ``args[start:]``."""
    options = Expiry()
    setting = name == "set"
    i = start
    while i < len(args):
        option = args[i].upper()
        if option in _UNITS and i + 1 < len(args) and _unit_fits(options, option):
            options.unit = option.decode()
            options.time = args[i + 1]
            i += 1
        elif not _set_plain_option(options, option, setting):
            return SYNTAX
        i += 1
    return options


def _unit_fits(options: Expiry, option: bytes) -> bool:
    return options.unit in ("", option.decode()) and not options.keep and not options.persist


def _set_plain_option(options: Expiry, option: bytes, setting: bool) -> bool:
    """An option without a value; False when it is unknown or contradicts another."""
    if option == b"NX" and setting and not options.only_present:
        options.only_missing = True
    elif option == b"XX" and setting and not options.only_missing:
        options.only_present = True
    elif option == b"GET" and setting:
        options.get = True
    elif option == b"KEEPTTL" and setting and not options.unit:
        options.keep = True
    elif option == b"PERSIST" and not setting and not options.unit:
        options.persist = True
    else:
        return False
    return True


def deadline(time: int, is_seconds: bool, base_ms: int, name: str) -> int | Error:
    """``time`` after ``base_ms`` (0 for absolute times) in Unix ms, within 64 bits. May lie in the past."""
    if is_seconds:
        if not _SECONDS_MIN <= time <= _SECONDS_MAX:
            return invalid_expire(name)
        time *= 1000
    if time > INT64_MAX - base_ms:
        return invalid_expire(name)
    return time + base_ms


def set_deadline(context: Context, key: bytes, deadline_ms: int, is_new: bool = False) -> None:
    """Let ``key``, which exists, expire: at once when the time has passed.

    ``is_new``: its value has just been set; if its time has passed it expires. Any other is then deleted.
    """
    is_late = deadline_ms <= context.now_ms
    if is_late:
        context.db.remove(key)
    else:
        context.db.expire_at(key, deadline_ms)
    if context.notifies:
        if is_new or not is_late:
            context.notify(GENERIC, b"expire", key)
        if is_late:
            context.notify(EXPIRED if is_new else GENERIC, b"expired" if is_new else b"del", key)


def invalid_expire(name: str) -> Error:
    """The reply to an expiry that is out of range."""
    return Error(f"ERR invalid expire time in '{name}' command")
