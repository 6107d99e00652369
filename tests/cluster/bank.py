"""A bank whose accounts are spread over groups: clients that transfer and audit, and an exact judge.

Each transfer also writes a line into its client's ledger, in the same transaction. So in the end it is known of
each transfer whether it happened, and the accounts must hold what the ledgers say. Nothing is tried again.
"""

import random
import threading
import time
from collections import Counter

import redis

from tests.cluster.load import connect

ACCOUNTS = [f"account:{number}" for number in range(100)]
FUNDS = 100
TOTAL = FUNDS * len(ACCOUNTS)
SOCKET_S = 8.0
THINK_S = 0.02
"""So long, at most, a teller rests between two calls: else twenty of them keep two cores busy, and no node gets on."""
DEFINITE = ("TXNRETRY", "CLUSTERDOWN")
"""Errors that say that nothing was done."""
INDEFINITE = ("TIMEOUT",)

SCRIPT = """
if tonumber(redis.call('GET', KEYS[1])) < tonumber(ARGV[1]) then return 0 end
redis.call('DECRBY', KEYS[1], ARGV[1])
redis.call('INCRBY', KEYS[2], ARGV[1])
redis.call('RPUSH', KEYS[3], ARGV[2])
return 1
"""


class Teller(threading.Thread):
    """One client in a closed loop, at one node."""

    def __init__(self, number, port):
        super().__init__(daemon=True, name=f"teller-{number}")
        self.number = number
        self.port = port
        self.ledger = f"ledger:{number}"
        self.stopping = threading.Event()
        self.chance = random.Random(number)
        self.made = {}
        """Line -> done, refused or open."""
        self.audits = 0
        self.wrong_sums = []
        self.complaints = []
        self.ends = Counter()
        self.slowest_s = 0.0

    def run(self):
        client = None
        count = 0
        while not self.stopping.is_set():
            begun_s = time.monotonic()
            try:
                if client is None:
                    client = connect(self.port, timeout_s=SOCKET_S)
                    client.ping()
                if self.chance.random() < 0.1:
                    self._audit(client)
                else:
                    count += 1
                    self._transfer(client, count)
            except (redis.ConnectionError, redis.TimeoutError):
                self.ends["broken"] += 1
                if client is not None:
                    client.close()
                client = None
                time.sleep(0.02)
            except redis.ResponseError as error:
                self.ends[str(error).split(" ")[0]] += 1
                if not str(error).startswith(DEFINITE + INDEFINITE):
                    self.complaints.append(f"{self.name}: {error}")
            else:
                self.slowest_s = max(self.slowest_s, time.monotonic() - begun_s)
                time.sleep(THINK_S * self.chance.random())
        if client is not None:
            client.close()

    def _audit(self, client):
        with client.pipeline(transaction=True) as pipe:
            pipe.mget(ACCOUNTS)
            (values,) = pipe.execute()
        self.audits += 1
        total = sum(map(int, values))
        if total != TOTAL:
            self.wrong_sums.append(total)

    def _transfer(self, client, count):
        source, target = self.chance.sample(ACCOUNTS, 2)
        amount = self.chance.randint(1, 5)
        line = f"{count} {source} {target} {amount}"
        way = self.chance.choice((self._plain, self._watching, self._scripted))
        self.made[line] = "open"
        try:
            done = way(client, source, target, amount, line)
        except redis.WatchError as error:
            # redis-py says the same when the connection breaks, in `EXEC` too: then nobody knows.
            if "Watched variable changed" not in str(error):
                self.ends["broken"] += 1
                return
            done = False
            self.ends["watched"] += 1
        except redis.ResponseError as error:
            if not str(error).startswith(INDEFINITE):
                self.made[line] = "refused"
            raise
        self.made[line] = "done" if done else "refused"
        self.ends["done" if done else "refused"] += 1

    def _plain(self, client, source, target, amount, line):
        with client.pipeline(transaction=True) as pipe:
            pipe.decrby(source, amount).incrby(target, amount).rpush(self.ledger, line)
            pipe.execute()
        return True

    def _watching(self, client, source, target, amount, line):
        with client.pipeline(transaction=True) as pipe:
            try:
                pipe.watch(source, target)
                have, has = int(pipe.get(source)), int(pipe.get(target))
            except redis.RedisError:
                self.made[line] = "refused"  # nothing was asked for yet
                raise
            if have < amount:
                return False
            pipe.multi()
            pipe.set(source, have - amount).set(target, has + amount).rpush(self.ledger, line)
            pipe.execute()
        return True

    def _scripted(self, client, source, target, amount, line):
        return bool(client.eval(SCRIPT, 3, source, target, self.ledger, amount, line))


class Bank:
    """All tellers, spread over the nodes."""

    def __init__(self, ports, tellers=20):
        self.tellers = [Teller(number, ports[number % len(ports)]) for number in range(tellers)]

    def open(self, client):
        """Fill the accounts."""
        client.mset(dict.fromkeys(ACCOUNTS, FUNDS))
        for teller in self.tellers:
            teller.start()

    def close(self):
        """Every teller ends what it has begun."""
        for teller in self.tellers:
            teller.stopping.set()
        for teller in self.tellers:
            teller.join(60)
            assert not teller.is_alive(), f"{teller.name} hangs"

    def count(self, end):
        """How many calls have ended so."""
        return sum(teller.ends[end] for teller in self.tellers)

    def audits(self):
        """How many audits there were."""
        return sum(teller.audits for teller in self.tellers)

    def ends(self):
        """How all calls have ended, for people."""
        return dict(sum((teller.ends for teller in self.tellers), Counter()))

    def judge(self, client):
        """Complaints."""
        found = [text for teller in self.tellers for text in teller.complaints]
        found += [f"{t.name} saw {total} in all accounts" for t in self.tellers for total in t.wrong_sums]
        balances = dict.fromkeys(ACCOUNTS, FUNDS)
        for teller in self.tellers:
            lines = [line.decode() for line in client.lrange(teller.ledger, 0, -1)]
            for line, times in Counter(lines).items():
                how = teller.made.get(line, "never made")
                if times != 1 or how in ("refused", "never made"):
                    found.append(f"{teller.name}: {line!r} was {how} and stands in the ledger {times} times")
            lost = [line for line, how in teller.made.items() if how == "done" and line not in set(lines)]
            found += [f"{teller.name}: {line!r} was done and is not in the ledger" for line in lost]
            for line in lines:
                _, source, target, amount = line.split()
                balances[source] -= int(amount)
                balances[target] += int(amount)
        held = dict(zip(ACCOUNTS, map(int, client.mget(ACCOUNTS)), strict=True))
        found += [
            f"{account} holds {held[account]}, the ledgers say {balances[account]}"
            for account in ACCOUNTS
            if held[account] != balances[account]
        ]
        return found


def ports_of(cluster):
    """Where clients connect."""
    return [cluster.port(node) for node in cluster.nodes]
