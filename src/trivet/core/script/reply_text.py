r"""Replies as the text that crosses between Python and Lua, both ways.

One line per item, ``RESP3`` in spirit: ``$3\nabc``, ``:1\n``, ``*2\n``… One string crosses at a time,
so nothing that Lua's memory limit could interrupt happens between the two languages.
"""

from typing import Final

from trivet.core.wire.encode import double_text
from trivet.core.wire.reply import (
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

_NIL: Final = b"_\n"


def to_text(reply: Reply, resp3: bool) -> bytes:
    """What Lua's ``decode`` turns into tables. Without ``resp3`` maps and sets are flat arrays."""
    out: list[bytes] = []
    _write(out, reply, resp3)
    return b"".join(out)


def _write(out: list[bytes], reply: Reply, resp3: bool) -> None:
    if isinstance(reply, bytes):
        out.append(b"$%d\n%b" % (len(reply), reply))
    elif reply is None or isinstance(reply, NullArray | Blocked | NotHere):
        out.append(_NIL)
    elif isinstance(reply, bool):
        if resp3:
            out.append(b"#t\n" if reply else b"#f\n")
        else:
            out.append(b":1\n" if reply else b":0\n")
    elif isinstance(reply, int):
        out.append(b":%d\n" % reply)
    elif isinstance(reply, float):
        text = double_text(reply)
        out.append(b",%b\n" % text if resp3 else b"$%d\n%b" % (len(text), text))
    elif isinstance(reply, Decimal):
        out.append(b",%b\n" % reply.text if resp3 else b"$%d\n%b" % (len(reply.text), reply.text))
    elif isinstance(reply, Simple):
        out.append(b"+%b\n" % _line(reply.text))
    elif isinstance(reply, Error):
        out.append(b"-%b\n" % _line(reply.text))
    elif isinstance(reply, Verbatim):
        if resp3:
            out.append(b"=%d\n%b:%b" % (len(reply.text) + 4, reply.format.encode(), reply.text))
        else:
            out.append(b"$%d\n%b" % (len(reply.text), reply.text))
    else:
        _write_collection(out, reply, resp3)


def _write_collection(
    out: list[bytes],
    reply: "Members | Pairs | MapPairs | Push | list[Reply] | dict[bytes, Reply]",
    resp3: bool,
) -> None:
    if isinstance(reply, dict):
        out.append(b"%%%d\n" % len(reply) if resp3 else b"*%d\n" % (len(reply) * 2))
        for key, value in reply.items():
            _write(out, key, resp3)
            _write(out, value, resp3)
        return
    if isinstance(reply, MapPairs):
        out.append(b"%%%d\n" % len(reply.items) if resp3 else b"*%d\n" % (len(reply.items) * 2))
        for first, second in reply.items:
            _write(out, first, resp3)
            _write(out, second, resp3)
        return
    if isinstance(reply, Pairs):
        out.append(b"*%d\n" % (len(reply.items) if resp3 else len(reply.items) * 2))
        for first, second in reply.items:
            if resp3:
                out.append(b"*2\n")
            _write(out, first, resp3)
            _write(out, second, resp3)
        return
    items = reply if isinstance(reply, list) else reply.items
    mark = b"~" if resp3 and isinstance(reply, Members) else b"*"
    out.append(b"%b%d\n" % (mark, len(items)))
    for item in items:
        _write(out, item, resp3)


def _line(text: str) -> bytes:
    return text.replace("\r", " ").replace("\n", " ").encode("utf-8", "replace")


def from_text(text: bytes) -> Reply:
    """The reply that a script's ``encode`` has written."""
    return _TextReader(text).item()


class _TextReader:
    """Lua has written the text and bounded its depth."""

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._at = 0

    def _head(self) -> bytes:
        end = self._text.index(b"\n", self._at)
        head = self._text[self._at : end]
        self._at = end + 1
        return head

    def _take(self, length: int) -> bytes:
        taken = self._text[self._at : self._at + length]
        self._at += length
        return taken

    def item(self) -> Reply:
        """The next value."""
        head = self._head()
        kind, rest = head[:1], head[1:]
        if kind == b"$":
            return self._take(int(rest))
        if kind == b":":
            return int(rest)
        if kind == b"_":
            return None
        if kind == b"*":
            return [self.item() for _ in range(int(rest))]
        if kind == b"+":
            return Simple(rest.decode("utf-8", "replace"))
        if kind == b"-":
            return Error(rest.decode("utf-8", "replace"))
        if kind == b"#":
            return rest == b"t"
        if kind == b",":
            return float(rest)
        if kind == b"(":
            return rest
        if kind == b"~":
            return Members([self.item() for _ in range(int(rest))])
        if kind == b"=":
            content = self._take(int(rest))
            return Verbatim(content[:3].decode("latin-1"), content[4:])
        assert kind == b"%", head
        return self._map(int(rest))

    def _map(self, count: int) -> Reply:
        pairs: list[Reply] = []
        for _ in range(count):
            pairs += [self.item(), self.item()]
        keys = pairs[::2]
        if all(isinstance(key, bytes) for key in keys):
            return {
                key: value for key, value in zip(keys, pairs[1::2], strict=True) if isinstance(key, bytes)
            }
        return {_key_text(key): value for key, value in zip(keys, pairs[1::2], strict=True)}


def _key_text(key: Reply) -> bytes:
    """A map's key in our replies is a string."""
    if isinstance(key, bytes):
        return key
    return b"%d" % key if isinstance(key, int) else to_text(key, True)
