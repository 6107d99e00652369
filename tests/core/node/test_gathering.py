"""Commands that concern several groups: their parts, and one reply made of theirs."""

import pytest

from tests.core.node.test_router import HIGH, LOW, halved, router, with_registers
from trivet.core.cluster.rows import EVENTUAL
from trivet.core.machine.entry import encode_calls
from trivet.core.machine.register_place import OTHER_DATABASE, SEVERAL, WAITS
from trivet.core.machine.scanning import scan_place
from trivet.core.node import manners
from trivet.core.node.gathering import Gathering, Plan, plan_of
from trivet.core.node.router import WHOLE_REFUSED
from trivet.core.node.wide import WIDE
from trivet.core.wire.reply import OK, Error


def plan(*words: bytes) -> Plan:
    found, _ = halved()
    planned = plan_of(found, 0, list(words))
    assert isinstance(planned, Plan)
    return planned


def parts(planned: Plan) -> list[tuple[int, list[bytes]]]:
    return [(group.number, args) for group, args in planned.parts]


def merged(planned: Plan, *replies):
    return planned.merge([args for _, args in planned.parts], list(replies))


def test_a_command_with_keys_of_one_group_goes_there_whole():
    found, replicas = halved()
    for words in ([b"GET", LOW], [b"MGET", LOW, b"{bar}2"], [b"DEL", LOW], [b"MSET", LOW, b"1"]):
        assert plan_of(found, 0, words) is replicas[1]
    assert plan_of(found, 0, [b"AS", b"ann", b"7", b"EVAL", b"return 1", b"1", HIGH]) is replicas[2]
    assert plan_of(found, 0, [b"BLOCK", b"7", b"BLPOP", HIGH, b"0"]) is replicas[2]
    assert plan_of(found, 0, [b"WATCH", b"7", LOW]) is replicas[1]
    assert plan_of(found, 0, [b"EXEC", encode_calls([(0, [b"SET", HIGH, b"1"])]), b""]) is replicas[2]


def test_what_is_asked_of_all_groups():
    for words in ([b"FUNCTION", b"LIST"], [b"SCRIPT", b"EXISTS", b"x"], [b"FLUSHALL"]):
        assert [number for number, _ in parts(plan(*words))] == [1, 2]
    alone, replicas = router()
    assert plan_of(alone, 0, [b"FUNCTION", b"LIST"]) is replicas[1]


@pytest.mark.parametrize("name", [b"MGET", b"EXISTS", b"TOUCH", b"SUNION", b"DEL"])
def test_what_names_keys_of_several_groups_is_no_matter_of_parts(name):
    found, replicas = halved()
    assert plan_of(found, 0, [name, LOW, HIGH]) is WIDE
    assert plan_of(found, 0, [name, HIGH, b"{foo}2"]) is replicas[2]


def test_each_key_is_watched_where_it_is():
    planned = plan(b"WATCH", b"7", LOW, HIGH, b"{bar}2")
    assert parts(planned) == [(1, [b"WATCH", b"7", LOW, b"{bar}2"]), (2, [b"WATCH", b"7", HIGH])]
    assert merged(planned, OK, OK) == OK


TWO = encode_calls([(0, [b"SET", HIGH, b"1"]), (0, [b"GET", LOW])])


@pytest.mark.parametrize(
    "words",
    [
        [b"SINTER", LOW, HIGH],
        [b"RENAME", LOW, HIGH],
        [b"MSETNX", LOW, b"1", HIGH, b"2"],
        [b"MSET", LOW, b"1", HIGH, b"2"],
        [b"DEL", LOW, HIGH],
        [b"EXEC", TWO, b"7"],
        [b"AS", b"ann", b"7", b"EXEC", TWO, b""],
        [b"EVAL", b"return 1", b"2", LOW, HIGH],
    ],
)
def test_what_cannot_be_divided_runs_over_groups_as_one(words):
    found, _ = halved()
    assert plan_of(found, 0, words) is WIDE


def test_what_is_put_into_another_keyspace_runs_over_groups():
    found, replicas = router("MAP KEYSPACE CREATE 3")
    assert plan_of(found, 0, [b"MOVE", b"k", b"3"]) is WIDE
    assert plan_of(found, 0, [b"COPY", b"k", b"k", b"DB", b"3"]) is WIDE
    assert plan_of(found, 0, [b"MOVE", b"k", b"2"]) is replicas[1]


