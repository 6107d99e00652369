"""What members have, as far as write quorums go by it, while members change (Rule X17)."""

import copy

from tests.core.group.test_eventual_causal import TIMEOUT_MS, said
from tests.core.group.test_eventual_group import FIRST, group, with_copies
from trivet.core.group.eventual_quorums import not_enough
from trivet.core.wire.reply import Error


def goes(bench, *heard: int, node: int = 2) -> None:
    """Of members 1, 2, 3 ``node`` goes; so ``heard`` have been told by the map."""
    row = copy.deepcopy(bench.node(heard[0]).front.cluster.groups[FIRST])
    row.membership, row.before = 1, [1, 2, 3]
    row.incoming = [one for one in row.members if one != node]
    for number in heard:
        group(bench, number).follow(row)
        bench.servers[number].dirty = True


def test_while_members_change_both_sets_count():
    bench = with_copies(3, "REPLICAS 3 WRITE QUORUM 2")
    goes(bench, 1, 2, 3)
    bench.wait(200)
    bench.cut(3)
    bench.ask("a", "SET k 1")
    bench.wait(300)
    assert said(bench, "a") == [], "node 2 has it, and goes"
    bench.heal()
    bench.until(lambda: said(bench, "a") == ["+OK"], 1_000)


def test_who_goes_by_other_members_counts_for_nothing():
    """X17: it may have looked what it has to hand over before it had the write."""
    bench = with_copies(3, "REPLICAS 3 WRITE QUORUM 2")
    bench.cut(3)
    goes(bench, 2)
    bench.wait(200)
    bench.ask("a", "SET k 1")
    bench.wait(300)
    assert said(bench, "a") == [], "node 2 has it, by another map"
    assert group(bench, 1).epoch < group(bench, 2).epoch
    bench.heal()
    bench.until(lambda: said(bench, "a") == ["+OK"], 1_000)


def test_what_was_said_before_members_changed_is_said_again():
    bench = with_copies(3, "REPLICAS 3 WRITE QUORUM 3")
    bench.cut(3)
    bench.ask("a", "SET k 1")
    bench.wait(200)
    goes(bench, 1, node=3)
    bench.wait(200)
    assert said(bench, "a") == [], "node 2 said it as a member of others"
    bench.heal()
    goes(bench, 2, 3, node=3)
    bench.wait(500)
    assert group(bench, 1).tally.busy, "two stay, and three are asked for"
    assert "+OK" in bench.say("m", "KEYSPACE ALTER 7 WRITE QUORUM 2")
    bench.until(lambda: not group(bench, 1).has_writes, 1_000)


def test_who_goes_hands_over_to_as_many_as_a_write_asks_for():
    """X17."""
    bench = with_copies(3, "REPLICAS 3 WRITE QUORUM 2")
    bench.cut(3)
    assert bench.answer("b", "SET k 1") == "+OK"
    goes(bench, 1, 2, 3)
    bench.wait(300)
    assert group(bench, 2).standing().kept == 1, "node 1 has it, and one is not enough"
    bench.heal()
    bench.until(lambda: group(bench, 2).standing().kept == 0, 2_000)


def test_who_goes_hands_over_to_those_who_are_heard():
    """X17: what node 3 had once, it may have lost."""
    bench = with_copies(3)
    assert bench.answer("b", "SET k 1") == "+OK"
    bench.wait(300)
    for number in (1, 3):
        bench.crash(number)
    goes(bench, 2)
    bench.wait(300)
    held = group(bench, 2)
    assert (held.gossip.kept_alone(), held.standing().kept) == (0, 1)


def test_what_is_left_over_counts_for_nothing():
    """X17: who was no member meanwhile holds something that it will throw away."""
    bench = with_copies(3, "REPLICAS 3 WRITE QUORUM 2")
    assert bench.answer("a", "SET k 1") == "+OK"
    bench.wait(300)
    row = copy.deepcopy(bench.node(1).front.cluster.groups[FIRST])
    row.membership, row.since = 4, [(2, 4)]
    for number in (1, 2):
        group(bench, number).follow(row)
        bench.servers[number].dirty = True
    assert group(bench, 2).left_over
    bench.cut(3)
    bench.ask("a", "SET k 2")
    bench.wait(300)
    assert said(bench, "a") == [], "node 3 does not hear of it, and node 2 will keep nothing"


def test_all_who_wait_are_told():
    bench = with_copies(3, "REPLICAS 3 WRITE QUORUM 3")
    tally = group(bench, 1).tally
    bench.cut(3)
    bench.ask("a", "SET k 1")
    bench.wait(TIMEOUT_MS + 300)
    assert said(bench, "a") == ["-" + not_enough(3, 2).text] and not tally.busy
    bench.ask("b", "SET k 1")
    bench.wait(100)
    tally = group(bench, 2).tally
    assert tally.busy
    tally.fail_all(Error("ERR gone"))
    assert not tally.busy


def moved(bench):
    """Node 1 goes, the only one that was there, and node 2 comes."""
    row = copy.deepcopy(bench.node(1).front.cluster.groups[FIRST])
    row.membership, row.before, row.members, row.incoming, row.since = 1, [1], [1, 2], [2], [(2, 2)]
    return row


def moves(bench, *heard: int) -> None:
    """So ``heard`` have been told."""
    for number in heard:
        group(bench, number).follow(moved(bench))
        bench.servers[number].dirty = True


def test_who_goes_serves_until_somebody_who_stays_has_what_was_here():
    """X19: clients of all nodes are served, and what they write is not lost."""
    bench = with_copies(3, "REPLICAS 1 ON 1")
    assert bench.answer("a", "INCR n") == "1"
    bench.cut(2)
    moves(bench, 1, 2, 3)
    bench.wait(300)
    assert group(bench, 1).serves and not group(bench, 2).serves
    assert bench.answer("a", "INCR n") == "2"
    assert bench.answer("c", "INCR n") == "3", "node 2 can't be reached, node 1 goes on for a while"
    assert group(bench, 1).standing().kept > 0
    bench.heal()
    bench.until(lambda: group(bench, 2).serves, 2_000)
    bench.until(lambda: not group(bench, 1).serves, 2_000)
    for number, name in enumerate("abc", 4):
        assert bench.answer(name, "INCR n") == str(number)
    bench.until(lambda: group(bench, 1).standing().kept == 0, 2_000)
    bench.cut(2)
    assert not group(bench, 1).serves, "never again"


def test_who_goes_and_begins_anew_serves_no_more():
    """X19: it may have reported that nothing is left here alone."""
    bench = with_copies(3, "REPLICAS 1 ON 1")
    assert bench.answer("a", "INCR n") == "1"
    bench.cut(2)
    held = group(bench, 1)
    held.tally.follow(moved(bench), None)
    assert not held.tally.lingers((2,))
    held.tally.follow(moved(bench), held.executor.lattice.clock.copy())
    assert held.tally.lingers((2,))


def test_who_goes_serves_no_more_where_somebody_stays_who_was_there():
    """X5."""
    bench = with_copies(3)
    goes(bench, 1, 2, 3)
    assert [group(bench, number).serves for number in (1, 2, 3)] == [True, False, True]


def test_a_member_without_a_word_to_hand_on_goes_at_once():
    """X19: nothing is waited for where there is nothing."""
    bench = with_copies(3, "REPLICAS 1 ON 1")
    moves(bench, 1, 2, 3)
    bench.until(lambda: not group(bench, 1).serves, 1_000)
