"""``TXN`` on a machine: locks with values, decisions with effects, and who hears of them."""

import pytest

from tests.core.machine.replicas import Replica, call, execute
from tests.core.machine.transaction_words import (
    HOME,
    copy_of,
    decide,
    effects_of,
    finish,
    forget,
    granted,
    ident,
    lock,
    outcome,
    resolve,
)
from trivet.core.command.events import GENERIC, STRING
from trivet.core.machine.slot_ranges import write_ranges
from trivet.core.machine.transactions import BAD_WORD, IS_ABORTED, IS_LOST, locks_left
from trivet.core.machine.waiting import SERVED, WAITS
from trivet.core.transaction.words import (
    ABORT,
    BLIND,
    COMMIT,
    DIE,
    DIRTY,
    SHARED,
    STALE,
    WAIT,
    Effects,
    pack,
    unpack_reply,
)
from trivet.core.wire.reply import NOT_HERE, NULL_ARRAY, OK, Blocked, NotHere

T1, T2 = ident(1), ident(2)


def replica(*lines: str) -> Replica:
    found = Replica()
    for line in lines:
        found.one(line)
    return found


# -- LOCK


def test_a_lock_gives_the_values_of_keys_that_are_there():
    one = replica("SET a 1", "RPUSH l x y", "SET c 3 PX 5000")
    found = granted(one.one(lock(T1, "a", ("l", SHARED), "missing", ("c", BLIND))))
    assert found[b"a"] == b"1"
    assert found[b"l"].dump() == [b"x", b"y"]
    assert found[b"c"] == b""
    assert len(found) == 3


def test_a_key_past_its_deadline_is_not_there():
    one = replica("SET a 1 PX 10")
    one.machine._expire_max = 0
    assert granted(one.one(lock(T1, "a"), at_ms=2_000_000)) == {}


def test_a_lock_tells_the_time_and_whether_memory_is_short():
    one = replica()
    one.run((0, [b"SETTING", b"maxmemory", b"1000"]), (0, [b"EVICT", b"1"]))
    found = unpack_reply(one.one(lock(T1, "a"), at_ms=1_234_567))
    assert (found.time_ms, found.refuses_growth) == (1_234_567, True)


def test_who_does_not_get_its_locks_gets_no_values():
    one = replica("SET a 1")
    one.one(lock(T1, "a", age=5))
    found = unpack_reply(one.one(lock(T2, "a", age=6)))
    assert (found.outcome, found.items) == (DIE, b"")
    assert outcome(one.one(lock(T2, "a", age=4))) == WAIT


def test_a_watcher_must_be_clean_and_its_keys_stay_so():
    one = replica("SET a 1", "SET w 1")
    one.one((0, [b"WATCH", b"8", b"w"]))
    assert granted(one.one(lock(T1, "a", watcher=8))) == {b"a": b"1"}
    assert one.one("GET w") == b"1"
    assert isinstance(one.one("SET w 2"), NotHere)
    one.one(finish(T1))
    one.one("SET w 2")
    assert outcome(one.one(lock(T2, "a", watcher=8))) == DIRTY
    assert outcome(one.one(lock(T2, "a", watcher=9))) == DIRTY
    assert one.one("SET a 2") == OK


@pytest.mark.parametrize(
    "args",
    [
        [b"TXN", b"LOCK", b"text"],
        [b"TXN", b"LOCK"],
        [b"TXN"],
        [b"TXN", b"NO", b""],
        [b"TXN", b"DECIDE", b"\xc1"],
        [b"TXN", b"FINISH", b""],
        [b"TXN", b"RESOLVE", b"\x90"],
        [b"TXN", b"FORGET", b"\x93"],
        lock(T1, "a", db=10_000)[1],
        lock(T1, "a", db=-1)[1],
    ],
)
def test_what_makes_no_sense_is_refused(args):
    one = replica()
    assert one.one((0, args)) == BAD_WORD
    assert one.machine.defects == []
    assert not one.machine.intents.by_id


# -- decisions


