"""A node as far as a relay sees it, in the loop of the test: it can go silent, refuse and break."""

import asyncio

from trivet.client.resp import ReplyParser, encode_call


class FakeNode:
    """One channel for all; what was published is kept."""

    def __init__(self) -> None:
        self.published: list[bytes] = []
        self.calls: list[list[bytes]] = []
        self.deaf = False
        """It takes calls and answers none of them."""
        self.refuses: dict[bytes, bytes] = {}
        self.port = 0
        self._writers: dict[asyncio.StreamWriter, bool] = {}
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def break_links(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        self.break_links()
        await asyncio.sleep(0)

    def say(self, message: bytes) -> None:
        """Somebody publishes through another node."""
        data = b">" + encode_call(b"message", b"trivet.relay", message)[1:]
        for writer, listens in self._writers.items():
            if listens:
                writer.write(data)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers[writer] = False
        parser = ReplyParser()
        try:
            while data := await reader.read(65536):
                for call in parser.feed(data):
                    self._answer(writer, call)
        except ConnectionError:
            pass
        finally:
            del self._writers[writer]
            writer.close()

    def _answer(self, writer: asyncio.StreamWriter, call: list[bytes]) -> None:
        self.calls.append(call)
        name = call[0]
        if name == b"PUBLISH":
            self.published.append(call[2])
        if self.deaf:
            return
        if name in self.refuses:
            writer.write(b"-" + self.refuses[name] + b"\r\n")
        elif name == b"SUBSCRIBE":
            self._writers[writer] = True
            writer.write(b">3\r\n$9\r\nsubscribe\r\n" + b"$%d\r\n%b\r\n:1\r\n" % (len(call[1]), call[1]))
        elif name == b"PUBLISH":
            self.say(call[2])
            writer.write(b":1\r\n")
        elif name == b"HELLO":
            writer.write(b"%1\r\n$5\r\nproto\r\n:3\r\n")
        else:
            writer.write(b"+OK\r\n")
