"""Links between nodes: those we dial and send on, and those we accept and receive on.

A dialed link that breaks is dialed again for ever, after 50 ms at first and 500 ms at most, or when the node
says that the peer is there.
The kernel is told to give a link up that gets no answer for a few seconds, because after a
partition its own retransmissions would come only after as long again.
"""

import asyncio
import contextlib
import logging
import random
import socket
from typing import cast

from trivet.core.base.ids import LinkId, NodeId
from trivet.runtime.clients import address_of
from trivet.runtime.driven import Driver

BACKOFF_FIRST_S = 0.05
BACKOFF_MAX_S = 0.5
CONNECT_MAX_S = 1.0
HEALTHY_AFTER_S = 1.0
"""A link that lived shorter, because the other side refused it, is dialed again ever more slowly."""
UNANSWERED_MAX_MS = 3000
_logger = logging.getLogger("trivet.node")
_TCP_USER_TIMEOUT = getattr(socket, "TCP_USER_TIMEOUT", None)


class DialedLink:
    """Our link to one peer at one address: dialed, redialed, sent on. One connection at a time."""

    def __init__(self, driver: Driver, peer: NodeId, host: str, port: int, output_bytes_max: int) -> None:
        self.peer = peer
        self.host = host
        self.port = port
        self.transport: asyncio.Transport | None = None
        self._driver = driver
        self._output_bytes_max = output_bytes_max
        self._down = asyncio.Event()
        self._down.set()
        self._hurry = asyncio.Event()
        """There is no need to wait for the next attempt."""
        self._stopped = False
        self._task = driver.loop.create_task(self._keep())

    async def _keep(self) -> None:
        loop = self._driver.loop
        backoff_s = BACKOFF_FIRST_S
        while True:
            begun_s = loop.time()
            await self._connect()
            await self._down.wait()
            if loop.time() - begun_s > HEALTHY_AFTER_S:
                backoff_s = BACKOFF_FIRST_S
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._hurry.wait(), backoff_s * (1 + random.random()) / 2)
            self._hurry.clear()
            backoff_s = min(2 * backoff_s, BACKOFF_MAX_S)

    async def _connect(self) -> None:
        """One attempt; afterwards the link is up, or nothing of the attempt is left.

        It is given up at once when there is no need to wait: its first words may have been lost when the
        peer could not be reached, and come again only when its patience ends.

        An attempt that has made a connection is never cancelled: uvloop then closes its handle and does not
        say ``connection_lost``, so that the link would seem to be up for ever. It is no rare case: the
        kernel repeats an unanswered SYN after a second, which is when a wall falls and patience ends at once.
        """
        connection = DialedConnection(self)
        loop = self._driver.loop
        attempt = loop.create_task(loop.create_connection(lambda: connection, self.host, self.port))
        hurry = loop.create_task(self._hurry.wait())
        try:
            either = (attempt, hurry)
            await asyncio.wait(either, timeout=CONNECT_MAX_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            hurry.cancel()
            if not connection.made:
                connection.given_up = True
                attempt.cancel()
        if attempt.done() and not attempt.cancelled():
            error = attempt.exception()
            if error is not None and not isinstance(error, OSError):
                raise error

    def up(self, transport: asyncio.Transport) -> None:
        """A connection was made."""
        if self._stopped:
            transport.abort()
            return
        _logger.debug("link to node %d is up", self.peer)
        self.transport = transport
        self._down.clear()
        self._hurry.clear()
        self._driver.node.on_peer_dialed(self.peer)
        self._driver.wake()

    def down(self) -> None:
        """The connection is gone; what is said of one that was stopped comes late."""
        if self.transport is None:
            return
        _logger.debug("link to node %d is down", self.peer)
        self.transport = None
        self._down.set()
        self._driver.node.on_peer_lost(self.peer)
        self._driver.wake()

    def send(self, data: bytes) -> None:
        """Send, or drop when the link is down. A link on which too much piles up is given up."""
        transport = self.transport
        if transport is None or transport.is_closing():
            return
        if transport.get_write_buffer_size() > self._output_bytes_max:
            transport.abort()
            return
        try:
            transport.write(data)
        except RuntimeError:
            # uvloop has closed the handle, and has not said so yet.
            self.down()

    def redial(self) -> None:
        """Give the connection up and dial anew; without one, do so at once."""
        if self.transport is not None:
            self.transport.abort()
        else:
            self._hurry.set()

    def stop(self) -> None:
        """No link any more. The node hears so before anything can come of another link to that peer."""
        self._stopped = True
        self._task.cancel()
        self.redial()
        self.down()


class DialedConnection(asyncio.Protocol):
    """One attempt at a link. Nothing is ever received here."""

    def __init__(self, link: DialedLink) -> None:
        self.made = False
        self.given_up = False
        """It takes too long: whatever comes of it now does not count."""
        self._link = link
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The link is up."""
        self._transport = cast(asyncio.Transport, transport)
        if self.given_up:
            self._transport.abort()
            return
        self.made = True
        sock = transport.get_extra_info("socket")
        if sock is not None and _TCP_USER_TIMEOUT is not None:
            sock.setsockopt(socket.IPPROTO_TCP, _TCP_USER_TIMEOUT, UNANSWERED_MAX_MS)
        self._link.up(self._transport)

    def connection_lost(self, error: Exception | None) -> None:
        """The link is down, unless it has another connection by now."""
        if self._link.transport is self._transport:
            self._link.down()


class AcceptedLink(asyncio.Protocol):
    """A connection to our peer port."""

    def __init__(self, driver: Driver, links: "dict[LinkId, AcceptedLink]") -> None:
        """``links`` is the driver's register, which the connection enters and leaves by itself."""
        self._driver = driver
        self._links = links
        self._transport: asyncio.Transport
        self.link: LinkId = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The driver's number for it is given here."""
        self._transport = cast(asyncio.Transport, transport)
        if len(self._links) >= self._driver.room.links_max:
            self._transport.abort()
            return
        sock = transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self.link = self._driver.next_number()
        self._links[self.link] = self
        self._driver.node.on_link_accepted(self.link, address_of(transport))
        self._driver.wake()

    def data_received(self, data: bytes) -> None:
        """Input."""
        self._driver.node.on_link_bytes(self.link, data)
        self._driver.wake()

    def connection_lost(self, error: Exception | None) -> None:
        """Whoever closed it."""
        if self._links.pop(self.link, None) is not None:
            self._driver.node.on_link_closed(self.link)
            self._driver.wake()

    def close(self) -> None:
        """Close now: nothing is ever sent here."""
        self._transport.abort()
