"""Just enough HTTP/2 and gRPC to put load on etcd: unary calls, one stream each, on one connection.

Headers are sent as literals without the compression table (RFC 7541, 6.2.2), so that the same bytes serve
every call; of the answers only the frame headers are read. A call has succeeded when a DATA frame came
before its end.
"""

import struct

_DATA, _HEADERS, _RST, _SETTINGS, _PING, _GOAWAY, _WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
_END_STREAM, _END_HEADERS, _ACK = 1, 4, 1
_WINDOW_MAX = 2**31 - 1
_WINDOW_FIRST = 65_535


def _frame(kind: int, flags: int, stream: int, body: bytes) -> bytes:
    return struct.pack(">I", len(body))[1:] + struct.pack(">BBI", kind, flags, stream) + body


def _literal(name: bytes, value: bytes) -> bytes:
    assert len(name) < 127 and len(value) < 127
    return b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def _field(number: int, value: bytes) -> bytes:
    return bytes([number << 3 | 2]) + _varint(len(value)) + value


def put_request(key: bytes, value: bytes) -> bytes:
    """etcdserverpb.PutRequest."""
    return _field(1, key) + _field(2, value)


def get_request(key: bytes) -> bytes:
    """etcdserverpb.RangeRequest of one key; linearizable, which is the default."""
    return _field(1, key)


def grpc_opening() -> bytes:
    """What a client sends first: the preface, and windows so large that they need no renewal."""
    settings = struct.pack(">HI", 4, _WINDOW_MAX)
    window = struct.pack(">I", _WINDOW_MAX - _WINDOW_FIRST)
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    return preface + _frame(_SETTINGS, 0, 0, settings) + _frame(_WINDOW_UPDATE, 0, 0, window)


def _call_headers(path: bytes) -> bytes:
    return b"".join(
        _literal(name, value)
        for name, value in (
            (b":method", b"POST"),
            (b":scheme", b"http"),
            (b":path", path),
            (b":authority", b"127.0.0.1"),
            (b"content-type", b"application/grpc"),
            (b"te", b"trailers"),
        )
    )


class GrpcReader:
    """One HTTP/2 connection, seen from the client; bytes in, counts out."""

    def __init__(self, *paths: bytes) -> None:
        self._headers = [_call_headers(path) for path in paths]
        self.stream = 1
        """Of the next call."""
        self.ended: list[tuple[int, bool]] = []
        """The streams of the calls that ended with the bytes last taken, and whether each succeeded."""
        self._buffer = b""
        self._answered: set[int] = set()

    def request(self, message: bytes, path: int = 0) -> bytes:
        """The frames of one call, on the next stream. ``path``: which of the paths."""
        stream = self.stream
        self.stream += 2
        body = b"\0" + struct.pack(">I", len(message)) + message
        return _frame(_HEADERS, _END_HEADERS, stream, self._headers[path]) + _frame(
            _DATA, _END_STREAM, stream, body
        )

    def feed(self, data: bytes) -> tuple[int, int, bytes]:
        """Take bytes; returns (calls that ended, how many of them failed, bytes to send back)."""
        buffer = self._buffer + data
        position = 0
        self.ended = []
        answer = b""
        while len(buffer) - position >= 9:
            size = int.from_bytes(buffer[position : position + 3], "big")
            if len(buffer) - position < 9 + size:
                break
            kind, flags, stream = struct.unpack_from(">BBI", buffer, position + 3)
            body = buffer[position + 9 : position + 9 + size]
            position += 9 + size
            if kind == _DATA and size >= 5:
                self._answered.add(stream)
            elif kind == _SETTINGS and not flags & _ACK:
                answer += _frame(_SETTINGS, _ACK, 0, b"")
            elif kind == _PING and not flags & _ACK:
                answer += _frame(_PING, _ACK, 0, body)
            if kind == _RST or (kind in (_DATA, _HEADERS) and flags & _END_STREAM):
                self.ended.append((stream, kind != _RST and stream in self._answered))
                self._answered.discard(stream)
        self._buffer = buffer[position:]
        return len(self.ended), len([one for one in self.ended if not one[1]]), answer