def test_what_runs_in_one_group_only_is_refused():
    found, _ = halved()
    assert plan_of(found, 0, [b"BLOCK", b"7", b"BLPOP", LOW, HIGH, b"0"]) is WIDE
    whole = encode_calls([(0, [b"DBSIZE"]), (0, [b"GET", LOW])])
    assert plan_of(found, 0, [b"EXEC", whole, b""]) is WHOLE_REFUSED


def test_commands_about_whole_databases_ask_every_group():
    assert merged(plan(b"DBSIZE"), 3, 4) == 7
    assert merged(plan(b"KEYS", b"*"), [b"a"], [b"b"]) == [b"a", b"b"]
    assert merged(plan(b"FLUSHALL"), OK, OK) == OK
    assert merged(plan(b"RANDOMKEY"), None, b"b") == b"b"
    assert merged(plan(b"SCRIPT", b"EXISTS", b"x", b"y"), [1, 1], [0, 1]) == [0, 1]


def test_a_scan_goes_no_further_than_the_slowest_part():
    planned = plan(b"SCAN", b"0", b"COUNT", b"2")
    assert parts(planned) == [
        (1, [b"SCANPART", b"0", b"COUNT", b"2"]),
        (2, [b"SCANPART", b"0", b"COUNT", b"2"]),
    ]
    keys = sorted([b"k%d" % i for i in range(8)], key=scan_place)
    far = scan_place(keys[5])
    near = scan_place(keys[3])
    reply = merged(planned, [b"%d" % far, keys[:5:2]], [b"%d" % near, [keys[1]]])
    assert reply == [b"%d" % near, [keys[0], keys[2], keys[1]]]
    assert merged(planned, [b"0", keys[::2]], [b"0", keys[1::2]]) == [b"0", keys[::2] + keys[1::2]]


class Nobody:
    told = 0

    def run_done(self) -> None:
        self.told += 1


def test_the_whole_is_answered_when_all_parts_are_and_with_the_first_error():
    for replies, whole in (((1, 2), 3), ((1, Error("OOM no")), Error("OOM no"))):
        client = Nobody()
        gathering = Gathering(client, False, plan(b"DBSIZE"))
        for _ in gathering.plan.parts:
            part = Gathering(gathering, False, gathering.plan)
            gathering.runs.append(part)
        for part, reply in zip(gathering.runs, replies, strict=True):
            assert client.told == 0
            part.finish([reply])
        assert gathering.replies == [whole] and client.told == 1


DEAF, LOST = Error("CLUSTERDOWN nobody; nothing was done"), Error("TIMEOUT it may have")


@pytest.mark.parametrize(
    ("replies", "whole"),
    [
        ([DEAF, DEAF], DEAF),
        ([DEAF, LOST], LOST),
        ([OK, LOST], LOST),
        (
            [OK, DEAF],
            Error(f"TIMEOUT some groups have done their part of it, and another one says: {DEAF.text}"),
        ),
    ],
)
def test_of_a_change_that_some_have_made_nobody_says_that_nothing_was_done(replies, whole):
    """C3."""
    client = Nobody()
    gathering = Gathering(client, True, plan(b"FLUSHDB"))
    for _ in gathering.plan.parts:
        gathering.runs.append(Gathering(gathering, True, gathering.plan))
    for part, reply in zip(gathering.runs, replies, strict=True):
        part.finish([reply])
    assert gathering.replies == [whole]


# -- copies (mode ``eventual``)


def test_copies_of_several_groups_are_asked_in_parts():
    found, _ = with_registers(2, EVENTUAL)
    planned = plan_of(found, 7, [b"MSET", HIGH, b"1", LOW, b"2", b"{foo}2", b"3"])
    assert parts(planned) == [(3, [b"MSET", HIGH, b"1", b"{foo}2", b"3"]), (2, [b"MSET", LOW, b"2"])]
    assert merged(planned, OK, OK) == OK
    planned = plan_of(found, 7, [b"MGET", HIGH, LOW, HIGH])
    assert merged(planned, [b"1", b"1"], [b"2"]) == [b"1", b"2", b"1"]
    planned = plan_of(found, 7, [b"UNLINK", HIGH, LOW])
    assert merged(planned, 1, 0) == 1


