"""Bytes of a node become replies: RESP2 and RESP3, sans-IO.

The node is trusted to mean well, not to be one: what is no RESP, or is larger than any answer to
what is asked here, raises ``ValueError``.
"""

from collections.abc import Callable
from typing import Final, Union

_BULK_BYTES_MAX: Final = 64 * 1024 * 1024
_ITEMS_MAX: Final = 1_000_000
_DEPTH_MAX: Final = 16
_LINE_BYTES_MAX: Final = 64 * 1024


class ErrorReply:
    """The node refused."""

    def __init__(self, text: str) -> None:
        self.text = text


class PushReply:
    """The node says something unasked."""

    def __init__(self, items: list["Reply"]) -> None:
        self.items = items


Reply = Union[None, bool, int, float, bytes, ErrorReply, PushReply, list["Reply"]]  # noqa: UP007 (recursive)
"""A map or a set comes as a flat list, a verbatim string with its three-letter format in front."""


class _Incomplete(Exception):
    """The rest has not come yet."""


def encode_call(*args: bytes) -> bytes:
    """A call as RESP has it."""
    return b"*%d\r\n" % len(args) + b"".join([b"$%d\r\n%b\r\n" % (len(arg), arg) for arg in args])


class ReplyParser:
    """The receiving end of one connection."""

    def __init__(self) -> None:
        self._buffer = b""
        self._position = 0

    def feed(self, data: bytes) -> list[Reply]:
        """Take a piece; the replies that it completes. Raises ``ValueError``."""
        self._buffer += data
        self._position = 0
        replies: list[Reply] = []
        complete = 0
        try:
            while complete < len(self._buffer):
                replies.append(self._value(0))
                complete = self._position
        except _Incomplete:
            pass
        self._buffer = self._buffer[complete:]
        return replies

    def _line(self) -> bytes:
        end = self._buffer.find(b"\r\n", self._position)
        if end < 0:
            if len(self._buffer) - self._position > _LINE_BYTES_MAX:
                raise ValueError("the answer is not RESP")
            raise _Incomplete
        line = self._buffer[self._position : end]
        self._position = end + 2
        return line

    def _value(self, depth: int) -> Reply:
        line = self._line()
        kind, rest = line[:1], line[1:]
        if kind in b"$=!" and kind:
            return self._bulk(kind, int(rest))
        if kind in b"*>~%" and kind:
            return self._items(kind, int(rest), depth)
        scalar = _SCALARS.get(kind)
        if scalar is None:
            raise ValueError("the answer is not RESP")
        return scalar(rest)

    def _bulk(self, kind: bytes, size: int) -> Reply:
        if size < 0:
            return None
        if size > _BULK_BYTES_MAX:
            raise ValueError(f"the answer holds {size} bytes")
        end = self._position + size
        if len(self._buffer) < end + 2:
            raise _Incomplete
        data = self._buffer[self._position : end]
        self._position = end + 2
        return ErrorReply(data.decode("utf-8", "replace")) if kind == b"!" else data

    def _items(self, kind: bytes, count: int, depth: int) -> Reply:
        if count < 0:
            return None
        if count > _ITEMS_MAX or depth > _DEPTH_MAX:
            raise ValueError(f"the answer holds {count} items")
        items = [self._value(depth + 1) for _ in range(2 * count if kind == b"%" else count)]
        return PushReply(items) if kind == b">" else items


_SCALARS: Final[dict[bytes, Callable[[bytes], Reply]]] = {
    b"+": lambda rest: rest,
    b"-": lambda rest: ErrorReply(rest.decode("utf-8", "replace")),
    b":": int,
    b"(": int,
    b",": float,
    b"_": lambda rest: None,
    b"#": lambda rest: rest == b"t",
}
