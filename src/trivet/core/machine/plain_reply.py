"""Remembered replies as plain msgpack values, and back (for snapshots only)."""

from typing import Final

import msgspec

from trivet.core.wire.reply import (
    OK,
    Blocked,
    Decimal,
    Error,
    MapPairs,
    Members,
    NotHere,
    NullArray,
    Pairs,
    Push,
    Reply,
    Simple,
    Verbatim,
)

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder()

_SCALARS: Final = (bytes, int, float)
"""A truth value is an ``int``."""
_PLAIN_ALREADY: Final = (int, bytes)

Plain = None | bool | int | float | bytes | str | list["Plain"]


def to_plain(reply: Reply) -> Plain:
    """A value that msgpack carries and ``from_plain`` understands."""
    if reply is None or isinstance(reply, _SCALARS):
        return reply
    if isinstance(reply, Simple):
        return ["+", reply.text]
    if isinstance(reply, Error):
        return ["-", reply.text]
    if isinstance(reply, NullArray):
        return ["n"]
    if isinstance(reply, NotHere):
        return ["h", reply.locked_at, reply.is_wider] if reply.locked_at or reply.is_wider else ["h"]
    if isinstance(reply, Verbatim):
        return ["v", reply.format, reply.text]
    if isinstance(reply, Blocked):
        return ["b", reply.timeout_ms, *reply.args]
    if isinstance(reply, Decimal):
        return ["f", reply.text]
    if isinstance(reply, Members):
        return ["m", *[to_plain(item) for item in reply.items]]
    if isinstance(reply, Push):
        return [">", *[to_plain(item) for item in reply.items]]
    if isinstance(reply, Pairs | MapPairs):
        kind = "p" if isinstance(reply, Pairs) else "P"
        return [kind, *[to_plain(part) for pair in reply.items for part in pair]]
    if isinstance(reply, dict):
        return ["d", *[part for key, value in reply.items() for part in (key, to_plain(value))]]
    return ["l", *[to_plain(item) for item in reply]]


_OK_ALONE: Final[bytes] = _encoder.encode([["+", "OK"]])
"""What most writes reply."""


def encode_replies(replies: list[Reply]) -> bytes:
    """The replies of one batch as bytes."""
    if len(replies) == 1:  # most are
        reply = replies[0]
        if reply is OK:
            return _OK_ALONE
        if type(reply) in _PLAIN_ALREADY:
            return _encoder.encode(replies)
    return _encoder.encode([to_plain(reply) for reply in replies])


def decode_replies(data: bytes) -> list[Reply]:
    """The replies that ``encode_replies`` was given; raises ``ValueError`` when it was not."""
    if data == _OK_ALONE:
        return [OK]
    plain: object = _decoder.decode(data)
    if not isinstance(plain, list):
        raise ValueError("not a list of replies")
    if len(plain) == 1 and type(plain[0]) in _PLAIN_ALREADY:
        return plain
    return [from_plain(item) for item in plain]


def from_plain(plain: object) -> Reply:
    """The reply that ``to_plain`` was given; raises ``ValueError`` when it was not."""
    if plain is None or isinstance(plain, _SCALARS):
        return plain
    if not isinstance(plain, list) or not plain:
        raise ValueError("not a reply")
    kind: object = plain[0]
    if kind == "n":
        return NullArray()
    if kind == "h":
        return _not_here(plain)
    if kind in ("+", "-"):
        _check_length(plain, 2)
        return Simple(str(plain[1])) if kind == "+" else Error(str(plain[1]))
    if kind in ("v", "f"):
        _check_length(plain, 3 if kind == "v" else 2)
        text = plain[-1]
        if not isinstance(text, bytes):
            raise ValueError("not a text")
        return Verbatim(str(plain[1]), text) if kind == "v" else Decimal(text)
    if kind == "b":
        return _blocked(plain)
    return _collection(kind, [from_plain(item) for item in plain[1:]])


def _check_length(plain: list[object], length: int) -> None:
    if len(plain) != length:
        raise ValueError("a reply of another length")


def _blocked(plain: list[object]) -> Blocked:
    timeout_ms = plain[1] if len(plain) > 1 else None
    args = [arg for arg in plain[2:] if isinstance(arg, bytes)]
    if not isinstance(timeout_ms, int) or len(args) != len(plain) - 2:
        raise ValueError("not a waiting call")
    return Blocked(timeout_ms, args)


def _collection(kind: object, items: list[Reply]) -> Reply:
    if kind == "l":
        return items
    if kind == "m":
        return Members(items)
    if kind == ">":
        return Push(items)
    if kind == "p":
        return Pairs(list(zip(items[::2], items[1::2], strict=True)))
    if kind == "P":
        return MapPairs(list(zip(items[::2], items[1::2], strict=True)))
    if kind == "d":
        pairs: dict[bytes, Reply] = {}
        for key, value in zip(items[::2], items[1::2], strict=True):
            if not isinstance(key, bytes):
                raise ValueError("not a key")
            pairs[key] = value
        return pairs
    raise ValueError("an unknown kind of reply")


def _not_here(plain: list[object]) -> NotHere:
    if len(plain) == 1:
        return NotHere()
    _check_length(plain, 3)
    locked_at, is_wider = plain[1], plain[2]
    if type(locked_at) is not int or locked_at < 0 or not isinstance(is_wider, bool):
        raise ValueError("not a reply")
    return NotHere(locked_at, is_wider)
