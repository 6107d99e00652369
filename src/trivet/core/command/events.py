"""Classes of keyspace events, as ``notify-keyspace-events`` names them.

A command tells of an event with ``context.notify(GENERIC, b"del", key)``, when
``context.notifies`` is not 0. Every replica computes the same events from an entry and
delivers them to the subscribers of its own node, so they cost no message.
"""

from collections.abc import Iterator
from typing import Final

KEYSPACE: Final = 1
KEYEVENT: Final = 2
GENERIC: Final = 4
STRING: Final = 8
LIST: Final = 16
SET: Final = 32
HASH: Final = 64
SORTED_SET: Final = 128
EXPIRED: Final = 256
EVICTED: Final = 512
STREAM: Final = 1024
KEY_MISS: Final = 2048
MODULE: Final = 8192
NEW_KEY: Final = 16384

ALL: Final = GENERIC | STRING | LIST | SET | HASH | SORTED_SET | EXPIRED | EVICTED | STREAM | MODULE
"""What ``A`` stands for."""

_LETTERS: Final[dict[str, int]] = {
    "K": KEYSPACE, "E": KEYEVENT, "g": GENERIC, "$": STRING, "l": LIST, "s": SET, "h": HASH, "z": SORTED_SET,
    "x": EXPIRED, "e": EVICTED, "t": STREAM, "m": KEY_MISS, "d": MODULE, "n": NEW_KEY,
}  # fmt: skip


def classes_of(letters: bytes) -> int | None:
    """The classes that a value of ``notify-keyspace-events`` asks for; None when a letter is unknown."""
    classes = 0
    for letter in letters.decode("latin-1"):
        if letter == "A":
            classes |= ALL
        elif letter in _LETTERS:
            classes |= _LETTERS[letter]
        else:
            return None
    return classes


def event_messages(
    events: list[tuple[int, int, bytes, bytes]], classes: int
) -> Iterator[tuple[bytes, bytes]]:
    """(channel, message) of events (database, class, name, key) for those of ``classes``, in Redis' order."""
    for db_index, kind, event, key in events:
        if classes & kind:
            if classes & KEYSPACE:
                yield b"__keyspace@%d__:%b" % (db_index, key), event
            if classes & KEYEVENT:
                yield b"__keyevent@%d__:%b" % (db_index, event), key


def letters_of(classes: int) -> bytes:
    """The classes in letters, as Redis writes them."""
    text = "A" if classes & ALL == ALL else "".join(c for c in "g$lshzxetd" if classes & _LETTERS[c])
    return (text + "".join(c for c in "KEmn" if classes & _LETTERS[c])).encode()
