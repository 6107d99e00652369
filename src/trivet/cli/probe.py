"""Asking a node over its client port, as any Redis client would: a small blocking RESP2 client.

It sends one command and waits for one reply. Only what the commands of this room need; everything that goes
wrong is a ``ProbeError`` with a sentence.
"""

import contextlib
import socket

Reply = bytes | int | None | list["Reply"]


class ProbeError(Exception):
    """The node did not answer, or not what was asked."""


class Refused(ProbeError):
    """The node answered that it will not; ``text`` is what it said."""

    def __init__(self, where: str, text: str) -> None:
        super().__init__(f"{where}: {text}")
        self.text = text


def request(*words: str) -> bytes:
    """One command as RESP has it."""
    parts = [f"*{len(words)}\r\n".encode()]
    for word in words:
        data = word.encode()
        parts.append(b"$%d\r\n%s\r\n" % (len(data), data))
    return b"".join(parts)


class Probe:
    """One connection to one node; reconnects by itself at the next call after a failure."""

    def __init__(
        self, host: str, port: int, password: str = "", user: str = "", timeout_s: float = 1.0
    ) -> None:
        self.host = host
        self.port = port
        self._login = [user, password] if user else [password]
        self._timeout_s = timeout_s
        self._socket: socket.socket | None = None
        self._buffer = b""

    def close(self) -> None:
        """Close the connection; the next call opens a new one."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.close()
        self._socket = None
        self._buffer = b""

    def call(self, *words: str) -> Reply:
        """Send one command; its reply. Raises ProbeError for an error reply or a failing connection."""
        try:
            if self._socket is None:
                self._socket = socket.create_connection((self.host, self.port), self._timeout_s)
                self._socket.settimeout(self._timeout_s)
                if self._login[-1]:
                    self._socket.sendall(request("AUTH", *self._login))
                    self._read_reply()
            self._socket.sendall(request(*words))
            return self._read_reply()
        except ProbeError:
            self.close()
            raise
        except (OSError, ValueError) as error:
            self.close()
            said = error.strerror if isinstance(error, OSError) else None
            text = "no answer in time" if isinstance(error, TimeoutError) else said or str(error)
            raise ProbeError(f"{self.host}:{self.port}: {text}") from error

    def info(self, *sections: str) -> dict[str, str]:
        """``INFO`` of some sections, or of the usual ones, as a dictionary of its lines."""
        reply = self.call("INFO", *sections)
        if not isinstance(reply, bytes):
            raise ProbeError(
                f"{self.host}:{self.port}: INFO did not answer with text: not a Redis protocol server?"
            )
        lines = (line.partition(":") for line in reply.decode("utf-8", "replace").splitlines())
        return {name: value for name, colon, value in lines if colon and not name.startswith("#")}

    def _more(self) -> None:
        assert self._socket is not None
        data = self._socket.recv(65536)
        if not data:
            raise ConnectionResetError("connection closed by the other side")
        self._buffer += data

    def _read_line(self) -> bytes:
        while b"\r\n" not in self._buffer:
            self._more()
        line, _, self._buffer = self._buffer.partition(b"\r\n")
        return line

    def _read_reply(self) -> Reply:
        line = self._read_line()
        kind, rest = line[:1], line[1:]
        if kind == b"+":
            return rest
        if kind == b"-":
            raise Refused(f"{self.host}:{self.port}", rest.decode("utf-8", "replace"))
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return self._read_bulk(int(rest))
        if kind == b"*":
            return [self._read_reply() for _ in range(int(rest))]
        raise ValueError("the reply is not RESP: not a Redis protocol server?")

    def _read_bulk(self, size: int) -> bytes | None:
        if size < 0:
            return None
        while len(self._buffer) < size + 2:
            self._more()
        data, self._buffer = self._buffer[:size], self._buffer[size + 2 :]
        return data


def keys_in(info: dict[str, str]) -> int:
    """The number of keys in all databases (``dbN:keys=K,...``)."""
    total = 0
    for name, value in info.items():
        if name.startswith("db") and name[2:].isdigit():
            fields = dict(part.partition("=")[::2] for part in value.split(","))
            total += int(fields.get("keys", "0"))
    return total
