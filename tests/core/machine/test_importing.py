"""Slots that come (Rules I1 to I4)."""

import msgspec
import pytest

from tests.core.machine.replicas import call
from tests.core.machine.two_groups import HIGH, LOW, Group, Groups, Move, key_in, through_snapshot
from trivet.core.machine.importing import AGAIN, BAD_CALL, ENDED, IS_OVER, PURGE, TAKEN, flat
from trivet.core.machine.packets import Packet
from trivet.core.values.codec import encode_items
from trivet.core.wire.reply import NOT_HERE, OK, Error

KEY = key_in(LOW).encode()
OTHER = key_in(HIGH).encode()


def packed(*items, gone=(), database: int = 0) -> bytes:
    return msgspec.msgpack.encode([Packet(database, list(gone), encode_items(list(items)))])


def empty() -> Group:
    group = Group()
    assert group.say("FOUND", "", 3) == OK
    return group


def begun(generation: int = 1) -> Group:
    group = empty()
    assert group.say("IMPORT", "BEGIN", 1, "0-8191", generation) == [TAKEN]
    return group


def test_a_group_is_founded_once_and_empty():
    group = empty()
    assert group.say("FOUND", "", 3) == OK
    assert group.say("FOUND", "0-1", 4) == BAD_CALL
    assert group.machine.ownership.owned == []
    assert group.do("SET a 1", 2) == NOT_HERE
    other = Group()
    other.do("SET a 1")
    assert other.say("FOUND", "", 3) == BAD_CALL


def test_time_is_not_before_that_of_the_source():
    """Rule I5."""
    group = begun()
    for told_ms in (5_000_000, 7):
        group.say("IMPORT", "READY", 1, 1, told_ms)
        assert group.machine.now_ms == 5_000_000


def test_fencing_numbers_are_above_those_of_the_source():
    """Rule G3, though the source's numbers are ahead of its time, and the target's time is later."""
    source, target = Group(), begun()
    source.machine.fences.last = 1 << 53
    told = source.do(f"FENCE {KEY.decode()}")
    assert target.do(f"FENCE {OTHER.decode()}") == NOT_HERE
    target.say("IMPORT", "READY", 1, 1, source.machine.fences.time_ms())
    target.reload()
    target.say("IMPORT", "END", 1, 9)
    assert source.machine.fences.last == told < target.machine.fences.present()
    assert target.do(f"FENCE {KEY.decode()}", 9) > target.machine.fences.present() - 1 > told
    assert target.twin.digest == target.machine.digest


def test_what_comes_is_seen_by_nobody_until_the_end():
    group = begun()
    group.do("SETTING notify-keyspace-events KEA", 3)
    data = packed((KEY, b"v", 2_000_000))
    for _ in range(2):
        assert group.say("IMPORT", "ITEMS", 1, 1, data) == [TAKEN]
    database = group.machine.databases.open(0)
    assert (len(database), len(database.values), list(database.keys())) == (0, 1, [])
    assert (group.do("DBSIZE", 3), group.do("RANDOMKEY", 3), group.do("SCAN 0", 3)) == (0, None, [b"0", []])
    assert group.machine.databases.key_count() == 0
    assert group.say("IMPORT", "END", 1, 9) == Error("ERR not everything of this move is here")
    assert group.say("IMPORT", "READY", 1, 1) == [TAKEN]
    for _ in range(2):
        assert group.say("IMPORT", "END", 1, 9) == [ENDED, 0, 1]
    assert (group.do("DBSIZE", 9), group.do("RANDOMKEY", 9), group.do("SCAN 0", 9)) == (1, KEY, [b"0", [KEY]])
    assert group.do(f"PEXPIRETIME {KEY.decode()}", 9) == 2_000_000
    assert group.machine.take_events() == []
    assert group.machine.ownership.owned == [(0, 8191)]
    for verb in ("BEGIN", "ITEMS", "READY"):
        assert group.say("IMPORT", verb, 1, "0-8191", 9) == [ENDED, 0, 1]
    assert group.say("IMPORT", "ABORT", 1) == IS_OVER


def test_the_newest_word_on_a_key_counts():
    group = begun()
    group.say("IMPORT", "ITEMS", 1, 1, packed((KEY, b"v", 5_000_000)))
    group.say("IMPORT", "ITEMS", 1, 1, packed((KEY, b"w", -1)))
    assert group.machine.databases.open(0).deadline_count == 0
    group.say("IMPORT", "ITEMS", 1, 1, packed(gone=[KEY, b"never" + b"{" + KEY + b"}"]))
    assert group.machine.ownership.imports[1].counts == {0: 0}
    group.machine.ownership.check_invariants()


def test_another_generation_begins_anew():
    """I1."""
    group = begun(4)
    group.say("IMPORT", "ITEMS", 1, 4, packed((KEY, b"v", -1)))
    assert group.say("IMPORT", "ITEMS", 1, 3, packed((KEY, b"w", -1))) == [AGAIN]
    assert group.say("IMPORT", "READY", 1, 3) == [AGAIN]
    assert group.say("IMPORT", "BEGIN", 1, "0-8191", 3) == [AGAIN]
    assert group.say("IMPORT", "BEGIN", 1, "0-8191", 4) == [TAKEN]
    assert group.say("IMPORT", "BEGIN", 1, "0-8191", 5) == [PURGE]
    assert group.say("PURGE", 1, 0) == [b"0", 0]
    assert group.say("IMPORT", "BEGIN", 1, "0-8191", 5) == [TAKEN]
    assert not group.machine.databases.open(0).values


