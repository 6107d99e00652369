"""The client's half of the Redis protocol: requests out, replies in. The lab's own, to judge the node's.

Replies become plain hashable values: None, int, bytes, ``Status``, ``ReplyError``, tuples.
RESP2 and RESP3 forms of the same answer become the same value.
"""

import msgspec


class Status(msgspec.Struct, frozen=True):
    """A status line such as OK."""

    text: str


class ReplyError(msgspec.Struct, frozen=True):
    """An error line, without the leading minus."""

    text: str

    def code(self) -> str:
        """The first word."""
        return self.text.split(" ", 1)[0]


Value = None | int | bytes | Status | ReplyError | tuple["Value", ...]

OK = Status("OK")


class ProtocolError(Exception):
    """The node sent something that is no reply."""


class _Incomplete(Exception):
    pass


def request(arguments: list[bytes]) -> bytes:
    """One command as an array of bulk strings."""
    parts = [b"*%d\r\n" % len(arguments)]
    parts.extend(b"$%d\r\n%s\r\n" % (len(argument), argument) for argument in arguments)
    return b"".join(parts)


class ReplyParser:
    """Feed it bytes, take replies."""

    def __init__(self) -> None:
        self._buffer = b""
        self._at = 0

    def feed(self, data: bytes) -> list[Value]:
        """All replies that ``data`` completes, in order; ProtocolError when it is none."""
        self._buffer += data
        replies: list[Value] = []
        while True:
            self._at = 0
            try:
                reply = self._reply()
            except _Incomplete:
                return replies
            self._buffer = self._buffer[self._at :]
            replies.append(reply)

    def _line(self) -> bytes:
        end = self._buffer.find(b"\r\n", self._at)
        if end < 0:
            raise _Incomplete
        line = self._buffer[self._at : end]
        self._at = end + 2
        return line

    def _number(self, text: bytes) -> int:
        digits = text[1:] if text.startswith(b"-") else text
        if not digits.isdigit() or len(digits) > 19:
            raise ProtocolError(f"not a number: {text[:40]!r}")
        return int(text)

    def _reply(self) -> Value:
        line = self._line()
        kind, rest = line[:1], line[1:]
        if kind in b"*~>" and kind:
            count = self._number(rest)
            return None if count < 0 else tuple([self._reply() for _ in range(count)])
        if kind == b"%":
            return tuple([self._reply() for _ in range(2 * self._number(rest))])
        if kind == b"$":
            return self._bulk(self._number(rest))
        return self._simple(kind, rest)

    def _simple(self, kind: bytes, rest: bytes) -> Value:
        if kind == b":":
            return self._number(rest)
        if kind == b"+":
            return Status(rest.decode())
        if kind == b"-":
            return ReplyError(rest.decode(errors="replace"))
        if kind == b",":
            return rest
        if kind == b"_" and not rest:
            return None
        if kind == b"#":
            return 1 if rest == b"t" else 0
        raise ProtocolError(f"no reply starts like this: {(kind + rest)[:40]!r}")

    def _bulk(self, size: int) -> bytes | None:
        if size < 0:
            return None
        end = self._at + size
        if len(self._buffer) < end + 2:
            raise _Incomplete
        if self._buffer[end : end + 2] != b"\r\n":
            raise ProtocolError("a bulk string does not end where it said")
        data = self._buffer[self._at : end]
        self._at = end + 2
        return data
