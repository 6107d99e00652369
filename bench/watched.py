"""Paced load whose every call is written down: when it was sent, through which node, how it ended and when.

As `paced.py` an open loop: what is due is sent, whatever is still unanswered. Half of the calls write. Each
node has clients of its own, who speak to no other, so that one sees what the death of a node is for the
clients of the others. A client that waits sends nothing more while others are free. A call whose connection
breaks, that is answered with an error, or never, has failed. It runs until its standard input ends; then it
writes a line per call to `--out`: when it was sent (by the monotonic clock), how many ms until it ended,
the place of its node in the list, and 1 if it succeeded.
"""

import argparse
import asyncio
import json
import random
import sys
import time
from collections import deque
from pathlib import Path
from typing import cast

import hiredis
import uvloop

from bench.grpc import GrpcReader, get_request, grpc_opening, put_request
from bench.load import VALUE_BYTES, key, resp

STEP_S = 0.001
LAST_REPLIES_S = 8.0
AGAIN_S = 0.05
"""Clients whose connection broke come back so often."""
PUT, RANGE = b"/etcdserverpb.KV/Put", b"/etcdserverpb.KV/Range"


class Call:
    """One call under way."""

    __slots__ = ("name", "node", "sent_s", "writes")

    def __init__(self, node: int, name: bytes, writes: bool) -> None:
        self.node = node
        self.name = name
        self.writes = writes
        self.sent_s = time.monotonic()


class Line(asyncio.Protocol):
    """One client's connection."""

    def __init__(self, load: "Load", node: int) -> None:
        self.load = load
        self.node = node
        self.transport: asyncio.Transport | None = None
        self.begin()

    def begin(self) -> None:
        """A new connection, with nothing under way."""

    def opening(self) -> bytes:
        """What is said first."""
        return b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the transport."""
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass
        if opening := self.opening():
            self.transport.write(opening)

    def connection_lost(self, exc: Exception | None) -> None:
        """Whatever was under way has failed; come back later."""
        self.transport = None
        for call in self.under_way():
            self.load.ended(call, "connection lost")
        self.begin()
        if not self.load.over:
            asyncio.get_running_loop().call_later(AGAIN_S, self.load.come_back, self)

    def send(self, call: Call) -> None:
        """Send it, if there is a connection."""
        if self.transport is None:
            self.load.ended(call, "no connection")
        else:
            self.transport.write(self.encode(call))

    def encode(self, call: Call) -> bytes:
        """The bytes of a call, which is under way now."""
        raise NotImplementedError

    def under_way(self) -> list[Call]:
        """What has no answer yet."""
        raise NotImplementedError

    @property
    def idle(self) -> bool:
        """Whether its client waits for nothing."""
        raise NotImplementedError


class RespLine(Line):
    """Speaks Redis' protocol: replies come in the order of the calls."""

    def begin(self) -> None:
        """Nobody waits."""
        self._reader = hiredis.Reader()
        self._calls: deque[Call | None] = deque()

    def opening(self) -> bytes:
        """Go to the database."""
        self._calls.append(None)
        return resp(b"SELECT", b"%d" % self.load.options.database)

    def encode(self, call: Call) -> bytes:
        """SET or GET."""
        self._calls.append(call)
        return resp(b"SET", call.name, self.load.value) if call.writes else resp(b"GET", call.name)

    def data_received(self, data: bytes) -> None:
        """Replies."""
        self._reader.feed(data)
        while (reply := self._reader.gets()) is not False:
            call = self._calls.popleft()
            if call is not None:
                self.load.ended(call, str(reply) if isinstance(reply, hiredis.ReplyError) else "")

    def under_way(self) -> list[Call]:
        """What has no answer yet."""
        return [call for call in self._calls if call is not None]

    @property
    def idle(self) -> bool:
        """Whether its client waits for nothing."""
        return not self._calls


