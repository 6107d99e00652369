"""The load generator for transactions: each connection keeps one under way, in a closed loop.

A transaction adds to some keys that lie in some groups (or rows in some databases). For whoever speaks Redis'
protocol it is `MULTI`, one `INCRBY` per key, `EXEC`, sent at once. For PostgreSQL it is one `BEGIN … COMMIT`
in one database, or `PREPARE TRANSACTION` in two and then `COMMIT PREPARED` in both.

    python -m bench.transaction_load --address 127.0.0.1:7001 --slots 0-8191 --slots 8192-16383 --parts 2
"""

import argparse
import asyncio
import contextlib
import json
import random
import sys
import time

import uvloop

from bench.load import WARM_UP_S, RespConnection, Tally, resp, result
from trivet.core.cluster.slots import slot_of

POOL = 1_000
"""Keys in each group, when transactions shall not meet."""
HOT = 2
"""The same when they shall."""
BATCHES = 500


def pools(slots: list[str], size: int) -> list[list[bytes]]:
    """So many keys in each of the ranges of slots."""
    bounds = [tuple(map(int, text.split("-"))) for text in slots]
    found: list[list[bytes]] = [[] for _ in bounds]
    number = 0
    while any(len(pool) < size for pool in found):
        name = b"n:%08d" % number
        number += 1
        slot = slot_of(name)
        for (low, high), pool in zip(bounds, found, strict=True):
            if low <= slot <= high and len(pool) < size:
                pool.append(name)
    return found


def choose(places: list[list[bytes]], keys: int, parts: int, chance: random.Random) -> list[bytes]:
    """Different keys, dealt out to so many different places."""
    chosen = chance.sample(places, parts)
    counts = [len(range(part, keys, parts)) for part in range(parts)]
    return [name for place, count in zip(chosen, counts, strict=True) for name in chance.sample(place, count)]


def resp_transaction(names: list[bytes]) -> bytes:
    """All of it in one write."""
    return b"".join([resp(b"MULTI"), *[resp(b"INCRBY", name, b"1") for name in names], resp(b"EXEC")])


async def run_resp(options: argparse.Namespace, tally: Tally) -> float:
    """Through all addresses, in turn; the seconds that it took."""
    chance = random.Random(1)
    size = max(HOT, options.keys) if options.contended else POOL
    places = pools(options.slots, size)
    batches = [resp_transaction(choose(places, options.keys, options.parts, chance)) for _ in range(BATCHES)]
    opening = resp(b"SELECT", b"%d" % options.database) if options.database else b""
    connections: list[RespConnection] = []
    for i in range(options.connections):
        host, _, port = options.address[i % len(options.address)].rpartition(":")
        _, connection = await asyncio.get_running_loop().create_connection(
            lambda: RespConnection(tally, batches, options.keys + 2, chance, opening), host, int(port)
        )
        connections.append(connection)
    for connection in connections:
        connection.send()
    passed_s = await measured(tally, options.seconds)
    for connection in connections:
        assert connection.transport is not None
        connection.transport.abort()
    return passed_s


async def measured(tally: Tally, seconds: float) -> float:
    """Count for so long, after a moment of warming up."""
    await asyncio.sleep(WARM_UP_S)
    tally.counting = True
    begun_s = time.perf_counter()
    await asyncio.sleep(seconds)
    tally.counting = False
    tally.stopping = True
    return time.perf_counter() - begun_s


class Client:
    """One client of one or two databases, with a connection to each."""

    def __init__(self, number: int, options: argparse.Namespace, tally: Tally) -> None:
        self.number = number
        self.options = options
        self.tally = tally
        self.chance = random.Random(number)
        self.count = 0
        self.name = ""

    async def run(self) -> None:
        """Until all is over."""
        import psycopg

        connect = psycopg.AsyncConnection.connect
        self.databases = [
            await connect(place, autocommit=True) for place in self.options.address[: self.options.parts]
        ]
        while not self.tally.stopping:
            begun_s = time.perf_counter()
            try:
                await self._one()
            except psycopg.Error as error:
                self.tally.error(str(error))
                await self._roll_back()
                continue
            if self.tally.counting:
                self.tally.latencies_s.append(time.perf_counter() - begun_s)
        for database in self.databases:
            await database.close()

    async def _roll_back(self) -> None:
        """Of a transaction that failed in one database, whatever stands in any."""
        import psycopg

        for database in self.databases:
            await database.execute("ROLLBACK")
            with contextlib.suppress(psycopg.Error):
                await database.execute(f"ROLLBACK PREPARED '{self.name}'")

    async def _one(self) -> None:
        """Rows are taken in order, hot ones of the first database first: so nobody waits in a circle."""
        options, parts = self.options, self.options.parts
        hot = max(HOT, options.keys)
        updates = []
        for part in range(parts):
            count = len(range(part, options.keys, parts))
            rows = sorted(self.chance.sample(range(hot if options.contended else POOL), count))
            updates.append("; ".join(f"UPDATE counts SET n = n + 1 WHERE id = {row}" for row in rows))
        if parts == 1:
            await self.databases[0].execute(f"BEGIN; {updates[0]}; COMMIT")
            return
        self.count += 1
        self.name = name = f"t{self.number}-{self.count}-{time.monotonic_ns()}"
        texts = [f"BEGIN; {update}; PREPARE TRANSACTION '{name}'" for update in updates]
        if options.contended:
            for database, text in zip(self.databases, texts, strict=True):
                await database.execute(text)
        else:
            halves = [one.execute(text) for one, text in zip(self.databases, texts, strict=True)]
            ends = await asyncio.gather(*halves, return_exceptions=True)
            failed = [end for end in ends if isinstance(end, BaseException)]
            if failed:
                raise failed[0]
        await asyncio.gather(*[one.execute(f"COMMIT PREPARED '{name}'") for one in self.databases])


async def run_postgres(options: argparse.Namespace, tally: Tally) -> float:
    """All clients; the seconds that it took."""
    clients = [
        asyncio.create_task(Client(number, options, tally).run()) for number in range(options.connections)
    ]
    passed_s = await measured(tally, options.seconds)
    await asyncio.gather(*clients)
    return passed_s


def main() -> None:
    """Parse the words, run, print one line of JSON."""
    parser = argparse.ArgumentParser(description="transactions in a closed loop, one JSON line of results")
    parser.add_argument("--kind", choices=["resp", "postgres"], default="resp")
    parser.add_argument("--address", action="append", required=True, help="host:port, or a database's URL")
    parser.add_argument("--slots", action="append", default=[], help="the slots of each group: first-last")
    parser.add_argument("--database", type=int, default=0)
    parser.add_argument("--keys", type=int, default=2)
    parser.add_argument("--parts", type=int, default=1, help="over so many groups, or databases")
    parser.add_argument("--contended", action="store_true", help="all want the same few keys")
    parser.add_argument("--connections", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=1.0)
    options = parser.parse_args()
    tally = Tally()
    run = run_resp if options.kind == "resp" else run_postgres
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        passed_s = runner.run(run(options, tally))
    json.dump(result(tally, 1, passed_s), sys.stdout)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
