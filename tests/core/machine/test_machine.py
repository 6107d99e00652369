"""Entries into state: time, chance, expiry, defects, reads, digests (Rules M1 to M4)."""

import msgspec
import pytest

from tests.core.machine.replicas import Replica, call, execute, follow
from trivet.core.base.prng import Prng
from trivet.core.command.table import ROWS
from trivet.core.machine.entry import encode_body
from trivet.core.machine.machine import DIGEST_INTERVAL, Machine
from trivet.core.values.codec import state_digest
from trivet.core.wire.reply import NULL_ARRAY, OK, Error, Simple

DEFECT = Error("ERR internal error: this command failed by a defect, please report it")


def read(machine: Machine, *lines: str, now_ms: int = 0):
    return machine.read([call(line) for line in lines], now_ms, Prng(1))


# -- entries and batches


def test_replies_come_in_the_order_of_the_calls():
    replica = Replica()
    assert replica.run("SET a 1", "INCR a", "2:GET a", "GET a") == [OK, 2, None, b"2"]


def test_calls_are_counted():
    replica = Replica()
    replica.run("SET a 1", "INCR a")
    read(replica.machine, "GET a")
    assert replica.machine.call_count == 3


def test_several_batches_in_one_entry():
    replica = Replica()
    applied = replica.entry([replica.batch([call("INCR n")], node=n) for n in (3, 1, 2)])
    assert [(a.node, a.incarnation, a.sequence, a.replies) for a in applied] == [
        (3, 1, 1, [1]),
        (1, 1, 1, [2]),
        (2, 1, 1, [3]),
    ]


def test_an_empty_entry_of_a_leader_only_counts():
    replica = Replica()
    before = replica.machine.digest
    assert replica.append(b"") == []
    assert (replica.machine.applied_index, replica.machine.digest) == (1, before)


def test_entries_come_in_order():
    machine = Machine(10)
    with pytest.raises(AssertionError):
        machine.apply(2, b"")


def test_a_batch_that_does_not_decode_harms_no_other():
    """M3."""
    replica = Replica()
    good = msgspec.msgpack.encode(replica.batch([call("SET a 1")]))
    bad = msgspec.msgpack.encode([1, 2, "three"])
    applied = replica.append(encode_body(5, 1, [bad, good]))
    assert [a.replies for a in applied] == [[OK]]
    assert "does not decode" in replica.machine.defects[0]


def test_a_defect_is_a_reply_and_stops_nobody(monkeypatch):
    """M3."""

    def broken(context, args):
        raise ZeroDivisionError("a planted defect")

    row = ROWS[b"STRLEN"]
    monkeypatch.setitem(ROWS, b"STRLEN", msgspec.structs.replace(row, run=broken))
    replica = Replica()
    assert replica.run("SET a 1", "STRLEN a", "GET a") == [OK, DEFECT, b"1"]
    assert read(replica.machine, "STRLEN a", "GET a") == [DEFECT, b"1"]
    assert replica.machine.defects == ["command b'STRLEN' raised ZeroDivisionError: a planted defect"] * 2


def test_a_defect_inside_a_transaction_stops_none_of_the_others(monkeypatch):
    """M3."""

    def broken(context, args):
        raise ZeroDivisionError("a planted defect")

    monkeypatch.setitem(ROWS, b"STRLEN", msgspec.structs.replace(ROWS[b"STRLEN"], run=broken))
    replica = Replica()
    assert replica.one(execute(["SET a 1", "STRLEN a", "GET a"])) == [OK, DEFECT, b"1"]


@pytest.mark.parametrize("name", ["NOSUCH", "PING"])
def test_a_command_that_has_no_business_in_the_log(name):
    replica = Replica()
    assert replica.run(name, "SET a 1") == [Error("ERR unknown command in the log"), OK]


# -- time and chance


def test_time_comes_from_the_entry_and_never_goes_back():
    """M1."""
    replica = Replica()
    replica.run("SET a 1", at_ms=5000)
    replica.run("SET b 1", at_ms=3000)
    assert replica.machine.now_ms == 5000
    assert replica.machine.databases.now_ms == 5000
    replica.run("PEXPIRE b 10", at_ms=4000)
    assert replica.machine.databases.open(0).deadline_ms(b"b") == 5010


