"""One client of a line relay: bytes in, lines out, within bounds (rules K3 and K4)."""

import asyncio
import socket
from typing import Protocol, cast

from trivet.client.lines import LineParser
from trivet.client.relay_settings import RelaySettings


def address_of(transport: asyncio.BaseTransport) -> str:
    """The other end, as ``host:port``."""
    name = transport.get_extra_info("peername")
    if not isinstance(name, tuple):
        return "unknown"
    return f"[{name[0]}]:{name[1]}" if ":" in name[0] else f"{name[0]}:{name[1]}"


class Room(Protocol):
    """Where the client is: who takes its lines."""

    settings: RelaySettings

    def enter(self, client: "RelayClient") -> bool:
        """A client is there; False when there is no place for it."""
        ...

    def leave(self, client: "RelayClient", why: str) -> None:
        """A client is gone. ``why`` is empty when it went by itself."""
        ...

    def say(self, client: "RelayClient", lines: bytes) -> None:
        """A client has said something: one or more lines, each with its end."""
        ...


class RelayClient(asyncio.Protocol):
    """The connection."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._settings = room.settings
        self._lines = LineParser(room.settings.line_bytes_max)
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport
        self._allowance_bytes = float(self._settings.client_burst_bytes)
        """What it may send right now; below 0 it has to wait."""
        self._allowed_s = self._loop.time()
        self._too_fast = False
        self._waits = False
        self._why = ""
        self._entered = False
        self.address = ""
        self.unpublished_bytes = 0
        """Its lines that no node has taken yet."""

    # -- what the room calls -----------------------------------------------------------------------

    def give(self, data: bytes) -> None:
        """Send lines to it. One that does not read is cut off (Rule K4)."""
        if self._transport.is_closing():
            return
        self._transport.write(data)
        unread_bytes = self._transport.get_write_buffer_size()
        if unread_bytes > self._settings.client_output_bytes_max:
            self.cut(f"it left {unread_bytes} bytes unread")

    def published(self, size_bytes: int) -> None:
        """A node has taken a line of its."""
        self.unpublished_bytes -= size_bytes
        if self._waits and self.unpublished_bytes <= self._settings.client_unpublished_bytes_max // 2:
            self._waits = False
            self._read_on()

    def cut(self, why: str) -> None:
        """Close it now."""
        self._why = self._why or why
        self._transport.abort()

    def close(self) -> None:
        """Close once everything is out."""
        self._why = self._why or "the relay ends"
        self._transport.close()

    # -- what the loop calls -----------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is there."""
        self._transport = cast(asyncio.Transport, transport)
        self.address = address_of(transport)
        sock = transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._entered = self._room.enter(self)
        if not self._entered:
            self._transport.write(b"error: this relay is full\n")
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        """Some bytes of its."""
        if not self._entered:
            return
        self._take(self._lines.feed(data))
        self._slow_down(len(data))
        if self.unpublished_bytes > self._settings.client_unpublished_bytes_max:
            self._waits = True
            self._transport.pause_reading()

    def eof_received(self) -> None:
        """It sends no more: what is left is a line, and it has left."""
        if self._entered:
            self._take(self._lines.end())

    def connection_lost(self, error: Exception | None) -> None:
        """It is gone, whoever closed it. What it had begun to say when the connection broke is dropped."""
        if self._entered:
            self._entered = False
            self._room.leave(self, self._why)

    # -- inside --------------------------------------------------------------------------------------

    def _take(self, lines: list[bytes | None]) -> None:
        said = [line for line in lines if line is not None]
        limit = self._settings.line_bytes_max
        for _ in range(len(lines) - len(said)):
            self.give(b"error: a line has at most %d bytes, this one was not sent\n" % limit)
        if said:
            self._room.say(self, b"\n".join(said) + b"\n")

    def _slow_down(self, size_bytes: int) -> None:
        """Rule K3: after a burst, so many bytes per second."""
        settings = self._settings
        now_s = self._loop.time()
        earned = (now_s - self._allowed_s) * settings.client_bytes_per_s
        self._allowed_s = now_s
        self._allowance_bytes = min(self._allowance_bytes + earned, settings.client_burst_bytes) - size_bytes
        if self._allowance_bytes < 0 and not self._too_fast:
            self._too_fast = True
            self._transport.pause_reading()
            self._loop.call_later(-self._allowance_bytes / settings.client_bytes_per_s, self._may_go_on)

    def _may_go_on(self) -> None:
        self._too_fast = False
        self._read_on()

    def _read_on(self) -> None:
        if not self._too_fast and not self._waits and not self._transport.is_closing():
            self._transport.resume_reading()
