"""What plain calls do that meet locks: they are not run, and come again."""

import pytest

from tests.core.machine.replicas import Replica, call, execute
from tests.core.machine.transaction_words import HOME, decide, effects_of, finish, ident, lock, outcome
from trivet.core.base.prng import Prng
from trivet.core.command.lookup import find_row
from trivet.core.machine.locked import touched_keys
from trivet.core.transaction.words import BLIND, DIE, GRANTED, SHARED, WAIT
from trivet.core.wire.reply import NULL_ARRAY, OK, NotHere

T1, T2 = ident(1), ident(2)


def replica(*lines) -> Replica:
    one = Replica()
    for line in lines:
        one.one(line)
    return one


def read(one: Replica, line):
    args = call(line) if isinstance(line, str) else line
    return one.machine.read([args], 0, Prng(1))[0]


def since(index: int, line: str):
    db, args = call(line)
    return db, [b"SINCE", b"%d" % index, *args]


WRITES = [
    "SET a 1",
    "DEL z a",
    "GETEX a",
    "MSET z 1 a 1",
    "RENAME z a",
    "EVAL return 1 a".replace("return 1 a", "'return 1' 1 a"),
]
READS = [
    "GET a",
    "EXISTS z a",
    "MGET z a",
    "TTL a",
    "TYPE a",
    "OBJECT ENCODING a",
    "EVAL_RO 'return 1' 1 a",
    "WATCH 8 a",
]


@pytest.mark.parametrize("line", WRITES)
def test_a_write_waits_for_every_lock(line):
    one = replica("SET a 0", "SET z 0", lock(T1, ("a", SHARED)))
    before = one.machine.applied_index
    assert one.run("SET y 1", line, "SET y 2") == [OK, NotHere(before + 1), OK]
    one.one(finish(T1))
    assert not isinstance(one.one(line), NotHere)
    one.one(lock(T2, ("a", BLIND)))
    assert isinstance(one.one(line), NotHere)


@pytest.mark.parametrize("line", READS)
def test_a_read_waits_for_exclusive_locks(line):
    one = replica("SET a 0", lock(T1, ("a", SHARED)))
    assert not isinstance(one.one(line), NotHere)
    one.one(finish(T1))
    one.one(lock(T2, "a"))
    assert isinstance(one.one(line), NotHere)
    if not line.startswith("WATCH"):
        assert read(one, line) == NotHere(one.machine.applied_index)
    one.one(finish(T2))
    assert not isinstance(one.one(line), NotHere)


@pytest.mark.parametrize("line", ["GET b", "SET b 1", "PING", "5:GET a", "MGET b c"])
def test_who_meets_no_lock_runs(line):
    one = replica(lock(T1, "a"))
    assert not isinstance(one.one(line), NotHere)


def test_calls_inside_of_others_are_looked_at():
    one = replica("SET a 0", lock(T1, "a"))
    assert isinstance(one.one(execute(["GET b", "SET a 1"])), NotHere)
    assert isinstance(one.one((0, [b"AS", b"default", b"8", b"GET", b"a"])), NotHere)
    assert isinstance(one.one((0, [b"AS", b"default", b"8", *execute(["GET a"])[1]])), NotHere)
    assert isinstance(one.one((0, [b"BLOCK", b"8", b"BLPOP", b"z", b"a", b"0"])), NotHere)
    assert isinstance(read(one, execute(["GET a"])), NotHere)
    assert one.one(execute(["GET b"])) == [None]


def test_a_transaction_reads_the_keys_that_its_client_watches():
    one = replica("SET a 0", (0, [b"WATCH", b"8", b"a"]), lock(T1, "a"))
    assert isinstance(one.one(execute(["SET b 1"], "8")), NotHere)
    one.one(decide(T1, (HOME, effects_of("SET a 1"))))
    assert one.one(execute(["SET b 1"], "8")) == NULL_ARRAY
    assert one.one("EXISTS b") == 0


