from trivet.core.base.entry import Entry
from trivet.core.wal.ledger import BOOT_KEY, Ledger
from trivet.core.wal.record import BootRecord, DropRecord, FoundRecord, GroupRecord, SnapshotRecord


def hard(group=1, term=3, vote=2, commit=4, last=9, last_term=3, missing_to=0, suspect=False):
    return GroupRecord(group, term, vote, commit, 0, [], 0, last, last_term, missing_to, suspect)


def test_the_last_word_without_entries_is_repeated():
    ledger = Ledger()
    assert ledger.repeat_all() == []
    assert ledger.note(BootRecord("c", 1, 1)) == BOOT_KEY
    assert ledger.note(GroupRecord(1, 3, 2, 4, 9, [Entry(3, b"x")], 2, 9, 3)) == 1
    assert ledger.note(SnapshotRecord(1, 4, 2, "s")) == 1
    assert ledger.note(hard(2)) == 2
    assert ledger.repeat(BOOT_KEY) == [BootRecord("c", 1, 1)]
    assert ledger.repeat(1) == [hard(), SnapshotRecord(1, 4, 2, "s")]
    assert ledger.repeat_all() == [BootRecord("c", 1, 1), hard(), SnapshotRecord(1, 4, 2, "s"), hard(2)]


def test_a_snapshot_beyond_the_log_becomes_its_end():
    for record in (SnapshotRecord(1, 20, 5, "s", reset=True), SnapshotRecord(1, 20, 5, "s")):
        ledger = Ledger()
        ledger.note(hard(missing_to=30, suspect=True))
        ledger.note(record)
        end = hard(commit=20, last=20, last_term=5, missing_to=30, suspect=True)
        assert ledger.repeat(1) == [end, SnapshotRecord(1, 20, 5, "s")]


def test_a_reset_within_the_log_drops_what_is_after_it():
    ledger = Ledger()
    ledger.note(hard())
    ledger.note(SnapshotRecord(1, 5, 4, "s", reset=True))
    assert ledger.repeat(1) == [hard(commit=5, last=5, last_term=4), SnapshotRecord(1, 5, 4, "s")]


def test_a_snapshot_before_any_hard_state():
    ledger = Ledger()
    ledger.note(SnapshotRecord(1, 5, 4, "s"))
    assert ledger.repeat(1)[0].last_index == 5


def test_what_is_needed():
    ledger = Ledger()
    ledger.note(hard(1))
    ledger.note(hard(2))
    ledger.note(SnapshotRecord(2, 4, 2, "s"))
    assert ledger.first_needed() == {1: 0, 2: 5}


def test_a_lost_log_starts_again_with_its_vote_and_its_doubt():
    ledger = Ledger()
    ledger.note(hard())
    ledger.note(SnapshotRecord(1, 4, 2, "s"))
    ledger.lose_log(1, 9, True)
    ledger.lose_log(5, 7, False)
    assert ledger.repeat(1) == [hard(commit=0, last=0, last_term=0, missing_to=9, suspect=True)]
    assert ledger.repeat(5) == [GroupRecord(5, 0, 0, 0, 0, [], 0, 0, 0, 7)]


def test_a_dropped_group_leaves_a_tombstone():
    ledger = Ledger()
    found, dropped = FoundRecord(1, b"m"), DropRecord(1, 7, 2, 40)
    ledger.note(found)
    ledger.note(hard())
    assert ledger.repeat(1) == [found, hard()]
    assert ledger.live_count() == 1
    ledger.note(dropped)
    assert ledger.repeat(1) == [dropped]
    assert (ledger.live_count(), ledger.first_needed()) == (0, {1: 0})
    ledger.note(found)
    assert ledger.repeat(1) == [dropped, found], "it may come back"
    ledger.note(hard())
    assert ledger.repeat(1) == [found, hard()]


def test_a_replica_that_comes_back_by_a_snapshot_keeps_its_vote():
    ledger = Ledger()
    ledger.note(DropRecord(1, 7, 2, 40))
    ledger.note(SnapshotRecord(1, 20, 5, "s", True, b"m"))
    kept = GroupRecord(1, 7, 2, 20, 0, [], 0, 20, 5, 40)
    assert ledger.repeat(1) == [kept, SnapshotRecord(1, 20, 5, "s", False, b"m")]


def test_the_founding_membership_is_said_until_a_snapshot_carries_one():
    ledger = Ledger()
    ledger.note(FoundRecord(1, b"m"))
    ledger.note(hard())
    ledger.note(SnapshotRecord(1, 4, 2, "s"))
    assert FoundRecord(1, b"m") in ledger.repeat(1), "it came from an earlier version, without one"
    ledger.note(SnapshotRecord(1, 5, 2, "s", False, b"n"))
    assert FoundRecord(1, b"m") not in ledger.repeat(1)
