"""Paced load: so many commands per second, however slowly they are answered.

An open loop: what is due is sent, whatever is still under way, so a server that stops answering for a while
delays all that is due meanwhile, as it would with clients of its own. The latency of a command counts from
the moment it left. `--rate 0` is a closed loop instead: each lane sends its next command when it has the
reply.

Half of the commands are writes. Plain clients go round the nodes; `--cluster` clients send each command to
the node that has its slot, and follow MOVED and ASK. It runs until its standard input ends; then it writes a
line per command to `--out`: when it was sent (by the monotonic clock, which all processes share), how many
ms it took, and its slot.
"""

import argparse
import asyncio
import json
import random
import sys
import time
from collections import deque
from pathlib import Path
from typing import Any, cast

import hiredis
import uvloop

from bench.load import VALUE_BYTES, key, resp
from trivet.core.cluster.slots import slot_of

STEP_S = 0.002
LAST_REPLIES_S = 20.0
ASKING = resp(b"ASKING")


class Command:
    """One command under way."""

    __slots__ = ("lane", "request", "sent_s", "slot")

    def __init__(self, request: bytes, slot: int, lane: int) -> None:
        self.request = request
        self.slot = slot
        self.lane = lane
        self.sent_s = 0.0


class Wire(asyncio.Protocol):
    """One connection; replies come in the order of the commands. None: a reply that nobody wants."""

    def __init__(self, load: "Load") -> None:
        self.load = load
        self.reader = hiredis.Reader()
        self.under_way: deque[Command | None] = deque()
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the transport."""
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass

    def send(self, command: Command, *, asking: bool = False) -> None:
        """Send a command, maybe for the second time."""
        assert self.transport is not None
        if not command.sent_s:
            command.sent_s = time.monotonic()
        if asking:
            self.under_way.append(None)
        self.under_way.append(command)
        self.transport.write(ASKING + command.request if asking else command.request)

    def data_received(self, data: bytes) -> None:
        """Replies."""
        self.reader.feed(data)
        while (reply := self.reader.gets()) is not False:
            command = self.under_way.popleft()
            if command is not None:
                self.load.answered(command, reply)

    def connection_lost(self, exc: Exception | None) -> None:
        """Counted, not repaired."""
        if not self.load.over:
            self.load.complain(f"connection lost: {exc}")


class Load:
    """All connections, and what was measured."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.wires: dict[str, list[Wire]] = {}
        self.slots: list[str] = []
        """Which node has each slot; empty for plain clients."""
        self.samples: list[tuple[float, float, int]] = []
        self.errors = 0
        self.first_error = ""
        self.redirected = 0
        self.under_way = 0
        self.over = False
        self._chance = random.Random(options.seed)
        self._value = b"y" * VALUE_BYTES
        self._turn = 0

    def complain(self, text: str) -> None:
        """Count an error."""
        self.errors += 1
        self.first_error = self.first_error or text

    async def connect(self, address: str) -> None:
        """Open this node's connections."""
        host, _, port = address.rpartition(":")
        self.wires[address] = []
        for _ in range(self.options.connections):
            _, wire = await asyncio.get_running_loop().create_connection(lambda: Wire(self), host, int(port))
            self.wires[address].append(wire)

    def say(self, lane: int) -> None:
        """Send the next command."""
        name = key(self._chance.randrange(self.options.keys))
        words = [b"SET", name, self._value] if self._chance.random() < 0.5 else [b"GET", name]
        command = Command(resp(*words), slot_of(name), lane)
        self.under_way += 1
        if self.slots:
            address = self.slots[command.slot]
        else:
            self._turn += 1
            address = self.options.address[self._turn % len(self.options.address)]
        self.wire(address, lane).send(command)

    def wire(self, address: str, lane: int) -> Wire:
        """One of a node's connections."""
        wires = self.wires[address]
        return wires[lane // len(self.wires) % len(wires)]

    def answered(self, command: Command, reply: object) -> None:
        """Take a reply; follow a redirection."""
        if isinstance(reply, hiredis.ReplyError):
            word, _, rest = str(reply).partition(" ")
            address = rest.rpartition(" ")[2]
            if word in ("MOVED", "ASK") and address in self.wires:
                self.redirected += 1
                if word == "MOVED" and self.slots:
                    self.slots[command.slot] = address
                self.wire(address, command.lane).send(command, asking=word == "ASK")
                return
            self.complain(str(reply))
        self.under_way -= 1
        self.samples.append((command.sent_s, time.monotonic() - command.sent_s, command.slot))
        if not self.options.rate and not self.over:
            self.say(command.lane)

    async def learn(self) -> None:
        """Which node has which slots, as a node of the cluster tells it."""
        host, _, port = self.options.address[0].rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(resp(b"CLUSTER", b"SLOTS"))
        parser = hiredis.Reader()
        while (rows := parser.gets()) is False:
            parser.feed(await reader.read(65_536))
        writer.close()
        self.slots = [self.options.address[0]] * 16_384
        for first, last, (host_told, port_told, *_), *_ in cast(list[tuple[int, int, list[Any]]], rows):
            address = f"{host_told.decode()}:{port_told}"
            for slot in range(first, last + 1):
                self.slots[slot] = address

    async def run(self) -> None:
        """Until the standard input ends."""
        for address in self.options.address:
            await self.connect(address)
        if self.options.cluster:
            await self.learn()
        loop = asyncio.get_running_loop()
        ended = loop.run_in_executor(None, sys.stdin.read)
        sys.stdout.write("begun\n")
        sys.stdout.flush()
        begun_s = time.monotonic()
        said = 0
        if not self.options.rate:
            for lane in range(self.options.connections * len(self.wires)):
                self.say(lane)
        while not ended.done():
            due = int((time.monotonic() - begun_s) * self.options.rate)
            for number in range(said, due):
                self.say(number)
            said = max(said, due)
            await asyncio.sleep(STEP_S)
        self.over = True
        deadline_s = time.monotonic() + LAST_REPLIES_S
        while self.under_way and time.monotonic() < deadline_s:
            await asyncio.sleep(0.01)
        if self.under_way:
            self.complain(f"{self.under_way} commands were never answered")


def main() -> None:
    """Parse the words, run, write the samples, print one line of JSON."""
    parser = argparse.ArgumentParser(description="paced load until standard input ends")
    parser.add_argument("--address", action="append", required=True, help="host:port of every node")
    parser.add_argument("--cluster", action="store_true", help="send each command where its slot is")
    parser.add_argument("--rate", type=int, default=1000, help="commands per second; 0: a closed loop")
    parser.add_argument("--connections", type=int, default=8, help="to each node")
    parser.add_argument("--keys", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    load = Load(options)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(load.run())
    with options.out.open("w") as out:
        out.writelines(f"{sent_s:.4f} {took_s * 1000:.3f} {slot}\n" for sent_s, took_s, slot in load.samples)
    said = {"errors": load.errors, "first_error": load.first_error, "redirected": load.redirected}
    json.dump(said, sys.stdout)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
