"""What was undone has never been: keys, deadlines, databases, events, watches, waiting calls."""

from random import Random

import pytest

from tests.core.machine.replicas import Replica, call, execute
from tests.core.machine.transaction_words import copy_of, finish, ident, lock
from trivet.core.machine.undo import Journal, Watched
from trivet.core.machine.waiting import WAITS
from trivet.core.values.codec import state_digest
from trivet.core.wire.reply import NULL_ARRAY, OK, Blocked, NotHere

T1 = ident(1)
FILL = [
    "SET s 1", "SET e 1 PX 900000", "RPUSH l a b c", "SADD set a b", "HSET h f 1 g 2", "HPEXPIRE h 900000 FIELDS 1 f",
    "ZADD z 1 a 2 b", "XADD x 1-1 f 1", "XGROUP CREATE x g 0", "SET due 1 PX 1", "5:SET s 5", "6:SET only 6",
]  # fmt: skip
CHANGES = [
    "'SET', 's', 2", "'APPEND', 's', 'x'", "'DEL', 's'", "'PEXPIRE', 's', 5000", "'PERSIST', 'e'", "'SET', 'e', 1",
    "'RPUSH', 'l', 'd'", "'LPOP', 'l'", "'DEL', 'l'", "'SADD', 'set', 'c'", "'SREM', 'set', 'a', 'b'",
    "'HSET', 'h', 'f', 9", "'HDEL', 'h', 'f', 'g'", "'HPEXPIRE', 'h', 7, 'FIELDS', 1, 'g'", "'ZINCRBY', 'z', 3, 'a'",
    "'ZPOPMIN', 'z'", "'XADD', 'x', '*', 'f', 2", "'XREADGROUP', 'GROUP', 'g', 'c', 'STREAMS', 'x', '>'",
    "'SET', 'new', 1", "'RENAME', 's', 'new2'", "'MOVE', 's', 7", "'INCR', 'due'", "'COPY', 'l', 'l', 'DB', 8",
    "'SELECT', 5", "'SELECT', 0", "'PUBLISH', 'c', 'm'",
]  # fmt: skip
FLUSHES = ["'FLUSHDB'", "'FLUSHALL'", "'SWAPDB', 0, 5", "'SWAPDB', 0, 9", "'SWAPDB', 6, 5"]


def filled() -> Replica:
    one = Replica(expire_max=0)
    one.one((0, [b"SETTING", b"notify-keyspace-events", b"KEAn"]))
    for line in FILL:
        one.one(line)
    one.machine.take_events()
    return one


def contents(machine):
    kept = {}
    for index, database in machine.databases.items():
        if len(database.values):
            kept[index] = (len(database.values), database.deadlines.count, database.field_deadlines.count)
        database.check_invariants()
        assert database.index == index
    return kept, state_digest_of(machine)


def state_digest_of(machine):
    return state_digest(machine.databases)


@pytest.mark.parametrize("seed", range(40))
def test_scripts_by_chance(seed):
    random = Random(seed)
    one = filled()
    one.one(lock(T1, "locked"))
    twin = copy_of(one.machine)
    for _ in range(8):
        before, expired = contents(one.machine), [d.expired_count for d in one.machine.databases.opened()]
        pool = CHANGES if random.random() < 0.5 else CHANGES + FLUSHES * 3
        inner = [f"redis.pcall({random.choice(pool)})" for _ in range(random.randint(1, 12))]
        # A flush has to wait for the lock by itself: so the meeting comes at the end or there.
        body = " ".join([*inner, "redis.call('SELECT', 0) redis.call('SET', 'locked', 1)"])
        reply = one.one((0, [b"EVAL", body.encode(), b"0"]))
        twin.apply(twin.applied_index + 1, one.log[-1])
        assert isinstance(reply, NotHere)
        assert contents(one.machine) == before
        assert [d.expired_count for d in one.machine.databases.opened()][: len(expired)] == expired
        assert one.machine.take_events() == []
        assert one.machine.take_published() == []
        assert contents(twin) == before
    assert one.machine.defects == []


@pytest.mark.parametrize("seed", range(40))
def test_flushes_and_exchanges_by_chance(seed):
    """The journal itself: in the machine no flush runs while there are locks, but where a slot is elsewhere."""
    random = Random(seed)
    one = filled()
    machine = one.machine
    one.one("GET s")
    before = contents(machine)
    journal = machine.journal = Journal(machine.databases, machine.watches, machine._writes)
    machine.hooks_changed()
    for _ in range(random.randint(1, 10)):
        inner = random.choice(CHANGES[:-1] + FLUSHES * 2).replace("'", "").replace(",", "")
        machine._run_one(machine._writes, 1, call(inner)) if not inner.startswith("SELECT") else None
        machine._writes.db = machine.databases.open(0)
    machine.journal = None
    journal.undo()
    assert contents(machine) == before


def test_watches_are_neither_broken_nor_lost():
    one = Replica()
    one.run("SET w 1", "SET v 1", (0, [b"WATCH", b"8", b"w"]), (0, [b"WATCH", b"9", b"v"]), "SET v 2")
    one.one(lock(T1, "locked"))
    script = "EVAL \"redis.call('SET', 'w', 2) redis.call('SET', 'locked', 1)\" 0"
    assert isinstance(one.one(script), NotHere)
    assert isinstance(one.one(execute(["SET w 3", script], "8")), NotHere)
    assert one.one("GET w") == b"1"
    assert one.one(execute(["SET w 3"], "8")) == [OK]
    assert one.one(execute(["SET w 4"], "9")) == NULL_ARRAY


def test_who_watches_nothing_is_restored_to_nothing():
    one = Replica()
    Watched(one.machine.watches, (1, 8)).restore(one.machine.watches)
    assert not one.machine.watches.watchers


def test_waiting_calls_are_not_offered_what_is_gone_again():
    one = Replica()
    assert isinstance(one.one((0, [b"BLOCK", b"8", b"BLPOP", b"l", b"0"])), Blocked)
    one.one(lock(T1, "locked"))
    body = b"redis.call('RPUSH', 'l', 'x') redis.call('SET', 'locked', 1)"
    assert isinstance(one.one((0, [b"EVAL", body, b"0"])), NotHere)
    assert one.one((0, [b"CLAIM", b"8"])) == [WAITS]
    assert one.machine.take_woken() == []
    one.one(finish(T1))
    one.one((0, [b"EVAL", body, b"0"]))
    assert one.one((0, [b"CLAIM", b"8"])) == [b"served", [b"l", b"x"]]


def test_no_journal_is_kept_without_need():
    one = Replica()
    one.one("EVAL \"return redis.call('SET', 'a', 1)\" 0")
    assert one.machine.databases.open(0).hook is None
    one.one(lock(T1, "locked"))
    one.one("EVAL \"return redis.call('SET', 'a', 1)\" 0")
    assert one.machine.journal is None
    assert one.machine.databases.open(0).hook is None