def test_a_decision_applies_the_homes_effects_and_keeps_the_others():
    one = replica("SET a 1", "SET gone 1")
    one.one(lock(T1, "a", "gone"))
    own = effects_of("SET a 2", "DEL gone")
    assert one.one(decide(T1, (HOME, own), (2, b""), (3, pack(Effects(7))))) == OK
    assert one.run("GET a", "EXISTS gone") == [b"2", 0]
    assert one.one(resolve(T1, 3)) == [COMMIT, pack(Effects(7))]
    assert one.one(resolve(T1, 2)) == [COMMIT, b""]
    assert one.one(decide(T1, (HOME, own), (2, b""))) == OK
    assert one.one(forget(T1)) == OK
    assert not one.machine.intents.records
    assert not one.machine.ownership.looks


def test_a_decision_after_an_abort_does_nothing():
    one = replica("SET a 1")
    one.one(lock(T1, "a"))
    assert one.one(resolve(T1, 2)) == [ABORT]
    assert one.one(decide(T1, (HOME, effects_of("SET a 2")))) == IS_ABORTED
    assert one.one("GET a") == b"1"
    assert outcome(one.one(lock(T1, "a"))) == STALE


def test_a_finish_is_applied_once():
    one = replica("SET a 1")
    one.one(lock(T1, "a", home=2))
    assert one.one(finish(T1, effects_of("SET a 2"))) == OK
    one.one("SET a 3")
    assert one.one(finish(T1, effects_of("SET a 2"))) == OK
    assert one.one(finish(T1)) == OK
    assert one.one("GET a") == b"3"


def test_effects_on_keys_that_are_not_locked_are_refused_before_anything_is_done():
    one = replica("SET a 1", "SET b 1")
    one.one(lock(T1, "a", ("b", SHARED)))
    for effects in (effects_of("SET a 2", "SET b 2"), effects_of("SET c 2"), b"text"):
        assert one.one(decide(T1, (HOME, effects))) == BAD_WORD
    assert one.one(finish(T1, b"text")) == BAD_WORD
    assert one.one(decide(T1, (2, b"text"))) == BAD_WORD
    assert one.one("GET b") == b"1"
    assert T1 in one.machine.intents.by_id
    assert one.one(decide(T1, (HOME, effects_of("SET a 2")))) == OK


@pytest.mark.parametrize("locked", [(), ("b",), ("a", ("b", SHARED))])
def test_a_commit_whose_locks_are_lost_changes_nothing_and_leaves_no_lock(locked):
    """L16: with a primary that was replaced they may be, all of them or the newest."""
    one = replica("SET a 1", "SET b 1")
    if locked:
        one.one(lock(T1, *locked))
    effects = effects_of("SET a 2", "SET b 2")
    assert one.one(finish(T1, effects)) == IS_LOST
    assert (one.one("GET a"), one.one("GET b"), one.one("SET a 3"), one.one("SET b 3")) == (
        b"1",
        b"1",
        OK,
        OK,
    )
    assert one.one(finish(T1, effects)) == OK, "it is told once"
    assert outcome(one.one(lock(T1, "a"))) == STALE
    assert one.one("GET a") == b"3"


def test_locks_that_only_read_are_counted_too():
    """L16."""
    one = replica("SET a 1", "SET b 1")
    one.one(lock(T1, ("b", SHARED)))
    assert one.one(finish(T1, b"", keys=2)) == IS_LOST
    assert not one.machine.intents.by_id
    one.one(lock(T2, ("a", SHARED), ("b", SHARED)))
    assert one.one(finish(T2, b"", keys=2)) == OK


def test_a_home_that_has_lost_some_of_its_locks_aborts():
    """L16."""
    one = replica("SET a 1", "SET b 1")
    one.one(lock(T1, "b"))
    assert one.one(decide(T1, (HOME, effects_of("SET b 2")), keys=2)) == IS_ABORTED
    assert one.one("SET b 3") == OK, "and lets the others go"
    assert one.one(resolve(T1, 2)) == [ABORT]