def test_scripts_are_no_matter_of_groups_that_run_none():
    found, replicas = with_registers(2, EVENTUAL)
    for words in ([b"FUNCTION", b"LIST"], [b"SCRIPT", b"EXISTS", b"x"]):
        for db in (0, 7):
            assert plan_of(found, db, words) is replicas[1]
    assert [number for number, _ in parts(plan_of(found, 7, [b"FLUSHALL"]))] == [1, 2, 3]
    assert found.scripted() == [replicas[1]]
    registers, replicas = with_registers()
    assert registers.scripted() == [replicas[1], replicas[2]]


def test_copies_of_one_group_are_its_own_matter():
    found, replicas = with_registers(2, EVENTUAL)
    for words in (
        [b"MSETNX", LOW, b"1", b"{bar}2", b"2"],
        [b"SUNION", LOW, b"{bar}2"],
        [b"WATCH", b"7", LOW],
    ):
        assert plan_of(found, 7, words) is replicas[2]
    assert plan_of(found, 7, [b"MSET", HIGH, b"1", LOW]) is replicas[3], "it says what is wrong"


def test_copies_of_several_groups_are_never_one_transaction():
    found, _ = with_registers(2, EVENTUAL)
    for words in (
        [b"MSETNX", LOW, b"1", HIGH, b"2"], [b"SUNION", LOW, HIGH], [b"WATCH", b"7", LOW, HIGH],
        [b"EXEC", encode_calls([(7, [b"SET", HIGH, b"1"]), (7, [b"GET", LOW])]), b""],
    ):  # fmt: skip
        assert plan_of(found, 7, words) is manners.SEVERAL
    assert plan_of(found, 7, [b"COPY", LOW, LOW, b"DB", b"0"]) is manners.OTHER_DATABASE
    assert plan_of(found, 7, [b"BLOCK", b"7", b"BLPOP", HIGH, b"0"]) is manners.WAITS


# -- registers


def test_registers_of_one_group_are_its_own_matter():
    found, replicas = with_registers()
    for words in ([b"GET", LOW], [b"MGET", LOW, HIGH], [b"MSET", LOW, b"1", HIGH, b"2"], [b"DBSIZE"]):
        assert plan_of(found, 7, words) is replicas[2]
    assert plan_of(found, 7, [b"WATCH", b"7", LOW, HIGH]) is replicas[2]
    assert plan_of(found, 7, [b"EXEC", encode_calls([(7, [b"SET", HIGH, b"1"])]), b""]) is replicas[2]
    assert plan_of(found, 7, [b"EXEC", encode_calls([(7, [b"TIME"])]), b""]) is replicas[2]


def test_registers_of_several_groups_are_never_one_transaction():
    found, _ = with_registers(2)
    low = found.of_keys(7, [LOW])
    for words in ([b"MSET", LOW, b"1", HIGH, b"2"], [b"SINTER", LOW, HIGH], [b"WATCH", b"7", LOW, HIGH],
                  [b"EVAL", b"return 1", b"2", LOW, HIGH], [b"AS", b"ann", b"7", b"SORT", LOW, b"STORE", HIGH],
                  [b"COPY", LOW, HIGH]):  # fmt: skip
        assert plan_of(found, 7, words) is SEVERAL
    assert plan_of(found, 7, [b"MGET", LOW, b"{bar}2"]) is low
    assert [number for number, _ in parts(plan_of(found, 7, [b"DBSIZE"]))] == [2, 3]
    for words in ([b"MOVE", LOW, b"0"], [b"COPY", LOW, LOW, b"DB", b"0"]):
        assert plan_of(found, 7, words) is OTHER_DATABASE
    assert plan_of(found, 0, [b"MOVE", LOW, b"7"]) is OTHER_DATABASE
    assert plan_of(found, 7, [b"BLOCK", b"7", b"BLPOP", LOW, b"0"]) is WAITS


def test_what_nobody_takes_for_atomic_is_asked_of_each_group():
    found, _ = with_registers(2)
    del_ = plan_of(found, 7, [b"DEL", HIGH, LOW, b"{foo}2"])
    assert parts(del_) == [(3, [b"DEL", HIGH, b"{foo}2"]), (2, [b"DEL", LOW])] and merged(del_, 2, 1) == 3
    mget = plan_of(found, 7, [b"MGET", HIGH, LOW, HIGH, b"{bar}2"])
    assert parts(mget) == [(3, [b"MGET", HIGH, HIGH]), (2, [b"MGET", LOW, b"{bar}2"])]
    assert merged(mget, [b"h", b"h"], [b"l", None]) == [b"h", b"l", b"h", None]
