"""Replies become bytes, in the protocol version that the connection speaks.

Station 8 of the way of a write. Strategy: a turn answers many requests at once,
so `encode_many` writes all of them into one list of pieces and joins once; the
four commonest replies (OK, a bulk, an integer, nothing) are recognised first,
and whatever is rare goes through one table by type.
"""

import math
from collections.abc import Callable
from typing import ClassVar, Final

from trivet.core.wire.reply import (
    OK,
    Decimal,
    Error,
    MapPairs,
    Members,
    NullArray,
    Pairs,
    Push,
    Reply,
    Simple,
    Verbatim,
)

_CRLF: Final = b"\r\n"
_OK: Final = b"+OK\r\n"
_NULL: Final = b"$-1\r\n"
_NULL_3: Final = b"_\r\n"
_SMALL: Final = 1024
_INTEGERS: Final = [b":%d\r\n" % value for value in range(_SMALL)]
_BULK_HEADERS: Final = [b"$%d\r\n" % size for size in range(_SMALL)]
_BULK_COPY_BYTES_MAX: Final = 1024
_LINE_ENDS: Final = str.maketrans("\r\n", "  ")


class Made:
    """What was made of replies, ever: who compares before and after knows what was among them."""

    errors: ClassVar[int] = 0
    """Error lines. It costs nothing where there are none."""


def encode(reply: Reply, protocol: int) -> bytes:
    """The bytes of one reply; ``protocol`` is 2 or 3."""
    if reply is OK:
        return _OK
    if type(reply) is bytes and len(reply) < _BULK_COPY_BYTES_MAX:
        return _BULK_HEADERS[len(reply)] + reply + _CRLF
    out: list[bytes] = []
    encode_into(out, reply, protocol)
    return out[0] if len(out) == 1 else b"".join(out)


def encode_many(replies: list[Reply], protocol: int) -> bytes:
    """The bytes of replies to one connection, in order."""
    if len(replies) == 1:
        return encode(replies[0], protocol)
    out: list[bytes] = []
    for reply in replies:
        if reply is OK:
            out.append(_OK)
        else:
            encode_into(out, reply, protocol)
    return out[0] if len(out) == 1 else b"".join(out)


def encode_into(out: list[bytes], reply: Reply, protocol: int) -> None:
    """Append the bytes of ``reply`` to ``out``, in pieces."""
    if reply is OK:
        out.append(_OK)
    elif reply is None:
        out.append(_NULL if protocol == 2 else _NULL_3)
    elif type(reply) is bytes:
        _bulk(out, reply)
    elif type(reply) is int:
        out.append(_INTEGERS[reply] if 0 <= reply < _SMALL else b":%d\r\n" % reply)
    elif type(reply) is list:
        out.append(b"*%d\r\n" % len(reply))
        for item in reply:
            if type(item) is bytes:
                _bulk(out, item)
            else:
                encode_into(out, item, protocol)
    else:
        _RARE[type(reply)](out, reply, protocol)


def double_text(value: float) -> bytes:
    """A double as Redis 7.0 prints it: 17 significant digits, ``inf``, ``-inf``, ``nan``."""
    if math.isinf(value):
        return b"inf" if value > 0 else b"-inf"
    return b"%.17g" % value


def _bulk(out: list[bytes], data: bytes) -> None:
    size = len(data)
    if size < _BULK_COPY_BYTES_MAX:
        out.append(_BULK_HEADERS[size] + data + _CRLF)
    else:
        out.append(b"$%d\r\n" % size)
        out.append(data)
        out.append(_CRLF)


def _line(text: str) -> bytes:
    """Text for a line. Bytes that were no UTF-8 when they became text are given back as they came."""
    if "\r" in text or "\n" in text:
        text = text.translate(_LINE_ENDS)
    return text.encode("utf-8", "surrogateescape")


def _simple(out: list[bytes], reply: Reply, protocol: int) -> None:
    assert isinstance(reply, Simple)
    out.append(b"+" + _line(reply.text) + _CRLF)


def _error(out: list[bytes], reply: Reply, protocol: int) -> None:
    assert isinstance(reply, Error)
    Made.errors += 1
    out.append(b"-" + _line(reply.text.strip("\r\n")) + _CRLF)


def _boolean(out: list[bytes], reply: Reply, protocol: int) -> None:
    if protocol == 2:
        out.append(b":1\r\n" if reply else b":0\r\n")
    else:
        out.append(b"#t\r\n" if reply else b"#f\r\n")


def _double(out: list[bytes], reply: Reply, protocol: int) -> None:
    assert isinstance(reply, float)
    text = double_text(reply)
    if protocol == 2:
        _bulk(out, text)
    else:
        out.append(b"," + text + _CRLF)


def _null_array(out: list[bytes], reply: Reply, protocol: int) -> None:
    out.append(b"*-1\r\n" if protocol == 2 else _NULL_3)


def _members(out: list[bytes], reply: Reply, protocol: int) -> None:
    assert isinstance(reply, Members)
    out.append((b"*%d\r\n" if protocol == 2 else b"~%d\r\n") % len(reply.items))
    for item in reply.items:
        encode_into(out, item, protocol)


def _push(out: list[bytes], reply: Reply, protocol: int) -> None:
    assert isinstance(reply, Push)
    out.append((b"*%d\r\n" if protocol == 2 else b">%d\r\n") % len(reply.items))
    for item in reply.items:
        encode_into(out, item, protocol)


def _pairs(out: list[bytes], reply: Reply, protocol: int) -> None:
    assert isinstance(reply, Pairs)
    count = len(reply.items)
    out.append(b"*%d\r\n" % (2 * count if protocol == 2 else count))
    for first, second in reply.items:
        if protocol != 2:
            out.append(b"*2\r\n")
        encode_into(out, first, protocol)
        encode_into(out, second, protocol)


def _map_pairs(out: list[bytes], reply: Reply, protocol: int) -> None:
    assert isinstance(reply, MapPairs)
    out.append((b"*%d\r\n" if protocol == 2 else b"%%%d\r\n") % len(reply.items))
    for first, second in reply.items:
        if protocol == 2:
            out.append(b"*2\r\n")
        encode_into(out, first, protocol)
        encode_into(out, second, protocol)


def _map(out: list[bytes], reply: Reply, protocol: int) -> None:
    assert isinstance(reply, dict)
    count = len(reply)
    out.append(b"*%d\r\n" % (2 * count) if protocol == 2 else b"%%%d\r\n" % count)
    for key, value in reply.items():
        _bulk(out, key)
        encode_into(out, value, protocol)


def _verbatim(out: list[bytes], reply: Reply, protocol: int) -> None:
    assert isinstance(reply, Verbatim)
    if protocol == 2:
        _bulk(out, reply.text)
    else:
        out.append(b"=%d\r\n%b:" % (len(reply.text) + 4, reply.format.encode()))
        out.append(reply.text)
        out.append(_CRLF)


def _decimal(out: list[bytes], reply: Reply, protocol: int) -> None:
    assert isinstance(reply, Decimal)
    if protocol == 2:
        _bulk(out, reply.text)
    else:
        out.append(b"," + reply.text + _CRLF)


_RARE: Final[dict[type, Callable[[list[bytes], Reply, int], None]]] = {
    Simple: _simple,
    Error: _error,
    bool: _boolean,
    float: _double,
    NullArray: _null_array,
    Members: _members,
    Pairs: _pairs,
    MapPairs: _map_pairs,
    Push: _push,
    Verbatim: _verbatim,
    Decimal: _decimal,
    dict: _map,
}
