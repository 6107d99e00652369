"""The placement as a whole: any history of joins, deaths and drains ends where it shall."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.cluster.model import Model
from trivet.core.cluster.actions import Drop, Retire, explain
from trivet.core.cluster.facts import Facts, Policy
from trivet.core.cluster.placement import plan

EVENTS = st.one_of(
    st.tuples(st.just("join"), st.sampled_from("abc")),
    st.tuples(st.just("replace"), st.integers(0, 9)),
    st.tuples(st.just("die"), st.integers(0, 9)),
    st.tuples(st.just("live"), st.integers(0, 9)),
    st.tuples(st.just("drain"), st.integers(0, 9)),
    st.tuples(st.just("undrain"), st.integers(0, 9)),
    st.tuples(st.just("create"), st.integers(1, 9), st.integers(1, 6)),
    st.tuples(st.just("alter"), st.integers(1, 9), st.integers(1, 8)),
    st.tuples(st.just("grow"), st.sampled_from([0, 50, 500, 3000])),
    st.tuples(st.just("abort"), st.just(0)),
    st.tuples(st.just("turn"), st.integers(1, 4)),
)


def happen(model, event):
    name, value = event[0], event[1]
    nodes = list(model.map.members)
    node = nodes[value % len(nodes)] if isinstance(value, int) else 0
    if name == "join" and len(nodes) < 12:
        model.join(value)
    elif name == "replace" and len(nodes) < 12:
        model.join(model.map.members[node].zone or "a", node)
    elif name == "die" and sum(model.alive(n) for n in nodes) > 1:
        model.die(node)
    elif name == "live":
        model.dead.pop(node, None)
    elif name in ("drain", "undrain"):
        model.attempt(f"{name} {node}")
    elif name == "create":
        mode = "paxos" if value > 6 else "eventual" if value > 4 else "raft"
        model.attempt(f"KEYSPACE CREATE {value} MODE {mode} REPLICAS {event[2] % 5 + 1} SHARDS {event[2]}")
    elif name == "alter":
        words = "TOGETHER" if event[2] == 8 else f"REPLICAS {event[2] % 5 + 1} SHARDS {event[2]}"
        model.attempt(f"KEYSPACE ALTER {value} {words}")
    elif name == "grow":
        model.density = dict.fromkeys(range(10), value)
    elif name == "abort":
        for move in list(model.map.moves):
            model.attempt(f"MOVE ABORT {move}")
    elif name == "turn":
        for _ in range(value):
            model.turn()
    model.map.check_invariants()


def check_end(model):
    """Everything the placement promises, for the groups that have a quorum."""
    members = model.map.members
    staying = [n for n, row in members.items() if row.state != "draining"]
    useful = [n for n in staying if model.alive(n) and members[n].state == "up"]
    for row in model.map.groups.values():
        assert row.ranges or row.id == 0 or model.is_stuck(row), "an empty group is left"
        if not model.quorum(row, row.members):
            continue
        assert not row.incoming
        wish = {0: 5 if len(staying) >= 5 else 3}.get(row.id) or model.map.keyspaces[row.keyspace].replicas
        wanted = min(wish, len(staying))
        spare = [n for n in useful if n not in row.members]
        assert len(row.members) == wanted or (len(row.members) < wanted and not spare)
        assert not spare or all(node in useful for node in row.members), "a bad node could be replaced"
        zones = [members[n].zone for n in row.members]
        for zone in {members[n].zone for n in spare}:
            assert max(map(zones.count, zones)) - zones.count(zone) <= 1, "zones could be apart"
    check_leaders(model, useful)
    for number, keyspace in model.map.keyspaces.items():
        rows = model.map.groups_in(number)
        if all(model.quorum(row, row.members) for row in rows):
            assert len(rows) >= keyspace.shards
            assert not keyspace.together or len(rows) == 1
            # Without a node that stays and lives there is nowhere to put a new group.
            movable = useful and keyspace.mode in ("raft", "paxos")
            assert keyspace.together or not movable or all(model.bytes_of(row) <= 1000 for row in rows)


def check_leaders(model, useful):
    """No chain of hand-overs would make the leaders more even (found in another way: node by node, to the end)."""
    led = model.led()
    edges = {node: set() for node in useful}
    for row in model.map.groups.values():
        leader = model.leaders.get(row.id)
        if row.id and leader in edges:
            edges[leader] |= {n for n in row.members if n in edges}
    for start in useful:
        reached, fresh = {start}, {start}
        while fresh:
            fresh = {n for node in fresh for n in edges[node]} - reached
            reached |= fresh
        assert led[start] - min(led[node] for node in reached) <= 1, "leaders could be more even"


@settings(max_examples=400, deadline=None)
@given(
    st.integers(1, 5),
    st.sampled_from(["", "abcabc", "aabbc", "aaaab"]),
    st.lists(EVENTS, max_size=25),
    st.integers(0, 3),
)
def test_any_history_ends_where_it_shall(size, zones, events, slow):
    model = Model(size, zones)
    model.slow = slow
    for event in events:
        happen(model, event)
    model.settle()
    assert model.turn() == []
    check_end(model)


@settings(max_examples=40, deadline=None)
@given(st.integers(3, 8), st.integers(1, 30), st.integers(1, 4))
def test_equal_groups_on_equal_nodes_are_even(size, shards, replicas):
    model = Model(size)
    model.say(f"KEYSPACE CREATE 1 SHARDS {shards} REPLICAS {replicas}")
    for _ in range(2):
        model.join("")
    model.settle()
    counts, led = model.counts(), model.led()
    assert max(counts.values()) - min(counts.values()) <= 1
    check_end(model)
    if replicas > 1:
        assert max(led.values()) - min(led.values()) <= 1


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000))
def test_small_changes_of_size_move_nothing(noise):
    """No flapping: with sizes that go up and down by a tenth a stable cluster stays as it is."""
    model = Model(5, "abcab")
    model.say("KEYSPACE CREATE 1 SHARDS 12")
    model.density = {0: 800, 1: 9000}
    model.settle()
    for turn in range(20):
        model.density = {0: 800 + (noise * turn) % 80, 1: 9000 - (noise * 7 * turn) % 900}
        assert model.turn() == []


def test_a_stable_cluster_has_nothing_to_do():
    assert Model(3).turn() == []
    assert Model(1).turn() == []
    assert explain(Model(3).turn()) == "Nothing to do: every group is where it shall be.\n"


def test_a_dead_node_is_replaced_after_the_grace():
    model = Model(3)
    model.join()
    model.settle()
    model.die(2)
    assert [model.turn() for _ in range(3)] == [[], [], []]
    text = explain(model.turn())
    assert text == (
        "1. group 0 gets the members 1, 3, 4: node 2 has not been heard for 30 s\n"
        "2. group 1 gets the members 1, 3, 4: node 2 has not been heard for 30 s\n"
    )
    model.settle()
    model.dead.clear()
    assert model.settle() == [], "it comes back, and nothing moves back"


def test_a_drained_node_is_emptied_and_leaves():
    model = Model(4, replicas=3)
    model.say("DRAIN 1")
    done = model.settle()
    assert Retire(1, "it was emptied") in done
    assert model.map.groups[1].members == [2, 3, 4]
    assert 1 not in model.map.members


def test_a_drained_node_of_a_small_cluster_leaves_too():
    model = Model(3)
    model.say("DRAIN 3")
    model.settle()
    assert model.map.groups[1].members == model.map.groups[0].members == [1, 2]
    assert list(model.map.members) == [1, 2]


def test_a_cluster_grows_from_one_node():
    model = Model(1)
    for wanted in ([1, 2], [1, 2, 3]):
        model.join()
        model.settle()
        assert model.map.groups[0].members == model.map.groups[1].members == wanted
    for _ in range(3):
        model.join()
    model.settle()
    assert len(model.map.groups[0].members) == 5


def test_what_lost_its_quorum_hinders_nobody():
    model = Model(3)
    for _ in range(4):
        model.join()
    model.settle()
    for db in range(1, 5):
        model.say(f"KEYSPACE CREATE {db} ON 4 5 6")
    model.slow = 5
    model.say("DRAIN 4")
    model.turn()
    assert model.under_way() == model.policy.moves_max
    model.die(5)
    model.die(6)
    assert model.under_way() < model.policy.moves_max, "changes without a quorum are not counted"
    model.say("KEYSPACE CREATE 5 ON 1 2 7")
    model.die(7)
    model.settle()
    lost = [row for row in model.map.groups.values() if not model.quorum(row, row.members)]
    assert lost
    assert any(row.target != row.members for row in lost), "one is under way for ever"
    for row in model.map.groups.values():
        assert row in lost or len({1, 2, 3} & set(row.members)) == 3


def test_an_aborted_split_leaves_no_empty_group():
    model = Model(3)
    model.density = {0: 1500}
    model.turn()
    assert len(model.map.groups) == 3
    model.say("MOVE ABORT 1")
    model.density = {0: 900}
    assert model.turn() == [Drop(2, "it owns nothing")]
    assert len(model.map.groups) == 2


def test_a_group_that_others_may_ask_about_a_transaction_stays():
    model = Model(3)
    model.density = {0: 1500}
    model.turn()
    model.say("MOVE ABORT 1")
    model.density = {0: 900}
    model.asked[2] = True
    assert model.turn() == []
    assert model.map.groups[2].ranges == []
    del model.asked[2]
    assert model.turn() == [Drop(2, "it owns nothing")]


def test_no_room_no_changes():
    model = Model(3)
    model.join()
    model.die(3)
    for _ in range(9):
        model.turns += 1
        assert plan(model.map, model.facts(), Policy(grace_ms=1, moves_max=0)) == []


def test_without_facts_only_the_map_speaks():
    model = Model(3)
    assert plan(model.map, Facts(), Policy()) == []
    model.join()
    model.say("DRAIN 1")
    assert {action.group for action in plan(model.map, Facts(), Policy())} == {0, 1}


@pytest.mark.parametrize("size", [3, 6])
def test_zones_are_used(size):
    model = Model(size, "aaabbc"[:size])
    for zone in "bc":
        model.join(zone)
    model.settle()
    check_end(model)
    zones = [model.map.members[node].zone for node in model.map.groups[1].members]
    assert sorted(zones) == ["a", "b", "c"]


def test_of_many_copies_one_alone_gets_others():
    """Rule P12."""
    model = Model(5)
    model.say("KEYSPACE CREATE 20 MODE eventual REPLICAS 3 ON 1 2 3")
    (row,) = model.map.groups_in(20)
    model.die(2)
    model.die(3)
    model.settle()
    assert row.members == [1, 4, 5]


def test_a_change_to_copies_that_all_die_is_given_up():
    """Rule P12."""
    model = Model(3)
    model.say("KEYSPACE CREATE 20 MODE eventual REPLICAS 1 ON 1")
    (row,) = model.map.groups_in(20)
    model.say(f"GROUP TARGET {row.id} 2")
    model.say(f"COPIES BEGIN {row.id} 1")
    model.die(2)
    model.settle()
    assert (row.members, row.incoming) == ([1], [])


def test_a_node_that_comes_to_a_group_of_registers_does_not_leave():
    """Rule P3: the words that bring it may have been taken back, its part has not."""
    model = Model(3)
    model.join()
    model.say("KEYSPACE CREATE 20 MODE paxos ON 1 2 3")
    (row,) = model.map.groups_in(20)
    for words in (f"TARGET {row.id} 1 2 4", f"TARGET {row.id} 1 2 3"):
        model.say(f"GROUP {words}")
        model.attempt(f"REGISTERS BEGIN {row.id} 1")
    model.say("DRAIN 4")
    left = Retire(4, "it was emptied")
    assert left not in plan(model.map, model.facts(), model.policy)
    model.say(f"REGISTERS BACK {row.id} 2")
    assert left in plan(model.map, model.facts(), model.policy)