def test_an_abort_leaves_garbage():
    group = begun()
    group.say("IMPORT", "ITEMS", 1, 1, packed((KEY, b"v", -1)))
    for _ in range(2):
        assert group.say("IMPORT", "ABORT", 1) == [TAKEN]
    assert group.machine.ownership.garbage_count() == 1
    assert group.say("IMPORT", "ITEMS", 1, 1, packed((KEY, b"v", -1))) == [AGAIN]
    assert group.say("IMPORT", "END", 1, 9) == [AGAIN]
    assert group.say("PURGE", 1, 0) == [b"0", 0]


@pytest.mark.parametrize(
    ("line", "garbage"), [("FLUSHALL", 0), ("FLUSHDB", 0), ("5:FLUSHDB", 1), ("SWAPDB 0 5", 1)]
)
def test_an_emptied_or_exchanged_database_ends_the_import(line, garbage):
    """I1."""
    group = begun()
    group.say("IMPORT", "ITEMS", 1, 1, packed((KEY, b"v", -1)))
    group.do("5:PING x", 3)
    assert group.do(line, 3) == OK
    assert group.machine.ownership.garbage_count() == garbage
    assert group.say("IMPORT", "ITEMS", 1, 1, packed((KEY, b"v", -1))) == [AGAIN]
    assert group.say("IMPORT", "BEGIN", 1, "0-8191", 2) == [PURGE if garbage else TAKEN]
    group.machine.ownership.check_invariants()


def test_nothing_is_emptied_once_the_import_is_ready():
    """I3."""
    group = begun()
    group.say("IMPORT", "READY", 1, 1)
    for line in ("FLUSHALL", "FLUSHDB", "SWAPDB 0 5"):
        assert group.do(line, 9) == NOT_HERE
    script = (0, [b"EVAL", b"return redis.call('FLUSHALL')", b"0"])
    assert group.ask([script], 9)[0] == NOT_HERE
    assert group.say("IMPORT", "END", 1, 9) == [ENDED]


@pytest.mark.parametrize(
    "words",
    [
        ("IMPORT", "BEGIN", 2, "0-0", 1), ("IMPORT", "BEGIN", 2, "", 1), ("IMPORT", "BEGIN", 2, "9000-9100", 1), ("IMPORT",),
        ("IMPORT", "BEGIN", 2, "x", 1), ("IMPORT", "SING", 1, 1), ("IMPORT", "ITEMS", 1, 1, b"\xc1"), ("IMPORT", "ITEMS", 1, 1),
        ("IMPORT", "ITEMS", 1, 1, packed((OTHER, b"v", -1))), ("IMPORT", "ITEMS", 1, 1, packed(gone=[OTHER])),
        ("IMPORT", "ITEMS", 1, 1, packed((KEY, b"v", -1), database=10_000)), ("IMPORT", "END", 1, "x"), ("FOUND", "x", 1),
        ("IMPORT", "ITEMS", 1, 1, msgspec.msgpack.encode([[0, [], b"junk"]])),
    ],
)  # fmt: skip
def test_what_makes_no_sense_changes_nothing(words):
    group = Group()
    group.say("FOUND", "9000-9100", 3)
    group.say("IMPORT", "BEGIN", 1, "0-8191", 1)
    before = group.machine.ownership.state()
    assert isinstance(group.say(*words), Error)
    assert group.machine.ownership.state() == before
    assert not group.machine.databases.open(0).values


def test_what_comes_is_unheard():
    """I4."""
    group = begun()
    seen = []

    class Follower:
        def before_change(self, database, key):
            seen.append(key)

        def before_flush(self, database):
            seen.append(database.index)

    group.machine.follow_changes(Follower())
    group.do("SETTING notify-keyspace-events KEAn", 3)
    group.say("IMPORT", "ITEMS", 1, 1, packed((KEY, b"v", 1_000_500)))
    group.say("IMPORT", "ITEMS", 1, 1, packed(gone=[KEY]))
    assert (seen, group.machine.take_events()) == ([], [])


def test_a_key_that_expires_on_the_way_is_counted_and_unheard():
    group = begun()
    group.do("SETTING notify-keyspace-events KEA", 3)
    group.say("IMPORT", "ITEMS", 1, 1, packed((KEY, b"v", 1_000_500)))
    group.ask([call("TIME")], 3, at_ms=1_000_600)
    assert group.machine.ownership.imports[1].counts == {0: 0}
    assert group.machine.take_events() == []
    group.machine.ownership.check_invariants()


def test_fields_with_deadlines_live_on():
    groups = Groups()
    name = key_in(LOW)
    groups.run(f"HSET {name} f 1 g 2")
    groups.run(f"HPEXPIREAT {name} 1000500 FIELDS 1 f")
    Move(groups, 1, [LOW]).until("over")
    assert groups.run(f"HGETALL {name}") == {b"f": b"1", b"g": b"2"}
    groups.now_ms = 1_000_600
    assert groups.run(f"HGETALL {name}") == {b"g": b"2"}


def test_an_import_lives_on_in_a_snapshot():
    group = begun()
    group.say("IMPORT", "ITEMS", 1, 1, packed((KEY, b"v", -1)))
    before = group.machine.ownership.state()
    group.reload()
    assert group.machine.ownership.state() == before == through_snapshot(group.twin).ownership.state()
    assert group.machine.databases.open(0).foreign_count == 1
    assert group.do(f"GET {KEY.decode()}", 9) == NOT_HERE
    group.say("IMPORT", "READY", 1, 1)
    group.reload()
    assert group.say("IMPORT", "END", 1, 9) == [ENDED, 0, 1]


def test_counts_as_a_reply():
    assert flat({3: 2, 0: 1, 7: 0}) == [0, 1, 3, 2]