class EtcdLine(Line):
    """Speaks gRPC: a stream per call."""

    def begin(self) -> None:
        """Nobody waits."""
        self._reader = GrpcReader(PUT, RANGE)
        self._calls: dict[int, Call] = {}

    def opening(self) -> bytes:
        """HTTP/2's."""
        return grpc_opening()

    def encode(self, call: Call) -> bytes:
        """Put, or a linearizable Range of one key."""
        self._calls[self._reader.stream] = call
        if call.writes:
            return self._reader.request(put_request(call.name, self.load.value), 0)
        return self._reader.request(get_request(call.name), 1)

    def data_received(self, data: bytes) -> None:
        """Answers; and what HTTP/2 wants answered."""
        answer = self._reader.feed(data)[2]
        if answer and self.transport is not None:
            self.transport.write(answer)
        for stream, succeeded in self._reader.ended:
            if (call := self._calls.pop(stream, None)) is not None:
                self.load.ended(call, "" if succeeded else "a call ended without a response")

    def under_way(self) -> list[Call]:
        """What has no answer yet."""
        return list(self._calls.values())

    @property
    def idle(self) -> bool:
        """Whether its client waits for nothing."""
        return not self._calls


class Load:
    """All clients, and what became of their calls."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.lines: list[list[Line]] = []
        self.samples: list[tuple[float, float, int, bool]] = []
        self.failures: dict[str, int] = {}
        self.value = b"y" * VALUE_BYTES
        self.over = False
        self._chance = random.Random(options.seed)
        self._tasks: set[asyncio.Task[None]] = set()

    def ended(self, call: Call, failure: str) -> None:
        """Write it down."""
        if failure:
            told = f"{call.node} {failure}"
            self.failures[told] = self.failures.get(told, 0) + 1
        self.samples.append((call.sent_s, time.monotonic() - call.sent_s, call.node, not failure))

    def come_back(self, line: Line) -> None:
        """Try to connect again."""
        task = asyncio.get_running_loop().create_task(self._connect(line))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect(self, line: Line) -> None:
        host, _, port = self.options.address[line.node].rpartition(":")
        try:
            await asyncio.get_running_loop().create_connection(lambda: line, host, int(port))
        except OSError:
            if not self.over:
                asyncio.get_running_loop().call_later(AGAIN_S, self.come_back, line)

    def line(self, lines: list[Line], turn: int) -> Line:
        """The next client that waits for nothing; if all wait, the next one."""
        for step in range(len(lines)):
            if (one := lines[(turn + step) % len(lines)]).idle:
                return one
        return lines[turn % len(lines)]

    async def run(self) -> None:
        """Until the standard input ends."""
        kind = EtcdLine if self.options.kind == "etcd" else RespLine
        nodes = len(self.options.address)
        for node in range(nodes):
            self.lines.append([kind(self, node) for _ in range(self.options.connections)])
            for line in self.lines[node]:
                await self._connect(line)
        ended = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        print("begun", flush=True)
        begun_s, said = time.monotonic(), 0
        while not ended.done():
            due = int((time.monotonic() - begun_s) * self.options.rate)
            for number in range(said, due):
                lines = self.lines[number % nodes]
                name = key(self._chance.randrange(self.options.keys))
                call = Call(number % nodes, name, self._chance.random() < 0.5)
                self.line(lines, number // nodes).send(call)
            said = due
            await asyncio.sleep(STEP_S)
        self.over = True
        every = [line for lines in self.lines for line in lines]
        deadline_s = time.monotonic() + LAST_REPLIES_S
        while any(line.under_way() for line in every) and time.monotonic() < deadline_s:
            await asyncio.sleep(0.01)
        for line in every:
            for call in line.under_way():
                self.ended(call, "never answered")


def main() -> None:
    """Parse the words, run, write the samples, print one line of JSON."""
    parser = argparse.ArgumentParser(description="paced load until standard input ends, every call noted")
    parser.add_argument("--kind", choices=["resp", "etcd"], default="resp")
    parser.add_argument("--address", action="append", required=True, help="host:port of every node")
    parser.add_argument("--database", type=int, default=0)
    parser.add_argument("--rate", type=int, default=600, help="calls per second, all nodes together")
    parser.add_argument("--connections", type=int, default=100, help="to each node")
    parser.add_argument("--keys", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    load = Load(options)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(load.run())
    with options.out.open("w") as out:
        out.writelines(
            f"{sent_s:.4f} {took_s * 1000:.3f} {node} {int(ok)}\n"
            for sent_s, took_s, node, ok in load.samples
        )
    json.dump(load.failures, sys.stdout)
    print()


if __name__ == "__main__":
    main()
