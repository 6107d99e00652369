"""Transactions over groups with real processes: money moves between groups while nodes die and slots move."""

import random
import time

import pytest

from tests.cluster.bank import Bank, ports_of
from tests.cluster.harness import wait_until
from tests.cluster.load import connect

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("cluster"), pytest.mark.timeout(900)]

GROUPS = 4
FROZEN_S = 1.5
MOVE_S = 90.0


def pairs(reply):
    """A map, whichever protocol was spoken."""
    return reply if isinstance(reply, dict) else dict(zip(reply[::2], reply[1::2], strict=True))


def groups(client):
    """The groups of keyspace 0, by `CLUSTER STATE`; and the moves under way."""
    top = pairs(client.execute_command("CLUSTER", "STATE"))
    rows = [pairs(row) for row in top[b"groups"]]
    return [row[b"id"] for row in rows if row[b"keyspace"] == 0], top[b"moves"]


class Trouble:
    """What befalls the cluster, one thing at a time."""

    def __init__(self, cluster, chance):
        self.cluster = cluster
        self.chance = chance
        self.victims = set()
        """The client ports of nodes that were killed or frozen: their clients may lose their connections."""

    def _victim(self):
        node = self.chance.choice(self.cluster.nodes)
        self.victims.add(self.cluster.port(node))
        return node

    def kill(self):
        """kill -9 of any node; it comes back by itself."""
        node = self._victim()
        before = self.cluster.kill(node)
        wait_until(lambda: self.cluster.pid(node) not in (0, before), "a new process", 60.0)
        self.cluster.wait_whole(60.0)

    def freeze(self):
        """SIGSTOP of any node, for a while."""
        node = self._victim()
        self.cluster.pause(node)
        try:
            time.sleep(FROZEN_S)
        finally:
            self.cluster.resume(node)
        self.cluster.wait_whole(60.0)

    def move(self):
        """A group is split, and the new one merged into its sister again."""
        with connect(self.cluster.port(self.chance.choice(self.cluster.nodes)), timeout_s=60.0) as client:
            there, _ = groups(client)
            one = self.chance.choice(there)
            client.execute_command("CLUSTER", "SPLIT", str(one))
            new = wait_until(lambda: self._settled(client, len(there) + 1), "the split", MOVE_S)
            (other,) = [number for number in new if number not in there]
            client.execute_command("CLUSTER", "MERGE", str(other), str(one))
            wait_until(lambda: self._settled(client, len(there)), "the merge", MOVE_S)

    def _settled(self, client, count):
        there, moves = groups(client)
        return there if len(there) == count and not moves else None


def goes_on(bank):
    """Transfers and audits are still being done."""
    done, audits = bank.count("done"), bank.audits()
    wait_until(lambda: bank.count("done") > done + 20 and bank.audits() > audits, "transfers go on", 60.0)


def end(cluster, bank, trouble, record_property):
    bank.close()
    spared = [teller for teller in bank.tellers if teller.port not in trouble.victims]
    assert [teller.name for teller in spared if teller.ends["broken"]] == []
    cluster.wait_whole(60.0)
    record_property("ends", bank.ends())
    print(f"transfers and audits: {bank.ends()}, audits {bank.audits()}")
    for node in cluster.nodes:
        with connect(cluster.port(node)) as client:
            assert bank.judge(client) == []
            wait_until(
                lambda c=client: c.info("transactions")["txn_in_doubt_here"] == 0, "what was left is decided"
            )
            assert client.info("transactions")["txn_unknown"] == 0


def test_no_money_is_lost_or_made(make, record_property):
    cluster = make()
    cluster.spread(GROUPS)
    bank = Bank(ports_of(cluster))
    with connect(cluster.port(1)) as client:
        bank.open(client)
    trouble = Trouble(cluster, random.Random(1))
    for happens in (trouble.kill, trouble.freeze, trouble.move):
        goes_on(bank)
        happens()
    goes_on(bank)
    end(cluster, bank, trouble, record_property)


@pytest.mark.soak
@pytest.mark.parametrize("nodes", [3, 5])
def test_no_money_is_lost_or_made_in_a_minute(make, record_property, nodes):
    cluster = make(nodes=nodes)
    cluster.spread(GROUPS)
    bank = Bank(ports_of(cluster))
    with connect(cluster.port(1)) as client:
        bank.open(client)
    chance = random.Random(nodes)
    trouble = Trouble(cluster, chance)
    end_s = time.monotonic() + 60
    while time.monotonic() < end_s:
        chance.choice((trouble.kill, trouble.freeze, trouble.move))()
        goes_on(bank)
    end(cluster, bank, trouble, record_property)
