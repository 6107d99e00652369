"""Databases that change hands: WITHHOLD, GIVEN, LIFT (Rules D1 to D4)."""

import pytest

from tests.core.machine.replicas import call, execute
from tests.core.machine.test_rights import on_behalf
from tests.core.machine.transaction_words import (
    HOME,
    decide,
    effects_of,
    finish,
    forget,
    granted,
    ident,
    lock,
)
from tests.core.machine.two_groups import HIGH, LOW, Group, key_in
from trivet.core.machine.checking import OTHER_KEYSPACE
from trivet.core.machine.importing import BAD_CALL
from trivet.core.machine.waiting import WAITS
from trivet.core.machine.withholding import FULL, OLD_CLAIM
from trivet.core.wire.reply import NOT_HERE, NULL_ARRAY, OK, Blocked, Error

OLD, CLAIM, NOW = 3, 5, 7
"""Epochs of the map: before the claim, of the claim (its token), after it was carried out."""
DB = 3


def do(group: Group, line: str, epoch: int = OLD, db: int = DB, node: int = 1):
    return group.ask([(db, call(line)[1])], epoch, node)[0]


def withheld() -> Group:
    group = Group()
    assert group.say("WITHHOLD", DB, CLAIM) == OK
    return group


def refused(group: Group, line: str, db: int = 0, epoch: int = NOW) -> str:
    """The text of the error of a script with that call."""
    words = ",".join(f"'{word}'" for word in line.split())
    args = [b"EVAL", f"return redis.call({words})".encode(), b"0"]
    (reply,) = group.ask([(db, args)], epoch)
    assert isinstance(reply, Error), reply
    return reply.text


def test_nothing_sees_or_changes_it():
    """D2, by whatever map."""
    group = withheld()
    for epoch in (OLD, CLAIM, NOW):
        assert do(group, "SET k 1", epoch) == NOT_HERE
        assert do(group, "GET k", epoch) == NOT_HERE
        assert group.machine.read([(DB, call("GET k")[1])], 0, group.machine._reads.prng, epoch) == [NOT_HERE]
        assert do(group, "WATCH 1 k", epoch) == NOT_HERE
        assert do(group, "BLOCK 1 BLPOP k 0", epoch) == NOT_HERE
        assert do(group, "EVAL return\u00a01 0", epoch) == NOT_HERE
        assert do(group, "DBSIZE", epoch) == NOT_HERE
        assert group.ask([(DB, on_behalf("ann", call("GET k"))[1])], epoch) == [NOT_HERE]
        exec_words = execute(["SET k 1"])[1]
        assert group.ask([(0, exec_words)], epoch) != [NOT_HERE], "the call inside is of database 0"
    assert not group.machine.databases.open(DB).values


def test_the_other_databases_go_on():
    group = withheld()
    assert do(group, "SET k 1", db=0) == OK
    assert do(group, "SET k 1", db=4) == OK
    assert do(group, "MOVE k 5", db=0) == 1
    assert do(group, "SCRIPT EXISTS x", db=DB) == [0], "which database that says does not matter"


def test_nothing_is_put_into_it():
    group = withheld()
    do(group, "SET k 1", db=0)
    assert do(group, f"MOVE k {DB}", db=0) == NOT_HERE
    assert do(group, f"COPY k j DB {DB}", db=0) == NOT_HERE
    assert do(group, f"SWAPDB 0 {DB}", db=0) == NOT_HERE
    assert do(group, "EXISTS k", db=0) == 1


@pytest.mark.parametrize("line", ["FLUSHALL", "DBSIZE", "FLUSHDB", "KEYS *", "SWAPDB 0 1"])
def test_calls_about_whole_databases_wait_until_it_is_decided(line):
    """A ``FLUSHALL`` between the claim and the change would miss what is written into the new groups."""
    group = withheld()
    assert do(group, line, NOW, db=0) == NOT_HERE
    assert group.say("GIVEN", DB, CLAIM, NOW) == OK
    assert do(group, line, OLD, db=0) == NOT_HERE
    assert do(group, line, NOW, db=0) != NOT_HERE


def test_what_is_not_empty_is_not_withheld():
    """D1."""
    group = Group()
    do(group, "MSET a 1 b 2")
    assert group.say("WITHHOLD", DB, CLAIM) == [FULL, 2]
    assert do(group, "DEL a b") == 2
    assert group.say("WITHHOLD", DB, CLAIM) == OK


def test_force_takes_what_is_there():
    group = Group()
    do(group, "SET a 1")
    assert group.say("WITHHOLD", DB, CLAIM, "FORCE") == OK
    assert do(group, "GET a") == NOT_HERE