def test_other_databases_of_a_call_are_looked_at():
    assert touched_keys(0, find_row(call("MOVE a 5")[1]), call("MOVE a 5")[1]) == [(0, b"a"), (5, b"a")]
    copy = call("COPY a b REPLACE DB 3")[1]
    assert touched_keys(0, find_row(copy), copy) == [(0, b"a"), (0, b"b"), (3, b"a"), (3, b"b")]
    wrong = call("MOVE a x")[1]
    assert touched_keys(0, find_row(wrong), wrong) == [(0, b"a")]
    one = replica("SET a 0", lock(T1, "a", db=5))
    assert isinstance(one.one("MOVE a 5"), NotHere)
    assert isinstance(one.one("COPY b a DB 5"), NotHere)
    assert one.one("MOVE a 6") == 1


# -- whole databases


@pytest.mark.parametrize("line", ["DBSIZE", "KEYS *", "SCAN 0", "RANDOMKEY", "SCANPART 0", "SLOTKEYS 15495"])
def test_a_read_of_all_waits_for_the_exclusive_locks_of_its_time(line):
    one = replica("SET a 0", lock(T1, ("a", SHARED)))
    assert not isinstance(read(one, line), NotHere)
    one.one(lock(T2, "b"))
    at = one.machine.applied_index
    assert read(one, line) == NotHere(at)
    one.one(lock(ident(3), "c"))
    assert read(one, since(at, line)) == NotHere(at)
    one.one(finish(T2))
    assert not isinstance(read(one, since(at, line)), NotHere)
    assert read(one, line) == NotHere(one.machine.applied_index)


def test_since_stands_before_any_call():
    one = replica("SET a 0")
    assert one.one(since(1, "GET a")) == b"0"
    assert read(one, since(1, "GET a")) == b"0"
    assert read(one, since(1, "DBSIZE")) == 1
    one.one(lock(T1, "a"))
    assert one.one(since(1, "DEL a")) == NotHere(1)
    assert one.one(since(1, "DBSIZE")) == 1
    assert read(one, (0, [b"SINCE", b"1", *execute(["DBSIZE"])[1]])) == [1]
    assert one.machine.defects == []


@pytest.mark.parametrize("line", ["FLUSHDB", "FLUSHALL", "SWAPDB 0 5"])
def test_a_flush_waits_for_all_locks_and_bars_new_ones(line):
    one = replica("SET a 0", lock(T1, ("a", SHARED), age=5))
    assert isinstance(one.one(line), NotHere)
    assert outcome(one.one(lock(T2, "b", age=9))) == DIE
    assert outcome(one.one(lock(T2, "b", age=3))) == WAIT
    one.one(finish(T1))
    assert outcome(one.one(lock(T2, "c", age=9))) == WAIT
    assert one.one("SET a 1") == OK
    assert one.one(line) == OK
    assert not one.machine.ownership.looks
    assert outcome(one.one(lock(T2, "c", age=9))) == GRANTED


def test_the_barrier_goes_with_time():
    one = replica(lock(T1, "a"))
    one.one("FLUSHALL", at_ms=2_000_000)
    one.one(finish(T1), at_ms=2_000_010)
    assert outcome(one.one(lock(T2, "b"), at_ms=2_000_199)) == WAIT
    assert one.machine.ownership.looks
    assert one.one("SET a 1", at_ms=2_000_200) == OK
    assert not one.machine.ownership.looks
    assert outcome(one.one(lock(T2, "b"))) == GRANTED


def test_without_locks_nothing_is_looked_at():
    one = replica("SET a 0", lock(T1, "a"))
    assert one.machine.ownership.checks_below > 0
    one.one(finish(T1))
    assert one.machine.ownership.checks_below == 0


def test_whoever_hands_out_replies_learns_that_some_are_to_come_again():
    """The locks may come and go in one entry."""
    one = replica()
    (applied,) = one.entry([one.batch([lock(T1, "a"), call("SET a 1"), finish(T1), call("SET a 2")])])
    assert isinstance(applied.replies[1], NotHere)
    assert applied.replies[3] == OK
    assert not one.machine.ownership.looks
    assert one.machine.turned_away == 1
