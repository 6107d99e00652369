"""The clients of the CAP report card on real processes: the lab's wishes, over sockets, by the real clock."""

import asyncio
import itertools
import time
from collections.abc import Sequence
from typing import Final

from trivet.cli.layout import HOST
from trivet.lab.cap.traffic import BEAT_MS, PATIENCE_MS, Ask, Wishes
from trivet.lab.history import Operation, Outcome, classify
from trivet.lab.resp import OK, ReplyParser, Value, request

CONNECT_S: Final = 0.5
_connections = itertools.count(1)


def now_us() -> int:
    """The real clock; only differences mean anything."""
    return time.monotonic_ns() // 1000


class Line:
    """One connection that asks and waits."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, node: int) -> None:
        self.number = next(_connections)
        self.node = node
        self._reader = reader
        self._writer = writer
        self._parser = ReplyParser()

    async def ask(self, words: Sequence[bytes]) -> Value:
        """The reply. Raises OSError when the connection breaks."""
        self._writer.write(request(list(words)))
        while True:
            data = await self._reader.read(65_536)
            if not data:
                raise ConnectionResetError
            replies = self._parser.feed(data)
            if replies:
                return replies[0]

    def close(self) -> None:
        """Hang up."""
        self._writer.close()


async def dial(
    port: int, node: int, database: bytes, greeting: Sequence[Sequence[bytes]] = ()
) -> Line | None:
    """A line to a node that has chosen its database; None: it cannot be had now."""
    line = None
    try:
        async with asyncio.timeout(CONNECT_S):
            line = Line(*await asyncio.open_connection(HOST, port), node)
            for words in [[b"SELECT", database], *greeting]:
                if await line.ask(words) != OK:
                    raise ConnectionRefusedError
        return line
    except (OSError, TimeoutError):
        if line is not None:
            line.close()
        return None


class Client:
    """One client; ``run`` it until ``stopping`` is set."""

    def __init__(
        self, ports: dict[int, int], home: int, is_reader: bool, database: bytes, history: list[Operation],
        greeting: Sequence[Sequence[bytes]] = (),
    ) -> None:  # fmt: skip
        self.home = home
        self.asks: list[Ask] = []
        self.stopping = False
        self._nodes = list(ports)
        self._ports = ports
        self._database = database
        self._greeting = greeting
        self._history = history
        self._wants = Wishes(1, home, self._nodes, is_reader)
        self._line: Line | None = None

    async def run(self) -> None:
        """One wish per beat, as long as answers come in time."""
        began_us = now_us()
        await asyncio.sleep(self._wants.prng.below(BEAT_MS) / 1000)
        while not self.stopping:
            ask = Ask(self._wants.number, self.home, now_us())
            self.asks.append(ask)
            if self._line is None:
                self._line = await self._connect()
            if self._line is not None:
                await self._wish(ask, self._line, (now_us() - began_us) // 1_000_000)
            beat_us = BEAT_MS * 1000
            await asyncio.sleep((beat_us - (now_us() - ask.begun_us) % beat_us) / 1_000_000)
            ask.ended_us = now_us()
        self._hang_up()

    async def _connect(self) -> Line | None:
        first = self._nodes.index(self.home)
        for node in [*self._nodes[first:], *self._nodes[:first]]:
            line = await dial(self._ports[node], node, self._database, self._greeting)
            if line is not None:
                return line
        return None

    async def _wish(self, ask: Ask, line: Line, second: int) -> None:
        words = tuple(self._wants.words(second))
        operation = ask.operation = Operation(
            number=len(self._history), client=self._wants.number, conn=line.number, node=line.node,
            commands=(words,), keys=(words[1],), invoke_us=now_us(),
        )  # fmt: skip
        self._history.append(operation)
        try:
            async with asyncio.timeout(PATIENCE_MS / 1000):
                note(operation, await line.ask(words))
        except TimeoutError:
            ask.gave_up = True
            operation.outcome = Outcome.INFO
            self._hang_up()
        except OSError:
            operation.outcome = Outcome.INFO
            self._hang_up()

    def _hang_up(self) -> None:
        if self._line is not None:
            self._line.close()
        self._line = None


def note(operation: Operation, reply: Value) -> None:
    """Write down how an operation ended."""
    operation.outcome = classify(reply)
    if operation.outcome is not Outcome.INFO:
        operation.return_us = now_us()
    operation.replies = (reply,) if operation.outcome is Outcome.OK else ()


async def read_everything(
    port: int, node: int, database: bytes, keys: Sequence[bytes], history: list[Operation]
) -> list[Operation]:
    """All keys through one node; nothing when not all of it came back."""
    line = await dial(port, node, database)
    reads: list[Operation] = []
    if line is None:
        return reads
    try:
        async with asyncio.timeout(PATIENCE_MS / 1000):
            for key in keys:
                words = (b"SMEMBERS" if key[:2] == b"s:" else b"GET", key)
                operation = Operation(
                    number=len(history), client=100 + node, conn=line.number, node=node, commands=(words,),
                    keys=(key,), invoke_us=now_us(), final=True,
                )  # fmt: skip
                history.append(operation)
                note(operation, await line.ask(words))
                reads.append(operation)
    except (OSError, TimeoutError):
        history[-1].outcome = Outcome.INFO
        return []
    finally:
        line.close()
    return reads if all(o.outcome is Outcome.OK for o in reads) else []
