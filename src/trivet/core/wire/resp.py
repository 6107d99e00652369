"""The request parser: bytes of a client, in any pieces, become complete requests.

Station 1 of the way of a write. Strategy: most input is whole requests, so
`_whole` splits a piece at CRLF once and verifies the declared lengths against
what the split gave; whatever does not verify (a CRLF inside a value, a piece
that ends inside a request, inline commands, errors) goes to `_scan`, which
walks by index and can stop and resume anywhere. Both accept exactly the same.
Every number here is declared by a stranger: nothing is allocated for a size
before its bytes have arrived, and no byte is copied more than a fixed number
of times however small the pieces are.
"""

from typing import Final

from trivet.core.wire.inline import is_http, split_inline
from trivet.core.wire.resp_limits import RespLimits as RespLimits

_CRLF: Final = b"\r\n"
_STAR: Final = 42
_DOLLAR: Final = 36
_INT64_MAX: Final = 2**63 - 1
_SMALL: Final = 1025
_BULK_HEADERS: Final = [b"$%d" % size for size in range(_SMALL)]
_SMALL_INTEGERS: Final = {b"%d" % value: value for value in range(_SMALL)}
_SMALL_COUNTS: Final = {b"*%d" % count: count for count in range(1, _SMALL)}
_ARGUMENT_OVERHEAD_BYTES: Final = 48
NOT_AN_INTEGER: Final = -(2**64)


