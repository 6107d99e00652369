"""What a setting may be: how its value is written, checked and shown.

A kind answers the value as it is kept, which is also how ``CONFIG GET`` shows it, or the
reason for refusing it, in the words of redis-server 7.0.
"""

from collections.abc import Callable
from typing import Final

from trivet.core.command.events import classes_of, letters_of
from trivet.core.values.numbers import parse_int

Kind = Callable[[bytes], bytes | str]
"""The value as it is kept, or (text) why it is refused."""

INT_MAX: Final = 2**31 - 1
UINT_MAX: Final = 2**32 - 1
LONG_MAX: Final = 2**63 - 1
IMMUTABLE: Final = "can't set immutable config"
_NO_MEMORY_VALUE: Final = "argument must be a memory value"
_UNITS: Final[dict[bytes, int]] = {
    b"": 1, b"b": 1, b"k": 1000, b"kb": 1 << 10, b"m": 1000**2, b"mb": 1 << 20, b"g": 1000**3, b"gb": 1 << 30,
}  # fmt: skip
_DIGITS_MAX: Final = 20
_CLASSES: Final[dict[bytes, int]] = {b"normal": 0, b"slave": 1, b"replica": 1, b"pubsub": 2}
_CLASSES_SHOWN: Final = (b"normal", b"slave", b"pubsub")


def memory_bytes(text: bytes) -> int | None:
    """A number of bytes with a unit: ``1k`` is 1,000 and ``1kb`` 1,024; None when it is none."""
    digits = text.rstrip(b"bkmgBKMG")
    unit = _UNITS.get(text[len(digits) :].lower())
    if unit is None or not digits.isdigit() or len(digits) > _DIGITS_MAX:
        return None
    return int(digits) * unit


def integer(low: int, high: int) -> Kind:
    """A number within [low, high]."""

    def check(text: bytes) -> bytes | str:
        value = parse_int(text)
        if value is None:
            return "argument couldn't be parsed into an integer"
        if not low <= value <= high:
            return f"argument must be between {low} and {high} inclusive"
        return b"%d" % value

    return check


def memory(low: int, high: int) -> Kind:
    """A number of bytes within [low, high], with or without a unit."""

    def check(text: bytes) -> bytes | str:
        value = memory_bytes(text)
        if value is None:
            return _NO_MEMORY_VALUE
        if not low <= value <= high:
            return f"argument must be between {low} and {high} inclusive"
        return b"%d" % value

    return check


def yes_no(text: bytes) -> bytes | str:
    """``yes`` or ``no``."""
    value = text.lower()
    return value if value in (b"yes", b"no") else "argument must be 'yes' or 'no'"


def one_of(*words: str) -> Kind:
    """One of the words."""

    def check(text: bytes) -> bytes | str:
        value = text.lower()
        if value.decode("latin-1") in words:
            return value
        return "argument(s) must be one of the following: " + ", ".join(words)

    return check


def anything(text: bytes) -> bytes | str:
    """Any text."""
    return text


def event_classes(text: bytes) -> bytes | str:
    """Letters of ``notify-keyspace-events``."""
    classes = classes_of(text)
    if classes is None:
        return "Invalid event class character. Use 'Ag$lshzxeKEtmdn'."
    return letters_of(classes)


def buffer_limits(kept: bytes, text: bytes) -> bytes | str:
    """Changes of ``client-output-buffer-limit`` put over the limits that are kept."""
    limits = parse_buffer_limits(kept)
    words = text.split()
    if not words or len(words) % 4:
        return "Wrong number of arguments in buffer limit configuration."
    for at in range(0, len(words), 4):
        which = _CLASSES.get(words[at].lower())
        if which is None:
            return "Invalid client class specified in buffer limit configuration."
        hard, soft = memory_bytes(words[at + 1]), memory_bytes(words[at + 2])
        seconds = parse_int(words[at + 3])
        if hard is None or soft is None or seconds is None or seconds < 0:
            return "Error in hard, soft or soft_seconds setting in buffer limit configuration."
        limits[which] = (hard, soft, seconds)
    shown = [b"%s %d %d %d" % (_CLASSES_SHOWN[which], *limit) for which, limit in enumerate(limits)]
    return b" ".join(shown)


def parse_buffer_limits(kept: bytes) -> list[tuple[int, int, int]]:
    """(hard, soft, seconds) of the classes normal, replica and pubsub."""
    words = kept.split()
    return [(int(words[at + 1]), int(words[at + 2]), int(words[at + 3])) for at in (0, 4, 8)]
