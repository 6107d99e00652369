"""What the commands share that wait for a key: their timeouts, and when they wait at all.

Such a command has the flag ``BLOCKING``. It answers ``Blocked`` when there is nothing yet and
``context.may_block``; the machine keeps the call and tries it again when one of its keys has
changed, naming that key in ``context.only_key`` (see ``machine/waiting``).
"""

from collections.abc import Sequence
from typing import Final

from trivet.core.command.table import Context
from trivet.core.values.numbers import INT64_MAX, parse_float
from trivet.core.wire.reply import Blocked, Error, Reply

_NOT_A_TIMEOUT: Final = Error("ERR timeout is not a float or out of range")
_NEGATIVE: Final = Error("ERR timeout is negative")
_NOT_INT_TIMEOUT: Final = Error("ERR timeout is not an integer or out of range")
_BY_OPTION: Final = {b"XREAD": 1, b"XREADGROUP": 1}
"""Commands that wait only when their option ``BLOCK`` says so."""


def timeout_seconds(text: bytes) -> int | Error:
    """A timeout written in seconds, with decimals; in ms, rounded up. 0: for ever."""
    seconds = parse_float(text)
    if seconds is None:
        return _NOT_A_TIMEOUT
    if seconds < 0 or seconds * 1000 >= INT64_MAX:
        return _NEGATIVE  # what redis-server says of both: there the sum overflows
    milliseconds = int(seconds * 1000)
    return milliseconds + (milliseconds < seconds * 1000)


def timeout_ms(text: bytes) -> int | Error:
    """A timeout written in ms. 0: for ever."""
    digits = text[1:] if text[:1] == b"-" else text
    if not digits.isdigit() or len(digits) > 19 or int(digits) > INT64_MAX:
        return _NOT_INT_TIMEOUT
    return _NEGATIVE if text[:1] == b"-" and int(digits) else int(digits)


def keys_to_look_at(context: Context, keys: Sequence[bytes]) -> Sequence[bytes]:
    """All keys of the call at first, later the one that has changed."""
    only = context.only_key
    return keys if only is None else (only,)


def wait_or(context: Context, timeout_ms: int, args: list[bytes], otherwise: Reply) -> Reply:
    """The call waits; where it may not, ``otherwise`` is the answer."""
    return Blocked(timeout_ms, args) if context.may_block else otherwise


def may_wait(args: list[bytes]) -> bool:
    """Whether this call of a command with the flag ``BLOCKING`` can wait; its name is in upper case."""
    if args[0] not in _BY_OPTION:
        return True
    for argument in args[1:]:
        word = argument.upper()
        if word == b"STREAMS":
            return False
        if word == b"BLOCK":
            return True
    return False
