r"""The line relay: what one client says, all others hear, whichever relay they are connected to.

A line goes to the other clients here at once, and to all other relays through the cluster's
publish/subscribe. All lines of one read are one message, on one channel, with a head that names the
relay and numbers its messages (rules K1 and K2)::

    trivet-relay <id of the relay> <number>\n<line>\n<line>\n…

A message without such a head, published by somebody else, is passed on as a line, too.
"""

import asyncio
import contextlib
import logging
import secrets
from collections import deque
from collections.abc import Sequence
from typing import Final

from trivet.client.address import NodeAddress
from trivet.client.connection import Connection
from trivet.client.node_link import CONNECT_MAX_S, NodeLink
from trivet.client.relay_client import RelayClient
from trivet.client.relay_settings import RelaySettings as RelaySettings
from trivet.client.resp import ErrorReply, Reply

_MAGIC: Final = b"trivet-relay"
_CLOSE_MAX_S: Final = 2.0
_logger = logging.getLogger("trivet.relay")


class _Outgoing:
    """A message on its way to the cluster."""

    __slots__ = ("client", "data", "size_bytes")

    def __init__(self, client: RelayClient, data: bytes, size_bytes: int) -> None:
        self.client = client
        self.data = data
        self.size_bytes = size_bytes


class Relay:
    """One relay. ``start`` it, ``close`` it; between the two it serves by itself.

    ::

        relay = Relay([NodeAddress.parse("redis://127.0.0.1:7001")], RelaySettings(port=9000))
        await relay.start()
        ...
        await relay.close()

    What happens is told to the logger ``trivet.relay``.
    """

    def __init__(self, nodes: Sequence[NodeAddress], settings: RelaySettings | None = None) -> None:
        """``nodes`` are tried in turn; any node of the cluster will do."""
        self.settings = settings if settings is not None else RelaySettings()
        self.clients: dict[RelayClient, None] = {}
        self.port = 0
        """The port that it listens on, once started."""
        self._id = secrets.token_hex(8).encode()
        self._number = 0
        self._link = NodeLink(nodes, self, _logger.info)
        self._connection: Connection | None = None
        self._connected = asyncio.Event()
        self._queue: deque[_Outgoing] = deque()
        """Messages that have not left."""
        self._in_flight: deque[_Outgoing] = deque()
        """Messages that have left and are not answered."""
        self._in_flight_bytes = 0
        self._last_numbers: dict[bytes, int] = {}
        """By relay, those heard most recently last (Rule K1)."""
        self._server: asyncio.Server | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen, and begin to look for a node. Raises ``OSError`` when the port is taken."""
        loop = asyncio.get_running_loop()
        settings = self.settings
        self._server = await loop.create_server(lambda: RelayClient(self), settings.host, settings.port)
        self.port = self._server.sockets[0].getsockname()[1]
        self._task = loop.create_task(self._link.run())

    async def wait_connected(self) -> None:
        """Wait until a node is there."""
        await self._connected.wait()

    async def wait_failed(self) -> None:
        """Wait for as long as it serves; raises what ended it."""
        assert self._task is not None
        await asyncio.shield(self._task)

    async def close(self) -> None:
        """Take no more clients, let lines under way out, and close everything."""
        if self._server is not None:
            self._server.close()
        deadline_s = asyncio.get_running_loop().time() + _CLOSE_MAX_S
        while self._connection is not None and (self._queue or self._in_flight):
            if asyncio.get_running_loop().time() >= deadline_s:
                break
            await asyncio.sleep(0.005)
        for client in list(self.clients):
            client.close()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    # -- clients ---------------------------------------------------------------------------------

    def enter(self, client: RelayClient) -> bool:
        """A client is there; False when there is no place for it."""
        if len(self.clients) >= self.settings.clients_max:
            _logger.warning("Connection refused, there are %d already: %s", len(self.clients), client.address)
            return False
        self.clients[client] = None
        _logger.info("New connection from: %s", client.address)
        return True

    def leave(self, client: RelayClient, why: str) -> None:
        """A client is gone."""
        del self.clients[client]
        if why:
            _logger.warning("Connection cut off, %s: %s", why, client.address)
        else:
            _logger.info("Connection closed by peer: %s", client.address)

    def say(self, client: RelayClient, lines: bytes) -> None:
        """A client has said something: one or more lines, each with its end (Rule K2)."""
        for other in self.clients:
            if other is not client:
                other.give(lines)
        self._number += 1
        message = b"%b %b %d\n%b" % (_MAGIC, self._id, self._number, lines)
        client.unpublished_bytes += len(message)
        self._queue.append(_Outgoing(client, message, len(message)))
        self._publish()

    # -- the node --------------------------------------------------------------------------------

    async def on_up(self, connection: Connection) -> None:
        """A node is there: what was not answered is published again (Rule K1)."""
        await connection.call(b"CLIENT", b"SETNAME", b"trivet-relay", timeout_s=CONNECT_MAX_S)
        connection.tell(b"SUBSCRIBE", self.settings.channel)
        # Whatever is answered after it tells that it was taken; a refusal comes as this one's answer.
        await connection.call(b"PING", timeout_s=CONNECT_MAX_S)
        self._connection = connection
        self._connected.set()
        self._queue.extendleft(reversed(self._in_flight))
        self._in_flight.clear()
        self._in_flight_bytes = 0
        self._publish()

    def on_down(self) -> None:
        """The node is lost."""
        self._connection = None
        self._connected.clear()

    def on_push(self, items: list[Reply]) -> None:
        """A message on the channel."""
        if len(items) != 3 or items[0] != b"message" or items[1] != self.settings.channel:
            return
        message = items[2]
        if isinstance(message, bytes):
            lines = self._lines_of(message)
            if lines:
                for client in self.clients:
                    client.give(lines)

    def _lines_of(self, message: bytes) -> bytes:
        """The lines to pass on; none when they are our own, or were there already."""
        head, _, lines = message.partition(b"\n")
        words = head.split(b" ")
        if len(words) != 3 or words[0] != _MAGIC or not words[2].isdigit() or len(words[2]) > 19:
            line = message.replace(b"\r", b" ").replace(b"\n", b" ")
            return line[: self.settings.line_bytes_max] + b"\n"
        relay, number = words[1], int(words[2])
        if relay == self._id:
            return b""
        last = self._last_numbers.pop(relay, 0)
        self._last_numbers[relay] = max(number, last)
        if len(self._last_numbers) > self.settings.relays_known_max:
            del self._last_numbers[next(iter(self._last_numbers))]
        return lines if number > last else b""

    def _publish(self) -> None:
        """Send what may leave."""
        connection = self._connection
        while (
            connection is not None
            and self._queue
            and self._in_flight_bytes < self.settings.in_flight_bytes_max
        ):
            outgoing = self._queue.popleft()
            self._in_flight.append(outgoing)
            self._in_flight_bytes += outgoing.size_bytes
            connection.post(self._answered, b"PUBLISH", self.settings.channel, outgoing.data)

    def _answered(self, reply: Reply) -> None:
        """The node has taken, or refused, the line that left first."""
        outgoing = self._in_flight.popleft()
        self._in_flight_bytes -= outgoing.size_bytes
        outgoing.client.published(outgoing.size_bytes)
        if isinstance(reply, ErrorReply):
            _logger.error("A line was refused by the node: %s", reply.text)
        self._publish()
