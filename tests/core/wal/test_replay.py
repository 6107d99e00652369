"""One group's records in order. A log is written as its terms: ``[1, 1, 2]`` is three entries."""

from trivet.core.base.entry import Entry
from trivet.core.wal.record import DropRecord, FoundRecord, GroupRecord, SnapshotRecord
from trivet.core.wal.replay import GroupReplay

FILES = {"s": None}


class Story:
    def __init__(self):
        self.replay = GroupReplay(1)
        self.frame = 0

    def entries(self, first, terms, prev_term, missing_to=0):
        self.frame += 1
        last = first + len(terms) - 1
        made = [Entry(term, b"") for term in terms]
        record = GroupRecord(1, 9, 0, 0, first, made, prev_term, last, terms[-1], missing_to)
        self.replay.on_group(record, self.frame)
        return self

    def hard(self, last, last_term, term=9, vote=0, commit=0, missing_to=0, suspect=False):
        self.frame += 1
        record = GroupRecord(1, term, vote, commit, 0, [], 0, last, last_term, missing_to, suspect)
        self.replay.on_group(record, self.frame)
        return self

    def snapshot(self, index, term, reset=False, file="s"):
        self.replay.on_snapshot(SnapshotRecord(1, index, term, file, reset))
        return self

    def told(self, last_unknown_frame=0):
        found = self.replay.result(last_unknown_frame, FILES)
        base = found.snapshot.index if found.snapshot else 0
        assert found.first_index == base + 1
        assert found.last_index == base + len(found.entries)
        return base, [entry.term for entry in found.entries], found.missing_to


def test_append_and_truncate():
    story = Story().entries(1, [1, 1, 1], 0).entries(3, [2], 1).entries(4, [2], 2)
    assert story.told() == (0, [1, 1, 2, 2], 0)
    assert Story().entries(1, [1, 1], 0).entries(1, [2], 0).told() == (0, [2], 0)
    assert Story().hard(0, 0).told() == (0, [], 0)


def test_snapshots():
    assert Story().entries(1, [1, 1, 1], 0).snapshot(2, 1).entries(4, [2], 1).told() == (2, [1, 2], 0)
    assert Story().entries(1, [1], 0).snapshot(8, 3, reset=True).entries(9, [4], 3).told() == (8, [4], 0)
    assert Story().entries(1, [1, 1, 1], 0).snapshot(2, 1, reset=True).told() == (2, [], 0)


def test_a_log_whose_first_segments_are_forgotten():
    # The first frame of a segment says all again; the snapshot that freed the older ones comes later.
    story = Story().hard(6, 1).snapshot(2, 1).entries(7, [1, 1], 1).snapshot(7, 1).entries(9, [2], 1)
    assert story.told() == (7, [1, 2], 0)


def test_an_older_snapshot_said_again_changes_nothing():
    assert Story().entries(1, [1, 1, 1], 0).snapshot(2, 1).snapshot(1, 1).told() == (2, [1], 0)


def test_a_hole_keeps_what_is_before_it():
    story = Story().entries(1, [1, 1], 0).entries(5, [1], 1)
    assert story.told() == (0, [1, 1], 5)
    assert story.entries(6, [1, 1], 1).told() == (0, [1, 1], 7)
    assert Story().entries(1, [1, 1], 0).hard(4, 1).told() == (0, [1, 1], 4)


def test_two_holes():
    assert Story().entries(1, [1], 0).entries(3, [1], 1).entries(6, [1], 1).told() == (0, [1], 6)


def test_a_lost_truncation_takes_the_entries_that_it_replaced():
    # Lost: [2] at index 3, which replaced two entries of term 1.
    assert Story().entries(1, [1, 1, 1, 1], 0).entries(4, [2], 2).told() == (0, [1, 1], 4)
    assert Story().entries(1, [1, 1, 1, 1], 0).hard(3, 2).told() == (0, [1, 1], 3)
    # The kept log was longer than the true one.
    assert Story().entries(1, [1] * 9, 0).hard(8, 2).told() == (0, [1] * 7, 8)


def test_a_record_that_proves_the_log_whole_in_spite_of_a_gap():
    assert Story().entries(1, [1, 1, 1], 0).hard(2, 1).told() == (0, [1, 1], 0)


def test_repair_goes_on_from_the_kept_log():
    story = Story().entries(1, [1, 1], 0).entries(5, [1, 1], 1).hard(2, 1, missing_to=6)
    assert story.told() == (0, [1, 1], 6)
    assert story.entries(3, [1, 1], 1, missing_to=6).told() == (0, [1] * 4, 6)
    assert story.entries(5, [1, 1], 1).told() == (0, [1] * 6, 0)


