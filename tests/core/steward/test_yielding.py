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


def with_pendant(leads_system=3, system=()):
    """Node 2 leads a group of nodes 1, 2, 3, and hears only node 1. ``system``: who shall vote there, in steps; else all."""
    bench = founded(5, "3 SHARDS 1 REPLICAS 3 ON 1 2 3", steward=StewardSettings(plans=False))
    group = next(n for n, row in bench.node(1).front.cluster.groups.items() if n > 1)
    bench.ask("admin@1", "SELECT 3")
    held = next(n for n in (1, 2, 3) if leads(bench, n, group))
    if held != 2:
        bench.node(held).steward.lead(group, 2)
        bench.until(lambda: leads(bench, 2, group))
    for voters in system:
        desk = bench.node(1).steward.desk
        desk.say(SYSTEM_GROUP, b"MAP", b"GROUP", b"TARGET", SYSTEM_GROUP, *voters)
        bench.until(lambda v=voters: bench.node(1).system.raft.membership.voters == v)
        bench.wait(200)
    if not leads(bench, leads_system, SYSTEM_GROUP):
        bench.node(bench.leader()).steward.lead(SYSTEM_GROUP, leads_system)
        bench.until(lambda: leads(bench, leads_system, SYSTEM_GROUP))
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


def test_who_leads_the_system_group_and_hears_few_gives_that_up_too():
    """K14: its one friend is a majority with it, so nobody else would ever be elected."""
    bench, group = with_pendant(leads_system=2, system=((1, 2, 3, 4), (1, 2, 3)))
    assert leads(bench, 2, group) and leads(bench, 2, SYSTEM_GROUP)
    took_ms = bench.until(lambda: leads(bench, 1, group) and leads(bench, 1, SYSTEM_GROUP))
    assert took_ms >= PATIENCE_MS
    bench.wait(200)
    assert bench.answer("c", "SET k after") == "+OK"
    bench.ask("d@3", "SELECT 3")
    assert bench.answer("d", "GET k") == '"after"', "a member that did not hear the leader"
    bench.wait(10_000)
    assert leads(bench, 1, group) and leads(bench, 1, SYSTEM_GROUP), "it stays so"
    assert bench.node(1).steward.yielding.count == 0
    facts = bench.node(1).steward.facts()
    assert facts is not None and facts.hear_few == [2]
    bench.cuts.clear()
    bench.until(lambda: not bench.node(1).steward.facts().hear_few)


def test_who_hears_one_of_two_keeps_what_it_leads():
    """K14: in a cluster of three a cut link leaves everybody one other at least."""
    bench = founded(3, "3 SHARDS 1 REPLICAS 3", steward=StewardSettings(plans=False))
    leader = bench.leader()
    cut_pair(bench, leader, leader % 3 + 1)
    bench.wait(3 * PATIENCE_MS)
    assert bench.node(leader).steward.yielding.count == 0


def test_the_dead_are_not_missed():
    """K14: who hears one of four leads on when the three others are gone."""
    bench = founded(5, "3 SHARDS 1 REPLICAS 3 ON 1 2 3", steward=StewardSettings(plans=False))
    for number in (3, 4, 5):
        bench.crash(number)
    bench.wait(10_000)
    up = [number for number in (1, 2) if leads(bench, number, SYSTEM_GROUP)]
    for number in up:
        assert not bench.node(number).steward.yielding.hears_few()


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