class RequestParser:
    """One connection's request stream. Feed it pieces; it gives complete requests (README, rules 1 to 6).

    ``authenticated`` is set by the owner; True when no authentication is configured. Once
    ``failed`` is True, ``error`` is the reply line to send before closing, or empty when the
    connection is to be dropped without a word, and ``feed`` is not called again.
    ``stalled``: the next request breaks a limit that only holds before authentication,
    and requests before it are still to be run: run them, then call ``feed(b"")``.
    """

    def __init__(self, limits: RespLimits) -> None:
        self.limits = limits
        self.authenticated = True
        self.failed = False
        self.stalled = False
        self.error = b""
        self._tail = b""  # an unfinished line, at most inline_bytes_max long; all there is, when stalled
        self._arguments: list[bytes] = []  # of the unfinished request
        self._argument_bytes = 0
        self._missing = 0  # arguments that the unfinished request still lacks
        self._bulk_bytes = -1  # declared size of the unfinished argument; -1 outside of one
        self._collected = bytearray()  # what has arrived of the unfinished argument

    def buffered_bytes(self) -> int:
        """Memory held for what has not become a request yet, roughly."""
        return len(self._tail) + len(self._collected) + self._argument_bytes

    def feed(self, data: bytes) -> list[list[bytes]]:
        """Take a piece; give all requests that it completes, in order, those before an error included."""
        assert not self.failed
        requests: list[list[bytes]] = []
        position = 0
        if self._missing > 0 or self._tail or not self.authenticated:
            data = self._resume(data, requests)
        if self.authenticated and self._missing == 0:
            position = self._whole(data, requests)
        if position < len(data) or self._missing > 0:
            self._scan_rest(data, position, requests)
        return requests

    def _resume(self, data: bytes, requests: list[list[bytes]]) -> bytes:
        """Finish the request that an earlier piece began; gives what is left to look at."""
        self.stalled = False
        if self._tail:
            data = self._tail + data
            self._tail = b""
        position = 0
        if self._bulk_bytes >= 0:
            position = self._collect(data, requests)
        if self._missing > 0 and position < len(data):
            position = self._scan(data, position, requests)
        return data[position:]

    def _scan_rest(self, data: bytes, position: int, requests: list[list[bytes]]) -> None:
        while position < len(data):
            position = self._scan(data, position, requests)
        limits = self.limits
        limit = limits.query_buffer_bytes_max if self.authenticated else limits.unauth_query_buffer_bytes_max
        if not self.failed and not self.stalled and self.buffered_bytes() > limit:
            self._fail(b"", 0)

    def _whole(self, data: bytes, requests: list[list[bytes]]) -> int:
        """Take requests that are complete and plain; gives the position of the first that is not."""
        parts = data.split(_CRLF)
        last = len(parts) - 1
        headers = _BULK_HEADERS
        bulk_bytes_max = self.limits.bulk_bytes_max
        done = 0
        while done < last:
            count = _SMALL_COUNTS.get(parts[done], 0)
            end = done + 1 + 2 * count
            if count == 0 or end > last:
                break
            arguments = parts[done + 2 : end : 2]
            at = done + 1
            for argument in arguments:
                size = len(argument)
                if size < _SMALL:
                    if parts[at] != headers[size]:
                        break
                elif size > bulk_bytes_max or parts[at] != b"$%d" % size:
                    break
                at += 2
            if at != end:
                break
            requests.append(arguments)
            done = end
        rest = len(parts[last])
        for i in range(done, last):
            rest += len(parts[i]) + 2
        return len(data) - rest

    def _scan(self, data: bytes, position: int, requests: list[list[bytes]]) -> int:
        """Take one request, or what there is of it, from ``position``; gives where it ended.

        What cannot be used yet is kept, and then all of ``data`` is taken.
        """
        if self._missing == 0:
            if data[position] != _STAR:
                return self._scan_inline(data, position, requests)
            position = self._scan_count(data, position, requests)
        size = len(data)
        while self._missing > 0 and position < size:
            end = self._line_end(data, position, b"\r")
            if end < 0:
                return self._keep_line(data, position, b"too big bulk count string")
            if data[position] != _DOLLAR:
                got = b" " if data[position] in _CRLF else data[position : position + 1]
                return self._fail(b"expected '$', got '" + got + b"'", size)
            bulk_bytes = integer(data[position + 1 : end])
            if bulk_bytes < 0 or bulk_bytes > self.limits.bulk_bytes_max:
                return self._fail(b"invalid bulk length", size)
            if not self.authenticated and bulk_bytes > self.limits.unauth_bulk_bytes_max:
                return self._refuse(data, position, b"unauthenticated bulk length", requests)
            position = end + 2
            end = position + bulk_bytes
            if end + 2 > size:
                self._bulk_bytes = bulk_bytes
                self._collected += data[position:]
                return size
            self._take_argument(data[position:end], requests)
            position = end + 2
        return position

    def _scan_count(self, data: bytes, position: int, requests: list[list[bytes]]) -> int:
        """Take the line that opens a request and says how many arguments it has."""
        end = self._line_end(data, position, b"\r")
        if end < 0:
            return self._keep_line(data, position, b"too big mbulk count string")
        count = integer(data[position + 1 : end])
        if count == NOT_AN_INTEGER or count > self.limits.multibulk_max:
            return self._fail(b"invalid multibulk length", len(data))
        if not self.authenticated and count > self.limits.unauth_multibulk_max:
            return self._refuse(data, position, b"unauthenticated multibulk length", requests)
        if count > 0:
            self._missing = count
        return end + 2

    def _scan_inline(self, data: bytes, position: int, requests: list[list[bytes]]) -> int:
        """Take one line of words, as typed by a person. An empty line is nothing."""
        end = self._line_end(data, position, b"\n")
        if end < 0:
            return self._keep_line(data, position, b"too big inline request")
        words = split_inline(data[position:end])
        if words is None:
            return self._fail(b"unbalanced quotes in request", len(data))
        if words:
            if is_http(words[0]):
                return self._fail(b"", len(data))
            requests.append(words)
        return end + 1

    def _line_end(self, data: bytes, position: int, mark: bytes) -> int:
        """Where the line at ``position`` ends; -1 when that is not known yet, or when it is too long.

        A header ends at CR and one more byte, whatever that is; a NUL hides the end (README, rule 4).
        """
        bound = position + self.limits.inline_bytes_max
        end = data.find(mark, position, bound if mark == b"\r" else bound + 1)
        if end < 0 or (mark == b"\r" and end + 1 == len(data)) or data.find(b"\0", position, end) >= 0:
            return -1
        return end

    def _keep_line(self, data: bytes, position: int, error: bytes) -> int:
        size = len(data)
        if size - position > self.limits.inline_bytes_max:
            return self._fail(error, size)
        self._tail = data[position:]
        return size

    def _collect(self, data: bytes, requests: list[list[bytes]]) -> int:
        """Take more of the unfinished argument; gives how much of ``data`` belonged to it."""
        lacking = self._bulk_bytes + 2 - len(self._collected)
        if len(data) < lacking:
            self._collected += data
            return len(data)
        self._collected += data[:lacking]
        with memoryview(self._collected) as view:
            argument = bytes(view[: self._bulk_bytes])
        self._collected = bytearray()
        self._bulk_bytes = -1
        self._take_argument(argument, requests)
        return lacking

    def _take_argument(self, argument: bytes, requests: list[list[bytes]]) -> None:
        self._arguments.append(argument)
        self._missing -= 1
        if self._missing == 0:
            requests.append(self._arguments)
            self._arguments = []
            self._argument_bytes = 0
        else:
            self._argument_bytes += len(argument) + _ARGUMENT_OVERHEAD_BYTES

    def _refuse(self, data: bytes, position: int, error: bytes, requests: list[list[bytes]]) -> int:
        """A limit for strangers is broken; but a request before this one may be about to log in."""
        if not requests:
            return self._fail(error, len(data))
        self._tail = data[position:]
        self.stalled = True
        return len(data)

    def _fail(self, error: bytes, position: int) -> int:
        self.failed = True
        self.error = b"-ERR Protocol error: " + error + _CRLF if error else b""
        self._tail = b""
        self._arguments = []
        self._argument_bytes = 0
        self._missing = 0
        self._collected = bytearray()
        self._bulk_bytes = -1
        return position


def integer(text: bytes) -> int:
    """The decimal int64 that ``text`` spells in its one canonical way, or ``NOT_AN_INTEGER``."""
    value = _SMALL_INTEGERS.get(text, -1)
    if value >= 0:
        return value
    digits = text[1:] if text[:1] == b"-" else text
    if not digits or len(digits) > 19 or not digits.isdigit() or digits[0] == 48:
        return NOT_AN_INTEGER
    value = int(text)
    return value if -_INT64_MAX - 1 <= value <= _INT64_MAX else NOT_AN_INTEGER