def test_what_was_served_and_not_claimed_is_a_key():
    """D3."""
    group = Group()
    assert isinstance(do(group, "BLOCK 1 BLPOP k 0"), Blocked)
    assert do(group, "RPUSH k x") == 1
    assert group.say("WITHHOLD", DB, CLAIM) == [FULL, 1]
    assert do(group, "CLAIM 1") == [b"served", [b"k", b"x"]]
    assert group.say("WITHHOLD", DB, CLAIM) == OK


def test_calls_that_wait_are_sent_after_it():
    """D3."""
    group = Group()
    do(group, "BLOCK 1 BLPOP k 0")
    do(group, "BLOCK 2 BLPOP k 0", db=0)
    group.machine.take_woken()
    assert group.say("WITHHOLD", DB, CLAIM) == OK
    assert group.machine.take_woken() == [(1, 1)]
    assert do(group, "CLAIM 1") == NOT_HERE
    assert do(group, "CLAIM 2", db=0) == [WAITS]


def test_watches_are_broken():
    """D3."""
    group = Group()
    do(group, "WATCH 1 k")
    do(group, "WATCH 2 k", db=0)
    assert group.say("WITHHOLD", DB, CLAIM) == OK
    assert group.ask([execute(["TIME"], "1")], NOW) == [NULL_ARRAY]
    assert group.ask([execute(["GET k"], "2")], NOW) == [[None]]


def test_a_node_that_knows_the_new_map_is_believed_once_it_is_given():
    group = withheld()
    assert group.machine.ownership.checks_below > 1 << 60
    assert group.say("GIVEN", DB, CLAIM, NOW) == OK
    assert group.machine.ownership.checks_below == NOW
    assert do(group, "SET k 1", OLD) == NOT_HERE
    assert do(group, "SET k 1", NOW - 1) == NOT_HERE
    assert do(group, "SET k 1", OLD, db=0) == OK


def test_it_comes_back():
    group = withheld()
    assert group.say("LIFT", DB, CLAIM) == OK
    assert group.machine.ownership.checks_below == 0
    assert not group.machine.ownership.bars
    assert do(group, "SET k 1") == OK
    group = withheld()
    assert group.say("GIVEN", DB, CLAIM, NOW) == OK
    assert group.say("LIFT", DB, CLAIM) == OK
    assert do(group, "SET k 1", OLD) == OK


def test_words_that_come_late_or_twice():
    """D4."""
    group = withheld()
    assert group.say("WITHHOLD", DB, CLAIM) == OK
    assert group.say("WITHHOLD", DB, CLAIM - 1) == OLD_CLAIM
    assert group.say("GIVEN", DB, CLAIM - 1, NOW) == OLD_CLAIM
    assert group.say("GIVEN", 4, CLAIM, NOW) == OLD_CLAIM
    assert group.say("LIFT", DB, CLAIM - 1) == OK
    assert do(group, "SET k 1") == NOT_HERE
    assert group.say("GIVEN", DB, CLAIM, NOW) == OK
    assert group.say("GIVEN", DB, CLAIM, NOW + 2) == OK
    assert group.machine.ownership.withheld[DB].epoch == NOW
    assert group.say("WITHHOLD", DB, CLAIM + 4) == OK, "it was dropped meanwhile, and is claimed again"
    assert group.say("LIFT", DB, CLAIM) == OK
    assert group.machine.ownership.withheld[DB].token == CLAIM + 4


@pytest.mark.parametrize(
    "words",
    [("WITHHOLD", 3), ("WITHHOLD", "x", 5), ("WITHHOLD", 10_000, 5), ("GIVEN", 3, 5), ("GIVEN", 3, 5, -1), ("LIFT", 3)],
)  # fmt: skip
def test_what_makes_no_sense_changes_nothing(words):
    group = withheld()
    before = group.machine.ownership.state()
    assert group.say(*words) == BAD_CALL
    assert group.machine.ownership.state() == before


def test_not_while_slots_move():
    group = Group()
    group.say("SEAL", 1, "0-99")
    assert isinstance(group.say("WITHHOLD", DB, CLAIM), Error)
    group.say("UNSEAL", 1)
    assert group.say("WITHHOLD", DB, CLAIM) == OK
    group = Group()
    group.machine.await_founding()
    group.twin.await_founding()
    assert isinstance(group.say("WITHHOLD", DB, CLAIM), Error)


# -- scripts


def test_a_script_does_not_come_to_it():
    group = withheld()
    do(group, "SET k 1", db=0)
    for line in (f"SELECT {DB}", f"MOVE k {DB}", f"copy k j db {DB}", f"SWAPDB {DB} 0"):
        assert refused(group, line).startswith("TRYAGAIN this database"), line
    assert group.say("GIVEN", DB, CLAIM, NOW) == OK
    for line in (f"SELECT {DB}", f"MOVE k {DB}", f"copy k j db {DB}", f"SWAPDB {DB} 0"):
        assert refused(group, line).startswith(OTHER_KEYSPACE.text), line
    script = [b"EVAL", b"redis.call('SELECT', 4) return redis.call('SET', 'k', 1)", b"0"]
    assert group.ask([(0, script)], NOW) == [OK]


