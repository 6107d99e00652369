"""A client's connection: bytes in, bytes out, and nothing about what they mean."""

import asyncio
import contextlib
import socket
from typing import cast

from trivet.core.base.ids import ConnectionId
from trivet.runtime.driven import Driver

BACKLOG_BYTES = 64 * 1024
"""Unsent bytes above which the node is told."""
CLOSE_MAX_S = 10.0
"""How long a connection that is being closed may take to get its last bytes out."""
LINGER_MAX_S = 1.0
"""How long its client may take to close its own end, before it is closed for it."""
GONE = contextlib.suppress(RuntimeError)
"""uvloop may close a broken handle before it calls ``connection_lost``, and refuses it in between."""


def address_of(transport: asyncio.BaseTransport) -> str:
    """The other end, as ``host:port``."""
    name = transport.get_extra_info("peername")
    if not isinstance(name, tuple):
        return "unknown"
    return _shown(name)


def local_address_of(transport: asyncio.BaseTransport) -> str:
    """Our end, in the same form."""
    name = transport.get_extra_info("sockname")
    return _shown(name) if isinstance(name, tuple) else ""


def _shown(name: tuple[str, int]) -> str:
    return f"[{name[0]}]:{name[1]}" if ":" in name[0] else f"{name[0]}:{name[1]}"


class ClientConnection(asyncio.Protocol):
    """One client."""

    def __init__(self, driver: Driver, clients: "dict[ConnectionId, ClientConnection]") -> None:
        """``clients`` is the driver's register, which the connection enters and leaves by itself."""
        self._driver = driver
        self._clients = clients
        self._node = driver.node
        self._transport: asyncio.Transport
        self._backlog = False
        self._closing = False
        self.conn: ConnectionId = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The driver's number for it is given here."""
        self._transport = cast(asyncio.Transport, transport)
        if len(self._clients) >= self._driver.room.clients_max:
            self._closing = True
            self._transport.abort()
            return
        self._transport.set_write_buffer_limits(high=BACKLOG_BYTES, low=0)
        sock = transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self.conn = self._driver.next_number()
        self._clients[self.conn] = self
        self._node.on_client_connected(self.conn, address_of(transport), local_address_of(transport))
        self._driver.wake()

    def data_received(self, data: bytes) -> None:
        """Input."""
        if self._closing:
            return
        self._node.on_client_bytes(self.conn, data)
        self._driver.wake()

    def connection_lost(self, error: Exception | None) -> None:
        """Whoever closed it."""
        if self._clients.pop(self.conn, None) is not None:
            self._node.on_client_closed(self.conn)
            self._driver.wake()

    def write(self, data: bytes) -> None:
        """Send, and tell the node when bytes pile up."""
        if self._closing or self._transport.is_closing():
            return
        with GONE:
            self._transport.write(data)
        if self._backlog:
            self._node.on_client_backlog(self.conn, self._transport.get_write_buffer_size())
            self._driver.wake()

    def pause_writing(self) -> None:
        """More than ``BACKLOG_BYTES`` are unsent: ``write`` reports from now on."""
        self._backlog = True

    def resume_writing(self) -> None:
        """All bytes are out."""
        self._backlog = False
        if self.conn in self._clients:
            self._node.on_client_backlog(self.conn, 0)
            self._driver.wake()

    def pause_reading(self) -> None:
        """Stop reading."""
        if not self._closing and not self._transport.is_closing():
            with GONE:
                self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Read on."""
        if not self._transport.is_closing():
            with GONE:
                self._transport.resume_reading()

    def close(self) -> None:
        """Close once everything is out.

        Input that nobody will read is thrown away meanwhile: to close upon it would make the
        kernel reset the connection, and the client might never see its last reply.
        """
        transport = self._transport
        if self._closing or transport.is_closing():
            return
        self._closing = True
        patience_s = CLOSE_MAX_S if transport.get_write_buffer_size() else LINGER_MAX_S
        with GONE:
            transport.write_eof()
            transport.resume_reading()
        self._driver.loop.call_later(patience_s, transport.abort)

    def flush(self) -> None:
        """Close as soon as everything is out, because the process ends."""
        self._transport.close()

    def kill(self) -> None:
        """Close now, unsent bytes and all."""
        self._transport.abort()
