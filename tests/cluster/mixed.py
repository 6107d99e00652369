"""Load of many kinds: counters, sets, lists, streams, registers and transactions, with two judges.

What was added must be there at the end, once. Registers and transactions are written down as they happen, and the
lab's judges read that: linearizability of registers, strict serializability of list-append transactions.
"""

import json
import threading

import redis

from tests.cluster.load import Client, Load
from trivet.lab.judges import judge, read_history

HOLDERS = [f"held:{i}" for i in range(4)]
REGISTERS = [f"register:{i}" for i in range(6)]
LISTS = [f"appended:{i}" for i in range(6)]


class History:
    """What happened, in the order in which it was seen; lines as `docs/judging.md` has them."""

    def __init__(self):
        self._lock = threading.Lock()
        self.registers = []
        self.transactions = []

    def add(self, lines, process, kind, f, value, **more):
        """One event. Whoever adds an end has the answer already."""
        line = json.dumps({"process": process, "type": kind, "f": f, "value": value, **more})
        with self._lock:
            lines.append(line)

    def judge(self):
        """What the judges complain about; unknown is a complaint, too."""
        found = []
        for lines, model in ((self.registers, "register"), (self.transactions, "list-append")):
            verdict = judge(read_history("\n".join(lines) + "\n"), model=model)
            if verdict.valid is not True:
                found.append(verdict.text())
        return found


class MixedClient(Client):
    """A process of the history ends with an open call, as the judges want it: the next call is another process's."""

    history: History
    lives = 0

    def _one(self, client, counter, count):
        kind = self.chance.randrange(10)
        if kind < 5:
            super()._one(client, counter, count)
        elif kind == 5:
            self._add(client, count)
        elif kind < 8:
            self._register(client, count)
        else:
            self._transaction(client, count)

    def _add(self, client, count):
        key = self.chance.choice(HOLDERS)
        element = f"{self.number}:{count}"
        kind = self.chance.choice(("set", "list", "stream"))
        if kind == "set":
            client.sadd(f"{key}:set", element)
        elif kind == "list":
            client.rpush(f"{key}:list", element)
        else:
            client.xadd(f"{key}:stream", {"e": element})
        self.added.append((key, kind, element))

    def _told(self, lines, f, value, do, **more):
        process = f"{self.number}.{self.lives}"
        self.history.add(lines, process, "invoke", f, value, **more)
        try:
            answer = do()
        except redis.RedisError:
            self.lives += 1
            self.history.add(lines, process, "info", f, value, **more)
            raise
        self.history.add(lines, process, "ok", f, answer, **more)

    def _register(self, client, count):
        key = self.chance.choice(REGISTERS)
        lines = self.history.registers
        if self.chance.random() < 0.5:
            value = f"{self.number}:{count}"
            self._told(lines, "write", value, lambda: client.set(key, value) and value, key=key)
        else:
            self._told(lines, "read", None, lambda: _text(client.get(key)), key=key)

    def _transaction(self, client, count):
        written, read = self.chance.sample(LISTS, 2)
        value = self.number * 1_000_000 + count

        def do():
            with client.pipeline(transaction=True) as pipe:
                pipe.rpush(written, value).lrange(read, 0, -1)
                _, elements = pipe.execute()
            return [["append", written, value], ["r", read, [int(e) for e in elements]]]

        self._told(self.history.transactions, "txn", [["append", written, value], ["r", read, None]], do)


def _text(value):
    return None if value is None else value.decode()


class MixedLoad(Load):
    """As `Load`, of all kinds."""

    def __init__(self, addresses, clients=8):
        super().__init__(addresses, clients, MixedClient, think_s=0)
        self.history = History()
        for client in self.clients:
            client.history = self.history
            client.added = []

    def judge_all(self, client):
        """Complaints of all judges; ``client`` is a connection to any node."""
        found = self.judge(client.mget)
        there = {}
        for key in HOLDERS:
            there[key, "set"] = sorted(client.smembers(f"{key}:set"))
            there[key, "list"] = sorted(client.lrange(f"{key}:list", 0, -1))
            there[key, "stream"] = sorted(fields[b"e"] for _, fields in client.xrange(f"{key}:stream"))
        for (key, kind), elements in there.items():
            if len(elements) != len(set(elements)):
                found.append(f"an element is twice in the {kind} {key}")
        held = {place: set(elements) for place, elements in there.items()}
        for one in self.clients:
            found += [
                f"{element} was added to the {kind} {key}, and is not there"
                for key, kind, element in one.added
                if element.encode() not in held[key, kind]
            ]
        return found + self.history.judge()