# -- groups of a keyspace


def of_keyspace(*more: object) -> Group:
    group = Group()
    assert group.say("FOUND", "0-16383", CLAIM, *more) == OK
    return group


def test_a_group_of_a_keyspace_has_one_database():
    group = of_keyspace(20)
    assert do(group, "SET k 1", db=20) == OK
    assert do(group, "SET k 1", db=0) == NOT_HERE
    assert do(group, "MOVE k 5", db=20) == NOT_HERE
    assert refused(group, "SELECT 0", db=20).startswith(OTHER_KEYSPACE.text)
    assert refused(group, "MOVE k 5", db=20).startswith(OTHER_KEYSPACE.text)
    script = [b"EVAL", b"redis.call('SELECT', 20) return redis.call('GET', 'k')", b"0"]
    assert group.ask([(20, script)], NOW) == [b"1"]


def test_a_later_group_of_the_default_keyspace_knows_what_it_does_not_have():
    group = of_keyspace(0, DB, 2, 4, 3)
    assert do(group, "SET k 1", db=DB) == NOT_HERE
    assert do(group, "SET k 1", db=5) == OK
    assert refused(group, "SELECT 4").startswith(OTHER_KEYSPACE.text)
    assert group.say("LIFT", DB, 2) == OK
    assert do(group, "SET k 1", db=DB) == OK


def test_who_waits_in_a_dropped_one_waits_for_its_end():
    """D3: or for its coming back."""
    group = of_keyspace(20)
    assert isinstance(do(group, "BLOCK 1 BLPOP k 0", NOW, db=20), Blocked)
    group.machine.take_woken()
    assert group.say("WITHHOLD", 20, NOW) == OK
    assert group.machine.take_woken() == []
    assert group.say("LIFT", 20, NOW) == OK
    assert do(group, "RPUSH k x", NOW, db=20) == 1
    assert group.machine.take_woken() == [(1, 1)]


def test_a_dropped_one_takes_nothing_more():
    group = of_keyspace(20)
    assert group.say("WITHHOLD", 20, NOW) == OK
    assert do(group, "SET k 1", NOW + 9, db=20) == NOT_HERE
    assert group.say("LIFT", 20, NOW) == OK
    assert do(group, "SET k 1", NOW + 9, db=20) == OK


# -- transactions over groups (Rule D5)


def test_not_while_a_key_is_locked():
    group = Group()
    attempt = ident(1)
    granted(group.ask([lock(attempt, "k", db=DB)])[0])
    for force in ([], ["FORCE"]):
        assert str(group.say("WITHHOLD", DB, CLAIM, *force).text).startswith("TRYAGAIN")
    assert group.say("WITHHOLD", 4, CLAIM) == OK, "another one has none"
    assert group.ask([finish(attempt)]) == [OK]
    assert group.say("WITHHOLD", DB, CLAIM) == OK
    assert group.ask([lock(ident(2), "k", db=DB)]) == [NOT_HERE]


def test_what_others_have_not_heard_keeps_a_keyspace():
    """The group goes with it, and who asks then would be told that it was aborted."""
    group = of_keyspace(20)
    attempt = ident(1)
    granted(group.ask([lock(attempt, "k", db=20)], NOW)[0])
    effects = effects_of("SET k 1", db=20)
    assert group.ask([decide(attempt, (HOME, effects), (2, effects))], NOW) == [OK]
    for force in ([], ["FORCE"]):
        assert str(group.say("WITHHOLD", 20, NOW, *force).text).startswith("TRYAGAIN")
    assert group.ask([forget(attempt)]) == [OK]
    assert group.say("WITHHOLD", 20, NOW, "FORCE") == OK


# -- state


def test_it_is_in_snapshots_and_in_the_digest():
    group = withheld()
    before = group.machine.ownership.digest(0)
    group.reload()
    assert group.machine.ownership.digest(0) == before
    assert do(group, "SET k 1") == NOT_HERE
    assert refused(group, f"SELECT {DB}").startswith("TRYAGAIN")
    group.say("GIVEN", DB, CLAIM, NOW)
    assert group.machine.ownership.digest(0) != before
    group.reload()
    assert group.machine.ownership.withheld[DB].epoch == NOW
    group = of_keyspace(20)
    group.reload()
    assert do(group, "SET k 1", db=0) == NOT_HERE


def test_slots_and_databases_are_looked_at_both():
    group = Group()
    assert group.say("FOUND", "0-8191", CLAIM, 20) == OK
    assert do(group, f"SET {key_in(LOW)} 1", OLD, 20) == OK
    assert do(group, f"SET {key_in(HIGH)} 1", OLD, 20) == NOT_HERE
    assert do(group, f"SET {key_in(LOW)} 1", OLD, 0) == NOT_HERE
