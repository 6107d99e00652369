"""Trivet as a participant: pipelines of calls to one node, or to the next when it does not answer."""

import asyncio
import contextlib
import random
import socket
import time
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import urlsplit

from trivet.client.address import NodeAddress
from trivet.client.connection import Connection, NodeError
from trivet.client.resp import ErrorReply, PushReply, Reply, ReplyParser, encode_call
from trivet.transactions.asking import Call, Calls, Fault, Replies
from trivet.transactions.errors import SetupError

TIMEOUT_S: Final = 10.0
"""How long a node may take for an answer: longer than it waits for a majority."""
PATIENCE_S: Final = 10.0
"""How long calls that may be made again are."""
_AGAIN_S: Final = 0.1
_PASSING: Final = ("CLUSTERDOWN", "TRYAGAIN", "LOADING", "TIMEOUT")
_READ_BYTES: Final = 1 << 16


def addresses(db: object) -> tuple[list[NodeAddress], int]:
    """Where the nodes are, and the database's number: from URLs, or a client of redis-py.

    Raises ``SetupError``.
    """
    pool = getattr(db, "connection_pool", None)
    if pool is not None:
        words: dict[str, Any] = pool.connection_kwargs
        if "path" in words or "ssl" in pool.connection_class.__name__.lower():
            raise SetupError("db: a client whose connections are plain TCP is needed, or a URL")
        login = words.get("username") or "", words.get("password") or ""
        return [NodeAddress(words.get("host") or "localhost", int(words.get("port") or 6379), *login)], int(
            words.get("db") or 0
        )
    urls = [db] if isinstance(db, str) else list(db) if isinstance(db, Iterable) else []
    if not urls or not all(isinstance(url, str) for url in urls):
        raise SetupError(
            "db: it is to be a URL such as redis://127.0.0.1:7001/0, several, or a client of redis-py"
        )
    try:
        found = [NodeAddress.parse(url) for url in urls]
        numbers = {int(urlsplit(url).path.strip("/") or 0) if "://" in url else 0 for url in urls}
    except ValueError as error:
        raise SetupError(f"db: {error}") from error
    if len(numbers) > 1:
        raise SetupError("db: the URLs name different databases")
    return found, numbers.pop()


def _passes(replies: list[Reply]) -> bool:
    return any(isinstance(reply, ErrorReply) and reply.text.startswith(_PASSING) for reply in replies)


def _hello(address: NodeAddress) -> Call:
    login = (
        (b"AUTH", (address.user or "default").encode(), address.password.encode()) if address.password else ()
    )
    return (b"HELLO", b"3", *login)


