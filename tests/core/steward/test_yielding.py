"""Nodes that some hear and most do not give up what they lead."""

from tests.core.node.founded import founded
from trivet.core.base.ids import SYSTEM_GROUP
from trivet.core.raft.state import Role
from trivet.core.steward.settings import StewardSettings
from trivet.core.steward.yielding import PATIENCE_MS


def cut_pair(bench, one, other):
    bench.cuts[(one, other)] = bench.cuts[(other, one)] = None


def leads(bench, number, group):
    held = bench.node(number).groups.get(group)
    return held is not None and held.raft.role is Role.LEADER


def with_pendant():
    """Node 2 leads a group of nodes 1, 2, 3, and hears only node 1."""
    bench = founded(5, "3 SHARDS 1 REPLICAS 3 ON 1 2 3", steward=StewardSettings(plans=False))
    group = next(n for n, row in bench.node(1).front.cluster.groups.items() if n > 1)
    bench.ask("admin@1", "SELECT 3")
    held = next(n for n in (1, 2, 3) if leads(bench, n, group))
    if held != 2:
        bench.node(held).steward.lead(group, 2)
        bench.until(lambda: leads(bench, 2, group))
    if not leads(bench, 3, SYSTEM_GROUP):
        bench.node(bench.leader()).steward.lead(SYSTEM_GROUP, 3)
        bench.until(lambda: leads(bench, 3, SYSTEM_GROUP))
    bench.wait(1_000)
    bench.ask("c@4", "SELECT 3")
    assert bench.answer("c", "SET k before") == "+OK"
    cut_pair(bench, 2, 3)
    cut_pair(bench, 2, 4)
    cut_pair(bench, 2, 5)
    return bench, group


def test_a_leader_that_hears_only_one_member_hands_over():
    """K7: nothing but that would end it: node 1 hears it, so nobody is elected against it."""
    bench, group = with_pendant()
    assert leads(bench, 2, group)
    took_ms = bench.until(lambda: leads(bench, 1, group))
    assert took_ms >= PATIENCE_MS
    bench.wait(200)
    assert not leads(bench, 2, group)
    assert bench.answer("c", "GET k") == '"before"'
    assert bench.answer("c", "SET k after") == "+OK"
    bench.wait(10_000)
    assert leads(bench, 1, group), "it stays so"
    assert bench.node(2).steward.yielding.count == 1


def test_without_a_leader_of_the_system_group_each_member_hands_over_once():
    bench = founded(5, "3 SHARDS 1 REPLICAS 3 ON 3 4 5", steward=StewardSettings(plans=False))
    group = next(n for n, row in bench.node(1).front.cluster.groups.items() if n > 1)
    for number in (1, 2):
        bench.crash(number)
    bench.wait(5_000)
    counts = [bench.node(number).steward.yielding.count for number in (3, 4, 5)]
    assert counts == [0, 0, 0], "three of five are a majority"
    bench.crash(next(number for number in (3, 4, 5) if not leads(bench, number, group)))
    up = [number for number, server in bench.servers.items() if server.node is not None]
    bench.wait(30_000)
    assert [bench.node(number).system.leader for number in up] == [0, 0]
    assert sum(leads(bench, number, group) for number in up) == 1
    assert sum(bench.node(number).steward.yielding.count for number in up) <= 4


def test_who_hears_the_leader_keeps_what_it_leads():
    bench = founded(3, "3 SHARDS 1 REPLICAS 3", steward=StewardSettings(plans=False))
    bench.wait(2 * PATIENCE_MS)
    assert all(bench.node(number).steward.yielding.count == 0 for number in bench.servers)