def test_chance_comes_from_the_entry():
    """M1, C4: what is random is the same on every replica."""
    replica = Replica()
    replica.run(*[f"SADD s m{i}" for i in range(50)])
    popped = [replica.one("SPOP s") for _ in range(20)]
    assert len(dict.fromkeys(popped)) == 20
    assert popped != sorted(popped)
    other = Machine(100)
    follow(replica.log, other)
    assert other.sessions.by_node[1].replies[21] == [popped[-1]]
    assert other.digest == replica.machine.digest


def test_expired_keys_go_at_the_start_of_an_entry():
    """M2."""
    replica = Replica()
    replica.run("SET a 1 PXAT 2000000", "SET b 1 PXAT 2000001")
    assert replica.run("EXISTS a b", at_ms=1_999_999) == [2]
    assert replica.run("EXISTS a b", at_ms=2_000_000) == [1]
    assert len(replica.machine.databases.open(0)) == 1
    replica.append(encode_body(2_000_001, 1, []))
    assert len(replica.machine.databases.open(0)) == 0, "a time entry is enough"


def test_expired_fields_go_at_the_start_of_an_entry():
    """M2."""
    replica = Replica()
    replica.run("HSET h a 1 b 2 c 3", "HPEXPIREAT h 2000000 FIELDS 1 a", "HPEXPIREAT h 2000001 FIELDS 2 b c")
    assert replica.machine.databases.next_deadline_ms() == 2_000_000
    assert replica.run("HLEN h", at_ms=1_999_999) == [3]
    assert replica.run("HLEN h", at_ms=2_000_000) == [2]
    assert replica.machine.databases.next_deadline_ms() == 2_000_001
    replica.append(encode_body(2_000_001, 1, []))
    assert len(replica.machine.databases.open(0)) == 0, "the hash goes with its last field"


def test_an_entry_removes_a_bounded_number_earliest_first():
    """M2: the others are invisible already."""
    replica = Replica(expire_max=3)
    replica.run(*[f"SET k{i} 1 PXAT {2_000_000 + i}" for i in range(8)])
    assert replica.run("EXISTS k0 k3 k7", "GET k7", "TTL k7", at_ms=3_000_000) == [0, None, -2]
    database = replica.machine.databases.open(0)
    assert len(database) == 5
    assert b"k2" not in database.values
    assert b"k3" in database.values
    for _ in range(2):
        replica.append(encode_body(3_000_000, 1, []))
    assert len(database) == 0
    assert database.expired_count == 8


# -- transactions


def test_a_transaction_is_one_call():
    replica = Replica()
    assert replica.one(execute(["SET a 1", "LPUSH a x", "INCR a", "1:SET b 2"])) == [
        OK,
        Error("WRONGTYPE Operation against a key holding the wrong kind of value"),
        2,
        OK,
    ]
    assert replica.run("1:GET b", "GET a") == [b"2", b"2"]


def test_replies_that_the_node_gave_keep_their_place():
    from trivet.core.machine.entry import encode_calls

    calls = [(-1, [b"+", b"PONG"]), (0, [b"SET", b"a", b"1"]), (-1, [b"$", b"text"]), (-1, [b"-", b"ERR no"])]
    replica = Replica()
    assert replica.one((0, [b"EXEC", encode_calls(calls), b""])) == [
        Simple("PONG"),
        OK,
        b"text",
        Error("ERR no"),
    ]


def test_after_a_transaction_the_batch_goes_on_in_its_own_database():
    replica = Replica()
    assert replica.run("SET a 0", execute(["1:SET a 1"]), "GET a", "1:GET a") == [OK, [OK], b"0", b"1"]


def test_swapdb_inside_a_batch_and_a_transaction():
    replica = Replica()
    assert replica.run("SET a 0", "1:SET a 1", "SWAPDB 0 1", "GET a", "1:GET a") == [OK, OK, OK, b"1", b"0"]
    assert replica.one(execute(["SWAPDB 0 1", "GET a", "1:GET a"])) == [OK, b"0", b"1"]


# -- reads


def test_reads_see_the_present_state():
    replica = Replica()
    replica.run("SET a 1", "4:SET a 4")
    assert read(replica.machine, "GET a", "4:GET a", "DBSIZE", "5:DBSIZE") == [b"1", b"4", 1, 0]
    assert replica.machine.read([execute(["GET a", "4:GET a"])], 0, Prng(1)) == [[b"1", b"4"]]


