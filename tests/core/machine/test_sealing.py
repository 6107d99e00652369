"""Slots that go: seal, disown, purge (Rules X1 to X4)."""

import pytest

from tests.core.machine.replicas import call
from tests.core.machine.two_groups import HIGH, LOW, Group, Groups, Move, key_in
from trivet.core.machine.importing import BAD_CALL, IS_OVER, NO_SUCH_MOVE
from trivet.core.machine.sealing import counts_as_arguments, sealed_ranges
from trivet.core.machine.waiting import ENDED, SERVED, WAITS
from trivet.core.wire.reply import NOT_HERE, OK, Blocked, Error

A, B = key_in(LOW), key_in(LOW, 1)
STAYS = key_in(HIGH)


def sealed(group: Group, move: int = 1) -> None:
    assert group.say("SEAL", move, "0-8191") == OK


def test_everything_may_be_said_twice():
    group = Group()
    group.do(f"SET {A} 1")
    sealed(group)
    sealed(group)
    assert group.say("SEAL", 1, "0-1") == BAD_CALL
    assert isinstance(group.say("SEAL", 2, "5-5"), Error), "sealed already"
    assert sealed_ranges(group.machine.ownership, 1) == [(0, 8191)]
    assert group.say("UNSEAL", 1) == OK
    assert group.say("UNSEAL", 1) == OK
    assert group.say("DISOWN", 1, 5, 0, 1) == NO_SUCH_MOVE
    sealed(group)
    for _ in range(2):
        assert group.say("DISOWN", 1, 5, 0, 1) == OK
    assert group.machine.ownership.owned == [(8192, 16383)]
    assert group.machine.ownership.epoch == 5
    assert group.say("UNSEAL", 1) == IS_OVER
    assert group.say("SEAL", 1, "0-8191") == IS_OVER
    assert isinstance(group.say("SEAL", 2, "0-8191"), Error), "not owned"
    assert group.say("PURGE", 1, 0) == [b"0", 0]
    assert group.say("PURGE", 1, 0) == [b"0", 0]
    assert not group.machine.databases.open(0).values
    assert sealed_ranges(group.machine.ownership, 1) == []