class Store:
    """Blocking."""

    def __init__(
        self, nodes: list[NodeAddress], timeout_s: float = TIMEOUT_S, patience_s: float = PATIENCE_S
    ) -> None:
        self._nodes = nodes
        self._at = 0
        self._timeout_s = timeout_s
        self._patience_s = patience_s
        self._socket: socket.socket | None = None
        self._parser = ReplyParser()
        self._db = -1

    def perform(self, calls: Calls) -> Replies | Fault:
        """All replies, in order."""
        if not calls.anywhere:
            if self._socket is None:
                return Fault("", "the connection is lost", lost=True)
            return self._try(calls)
        give_up_s = time.monotonic() + self._patience_s
        while True:
            answer = self._connect() or self._try(calls)
            if isinstance(answer, Replies) and not _passes(answer.replies):
                return answer
            if time.monotonic() > give_up_s:
                return answer
            if isinstance(answer, Fault):
                self._at += 1
            time.sleep(_AGAIN_S * (1 + random.random()) / 2)

    def close(self) -> None:
        """Close the connection."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.close()
        self._socket = None
        self._db = -1

    @property
    def _address(self) -> NodeAddress:
        return self._nodes[self._at % len(self._nodes)]

    def _connect(self) -> Fault | None:
        """Connect, if there is no connection."""
        if self._socket is not None:
            return None
        address = self._address
        try:
            self._socket = socket.create_connection((address.host, address.port), self._timeout_s)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._parser = ReplyParser()
            replies = self._exchange([_hello(address)])
        except (OSError, ValueError) as error:
            self.close()
            return Fault("", f"{address}: {_said(error)}", True, error)
        if isinstance(replies[0], ErrorReply):
            self.close()
            return Fault("", f"{address}: {replies[0].text}", True)
        return None

    def _try(self, calls: Calls) -> Replies | Fault:
        first = () if self._db == calls.db else ((b"SELECT", b"%d" % calls.db),)
        try:
            replies = self._exchange([*first, *calls.calls])
        except (OSError, ValueError) as error:
            fault = Fault("", f"{self._address}: {_said(error)}", True, error)
            self.close()
            return fault
        if first:
            if isinstance(replies[0], ErrorReply):
                return Fault("", replies[0].text)
            self._db = calls.db
        return Replies(replies[len(first) :])

    def _exchange(self, calls: list[Call]) -> list[Reply]:
        assert self._socket is not None
        give_up_s = time.monotonic() + self._timeout_s
        self._socket.settimeout(self._timeout_s)
        self._socket.sendall(b"".join(encode_call(*words) for words in calls))
        replies: list[Reply] = []
        while len(replies) < len(calls):
            left_s = give_up_s - time.monotonic()
            if left_s <= 0:
                raise TimeoutError
            self._socket.settimeout(left_s)
            data = self._socket.recv(_READ_BYTES)
            if not data:
                raise ConnectionResetError("the node closed the connection")
            replies += [reply for reply in self._parser.feed(data) if not isinstance(reply, PushReply)]
        return replies


def _said(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


class AsyncStore:
    """For a loop."""

    def __init__(
        self, nodes: list[NodeAddress], timeout_s: float = TIMEOUT_S, patience_s: float = PATIENCE_S
    ) -> None:
        self._nodes = nodes
        self._at = 0
        self._timeout_s = timeout_s
        self._patience_s = patience_s
        self._connection: Connection | None = None
        self._db = -1

    async def perform(self, calls: Calls) -> Replies | Fault:
        """All replies, in order."""
        if not calls.anywhere:
            if self._connection is None or self._connection.lost.done():
                return Fault("", "the connection is lost", lost=True)
            return await self._try(calls)
        loop = asyncio.get_running_loop()
        give_up_s = loop.time() + self._patience_s
        while True:
            answer = await self._connect() or await self._try(calls)
            if isinstance(answer, Replies) and not _passes(answer.replies):
                return answer
            if loop.time() > give_up_s:
                return answer
            if isinstance(answer, Fault):
                self._at += 1
            await asyncio.sleep(_AGAIN_S * (1 + random.random()) / 2)

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None
        self._db = -1

    async def _connect(self) -> Fault | None:
        """Connect, if there is no connection."""
        if self._connection is not None and not self._connection.lost.done():
            return None
        self.close()
        address = self._nodes[self._at % len(self._nodes)]
        try:
            self._connection = await Connection.connect(address, lambda items: None, self._timeout_s)
        except NodeError as error:
            return Fault("", f"{address}: {error}", True, error)
        return None

    async def _try(self, calls: Calls) -> Replies | Fault:
        connection = self._connection
        assert connection is not None
        words = [*([] if self._db == calls.db else [(b"SELECT", b"%d" % calls.db)]), *calls.calls]
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        replies: list[Reply] = []

        def on_reply(reply: Reply) -> None:
            replies.append(reply)
            if len(replies) == len(words) and not done.done():
                done.set_result(None)

        for one in words:
            connection.post(on_reply, *one)
        await asyncio.wait(
            (done, connection.lost), timeout=self._timeout_s, return_when=asyncio.FIRST_COMPLETED
        )
        if not done.done():
            text = connection.lost.result() if connection.lost.done() else "no answer in time"
            self.close()
            return Fault("", f"{self._nodes[self._at % len(self._nodes)]}: {text}", lost=True)
        if len(words) > len(calls.calls):
            first = replies.pop(0)
            if isinstance(first, ErrorReply):
                return Fault("", first.text)
            self._db = calls.db
        return Replies(replies)