def test_a_reader_s_clock_says_how_long_but_not_whether():
    """M1: whether a key exists is decided by the log's time only."""
    replica = Replica()
    replica.run("SET a 1 PXAT 1100000", at_ms=1_000_000)
    assert read(replica.machine, "PTTL a", "GET a", now_ms=1_090_000) == [10_000, b"1"]
    assert read(replica.machine, "PTTL a", now_ms=5) == [100_000]
    assert read(replica.machine, "GET a", "EXISTS a", now_ms=2_000_000) == [b"1", 1]


# -- digests


def test_equal_entries_give_equal_digests():
    """M4."""
    replica = Replica()
    for i in range(3 * DIGEST_INTERVAL):
        replica.run(f"SET k{i % 50} {i}", f"2:SADD s {i}", f"EXPIRE k{i % 50} {i + 1}")
    other = Machine(100)
    follow(replica.log, other)
    assert list(other.digests) == [64, 128, 192]
    assert other.digests == replica.machine.digests
    assert state_digest(other.databases) == state_digest(replica.machine.databases)


def test_a_different_reply_shows():
    """M4: a replica that answers something else has diverged, even when the data looks the same."""
    replica = Replica()
    replica.run("SET a 1")
    other = Machine(100)
    other.databases.open(0).set(b"a", b"0")
    replica.run("GETSET a 1")
    follow(replica.log[:1], other)
    other.databases.open(0).set(b"a", b"0")
    follow(replica.log, other)
    assert other.digest != replica.machine.digest


def test_different_data_shows_when_its_bucket_has_its_turn():
    """M4."""
    replica = Replica()
    replica.run("SET a 1")
    other = Machine(100)
    follow(replica.log, other)
    other.databases.open(0).set(b"b", b"a stray key")
    for _ in range(DIGEST_INTERVAL):
        replica.append(b"")
    follow(replica.log, other)
    assert other.digests[64] != replica.machine.digests[64]


def test_reads_leave_no_trace_in_the_digest():
    """A read may open a database that other replicas have never opened."""
    replica = Replica()
    other = Machine(100)
    for i in range(DIGEST_INTERVAL):
        replica.run(f"SET k {i}")
        read(replica.machine, "7:GET k", "8:DBSIZE")
    follow(replica.log, other)
    assert other.digests == replica.machine.digests


def test_only_the_newest_digests_are_kept():
    replica = Replica()
    for _ in range(20 * DIGEST_INTERVAL):
        replica.append(b"")
    assert len(replica.machine.digests) == 16
    assert next(reversed(replica.machine.digests)) == 20 * DIGEST_INTERVAL


def test_watch_and_exec_through_the_machine():
    replica = Replica()
    assert replica.run("WATCH 9 a", "SET a 1", execute(["GET a"], "9"), "GET a") == [OK, OK, NULL_ARRAY, b"1"]


# -- keyspace events


def test_events_begin_with_the_setting_and_end_with_it():
    replica = Replica()
    replica.run("SET a 1")
    assert replica.machine.take_events() == []
    replica.run("SETTING notify-keyspace-events KEA", "SET a 1", "3:DEL b", "3:SET b 1")
    replica.run("DEL a")
    assert [(db, name, key) for db, _, name, key in replica.machine.take_events()] == [
        (0, b"set", b"a"),
        (3, b"set", b"b"),
        (0, b"del", b"a"),
    ]
    replica.run("SETTING notify-keyspace-events K", "SET a 1", "SETTING notify-keyspace-events $", "SET a 1")
    assert replica.machine.take_events() == []


def test_keys_expire_with_an_event_before_what_their_entry_does():
    """M2."""
    replica = Replica()
    replica.run("SETTING notify-keyspace-events KExg")
    replica.run("SET a 1 PX 10", "5:SET b 1 PX 10")
    replica.machine.take_events()
    replica.run("DEL a", "SET c 1", "DEL c", at_ms=replica.now_ms + 100)
    assert [(db, name, key) for db, _, name, key in replica.machine.take_events()] == [
        (0, b"expired", b"a"),
        (5, b"expired", b"b"),
        (0, b"del", b"c"),
    ]
