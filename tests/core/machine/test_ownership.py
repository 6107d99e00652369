"""Which slots, which keys (Rules O1, O4); what a snapshot and the digest hold of it."""

import pytest

from tests.core.machine.two_groups import HIGH, LOW, Group, key_in
from trivet.core.machine.importing import _NOT_FREE
from trivet.core.machine.ownership import (
    DONE_MAX,
    FOREIGN,
    IMPORTING,
    OWNED,
    SEALED,
    Export,
    Import,
    Ownership,
)
from trivet.core.machine.ownership_state import ExportState, ImportState, OwnershipState
from trivet.core.values.databases import Databases
from trivet.core.wire.reply import NOT_HERE, OK

KEY = key_in(LOW).encode()


def test_whole_at_first():
    ownership = Ownership(Databases())
    assert (ownership.whole, ownership.epoch, ownership.checks_below) == (True, 0, 0)
    assert ownership.owned == [(0, 16383)]
    assert ownership.place(KEY) == OWNED
    assert ownership.state() == OwnershipState()


def test_a_group_that_the_map_has_made_takes_no_key_before_it_is_founded():
    group = Group()
    for machine in (group.machine, group.twin):
        machine.await_founding()
    assert group.machine.ownership.is_awaited
    assert group.do(f"SET {KEY.decode()} x", epoch=99) == NOT_HERE
    assert group.read(f"GET {KEY.decode()}", epoch=99) == NOT_HERE
    assert group.say("IMPORT", "BEGIN", 1, "0-99", 1) == _NOT_FREE
    group.reload()
    assert group.machine.ownership.is_awaited
    assert group.say("FOUND", "0-8191", 7) == OK
    assert not group.machine.ownership.is_awaited
    assert group.do(f"SET {KEY.decode()} x", epoch=7) == OK
    assert group.say("FOUND", "0-99", 7) == OK
    assert group.machine.ownership.owned == [LOW]


def test_a_group_of_the_beginning_is_not_awaited():
    ownership = Ownership(Databases())
    assert not ownership.is_awaited
    ownership.exports[2] = Export([(0, 16383)])
    ownership.mark([(0, 16383)], SEALED)
    assert not ownership.is_awaited


def test_how_a_slot_stands():
    ownership = Ownership(Databases())
    ownership.take_all([HIGH], 5)
    assert (ownership.whole, ownership.epoch, ownership.checks_below) == (False, 5, 5)
    assert ownership.is_foreign(KEY)
    ownership.imports[1] = Import([LOW], 1)
    ownership.mark([LOW], IMPORTING)
    assert ownership.checks_below > 1 << 60
    assert ownership.is_foreign(KEY)
    assert ownership.import_of(5) is ownership.imports[1]
    assert not ownership.is_in_the_way()
    ownership.imports[1].ready = True
    assert ownership.is_in_the_way()
    ownership.flushed()
    assert ownership.place(KEY) == FOREIGN
    assert ownership.checks_below == 5
    ownership.exports[2] = Export([(9000, 9001)])
    ownership.mark([(9000, 9001)], SEALED)
    assert ownership.is_in_the_way()
    assert ownership.owned == [HIGH]
    assert ownership.are_all([(8192, 8999), (9002, 16383)], OWNED)
    assert not ownership.are_all([HIGH], OWNED)
    assert ownership.are_all([(9000, 9001)], SEALED)
    with pytest.raises(AssertionError):
        ownership.import_of(5)


def test_only_the_newest_ends_are_remembered():
    ownership = Ownership(Databases())
    for move in range(DONE_MAX + 3):
        ownership.remember(move, b"END", {})
    assert list(ownership.done) == list(range(3, DONE_MAX + 3))


def test_a_snapshot_holds_all_of_it():
    state = OwnershipState(
        4,
        [(0, 9), (100, 200)],
        [ImportState(1, [(10, 11)], 3, True, [(0, 2)])],
        [ExportState(2, [(0, 1)], [(5, 1)])],
        [(7, b"END", [(0, 9)])],
    )
    ownership = Ownership(Databases())
    ownership.restore(state)
    assert ownership.state() == state
    assert not ownership.whole
    other = Ownership(Databases())
    other.restore(state)
    assert other.digest(1) == ownership.digest(1)
    other.imports[1].counts[0] = 3
    assert other.digest(1) != ownership.digest(1)
    ownership.restore(OwnershipState(9))
    assert ownership.epoch == 9


@pytest.mark.parametrize(
    "state",
    [
        OwnershipState(0, [(0, 16384)]),
        OwnershipState(0, [(5, 4)]),
        OwnershipState(0, [(-1, 4)]),
        OwnershipState(0, [(0, 4), (4, 5)]),
        OwnershipState(0, [(0, 4)], [ImportState(1, [(4, 5)], 1, False, [])]),
        OwnershipState(0, [(0, 4)], [], [ExportState(1, [(4, 5)], [])]),
    ],
)
def test_ranges_that_cannot_be(state):
    with pytest.raises(ValueError, match="impossible"):
        Ownership(Databases()).restore(state)


def test_counts_that_are_wrong_are_noticed():
    group = Group()
    group.do(f"SET {KEY.decode()} 1")
    group.say("SEAL", 1, "0-8191")
    group.say("DISOWN", 1, 2, 0, 0)
    with pytest.raises(AssertionError):
        group.machine.ownership.check_invariants()


def test_the_digest_covers_it():
    """M4."""
    one, other = Group(), Group()
    for group in (one, other):
        group.say("SEAL", 1, "0-8191")
    other.machine.ownership.exports[1].expired[0] = 1
    for group in (one, other):
        for _ in range(64):
            group.do("TIME")
    assert one.machine.digests == one.twin.digests != other.machine.digests
