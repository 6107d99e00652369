"""From a database and keys to the group that holds them."""

from types import SimpleNamespace

import pytest

from tests.core.cluster.conversation import hold_back
from trivet.core.cluster.map import ClusterMap, Member
from trivet.core.cluster.rows import EVENTUAL, PAXOS
from trivet.core.machine.register_place import OTHER_DATABASE, SEVERAL, WHOLE_DATABASE
from trivet.core.node import manners
from trivet.core.node.router import (
    CROSSSLOT,
    FLUSHES_ALL,
    NO_DATABASE,
    NOT_IN_REACH,
    WHOLE_REFUSED,
    Router,
)
from trivet.core.wire.reply import Error


class Group:
    """Stands for a replica."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.settings = SimpleNamespace(group=number)


def router(*changes: str) -> tuple[Router, dict[int, Group]]:
    cluster = ClusterMap("1ab", [Member(1, "h", 1, 2)])
    for change in changes:
        reply = hold_back(cluster, cluster.change([word.encode() for word in change.split()], 0))
        assert not isinstance(reply, Error), reply
    replicas = {number: Group(number) for number in cluster.groups}
    found = Router(replicas, cluster)
    found.follow(cluster)
    return found, replicas


def halved() -> tuple[Router, dict[int, Group]]:
    """Database 0 in two groups: slots from 8192 on are in group 2."""
    return router(
        "MAP MOVE START 1 NEW 8192-16383 split",
        "MAP MOVE DONE 1",
    )


LOW, HIGH = b"bar", b"foo"
"""Slots 5061 and 12182."""


def test_one_group_holds_every_database_at_first():
    found, replicas = router()
    assert not found.many
    assert all(found.home(db) is replicas[1] for db in range(16))
    assert found.home(16) is None and found.groups(16) is NO_DATABASE
    assert found.of_keys(3, [LOW, HIGH]) is replicas[1]


def test_without_a_map_nobody_is_told_that_there_is_no_such_database():
    """As on a node that has joined, while its log is opened: what it does not know may well be."""
    found = Router({}, ClusterMap("1ab", []))
    assert found.groups(0) is found.everywhere() is NOT_IN_REACH
    assert found.of_slot(0, 7) is found.of_keys(0, [LOW]) is found.of_keys(0, []) is NOT_IN_REACH
    assert found.of_calls([(0, [b"SET", LOW, b"v"])]) is NOT_IN_REACH


def test_a_keyspace_has_its_own_group():
    found, replicas = router("MAP KEYSPACE CREATE 3")
    assert found.many
    assert found.home(3) is replicas[2] and found.home(2) is replicas[1]
    assert found.everywhere() == [replicas[1], replicas[2]]
    assert found.of_calls([(0, [b"SET", b"k", b"v"]), (3, [b"GET", b"k"])]) is CROSSSLOT
    assert found.of_calls([(3, [b"SET", b"k", b"v"]), (3, [b"DBSIZE"])]) is replicas[2]


def test_keys_of_a_database_in_two_groups():
    found, replicas = halved()
    assert found.home(0) is None
    assert found.of_keys(0, [LOW]) is replicas[1] and found.of_keys(0, [HIGH]) is replicas[2]
    assert found.of_keys(0, [LOW, HIGH]) is CROSSSLOT
    assert found.of_keys(0, [b"{foo}1", HIGH]) is replicas[2]
    assert found.groups(0) == [replicas[1], replicas[2]]


@pytest.mark.parametrize(
    ("calls", "group"),
    [
        ([(0, [b"SET", HIGH, b"v"]), (0, [b"GET", b"{foo}1"])], 2),
        ([(-1, [b"+", b"OK"]), (0, [b"GET", LOW])], 1),
        ([(0, [b"GET", LOW]), (0, [b"TIME"])], 1),
    ],
)
def test_a_transaction_runs_where_all_its_keys_are(calls, group):
    found, replicas = halved()
    assert found.of_calls(calls) is replicas[group]


def test_a_transaction_over_two_groups_is_told_apart():
    found, _ = halved()
    assert found.of_calls([(0, [b"GET", LOW]), (0, [b"GET", HIGH])]) is CROSSSLOT
    assert found.of_calls([(0, [b"MGET", LOW, HIGH])]) is CROSSSLOT
    assert found.of_calls([(0, [b"TIME"])]) is None


def test_over_several_groups_nothing_is_about_whole_databases():
    found, replicas = halved()
    assert found.of_calls([(0, [b"DBSIZE"])]) is WHOLE_REFUSED
    two, groups = router("MAP KEYSPACE CREATE 3")
    whole, elsewhere = (0, [b"DBSIZE"]), (3, [b"GET", b"k"])
    assert two.of_calls([whole, (0, [b"GET", b"k"])]) is groups[1]
    assert two.of_calls([whole, elsewhere]) is WHOLE_REFUSED
    assert two.of_calls([elsewhere, whole]) is WHOLE_REFUSED
    taught = (0, [b"SCRIPT", b"LOAD", b"return 1"])
    assert found.of_calls([taught, (0, [b"GET", HIGH])]) is replicas[2]
    assert found.of_calls([taught, (0, [b"MGET", LOW, HIGH])]) is WHOLE_REFUSED


def test_a_group_that_this_node_does_not_know_yet():
    found, replicas = halved()
    del replicas[2]
    assert found.of_keys(0, [HIGH]) is NOT_IN_REACH
    assert found.groups(0) is NOT_IN_REACH and found.everywhere() is NOT_IN_REACH


@pytest.mark.parametrize(
    ("db", "call", "leaves"),
    [
        (0, "MOVE k 3", True),
        (3, "MOVE k 0", True),
        (0, "MOVE k 2", False),
        (0, "MOVE k 99", False),
        (0, "MOVE k x", False),
        (0, "COPY k k DB 3 REPLACE", True),
        (3, "COPY k k db 5", True),
        (3, "COPY k k2 REPLACE", False),
        (0, "COPY k k DB", False),
    ],
)
def test_what_is_put_into_another_keyspace_concerns_two_groups(db, call, leaves):
    found, _ = router("MAP KEYSPACE CREATE 3")
    words = [word.encode() for word in call.split()]
    assert found.leaves_keyspace(db, words) is leaves
    assert (found.of_calls([(db, words)]) is CROSSSLOT) is leaves


SET, GET, TIME, SELECTED = [b"SET", b"k", b"v"], [b"GET", b"k"], [b"TIME"], (-1, [b"+", b"OK"])

# -- copies (mode ``eventual``)


@pytest.mark.parametrize(
    ("calls", "found"),
    [
        ([(7, SET), (7, GET)], 2),
        ([(7, SET), (7, [b"HGET", b"{k}l", b"f"]), (0, TIME), SELECTED], 2),
        ([(7, [b"GET", b"a"]), (7, [b"DEL", b"{a}b", b"a"])], 3),
        ([(7, TIME)], None),
        ([(7, SET), (7, [b"GET", b"a"])], manners.SEVERAL),
        ([(7, [b"DEL", b"k", b"a"])], manners.SEVERAL),
        ([(7, SET), (0, GET)], manners.SEVERAL),
        ([(0, GET), (7, SET)], manners.SEVERAL),
        ([(0, GET), (7, TIME)], manners.SEVERAL),
        ([(7, [b"DBSIZE"])], manners.SEVERAL),
        ([(7, SET), (7, [b"FLUSHALL"])], FLUSHES_ALL),
        ([(7, [b"MOVE", b"k", b"0"])], manners.OTHER_DATABASE),
        ([(0, [b"MOVE", b"k", b"7"]), (7, TIME)], manners.OTHER_DATABASE),
    ],
)
def test_a_transaction_where_nobody_leads_is_in_one_group(calls, found):
    routed, replicas = with_registers(2, EVENTUAL)
    place = routed.of_calls(calls)
    assert place is (replicas[found] if isinstance(found, int) else found)


def test_a_transaction_about_the_whole_is_in_the_only_group():
    routed, replicas = with_registers(1, EVENTUAL)
    assert routed.of_calls([(7, [b"DBSIZE"]), (7, SET)]) is replicas[2]


# -- registers (mode ``paxos``)


def with_registers(shards: int = 1, mode: str = PAXOS) -> tuple[Router, dict[int, Group]]:
    """Each key of database 7 is a register, or nobody leads there anyhow; its first group is 2."""
    found, replicas = router(f"MAP KEYSPACE CREATE 7 SHARDS {shards}")
    found.cluster.keyspaces[7].mode = mode
    found.follow(found.cluster)
    return found, replicas


def test_in_which_databases_nobody_leads():
    found, _ = with_registers()
    assert [db for db in range(16) if found.manners_of(db) is not None] == [7]
    hold_back(found.cluster, found.cluster.change([b"MAP", b"KEYSPACE", b"DROP", b"7", b"FORCE"], 0))
    found.follow(found.cluster)
    assert found.manners_of(7) is None


@pytest.mark.parametrize(
    ("calls", "found"),
    [
        ([(7, SET), (7, GET)], 2),
        ([(7, TIME), SELECTED, (7, GET), (0, TIME)], 2),
        ([(7, TIME)], None),
        ([(7, SET), (7, [b"GET", b"l"])], SEVERAL),
        ([(7, SET), (0, GET)], SEVERAL),
        ([(0, GET), (7, TIME)], SEVERAL),
        ([(7, [b"DEL", b"k", b"l"])], SEVERAL),
        ([(7, [b"DBSIZE"])], WHOLE_DATABASE),
        ([(7, [b"MOVE", b"k", b"0"])], OTHER_DATABASE),
        ([(0, [b"MOVE", b"k", b"7"])], OTHER_DATABASE),
        ([(0, [b"COPY", b"k", b"k", b"DB", b"7"])], OTHER_DATABASE),
    ],
)
def test_a_transaction_with_a_register_concerns_nothing_else(calls, found):
    routed, replicas = with_registers()
    place = routed.of_calls(calls)
    assert place is (replicas[found] if isinstance(found, int) else found)


def test_nothing_leaves_registers_and_nothing_comes_to_them():
    found, _ = with_registers()
    for db, call in ((0, "MOVE k 7"), (7, "MOVE k 0"), (3, "COPY k k DB 7"), (7, "COPY k l DB 3")):
        assert found.why_apart(db, [word.encode() for word in call.split()]) is OTHER_DATABASE
    for db, call in ((0, "MOVE k 3"), (7, "COPY k l"), (7, "COPY k l DB 7"), (0, "MOVE k x")):
        assert found.why_apart(db, [word.encode() for word in call.split()]) is None
