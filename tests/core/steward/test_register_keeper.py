"""Members of groups of mode ``paxos`` change on whole nodes, while clients write and nodes die."""

import pytest

from tests.core.node.registers import FIRST, registers, with_registers
from trivet.core.cluster.facts import Policy
from trivet.core.cluster.rows import GroupRow
from trivet.core.steward.register_keeper import TURN_MS, turn_of
from trivet.core.steward.settings import StewardSettings
from trivet.core.wire.reply import Error

PLANS = StewardSettings(
    policy=Policy(grace_ms=3_000), warm_ms=1_000, plan_ms=500, report_ms=200, silent_ms=1_000
)


def row(bench, number=1):
    return bench.node(number).front.cluster.groups[FIRST]


def retarget(bench, *nodes):
    words = " ".join(map(str, nodes))
    reply = bench.change_map(bench.leader(), f"GROUP TARGET {FIRST} {words}")
    assert not isinstance(reply, Error), reply


def has(bench, *nodes, number=1):
    one = row(bench, number)
    return one.members == sorted(nodes) and not one.incoming


def in_place(bench, gone):
    """Somebody else is a member instead."""
    one = row(bench)
    return len(one.members) == 3 and gone not in one.members and not one.incoming


def holders(bench):
    """The nodes whose acceptors hold something."""
    up = [number for number, server in bench.servers.items() if server.node is not None]
    return [number for number in up if registers(bench, number).keys]


def test_a_member_is_replaced_and_nothing_is_lost():
    bench = with_registers(5, "REPLICAS 3 ON 1 2 3")
    for n in range(40):
        assert bench.answer("a", f"SET k{n} {n}") == "+OK"
    assert holders(bench) == [1, 2, 3]
    retarget(bench, 1, 2, 4)
    bench.until(lambda: has(bench, 1, 2, 4))
    assert (row(bench).membership, row(bench).since) == (2, [(4, 2)])
    bench.wait(200)
    assert holders(bench) in ([1, 2], [1, 2, 4]), "who has left holds nothing"
    bench.crash(1)  # of those that had the keys first, one is left
    assert bench.answer("b", "DBSIZE") == "40"
    assert bench.answer("b", "MGET k0 k17 k39") == '["0" "17" "39"]'
    assert bench.answer("b", "INCR k39") == "40"


@pytest.mark.parametrize("planned", [(1, 2, 3, 4), (1, 2), (1, 2, 4)])
def test_members_come_and_go_under_load(planned):
    bench = with_registers(5, "REPLICAS 3 ON 1 2 3")
    retarget(bench, *planned)
    counts = 0
    while not has(bench, *planned):
        counts += 1
        assert bench.answer("abc"[counts % 3], "INCR n") == str(counts)
        bench.wait(20)
        assert counts < 500
    assert bench.answer("c", "GET n") == f'"{counts}"'


def test_a_wish_that_has_changed_is_taken_back():
    bench = with_registers(5, "REPLICAS 3 ON 1 2 3")
    assert bench.say("a", "SET k 1 | SET l 2")[-1] == "+OK"
    bench.crash(4)
    retarget(bench, 1, 2, 4)
    bench.until(lambda: row(bench).incoming == [1, 2, 4])
    retarget(bench, 1, 2, 5)
    bench.until(lambda: has(bench, 1, 2, 5))
    assert row(bench).since == [(5, 4)]
    bench.wait(100)
    assert bench.say("a", "GET k | GET l") == ['"1"', '"2"']


def test_who_was_to_look_after_the_registers_dies():
    """Rule K6: the next one begins when the first had time enough."""
    bench = with_registers(5, "REPLICAS 3 ON 1 2 3")
    assert bench.answer("a", "SET k 1") == "+OK"
    after = GroupRow(FIRST, 7, [], [], [1, 2, 3], [], [], incoming=[1, 2, 4])
    first = min((1, 2, 3, 4), key=lambda node: turn_of(after, node))
    bench.crash(first)
    bench.until(lambda: bench.leader() not in (0, first))
    retarget(bench, 1, 2, 4)
    alive = next(node for node in (1, 2, 3) if node != first)
    bench.until(lambda: has(bench, 1, 2, 4, number=alive), 4 * TURN_MS)


def test_a_dead_member_is_replaced_by_the_plan():
    bench = with_registers(5, "REPLICAS 3 ON 1 2 3", steward=PLANS)
    assert bench.answer("a", "SET k 1") == "+OK"
    bench.crash(3)
    bench.until(lambda: in_place(bench, 3), 60_000)
    assert bench.answer("b", "GET k") == '"1"'
    assert bench.node(bench.leader()).steward.facts().groups[FIRST].leader == 0


def test_a_node_that_is_to_be_emptied_keeps_nothing_back():
    bench = with_registers(5, "REPLICAS 3 ON 1 2 3", steward=PLANS)
    bench.say("a", "SET k 1")
    bench.change_map(bench.leader(), "DRAIN 3")
    bench.until(lambda: bench.node(1).front.cluster.nodes[3].state == "gone", 60_000)
    assert in_place(bench, 3)
    assert bench.answer("b", "GET k") == '"1"'


def test_the_number_of_replicas_changes_one_member_at_a_time():
    bench = with_registers(5, "REPLICAS 3", steward=PLANS)
    assert bench.answer("a", "SET k 1") == "+OK"
    seen = [len(row(bench).members)]
    for wanted in (5, 1):
        assert bench.answer("a", f"KEYSPACE ALTER 7 REPLICAS {wanted}") == "+OK"
        while len(row(bench).members) != wanted or row(bench).incoming:
            bench.wait(20)
            assert bench.answer("b", "INCR n")[0] != "-"
            seen += [len(row(bench).members)] if len(row(bench).members) != seen[-1] else []
    assert seen == [3, 4, 5, 4, 3, 2, 1]
    assert bench.answer("c", "GET k") == '"1"'


def test_who_was_told_another_epoch_says_nothing():
    """Rule G7: the word of one who has looked after the registers under members that are no more those."""
    bench = with_registers(5, "REPLICAS 3 ON 1 2 3")
    retarget(bench, 1, 2, 4)
    bench.until(lambda: has(bench, 1, 2, 4))
    before = row(bench).membership
    for word in ("END", "BACK", "BEGIN"):
        reply = bench.change_map(bench.leader(), f"REGISTERS {word} {FIRST} {before}")
        assert reply == Error(f"ERR the members of group {FIRST} are those of epoch {before + 1}")
    assert (row(bench).membership, row(bench).members) == (before, [1, 2, 4])


def test_the_order_in_which_members_look_after_registers():
    one = GroupRow(7, 3, [], [], [1, 2, 3], [], [], incoming=[2, 3, 4])
    assert sorted(turn_of(one, node) for node in (1, 2, 3, 4)) == [0, 1, 2, 3]
    assert turn_of(one, 5) == -1