@pytest.mark.parametrize(
    "words",
    [
        ("SEAL", 1, "x"), ("SEAL", 1, "5-1"), ("SEAL", 1, "0-99999"), ("SEAL", 1, ""), ("SEAL", "x", "0-1"), ("SEAL",),
        ("DISOWN", 1, 2, 0), ("DISOWN", 1, 2, 0, 77), ("DISOWN", 1, 2, -1, 1), ("DISOWN", 1), ("PURGE", 1, "x"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_changes_nothing(words):
    group = Group()
    sealed(group, 1)
    before = group.machine.ownership.state()
    assert isinstance(group.say(*words), Error)
    assert group.machine.ownership.state() == before


def test_keys_that_expire_under_the_seal_are_counted():
    """X3."""
    group = Group()
    group.do(f"SET {A} 1 PXAT 1000050")
    group.do(f"SET {B} 1")
    sealed(group)
    group.ask([call("TIME")], at_ms=1_000_100)
    assert group.machine.ownership.exports[1].expired == {0: 1}
    assert group.say("DISOWN", 1, 5, *counts_as_arguments({0: 2})) == OK
    assert group.machine.databases.open(0).foreign_count == 1
    group.machine.ownership.check_invariants()


def test_foreign_keys_expire_unheard():
    group = Group()
    group.do("SETTING notify-keyspace-events KEA")
    group.do(f"SET {A} 1 PXAT 1000050")
    group.do(f"SET {STAYS} 1 PXAT 1000050")
    sealed(group)
    group.say("DISOWN", 1, 5, 0, 1)
    group.machine.take_events()
    group.ask([call("TIME")], 5, at_ms=1_000_100)
    assert [key for _, _, _, key in group.machine.take_events()] == [STAYS.encode()]
    database = group.machine.databases.open(0)
    assert (len(database.values), database.foreign_count, database.expired_count) == (0, 0, 1)


def test_purging_goes_in_slices_and_takes_nothing_that_is_owned():
    """X4."""
    groups = Groups()
    for database in (0, 3):
        for start in range(0, 4000, 500):
            groups.groups[0].do(f"{database}:MSET" + "".join(f" k{i} {i}" for i in range(start, start + 500)))
    move = Move(groups, 1, [LOW], slice_bytes=20_000)
    move.until("purge")
    source = groups.groups[0]
    owned = source.machine.databases.key_count()
    held = [len(source.machine.databases.open(index).values) for index in (0, 3)]
    steps = 0
    while move.phase == "purge":
        move.step()
        steps += 1
        assert source.machine.databases.key_count() == owned
        now = [len(source.machine.databases.open(index).values) for index in (0, 3)]
        assert sum(held) - sum(now) <= 256 + 400
        held = now
    assert steps > 10
    assert sum(held) == owned
    groups.check()
    assert {i for i in range(4000) if groups.run(f"GET k{i}") != b"%d" % i} == set()


def test_a_purge_leaves_what_is_being_imported():
    """X4: a group may give slots away while others come."""
    groups = Groups()
    source = groups.groups[0]
    groups.run(f"SET {A} 1")
    groups.run(f"SET {STAYS} 1")
    Move(groups, 1, [HIGH]).until("over")
    back = Move(groups, 2, [HIGH], source=1)
    back.until("ready")
    away = Move(groups, 3, [LOW])
    away.until("purge")
    assert source.machine.ownership.garbage_count() == 1
    away.until("over")
    assert source.machine.ownership.imports[2].counts == {0: 1}
    groups.check()
    back.until("over")
    assert groups.run(f"GET {STAYS}") == b"1"
    groups.check()


# -- watches, followers


def test_a_seal_breaks_watches_and_readers_forget():
    """X1."""
    group = Group()
    seen = []

    class Follower:
        def before_change(self, database, key):
            seen.append(key)

        def before_flush(self, database):
            seen.append(database.index)

    group.machine.follow_changes(Follower())
    group.ask([call(f"WATCH 1 {A}"), call(f"WATCH 2 {STAYS}"), call(f"SET {B} 1")])
    sealed(group)
    assert seen == [B.encode(), 0]
    assert list(group.machine.watches.dirty) == [(1, 1)]
    group.say("DISOWN", 1, 2, 0, 1)
    seen.clear()
    group.say("PURGE", 1, 0)
    assert not seen


# -- calls that wait


def test_who_waits_is_told_where_the_keys_go():
    """X2."""
    group = Group()
    group.do(f"BLOCK 1 BLPOP {STAYS} {A} 0")
    group.do(f"BLOCK 2 BLPOP {STAYS} 0")
    group.machine.take_woken()
    sealed(group)
    assert group.machine.take_woken() == [(1, 1)]
    group.do(f"RPUSH {STAYS} x")
    assert group.machine.take_woken() == [(1, 2)]
    assert group.do("CLAIM 1") == NOT_HERE
    assert group.do("CLAIM 2") == [SERVED, [STAYS.encode(), b"x"]]
    assert not group.machine.waiting.by_client
    assert not group.machine.waiting.by_key


def test_who_waits_in_several_groups_is_told_and_forgotten():
    """X2: it has nothing to claim."""
    group = Group()
    group.do(f"AWAIT 1 there {STAYS} {A}")
    group.do(f"AWAIT 2 there {STAYS}")
    sealed(group)
    assert group.machine.take_woken() == [(1, 1)]
    assert list(group.machine.waiting.by_client) == [(1, 2)]


def test_what_was_served_and_not_claimed_goes_along():
    """X2: in its old order, to nobody who waits here."""
    group = Group()
    for client in (1, 2, 3):
        group.do(f"BLOCK {client} BLPOP {A} 0")
    group.do(f"BLOCK 4 BZPOPMIN {B} 0")
    group.do(f"RPUSH {A} x y")
    group.do(f"ZADD {B} 2 m")
    assert len(group.machine.databases.open(0)) == 0
    sealed(group)
    database = group.machine.databases.open(0)
    assert database.get(A.encode()).dump() == [b"x", b"y"]
    assert database.get(B.encode()).all() == [(2.0, b"m")]
    group.reload()
    for client in (1, 2, 3, 4):
        assert group.do(f"CLAIM {client}") == NOT_HERE
    assert group.machine.databases.open(0).get(A.encode()).dump() == [b"x", b"y"]


def test_a_claim_before_the_seal_is_good_and_one_after_it_is_not():
    group = Group()
    group.do(f"BLOCK 1 BLPOP {A} 0")
    group.do(f"RPUSH {A} x")
    calls = [call("CLAIM 1")]
    assert group.ask(calls) == [[SERVED, [A.encode(), b"x"]]]
    sealed(group)
    assert group.machine.databases.open(0).get(A.encode()) is None


def test_what_cannot_be_put_back_stays_claimed_here():
    """X2: a second BLMOVE would move a second item."""
    group = Group()
    group.do(f"BLOCK 1 BLMOVE {A} {B} LEFT LEFT 0")
    group.do(f"BLOCK 2 BLMOVE {A} {B} LEFT LEFT 0")
    group.do(f"RPUSH {A} x")
    sealed(group)
    assert group.do("CLAIM 1") == [SERVED, b"x"]
    assert group.do("CLAIM 2") == NOT_HERE
    assert group.machine.databases.open(0).get(B.encode()).dump() == [b"x"]


def test_who_has_to_follow_is_given_up_with_its_node():
    """Nothing was done here for a BLMOVE that follows its keys: should its node live, it asks again."""
    group = Group()
    group.do(f"BLOCK 1 BLMOVE {A} {B} LEFT LEFT 0")
    sealed(group)
    assert group.do("NODEDOWN 1 1") == OK
    assert not group.machine.waiting.by_client


def test_ends_of_waits_that_have_left():
    group = Group()
    for client in (1, 2, 3, 4):
        group.do(f"BLOCK {client} BLPOP {A} 0", node=client % 2 + 1)
    sealed(group)
    assert group.do("UNBLOCK 1", node=2) == [ENDED]
    assert group.do("RELEASE 2", node=1) == OK
    assert group.do("NODEDOWN 2 1") == OK
    assert list(group.machine.waiting.by_client) == [(1, 4)]
    group.say("UNSEAL", 1)
    assert isinstance(group.do(f"BLOCK 4 BLPOP {A} 0", node=1), Blocked), "it asks again here"
    assert group.do("CLAIM 4", node=1) == [WAITS]


def test_what_is_put_back_for_a_key_that_stays_goes_to_the_next():
    group = Group()
    group.do(f"BLOCK 1 BLPOP {STAYS} {A} 0")
    group.do(f"BLOCK 2 BLPOP {STAYS} 0")
    group.do(f"RPUSH {STAYS} x")
    sealed(group)
    assert group.do("CLAIM 1") == NOT_HERE
    assert group.do("CLAIM 2") == [SERVED, [STAYS.encode(), b"x"]]
