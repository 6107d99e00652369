"""A bench whose database 7 is a keyspace of mode ``paxos``."""

from tests.core.node.bench import Bench
from tests.core.node.founded import founded
from trivet.core.group.paxos_group import PaxosGroup

FIRST = 2
"""The first group of the keyspace."""


def with_registers(nodes: int = 3, options: str = "REPLICAS 3", **settings) -> Bench:
    """Clients ``a`` (at node 1), ``b`` and ``c`` have chosen database 7."""
    bench = founded(nodes, f"7 MODE paxos {options}", **settings)
    for name, number in (("a", 1), ("b", 2), ("c", 3)):
        if number <= nodes:
            assert bench.answer(f"{name}@{number}", "SELECT 7") == "+OK"
    return bench


def registers(bench: Bench, number: int, group: int = FIRST) -> PaxosGroup:
    return bench.node(number).front.leaderless[group]


def members(bench: Bench, group: int = FIRST) -> list[int]:
    row = bench.node(next(n for n, s in bench.servers.items() if s.node is not None)).front.cluster.groups[
        group
    ]
    return list(row.members)


def is_at_rest(bench: Bench) -> bool:
    """Whether nothing is under way in any group of registers of the nodes that are up."""
    groups = [
        group
        for server in bench.servers.values()
        if server.node is not None
        for group in server.node.front.leaderless.values()
    ]
    return all(not group.has_writes and not group.paxos.underway for group in groups)
