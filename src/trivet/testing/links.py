"""The links between real nodes: one small loopback proxy per directed pair, which can be cut.

Node ``a`` reaches node ``b`` through the proxy of (a, b) only: its configuration says so (``routes``).
A cut link is silent: its connections stay open and what is written to them vanishes, as behind a dead switch.
Healing resets them. No privileges are needed.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterable
from typing import TypeVar

HOST = "127.0.0.1"
CALL_S = 30.0
READ_BYTES = 1 << 16

Pair = tuple[int, int]
_Result = TypeVar("_Result")


class Link:
    """One directed pair's proxy. All of it runs on the loop of ``Links``."""

    def __init__(self, target_port: int) -> None:
        self.target_port = target_port
        self.cut = False
        self._healed = asyncio.Event()
        self._server: asyncio.Server
        self._writers: list[asyncio.StreamWriter] = []

    async def listen(self) -> int:
        """Open the port that the dialing node is told; its number."""
        self._server = await asyncio.start_server(self._serve, HOST, 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        try:
            if self.cut:
                await self._swallow(reader)
                return
            try:
                onward, back = await asyncio.open_connection(HOST, self.target_port)
            except OSError:
                return
            self._writers.append(back)
            try:
                await self._carry_both(reader, back, onward, writer)
            finally:
                self._drop(back)
        except (OSError, asyncio.CancelledError):
            pass  # asyncio would print a cancelled server task as an error
        finally:
            self._drop(writer)

    async def _carry_both(
        self,
        reader: asyncio.StreamReader,
        back: asyncio.StreamWriter,
        onward: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        """Carry bytes until one end closes; on a cut link one end does not hear that the other did."""
        ways = [asyncio.ensure_future(self._carry(*way)) for way in ((reader, back), (onward, writer))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            if self.cut:
                await self._healed.wait()
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(READ_BYTES):
            if not self.cut:
                writer.write(data)
                await writer.drain()

    async def _swallow(self, reader: asyncio.StreamReader) -> None:
        while await reader.read(READ_BYTES):
            pass
        await self._healed.wait()

    def _drop(self, writer: asyncio.StreamWriter) -> None:
        if writer in self._writers:
            self._writers.remove(writer)
        writer.transport.abort()

    async def set_cut(self, cut: bool) -> None:
        """Cut the link, or heal it: then its connections are reset."""
        if self.cut == cut:
            return
        self.cut = cut
        if cut:
            self._healed.clear()
            return
        self._healed.set()
        for writer in list(self._writers):
            self._drop(writer)

    async def close(self) -> None:
        """No more connections."""
        self._server.close()
        for writer in list(self._writers):
            self._drop(writer)


class Links:
    """All links of one cluster, on a loop in a thread of its own. Its methods are for other threads."""

    def __init__(self) -> None:
        self._links: dict[Pair, Link] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="trivet-links", daemon=True)
        self._thread.start()

    def _await(self, work: Coroutine[object, object, _Result]) -> _Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(CALL_S)

    def call(self, work: Callable[[], _Result]) -> _Result:
        """Run ``work`` on the loop's thread, which lives until ``close``."""

        async def run() -> _Result:
            return work()

        return self._await(run())

    def add(self, pair: Pair, target_port: int) -> int:
        """A link to ``target_port``; the port where it listens."""

        async def make() -> int:
            link = self._links[pair] = Link(target_port)
            return await link.listen()

        return self._await(make())

    def cut(self, pairs: Iterable[Pair]) -> None:
        """Exactly these links are cut now; all others are whole."""
        wanted = list(pairs)

        async def change() -> None:
            for pair, link in self._links.items():
                await link.set_cut(pair in wanted)

        self._await(change())

    def cut_now(self) -> list[Pair]:
        """The links that are cut."""
        return [pair for pair, link in self._links.items() if link.cut]

    def close(self) -> None:
        """Close everything and end the thread."""

        async def end() -> None:
            for link in self._links.values():
                await link.close()
            others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        self._await(end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(CALL_S)
        self._loop.close()
