"""Calls over several groups of mode ``primary``, while primaries are replaced (Rules C5 and L16 of the rooms)."""

from tests.core.node.bench import Bench
from tests.core.node.crossing import Between, is_clean, transactions
from tests.core.node.founded import founded
from trivet.core.machine.transactions import IS_LOST
from trivet.core.node import resolver
from trivet.core.node.attempts import PART_LOST
from trivet.core.raft.state import Role

DB = 5
GROUPS = (2, 3)
KEYS = {2: "b", 3: "a"}
"""A key of each group."""


def with_primaries(**settings) -> Bench:
    bench = founded(3, f"{DB} MODE primary REPLICAS 3 SHARDS 2", **settings)
    bench.until(lambda: all(primary_of(bench, group) for group in GROUPS))
    bench.wait(500)
    return bench


def primary_of(bench: Bench, group: int) -> int:
    """Who leads it in the newest term."""
    best = (0, 0)
    for server in bench.servers.values():
        held = None if server.node is None else server.node.groups.get(group)
        if held is not None and held.raft.role is Role.LEADER:
            best = max(best, (held.raft.term, server.number))
    return best[1]


def at(bench: Bench, number: int) -> str:
    """A client of that node, in the database."""
    assert bench.answer(f"c{number}@{number}", f"SELECT {DB}") == "+OK"
    return f"c{number}"


def info(bench: Bench, client: str, name: str) -> str:
    told = bench.answer(client, "INFO transactions")
    return told.split(f"{name}:")[1].split("\\r")[0].split("\r")[0]


def test_who_waits_for_all_of_them_is_told_that_it_is_done():
    bench = with_primaries()
    client = at(bench, 1)
    between = Between(bench, 2, b"FINISH")
    bench.say(client, "MSET a 1 b 2")
    assert bench.answer("d@1", f"SELECT {DB}") == "+OK"
    assert (client, "+OK") not in bench.events
    if between.kept:
        between.release()
    bench.until(lambda: (client, "+OK") in bench.events)
    assert bench.answer("d", "MGET a b") == '["1" "2"]'
    bench.wait(300)
    assert is_clean(bench)


def test_who_is_told_that_locks_were_lost_tells_the_client():
    """Also where nothing was to be changed: others may have changed what was read."""
    bench = with_primaries()
    client = at(bench, 1)
    assert bench.say(client, "SADD a x y | SADD b x")[-1] == "1"
    for group in GROUPS:
        Between(bench, group, b"FINISH").answer(IS_LOST)
    assert bench.say(client, "MULTI | SINTER a b | SADD a z | EXEC")[-1] == f"-{PART_LOST.text}"
    assert info(bench, client, "txn_lost_parts") == "1"


def test_a_part_whose_locks_were_lost_with_a_primary_is_not_done_and_the_client_is_told(monkeypatch):
    monkeypatch.setattr(resolver, "PATIENCE_MS", 60_000)  # else it is aborted, and begun again
    bench = with_primaries(command_timeout_ms=60_000)
    old = primary_of(bench, 2)
    assert old != primary_of(bench, 3)
    client = at(bench, old)
    assert bench.answer(client, "MSET a 1 b 2") == "+OK"
    bench.wait(500)
    bench.cut(old)
    assert bench.say(client, "MSET a 3 b 4") == [], "its lock in group 2 is here, and nowhere else"
    assert bench.node(old).groups[2].machine.intents.by_id
    bench.until(lambda: primary_of(bench, 2) != old, 30_000)
    new = primary_of(bench, 2)
    mine = at(bench, new)
    assert bench.answer(mine, "SET b mine") == "+OK"
    bench.heal()
    bench.until(lambda: (client, f"-{PART_LOST.text}") in bench.events, 30_000)
    assert bench.answer(mine, "GET b") == '"mine"', "others have changed it since"
    assert bench.answer(mine, "GET a") == '"3"'
    assert info(bench, client, "txn_lost_parts") == "1"
    bench.wait(1_000)
    assert is_clean(bench) and not transactions(bench, old).live
