"""What the families share: reading arguments, and the errors that several of them give.

The texts are those of redis-server 7.0; client libraries look at them. A parser
answers the value, or the ``Error`` to reply; the caller asks ``isinstance``.
"""

from typing import Final

from trivet.core.command.table import Context
from trivet.core.values.glob import PATTERN_BYTES_MAX
from trivet.core.values.numbers import parse_float, parse_int
from trivet.core.values.types import Value
from trivet.core.wire.reply import Error

WRONG_TYPE: Final = Error("WRONGTYPE Operation against a key holding the wrong kind of value")
SYNTAX: Final = Error("ERR syntax error")
NOT_AN_INTEGER: Final = Error("ERR value is not an integer or out of range")
NOT_A_FLOAT: Final = Error("ERR value is not a valid float")
OUT_OF_RANGE: Final = Error("ERR value is out of range")
NOT_POSITIVE: Final = Error("ERR value is out of range, must be positive")
NO_SUCH_KEY: Final = Error("ERR no such key")
INDEX_OUT_OF_RANGE: Final = Error("ERR index out of range")
NOT_FINITE: Final = Error("ERR increment would produce NaN or Infinity")
OVERFLOW: Final = Error("ERR increment or decrement would overflow")
INVALID_CURSOR: Final = Error("ERR invalid cursor")
PATTERN_TOO_LONG: Final = Error(f"ERR the pattern is longer than {PATTERN_BYTES_MAX} bytes")
TOO_LONG: Final = Error("ERR string exceeds maximum allowed size (proto-max-bulk-len)")

STRING_BYTES_MAX: Final = 512 * 1024 * 1024
"""The longest string value; checked before anything is allocated."""

REPLY_ITEMS_MAX: Final = 1024 * 1024
"""The most elements that a reply may repeat into being (random members, with repetition)."""


def integer(data: bytes) -> int | Error:
    """A strict 64-bit integer."""
    value = parse_int(data)
    return NOT_AN_INTEGER if value is None else value


def ranged_integer(data: bytes, low: int, high: int) -> int | Error:
    """A strict integer within [low, high]."""
    value = parse_int(data)
    if value is None:
        return NOT_AN_INTEGER
    return value if low <= value <= high else OUT_OF_RANGE


def number(data: bytes) -> float | Error:
    """A double; infinities included, NaN not."""
    value = parse_float(data)
    return NOT_A_FLOAT if value is None else value


def string_to_read(context: Context, key: bytes) -> bytes | Error | None:
    """The string at ``key``, None when missing, an error when it is no string."""
    value: Value | None = context.db.get(key)
    if value is None or isinstance(value, bytes):
        return value
    return WRONG_TYPE


def wrong_arity(name: str) -> Error:
    """The reply to a command (lower case) with the wrong number of arguments."""
    return Error(f"ERR wrong number of arguments for '{name}' command")


def unknown_subcommand(name: bytes, subcommand: bytes) -> Error:
    """The reply to an unknown subcommand of the container ``name``."""
    return Error(f"ERR unknown subcommand '{exact(subcommand[:128])}'. Try {exact(name.upper())} HELP.")


def exact(data: bytes) -> str:
    """A client's bytes inside the error of a request that is refused before it runs; up to a zero byte.

    What is no UTF-8 comes back as it was when the text is encoded. Such a text fits no
    msgpack, so the reply of a command that runs takes ``printable`` instead.
    """
    return data.split(b"\0", 1)[0].decode("utf-8", "surrogateescape")


def printable(data: bytes) -> str:
    """A client's bytes inside the error of a command that runs: what is no UTF-8 is replaced."""
    return data.split(b"\0", 1)[0].decode("utf-8", "replace")
