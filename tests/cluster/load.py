"""Load for the failover tests: redis-py clients INCR shared keys and SET unique ones; a strict judge.

A client stays with one node and reconnects to it when the connection dies. It never retries a command: what
became of a command whose connection died with its node stays open, everything else is exact.
"""

import random
import threading
import time

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.cluster.harness import HOST

COUNTERS = [f"counter:{i}" for i in range(5)]
THINK_S = 0.01
"""So long, at most, a client thinks between two commands: else ten of them keep two cores busy, and nobody else gets on."""


def connect(port, host=HOST, timeout_s=30.0, **words):
    """A redis-py client that shows every failure."""
    return redis.Redis(
        host=host,
        port=port,
        socket_timeout=timeout_s,
        socket_connect_timeout=2.0,
        retry=Retry(NoBackoff(), 0),
        single_connection_client=False,
        max_connections=1,
        **words,
    )


class Client(threading.Thread):
    """One client in a closed loop."""

    db = 0

    def __init__(self, number, node, port, host=HOST):
        super().__init__(daemon=True, name=f"client-{number}")
        self.number = number
        self.node = node
        self.address = (host, port)
        self.stopping = threading.Event()
        self.chance = random.Random(number)
        self.increments = dict.fromkeys(COUNTERS, 0)
        self.open_increments = dict.fromkeys(COUNTERS, 0)
        self.sets = []
        self.done = []
        self.errors = []
        self.breaks = []
        self.think_s = THINK_S

    def run(self):
        client = None
        count = 0
        while not self.stopping.is_set():
            begun_s = time.monotonic()
            counter = self.chance.choice(COUNTERS) if self.chance.random() < 0.5 else ""
            count += 1
            try:
                if client is None:
                    client = connect(self.address[1], self.address[0], db=self.db)
                    client.ping()
                self._one(client, counter, count)
            except redis.ConnectionError:
                self.breaks.append((begun_s, time.monotonic()))
                client = None
                time.sleep(0.02)
            except redis.RedisError as error:
                self.errors.append((begun_s, time.monotonic(), f"{type(error).__name__}: {error}"))
            else:
                self.done.append((begun_s, time.monotonic()))
                if self.think_s:
                    time.sleep(self.think_s * self.chance.random())
        if client is not None:
            client.close()

    def _one(self, client, counter, count):
        if counter:
            self.open_increments[counter] += 1
            client.incr(counter)
            self.open_increments[counter] -= 1
            self.increments[counter] += 1
        else:
            key = f"set:{self.number}:{count}"
            assert client.set(key, count)
            self.sets.append((key, count))


class Load:
    """Ten clients spread over the nodes; they think for at most ``think_s`` between two commands."""

    def __init__(self, addresses, clients=10, kind=Client, think_s=THINK_S):
        nodes = list(addresses)
        self.clients = [
            kind(
                i,
                nodes[i % len(nodes)],
                addresses[nodes[i % len(nodes)]][1],
                addresses[nodes[i % len(nodes)]][0],
            )
            for i in range(clients)
        ]
        for client in self.clients:
            client.think_s = think_s
        self.down = {node: [] for node in nodes}

    def start(self):
        """Begin."""
        for client in self.clients:
            client.start()
        return self

    def stop(self):
        """End; every client finishes its command first."""
        for client in self.clients:
            client.stopping.set()
        for client in self.clients:
            client.join(60)
            assert not client.is_alive(), f"{client.name} hangs"

    def note_down(self, node, from_s, to_s):
        """The node was dead (or frozen) in this time: its clients may see their connections die."""
        self.down[node].append((from_s, to_s))

    def acknowledged(self):
        """How many writes were acknowledged."""
        return sum(len(client.done) for client in self.clients)

    def pause_s(self, at_s, without):
        """From ``at_s`` to the first acknowledged write that began after it, at another node."""
        ends = [
            end
            for client in self.clients
            if client.node != without
            for begun, end in list(client.done)
            if begun >= at_s
        ]
        return min(ends) - at_s if ends else None

    def complaints(self, frozen_may_fail=False):
        """Errors that no client of a living node should have seen."""
        found = []
        for client in self.clients:
            down = self.down[client.node]
            for begun, end, text in client.errors:
                if not (frozen_may_fail and any(begun < to and end > fro for fro, to in down)):
                    found.append(f"{client.name} of node {client.node} at {begun:.2f}..{end:.2f}: {text}")
            for begun, end in client.breaks:
                if not any(begun < to and end > fro for fro, to in down):
                    found.append(
                        f"{client.name} of node {client.node}: connection lost at {begun:.2f}..{end:.2f}"
                    )
        return found

    def judge(self, read):
        """Compare acknowledged writes with the state; ``read(keys)`` gives values. Returns complaints."""
        found = []
        for client in self.clients:
            for start in range(0, len(client.sets), 500):
                part = client.sets[start : start + 500]
                for (key, value), got in zip(part, read([key for key, _ in part]), strict=True):
                    if got != str(value).encode():
                        found.append(f"{key} was acknowledged as {value}, is {got!r}")
        for counter, got in zip(COUNTERS, read(COUNTERS), strict=True):
            sure = sum(client.increments[counter] for client in self.clients)
            may_be = sum(client.open_increments[counter] for client in self.clients)
            if not sure <= int(got or 0) <= sure + may_be:
                found.append(f"{counter}: {sure} acknowledged, {may_be} open, is {got!r}")
        return found
