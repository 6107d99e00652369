"""One connection to one node: calls in a pipeline, and what the node says unasked."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import cast

from trivet.client.address import NodeAddress
from trivet.client.resp import ErrorReply, PushReply, Reply, ReplyParser, encode_call


class NodeError(Exception):
    """A node can't be reached, is lost, or refused; the text says which."""


class Connection(asyncio.Protocol):
    """RESP3 over one TCP connection. Make one with ``connect``."""

    def __init__(self, on_push: Callable[[list[Reply]], None]) -> None:
        """``on_push`` gets what the node says unasked."""
        self._on_push = on_push
        self._parser = ReplyParser()
        self._transport: asyncio.Transport
        self._waiting: deque[Callable[[Reply], None]] = deque()
        self._error = ""
        self._loop = asyncio.get_running_loop()
        self.heard_s = self._loop.time()
        """When something last came, by the loop's clock."""
        self.lost: asyncio.Future[str] = self._loop.create_future()
        """Done with the reason when the connection is gone."""

    @classmethod
    async def connect(
        cls, address: NodeAddress, on_push: Callable[[list[Reply]], None], timeout_s: float
    ) -> "Connection":
        """Connect, say who we are, and choose RESP3. Raises ``NodeError``."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(timeout_s):
                _, connection = await loop.create_connection(lambda: cls(on_push), address.host, address.port)
        except TimeoutError as error:
            raise NodeError("no answer in time") from error
        except OSError as error:
            raise NodeError(error.strerror or str(error)) from error
        hello = [b"HELLO", b"3"]
        if address.password:
            hello += [b"AUTH", (address.user or "default").encode(), address.password.encode()]
        try:
            await connection.call(*hello, timeout_s=timeout_s)
        except NodeError:
            connection.close()
            raise
        return connection

    def post(self, on_reply: Callable[[Reply], None], *args: bytes) -> None:
        """Send a call; ``on_reply`` gets the reply, unless the connection is lost before."""
        self._waiting.append(on_reply)
        self._transport.write(encode_call(*args))

    def tell(self, *args: bytes) -> None:
        """Send a call that is answered by pushes, as ``SUBSCRIBE`` is."""
        self._transport.write(encode_call(*args))

    async def call(self, *args: bytes, timeout_s: float) -> Reply:
        """Send a call and wait for its reply. Raises ``NodeError``, also when the node refuses."""
        reply: asyncio.Future[Reply] = self._loop.create_future()
        self.post(lambda answer: None if reply.done() else reply.set_result(answer), *args)
        await asyncio.wait((reply, self.lost), timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        if not reply.done():
            raise NodeError(self.lost.result() if self.lost.done() else "no answer in time")
        answer = reply.result()
        if isinstance(answer, ErrorReply):
            raise NodeError(answer.text)
        return answer

    def close(self, reason: str = "closed") -> None:
        """End it now."""
        self._error = self._error or reason
        self._transport.abort()

    # -- what the loop calls ---------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is up."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Replies and pushes, in their order."""
        self.heard_s = self._loop.time()
        try:
            replies = self._parser.feed(data)
        except ValueError as error:
            self.close(str(error))
            return
        for reply in replies:
            if isinstance(reply, PushReply):
                self._on_push(reply.items)
            elif self._waiting:
                self._waiting.popleft()(reply)
            else:
                self.close(reply.text if isinstance(reply, ErrorReply) else "an answer that nobody asked for")
                return

    def connection_lost(self, error: Exception | None) -> None:
        """It is gone."""
        if not self.lost.done():
            self.lost.set_result(self._error or str(error or "the node closed the connection"))
