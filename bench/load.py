"""The load generator: the same one for every peer.

A closed loop. Each connection keeps one batch of `pipeline` requests under way and sends the next when the
last reply of the batch is in; the latency of a batch counts for each of its requests. Batches are encoded
before the clock starts, so that the generator costs the servers' cores as little as it can.

    python -m bench.load --kind resp --address 127.0.0.1:7001 --op set --connections 50 --pipeline 16
"""

import argparse
import asyncio
import json
import random
import statistics
import sys
import time
from collections.abc import Callable
from typing import cast

import hiredis
import uvloop

from bench.grpc import GrpcReader, get_request, grpc_opening, put_request
from trivet.core.cluster.slots import SLOTS, slot_of

KEYS = 10_000
VALUE_BYTES = 100
WARM_UP_S = 0.15
BATCHES = 2_000


def key(number: int) -> bytes:
    """A key of 16 bytes."""
    return b"key:%012d" % number


def resp(*words: bytes) -> bytes:
    """One request as Redis' protocol has it."""
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


def resp_request(op: str, chance: random.Random, slots: range = range(SLOTS), keys: int = KEYS) -> bytes:
    """One SET, GET or INCR of a random key in those slots."""
    name = key(chance.randrange(keys))
    while slot_of(name) not in slots:
        name = key(chance.randrange(keys))
    if op == "set":
        return resp(b"SET", name, chance.randbytes(VALUE_BYTES // 2).hex().encode())
    if op == "get":
        return resp(b"GET", name)
    return resp(b"INCR", b"count:" + name)


class Tally:
    """What all connections of a run measured."""

    def __init__(self) -> None:
        self.counting = False
        self.stopping = False
        self.latencies_s: list[float] = []
        self.errors = 0
        self.first_error = ""
        self.lost = 0

    def error(self, text: str) -> None:
        """Count an error reply."""
        self.errors += 1
        self.first_error = self.first_error or text


class Connection(asyncio.Protocol):
    """One connection in the closed loop. ``parse`` takes bytes and says how many replies they completed."""

    def __init__(
        self, tally: Tally, batches: list[bytes], replies_per_batch: int, chance: random.Random
    ) -> None:
        self.tally = tally
        self.batches = batches
        self.replies_per_batch = replies_per_batch
        self.waiting = 0
        self.sent_s = 0.0
        self.next = chance.randrange(len(batches))
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the transport; the first batch is sent when all connections are open."""
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass

    def send(self) -> None:
        """Send the next batch."""
        assert self.transport is not None
        self.next = (self.next + 1) % len(self.batches)
        self.waiting = self.replies_per_batch
        self.sent_s = time.perf_counter()
        self.transport.write(self.batches[self.next])

    def data_received(self, data: bytes) -> None:
        """Count replies; a whole batch is a measurement."""
        self.waiting -= self.parse(data)
        if self.waiting <= 0:
            if self.tally.counting:
                self.tally.latencies_s.append(time.perf_counter() - self.sent_s)
            if not self.tally.stopping:
                self.send()

    def parse(self, data: bytes) -> int:
        """How many replies ``data`` completed."""
        raise NotImplementedError

    def connection_lost(self, exc: Exception | None) -> None:
        """A lost connection is reported, not repaired."""
        if not self.tally.stopping:
            self.tally.lost += 1


class RespConnection(Connection):
    """Speaks Redis' protocol."""

    def __init__(
        self,
        tally: Tally,
        batches: list[bytes],
        replies_per_batch: int,
        chance: random.Random,
        opening: bytes = b"",
    ) -> None:
        super().__init__(tally, batches, replies_per_batch, chance)
        self.reader = hiredis.Reader()
        self.opening = opening

    def send(self) -> None:
        """Send the next batch; before the first one what opens the conversation."""
        opening, self.opening = self.opening, b""
        if opening:
            assert self.transport is not None
            self.transport.write(opening)
        super().send()
        self.waiting += 1 if opening else 0

    def parse(self, data: bytes) -> int:
        """Count replies; error replies are counted apart."""
        reader = self.reader
        reader.feed(data)
        replies = 0
        while (reply := reader.gets()) is not False:
            replies += 1
            if isinstance(reply, hiredis.ReplyError):
                self.tally.error(str(reply))
        return replies


class GrpcConnection(Connection):
    """Speaks etcd's API: one HTTP/2 connection, one stream per request."""

    def __init__(self, tally: Tally, requests: list[bytes], pipeline: int, path: bytes) -> None:
        super().__init__(tally, requests, pipeline, random.Random(len(requests)))
        self.path = path
        self.reader = GrpcReader(path)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Open HTTP/2."""
        super().connection_made(transport)
        assert self.transport is not None
        self.transport.write(grpc_opening())

    def send(self) -> None:
        """Send `pipeline` requests, each on a stream of its own."""
        assert self.transport is not None
        frames = []
        for _ in range(self.replies_per_batch):
            self.next = (self.next + 1) % len(self.batches)
            frames.append(self.reader.request(self.batches[self.next]))
        self.waiting = self.replies_per_batch
        self.sent_s = time.perf_counter()
        self.transport.write(b"".join(frames))

    def parse(self, data: bytes) -> int:
        """Count finished streams; answer what HTTP/2 wants answered."""
        done, failed, answer = self.reader.feed(data)
        if answer and self.transport is not None:
            self.transport.write(answer)
        for _ in range(failed):
            self.tally.error("a call ended without a response")
        return done


def resp_factory(tally: Tally, options: argparse.Namespace, slots: range) -> Callable[[], Connection]:
    """Connections to a peer that speaks Redis' protocol."""
    chance = random.Random(1)
    tail = resp(b"WAIT", str(options.wait).encode(), b"0") if options.wait and options.op != "get" else b""
    count = max(BATCHES // options.pipeline, 200)
    batches = [
        b"".join(resp_request(options.op, chance, slots, options.keys) for _ in range(options.pipeline))
        + tail
        for _ in range(count)
    ]
    replies = options.pipeline + (1 if tail else 0)
    opening = resp(b"SELECT", b"%d" % options.database) if options.database else b""
    return lambda: RespConnection(tally, batches, replies, chance, opening)


def etcd_factory(tally: Tally, options: argparse.Namespace) -> Callable[[], Connection]:
    """Connections to etcd."""
    chance = random.Random(1)
    if options.op == "set":
        value = chance.randbytes(VALUE_BYTES // 2).hex().encode()
        requests = [put_request(key(chance.randrange(options.keys)), value) for _ in range(BATCHES)]
        path = b"/etcdserverpb.KV/Put"
    else:
        requests = [get_request(key(chance.randrange(options.keys))) for _ in range(BATCHES)]
        path = b"/etcdserverpb.KV/Range"
    return lambda: GrpcConnection(tally, requests, options.pipeline, path)


async def run(options: argparse.Namespace) -> dict[str, float | int | str]:
    """One measurement."""
    tally = Tally()
    loop = asyncio.get_running_loop()
    connections: list[Connection] = []
    factories: dict[str, Callable[[], Connection]] = {}
    for i in range(options.connections):
        place = options.address[i % len(options.address)]
        address, _, slots = place.partition("/")
        if place not in factories:
            first, _, last = (slots or f"0-{SLOTS - 1}").partition("-")
            owned = range(int(first), int(last) + 1)
            if options.kind == "resp":
                factories[place] = resp_factory(tally, options, owned)
            else:
                factories[place] = etcd_factory(tally, options)
        host, _, port = address.rpartition(":")
        _, connection = await loop.create_connection(factories[place], host, int(port))
        connections.append(connection)
    for connection in connections:
        connection.send()
    await asyncio.sleep(WARM_UP_S)
    tally.counting = True
    begun_s = time.perf_counter()
    await asyncio.sleep(options.seconds)
    tally.counting = False
    passed_s = time.perf_counter() - begun_s
    tally.stopping = True
    for connection in connections:
        assert connection.transport is not None
        connection.transport.abort()
    return result(tally, options.pipeline, passed_s)


def result(tally: Tally, pipeline: int, passed_s: float) -> dict[str, float | int | str]:
    """The measurement in numbers: operations per second, latencies in milliseconds."""
    latencies = sorted(tally.latencies_s)
    cuts = statistics.quantiles(latencies, n=100, method="inclusive") if len(latencies) > 1 else [0.0] * 99
    return {
        "ops_per_s": len(latencies) * pipeline / passed_s,
        "p50_ms": cuts[49] * 1000,
        "p99_ms": cuts[98] * 1000,
        "errors": tally.errors,
        "first_error": tally.first_error,
        "lost": tally.lost,
    }


def main() -> None:
    """Parse the words, run, print one line of JSON."""
    parser = argparse.ArgumentParser(description="closed-loop load, one JSON line of results")
    parser.add_argument("--kind", choices=["resp", "etcd"], default="resp")
    words = "host:port; connections go round; host:port/0-99 gets keys of these slots only"
    parser.add_argument("--address", action="append", required=True, help=words)
    parser.add_argument("--database", type=int, default=0)
    parser.add_argument("--keys", type=int, default=KEYS, help="of which each request draws one")
    parser.add_argument("--op", choices=["set", "get", "incr"], default="set")
    parser.add_argument("--connections", type=int, default=50)
    parser.add_argument("--pipeline", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument(
        "--wait", type=int, default=0, help="WAIT for so many replicas after each batch of writes"
    )
    options = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        json.dump(runner.run(run(options)), sys.stdout)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
