"""A bench with a keyspace in four groups, and a hand between a node and its groups."""

from collections.abc import Callable

from tests.core.node.bench import Bench
from tests.core.node.founded import founded
from trivet.core.group.outbox import TIMEOUT_ERROR
from trivet.core.group.run import Run
from trivet.core.node.transacting import Transactions
from trivet.core.raft.state import Role
from trivet.core.transaction.words import LockRequest, Stamp, TransactionId, pack

A, B, C, D = 5, 2, 3, 4
"""The groups of the keys ``a``, ``b``, ``c`` and ``d`` of database 3."""


def sharded(nodes: int = 1, **settings) -> Bench:
    """Client ``c`` (at node 1) has chosen database 3."""
    bench = founded(nodes, "3 SHARDS 4", **settings)
    groups = bench.node(1).front.cluster.groups
    assert [groups[n].ranges for n in (B, C, D, A)] == [
        [(0, 4095)], [(4096, 8191)], [(8192, 12287)], [(12288, 16383)],
    ]  # fmt: skip
    bench.ask("c", "SELECT 3")
    return bench


def transactions(bench: Bench, number: int = 1) -> Transactions:
    found = bench.node(number).front.transactor
    assert isinstance(found, Transactions)
    return found


def is_clean(bench: Bench) -> bool:
    """Whether nothing is left of any transaction on the nodes that are up."""
    nodes = [server.node for server in bench.servers.values() if server.node is not None]
    return all(
        not (group.machine.intents.by_id or group.machine.intents.records or group.machine.watches.watchers)
        for node in nodes
        for group in node.groups.values()
    ) and not any(node.front.transactor.live or node.front.transactor.running for node in nodes)


def leader_of(bench: Bench, group: int) -> int:
    for number, server in bench.servers.items():
        held = None if server.node is None else server.node.groups.get(group)
        if held is not None and held.raft.role is Role.LEADER:
            return number
    return 0


class Nobody:
    def run_done(self) -> None:
        pass


def call(bench: Bench, group: int, *args: bytes, number: int = 1, db: int = 0) -> Run:
    """A call of the node's own to a group."""
    run = Run(Nobody(), True, patient=True)
    run.epoch = bench.node(number).front.map_epoch
    run.add((db, list(args)), 64)
    bench.node(number).front.replicas[group].write(run, bench.mono_ms)
    bench.servers[number].dirty = True
    return run


def lock(
    bench: Bench, group: int, key: bytes, mode: int = 1, *, age: int = 0, home: int = 77, number: int = 1
) -> Run:
    """Somebody locks a key and is not heard of again; nobody knows its home."""
    asked = LockRequest(TransactionId(9, 1, age + 1), home, Stamp(age, 9, 1), 0, -1, [(3, key, mode)])
    run = call(bench, group, b"TXN", b"LOCK", pack(asked), number=number)
    bench.settle()
    assert run.replies is not None
    return run


class Between:
    """Stands between a node and a group: keeps words of one verb, or spoils their answers."""

    def __init__(self, bench: Bench, group: int, verb: bytes, number: int = 1) -> None:
        self.bench = bench
        self.number = number
        self.number_of_group = group
        self.verb = verb
        self.front = bench.node(number).front
        self.group = self.front.replicas[group]
        self.kept: list[Run] = []
        self.act: Callable[[Run], None] = self.kept.append
        self.times = 1_000_000
        self.front.replicas[group] = self

    def __getattr__(self, name: str):
        return getattr(self.group, name)

    def write(self, run: Run, now_ms: int) -> None:
        words = run.calls[0][1] if run.calls else [b""]
        if self.times and self.verb == words[words[0] == b"TXN"]:
            self.times -= 1
            self.act(run)
        else:
            self.group.write(run, now_ms)

    def answer(self, reply, times: int = 1) -> None:
        """The group does not get the next words: they are answered so."""
        self.times = times
        self.act = lambda run: run.fail(reply, whoever=True) or run.finish([reply])

    def lose(self, times: int = 1) -> None:
        """The group gets the next words, and its answers are lost."""
        self.times = times

        def act(run: Run) -> None:
            other = Run(Nobody(), True, patient=True)
            other.epoch = run.epoch
            other.add(run.calls[0], 64)
            self.group.write(other, self.bench.mono_ms)
            run.fail(TIMEOUT_ERROR, whoever=True)

        self.act = act

    def release(self) -> None:
        """What was kept goes on, and nothing is kept any more."""
        self.front.replicas[self.number_of_group] = self.group
        for run in self.kept:
            self.group.write(run, self.bench.mono_ms)
        self.kept.clear()
        self.bench.servers[self.number].dirty = True
        self.bench.settle()
