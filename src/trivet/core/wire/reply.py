"""What a command answers, before it becomes bytes.

A reply is a plain value; the connection's protocol version decides its bytes.

| value | RESP2 | RESP3 |
|---|---|---|
| ``None`` | null bulk ``$-1`` | ``_`` |
| ``NullArray`` | ``*-1`` | ``_`` |
| ``bytes`` | bulk | bulk |
| ``int`` | integer | integer |
| ``bool`` | integer 0 or 1 | boolean |
| ``float`` | bulk, 17 significant digits | double |
| ``Simple`` | simple string | simple string |
| ``Error`` | error | error |
| ``list`` | array | array |
| ``dict`` | flat array | map |
| ``Members`` | array | set |
| ``Pairs`` | flat array | array of two-element arrays |
| ``MapPairs`` | array of two-element arrays | map |
| ``Push`` | array | push |
| ``Verbatim`` | bulk | verbatim string |
| ``Blocked`` | – | – |
| ``NotHere`` | – | – |
| ``Decimal`` | bulk | double |

All of them encode as msgpack, so that replies can be remembered and digested.
"""

from typing import Union

import msgspec


class Simple(msgspec.Struct, frozen=True, array_like=True, tag=1):
    """A status line such as ``OK``: ASCII, no CR or LF."""

    text: str


class Error(msgspec.Struct, frozen=True, array_like=True, tag=2):
    """An error line: an upper-case code, a space, a sentence. CR and LF become spaces."""

    text: str


class NullArray(msgspec.Struct, frozen=True, array_like=True, tag=3):
    """The absent array (an aborted EXEC, a missing position)."""


class Members(msgspec.Struct, frozen=True, array_like=True, tag=4):
    """An unordered collection: a set in RESP3."""

    items: list["Reply"]


class Pairs(msgspec.Struct, frozen=True, array_like=True, tag=5):
    """Pairs in order, such as members with scores."""

    items: list[tuple["Reply", "Reply"]]


class Push(msgspec.Struct, frozen=True, array_like=True, tag=6):
    """An unasked message."""

    items: list["Reply"]


class Verbatim(msgspec.Struct, frozen=True, array_like=True, tag=7):
    """A text with a three-letter format, such as ``txt``."""

    format: str
    text: bytes


class Blocked(msgspec.Struct, frozen=True, array_like=True, tag=8):
    """There is nothing yet: the command waits (``BLPOP`` and its like). Never sent to a client.

    ``timeout_ms`` says for how long at most, 0 for ever. ``args`` is the call to try again when
    one of its keys has changed, its name first, with everything relative in it made absolute.
    """

    timeout_ms: int
    args: list[bytes]


class MapPairs(msgspec.Struct, frozen=True, array_like=True, tag=9):
    """Pairs in order that are a map in RESP3 (streams with their entries). A key may come twice."""

    items: list[tuple["Reply", "Reply"]]


class Decimal(msgspec.Struct, frozen=True, array_like=True, tag=10):
    """A finite number with more digits than a ``float`` is printed with."""

    text: bytes


class NotHere(msgspec.Struct, frozen=True, array_like=True, tag=11):
    """The call was not run: its keys are not in this group now, or are locked. Never sent to a client.

    The client's node sends the call where the cluster map, perhaps a newer one, says that it belongs.
    """

    locked_at: int = 0
    """Not 0: a transaction holds keys of it, as of this index of the group's log. Try again there, soon."""
    is_wider: bool = False
    """It came to keys of other groups that it had not named: run it as a transaction over groups."""


Reply = Union[  # noqa: UP007 (recursive)
    None,
    bool,
    int,
    float,
    bytes,
    Simple,
    Error,
    NullArray,
    Members,
    Pairs,
    MapPairs,
    Push,
    Verbatim,
    Blocked,
    Decimal,
    NotHere,
    list["Reply"],
    dict[bytes, "Reply"],
]

OK = Simple("OK")
PONG = Simple("PONG")
QUEUED = Simple("QUEUED")
NULL_ARRAY = NullArray()
NOT_HERE = NotHere()
