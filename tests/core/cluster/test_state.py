"""Look-ups: who owns a slot, who has left, what is over."""

from tests.core.cluster.conversation import founders, hold_back
from trivet.core.cluster.map import genesis
from trivet.core.cluster.rows import NO_GROUP
from trivet.core.cluster.slots import SLOTS
from trivet.core.wire.reply import Error


def say(cluster, text):
    reply = hold_back(cluster, cluster.change([b"MAP", *text.encode().split()], 0))
    assert not isinstance(reply, Error), reply
    return reply


def test_one_group_is_known_without_a_list():
    cluster = genesis("ab12", founders(3))
    assert {cluster.group_of(0, slot) for slot in range(SLOTS)} == {1}
    assert cluster._by_database[0].slots == []
    assert cluster.groups_of(15) == [1]


def test_every_slot_of_several_groups():
    cluster = genesis("ab12", founders(3))
    say(cluster, "KEYSPACE CREATE 9 SHARDS 3")
    assert [cluster.group_of(9, slot) for slot in (0, 5460, 5461, 10921, 10922, 16383)] == [2, 2, 3, 3, 4, 4]
    assert cluster.groups_of(9) == [2, 3, 4]
    assert cluster.group_of(8, 0) == 1


def test_nobody_owns_what_does_not_exist():
    cluster = genesis("ab12", founders(3))
    for db in (16, 9999, -1):
        assert cluster.group_of(db, 0) == NO_GROUP
        assert cluster.groups_of(db) == []
        assert cluster.keyspace_of(db) is None


def test_databases_go_and_come_back():
    cluster = genesis("ab12", founders(3))
    default = cluster.keyspaces[0]
    assert cluster.databases_of(default) == list(range(16))
    say(cluster, "KEYSPACE CREATE 3 NAME three")
    assert 3 not in cluster.databases_of(default)
    assert cluster.keyspace_of(3).name == "three"
    assert cluster.keyspace_named("three").number == 3
    assert cluster.databases_of(cluster.keyspaces[3]) == [3]
    say(cluster, "KEYSPACE DROP 3")
    assert 3 in cluster.databases_of(default)
    assert cluster.keyspace_named("three") is None


def test_what_was_and_is_no_more():
    cluster = genesis("ab12", founders(3))
    node = say(cluster, "JOIN h 1 2 east {} 77")
    assert cluster.born(77).id == node
    assert cluster.born(78) is None
    say(cluster, f"LEFT {node}")
    assert cluster.has_left(node)
    assert node not in cluster.members
    assert not cluster.has_left(node + 1)
    assert not cluster.has_left(1)
    say(cluster, "MOVE START 1 NEW 5 r")
    assert [move.id for move in cluster.moves_of(2)] == [move.id for move in cluster.moves_of(1)] == [1]
    assert not cluster.is_over(1)
    say(cluster, "MOVE ABORT 1")
    assert cluster.is_over(1)
    assert not cluster.is_over(2)
    assert not cluster.is_dropped(2)
    say(cluster, "GROUP DROP 2")
    assert cluster.is_dropped(2)
    assert not cluster.is_dropped(3)
    assert not cluster.is_dropped(0)
    assert cluster.moves_of(1) == []


def test_rows_of_nodes_that_have_left_are_bounded():
    cluster = genesis("ab12", founders(3))
    for birth in range(1, 121):
        node = say(cluster, f"JOIN h 1 2 east {{}} {birth}")
        say(cluster, f"LEFT {node}")
        cluster.check_invariants()
    assert len(cluster.nodes) == 103
    assert cluster.has_left(4)
    assert node == 123


def test_node_names_are_what_redis_cluster_clients_expect():
    cluster = genesis("ab12" * 10, founders(3))
    names = [cluster.node_name(node) for node in (1, 2, 300)]
    assert [len(name) for name in names] == [40, 40, 40]
    assert names[0] == ("ab12" * 8) + "00000001"
    assert names[2].endswith("0000012c")
    assert genesis("ab12", founders(1)).node_name(1) == "ab12" + "0" * 28 + "00000001"


def test_the_first_group_may_go():
    cluster = genesis("ab12", founders(3))
    assert cluster.voters == (1, 2, 3)
    for text in ("MOVE START 1 NEW 0-16383 r", "MOVE DONE 1", "MOVE TAKEN 1", "MOVE END 1", "GROUP DROP 1"):
        say(cluster, text)
    assert cluster.voters == ()
    assert cluster.group_of(0, 0) == 2
    cluster.check_invariants()