def test_who_was_told_that_it_is_aborted_says_so_when_it_is_to_commit():
    """L16: the home has forgotten with its primary that it was aborted, and was asked to decide once more."""
    one = replica("SET a 1")
    one.one(lock(T1, "a"))
    one.one(finish(T1))
    assert one.one(finish(T1, effects_of("SET a 2"))) == IS_LOST
    assert one.one(lock(T2, "a", low=2))
    assert one.one(finish(T1, effects_of("SET a 2"))) == OK, "long over: nobody listens any more"
    assert one.one(finish(T2)) == OK and one.one("GET a") == b"1"


def test_values_of_all_types_come_as_they_were():
    lines = [
        "HSET h f v",
        "HPEXPIRE h 5000 FIELDS 1 f",
        "ZADD z 1 m",
        "SADD s m",
        "XADD x 1-1 f v",
        "SET v v PX 90",
    ]
    one = replica("SET h old PX 100")
    keys = ("h", "z", "s", "x", "v")
    one.one(lock(T1, *keys))
    one.one(decide(T1, (HOME, effects_of(*lines, touched=keys))))
    assert one.run("HGETALL h", "HPTTL h FIELDS 1 f", "TTL h", "ZCARD z", "SCARD s", "XLEN x", "PTTL v")[
        2:6
    ] == [-1, 1, 1, 1]
    assert one.one("HGETALL h", at_ms=one.now_ms + 10_000) == {}
    one.machine.databases.open(0).check_invariants()


def test_time_is_not_before_the_transactions():
    one = replica()
    one.one(lock(T1, "a"))
    one.one(decide(T1, (HOME, pack(Effects(3_000_000)))))
    assert one.machine.now_ms == 3_000_000
    assert one.machine.databases.now_ms == 3_000_000


# -- effects are heard (Rule L12)


def test_watchers_hear_of_effects():
    one = replica("SET a 1")
    one.one(lock(T1, "a"))
    one.one((0, [b"UNWATCH", b"8"]))
    other = replica("SET a 1")
    other.one((0, [b"WATCH", b"8", b"a"]))
    other.one(lock(T1, "a", home=2))
    other.one(finish(T1, effects_of("SET a 2")))
    assert other.one(execute(["GET a"], "8")) == NULL_ARRAY


def test_events_and_messages_are_those_of_the_transaction():
    one = replica("SET b 1")
    one.one((0, [b"SETTING", b"notify-keyspace-events", b"KEA"]))
    one.one(lock(T1, "a", "b"))
    one.machine.take_events()
    events = [(0, STRING, b"set", b"a"), (0, GENERIC, b"del", b"b")]
    one.one(
        decide(T1, (HOME, effects_of("SET a 1", "DEL b", events=events, published=[(False, b"c", b"m")])))
    )
    assert one.machine.take_events() == events
    assert one.machine.take_published() == [(False, b"c", b"m")]


def test_a_key_that_expires_while_it_is_locked_is_heard_to():
    one = replica("SET a 1 PX 100")
    one.one((0, [b"SETTING", b"notify-keyspace-events", b"KEAn"]))
    one.one(lock(T1, "a"))
    one.machine._expire_max = 0
    one.one(decide(T1, (HOME, effects_of("SET a 2"))), at_ms=2_000_000)
    assert [event[2] for event in one.machine.take_events()] == [b"expired"]
    assert one.one("GET a") == b"2"


def test_who_follows_changes_hears_of_effects():
    heard = []

    class Follower:
        def before_change(self, database, key):
            heard.append(key)

        def before_flush(self, database):
            raise AssertionError

    one = replica("SET a 1", "SET b 1")
    one.machine.follow_changes(Follower())
    one.one(lock(T1, "a", "b", "c"))
    assert heard == []
    one.one(decide(T1, (HOME, effects_of("SET a 2", "DEL b"))))
    assert dict.fromkeys(heard) == dict.fromkeys([b"b", b"a"])


# -- calls that wait (Rule L13)


def waits(one: Replica, client: int, line: str) -> None:
    assert isinstance(one.one((0, [b"BLOCK", b"%d" % client, *call(line)[1]])), Blocked)