def test_a_snapshot_grounds_what_is_after_a_hole():
    assert Story().entries(1, [1], 0).entries(5, [1, 1], 1).snapshot(5, 1).told() == (5, [1], 0)
    # Within the lost part: the log goes on from it, and what is after it is missing still.
    assert Story().entries(1, [1], 0).entries(5, [1, 1], 1).snapshot(3, 1).told() == (3, [], 6)
    # Within the kept part.
    assert Story().entries(1, [1, 1], 0).entries(5, [1, 1], 1).snapshot(1, 1).told() == (1, [1], 6)
    # Beyond everything known.
    assert Story().entries(1, [1], 0).snapshot(9, 2).told() == (9, [], 0)


def test_a_snapshot_whose_file_is_gone():
    story = Story().entries(1, [1, 1], 0).snapshot(1, 1, file="gone")
    assert story.told() == (0, [], 2)


def test_a_log_that_was_given_up_and_begins_again():
    story = Story().entries(1, [1, 1], 0).snapshot(1, 1).hard(0, 0, missing_to=2)
    assert story.told() == (0, [], 2)
    assert story.entries(1, [1, 1], 0).told() == (0, [1, 1], 0)


def test_the_hard_state_is_the_last_one_and_its_commit_is_within_the_log():
    story = Story().hard(0, 0, term=3, vote=2).entries(1, [1, 1], 0).hard(4, 4, commit=4)
    found = story.replay.result(0, FILES)
    # What was lost may have replaced entries 1 and 2: a later commit index says nothing of these.
    assert (found.term, found.vote, found.commit, found.last_term) == (9, 0, 0, 1)
    found = Story().entries(1, [1, 1], 0).hard(2, 1, commit=4).replay.result(0, FILES)
    assert found.commit == 2, "without a hole the commit index is within the log"
    found = Story().hard(5, 2, term=4, vote=1).snapshot(5, 2).replay.result(0, FILES)
    assert (found.term, found.vote, found.commit, found.last_term) == (4, 1, 5, 2)


def test_suspicion():
    story = Story().hard(0, 0).hard(0, 0)
    assert not story.replay.result(0, FILES).hard_state_suspect
    assert not story.replay.result(1, FILES).hard_state_suspect
    assert story.replay.result(3, FILES).hard_state_suspect
    assert Story().hard(0, 0, suspect=True).replay.result(0, FILES).hard_state_suspect


def test_a_later_commit_index_does_not_commit_what_a_lost_frame_replaced():
    """R11: the lost frame overwrote 17..19 with other entries; only up to 16 is it known what was committed."""
    replay = GroupReplay(1)
    replay.on_group(GroupRecord(1, 2, 0, 16, 1, [Entry(2, b"x")] * 19, 0, 19, 2), 1)
    replay.on_group(GroupRecord(1, 3, 0, 21, 22, [Entry(3, b"y")], 3, 22, 3), 3)
    found = replay.result(0, {})
    assert found.commit == 16
    assert found.missing_to == 22


def test_a_term_that_only_a_snapshot_knows():
    """Its hard state is lost with a frame: a vote in that term may have been given (rule W9)."""
    replay = Story().hard(3, 1, term=4, vote=2).snapshot(5, 6).replay
    found = replay.result(0, FILES)
    assert (found.term, found.vote, found.hard_state_suspect) == (6, 0, True)
    assert (found.last_index, found.last_term) == (5, 6)
    found = Story().hard(3, 1, term=7, vote=2).snapshot(5, 6).replay.result(0, FILES)
    assert (found.term, found.vote, found.hard_state_suspect) == (7, 2, False)


def test_a_dropped_replica_leaves_its_term_its_vote_and_what_it_owes():
    story = Story().entries(1, [1, 1, 1], 0).snapshot(2, 1)
    story.replay.on_found(FoundRecord(1, b"m"))
    story.replay.on_drop(DropRecord(1, 9, 3, 3), 7)
    found = story.replay.result(0, FILES)
    assert (found.term, found.vote, found.commit, found.dropped, found.membership) == (9, 3, 0, True, b"")
    assert story.told() == (0, [], 3)


def test_a_dropped_replica_that_came_back_goes_on():
    story = Story().entries(1, [1, 1, 1], 0)
    story.replay.on_drop(DropRecord(1, 9, 3, 3), 7)
    story.entries(1, [1, 1], 0, missing_to=3)
    assert story.told() == (0, [1, 1], 3)
    assert not story.replay.result(0, FILES).dropped
    assert story.entries(3, [1], 1).told() == (0, [1, 1, 1], 0)
    story.replay.on_drop(DropRecord(1, 9, 3, 3), 9)
    story.snapshot(8, 2, reset=True)
    assert story.told() == (8, [], 0)


def test_the_membership_is_that_of_the_snapshot_or_of_the_founding():
    story = Story()
    story.replay.on_found(FoundRecord(1, b"m"))
    story.entries(1, [1, 1, 1], 0)
    assert story.replay.result(0, FILES).membership == b"m"
    story.replay.on_snapshot(SnapshotRecord(1, 2, 1, "s", False, b"n"))
    assert story.replay.result(0, FILES).membership == b"n"