def claim(one: Replica, client: int):
    return one.one((0, [b"CLAIM", b"%d" % client]))


def test_a_waiting_call_is_served_by_effects():
    one = replica()
    waits(one, 8, "BLPOP a 0")
    one.one(lock(T1, "a"))
    one.one(decide(T1, (HOME, effects_of("RPUSH a x"))))
    assert claim(one, 8) == [SERVED, [b"a", b"x"]]
    assert one.one("EXISTS a") == 0


def test_a_waiting_call_is_not_served_while_a_key_of_it_is_locked():
    one = replica("RPUSH dst 0")
    waits(one, 8, "BLMOVE src dst LEFT RIGHT 0")
    one.one(lock(T1, "dst"))
    one.one("RPUSH src x")
    assert claim(one, 8) == [WAITS]
    one.one(finish(T1, effects_of("RPUSH dst 0 1")))
    assert claim(one, 8) == [SERVED, b"x"]
    assert one.one("LRANGE dst 0 -1") == [b"0", b"1", b"x"]


def test_a_new_waiting_call_waits_outside():
    one = replica()
    one.one(lock(T1, "a"))
    assert isinstance(one.one((0, [b"BLOCK", b"8", b"BLPOP", b"b", b"a", b"0"])), NotHere)
    assert not one.machine.waiting.by_client


def test_what_is_given_back_to_a_locked_key_is_put_off():
    one = replica()
    waits(one, 8, "BLPOP a 0")
    one.one("RPUSH a x y")
    granted(one.one(lock(T1, "a")))
    one.one((0, [b"RELEASE", b"8"]))
    assert one.machine.waiting.put_off
    one.machine = copy_of(one.machine)
    one.one(decide(T1, (HOME, effects_of("RPUSH a y z"))))
    assert one.one("LRANGE a 0 -1") == [b"x", b"y", b"z"]
    assert not one.machine.waiting.put_off


# -- slots that go (Rule L14)

EVERYTHING = write_ranges([(0, 16383)])


def test_a_sealed_slot_gets_no_new_lock_and_its_intents_end():
    one = replica("SET a 1", "SET b 1")
    one.one(lock(T1, "a"))
    assert one.one((0, [b"SEAL", b"1", EVERYTHING])) == 1
    assert one.one(lock(T2, "b")) == NOT_HERE
    assert one.one(lock(T1, "b")) == NOT_HERE
    assert locks_left(one.machine, [(0, 16383)]) == 1
    assert one.one(finish(T1, effects_of("SET a 2"))) == OK
    assert one.one((0, [b"SEAL", b"1", EVERYTHING])) == OK
    assert locks_left(one.machine, [(0, 16383)]) == 0
    assert one.one((0, [b"UNSEAL", b"1"])) == OK
    assert one.one("GET a") == b"2"


def test_evictions_skip_locked_keys():
    one = replica("SET a 1", "SET b 1")
    one.one(lock(T1, ("a", SHARED)))
    one.one((0, [b"EVICT", b"0", b"0", b"a", b"0", b"b"]))
    assert one.run("EXISTS a", "EXISTS b") == [1, 0]


def test_a_snapshot_at_any_point_is_the_same_machine():
    one = replica("SET a 1")
    words = [
        lock(T1, "a", "b"),
        lock(T2, ("c", SHARED), home=2),
        lock(ident(3), "a", age=0),
        call("DBSIZE"),
        decide(T1, (HOME, effects_of("SET a 2")), (2, b"")),
        finish(T2, b""),
        forget(T1),
        lock(ident(3), "a", age=0, low=2),
    ]
    twin = copy_of(one.machine)
    for word in words:
        one.one(word)
        twin.apply(twin.applied_index + 1, one.log[-1])
        assert twin.intents.state() == one.machine.intents.state()
        twin = copy_of(twin)
        twin.intents.check_invariants()
    for _ in range(130):
        one.one("GET a")
        twin.apply(twin.applied_index + 1, one.log[-1])
    assert twin.digest == one.machine.digest
