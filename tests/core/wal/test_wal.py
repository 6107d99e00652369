"""Group commit, told as a conversation: what the node asks, what the disk hears."""

import msgspec
import pytest

from tests.core.wal.faulty_disk import Disk, run
from trivet.core.base.buggify import FRAME_ALONE, SEGMENT_EARLY
from trivet.core.base.disk import Channel, DiskFault, Prepare, Rename, Sync, Write
from trivet.core.base.entry import Entry
from trivet.core.base.tokens import Tokens
from trivet.core.wal.frame import ALIGN_BYTES, read_head, read_records
from trivet.core.wal.record import (
    UNKNOWN_GROUP,
    UNKNOWN_INDEX,
    BootRecord,
    DropRecord,
    FoundRecord,
    GroupRecord,
    SnapshotRecord,
)
from trivet.core.wal.recovery import recover
from trivet.core.wal.segment import segment_file
from trivet.core.wal.wal import FRAME_BYTES_MAX, MARKER_AFTER_MS

SEGMENT = 8192
BOOT = BootRecord("c", 1, 1)


def hard(group, last=0, vote=0, term=1):
    return GroupRecord(group, term, vote, 0, 0, [], 0, last, term if last else 0)


def entry(group, index, payload=b"x", term=1):
    prev_term = term if index > 1 else 0
    return GroupRecord(group, term, 0, 0, index, [Entry(term, payload)], prev_term, index, term)


def opened(disk=None, segment_bytes=SEGMENT):
    disk = disk or Disk()
    wal = recover(disk, Tokens(), segment_bytes, 7).wal
    run(disk, wal)
    assert wal.open
    return disk, wal


def log_job(wal):
    jobs = [job for job in wal.flush() if job.channel is Channel.LOG]
    assert len(jobs) <= 1
    return jobs[0] if jobs else None


def records(job):
    data = job.operations[-2].data
    return read_records(data, 0, read_head(data, 0))


def test_everything_staged_goes_with_one_write_and_one_sync():
    _, wal = opened()
    assert [wal.append(hard(1)), wal.append(entry(1, 1)), wal.append(hard(2))] == [1, 2, 3]
    job = log_job(wal)
    assert [type(operation) for operation in job.operations] == [Write, Sync]
    assert records(job) == [hard(1), entry(1, 1), hard(2)]
    assert wal.synced_lsn == 0
    assert wal.on_done(job.token)
    assert (wal.synced_lsn, wal.last_lsn) == (3, 3)
    assert wal.idle
    assert wal.flush() == []


def test_while_one_frame_is_under_way_the_next_collects():
    _, wal = opened()
    wal.append(hard(1))
    first = log_job(wal)
    wal.append(entry(1, 1))
    wal.append(entry(1, 2))
    assert log_job(wal) is None
    wal.on_done(first.token)
    assert wal.synced_lsn == 1
    second = log_job(wal)
    assert len(records(second)) == 2
    assert second.operations[0].offset == first.operations[0].offset + ALIGN_BYTES
    wal.on_done(second.token)
    assert wal.synced_lsn == 3


def test_foreign_reports_are_left_alone():
    _, wal = opened()
    assert not wal.on_done(999)
    assert not wal.on_failed(999, DiskFault.FAILED)
    assert not wal.on_done(0) or wal.idle


def test_much_that_is_staged_is_spread_over_frames_and_a_large_record_goes_alone():
    disk, wal = opened(segment_bytes=4 * FRAME_BYTES_MAX)
    size = FRAME_BYTES_MAX // 3
    for index in range(1, 8):
        wal.append(entry(1, index, bytes(size)))
    wal.append(entry(1, 8, bytes(2 * FRAME_BYTES_MAX)))
    wal.append(entry(1, 9))
    counts = []
    while (job := log_job(wal)) is not None:
        counts.append(sum(1 for record in records(job) if record.entries))
        wal.on_done(job.token)
    assert counts == [2, 2, 2, 1, 1, 1]
    assert wal.synced_lsn == 9
    assert disk


def test_the_next_frame_says_again_what_the_last_one_said_of_others():
    _, wal = opened()
    wal.append(BOOT)
    wal.append(hard(1, vote=2))
    wal.append(entry(2, 1))
    wal.on_done(log_job(wal).token)
    wal.append(entry(2, 2))
    job = log_job(wal)
    assert records(job) == [BOOT, hard(1, vote=2), entry(2, 2)]
    wal.on_done(job.token)
    wal.append(entry(2, 3))
    job = log_job(wal)
    assert records(job) == [entry(2, 3)]


def test_the_place_of_a_snapshot_is_said_again_too():
    _, wal = opened()
    snapshot = SnapshotRecord(1, 1, 1, "s")
    wal.append(entry(1, 1))
    wal.append(snapshot)
    wal.on_done(log_job(wal).token)
    wal.append(entry(1, 2))
    assert records(log_job(wal)) == [hard(1, last=1), snapshot, entry(1, 2)]


def test_a_quiet_log_gets_one_marker():
    _, wal = opened()
    wal.append(hard(1))
    wal.on_done(log_job(wal).token)
    wal.tick(10_000)
    assert wal.flush() == []
    wal.tick(10_000 + MARKER_AFTER_MS - 1)
    assert wal.flush() == []
    wal.tick(10_000 + MARKER_AFTER_MS)
    job = log_job(wal)
    assert records(job) == [hard(1)]
    wal.on_done(job.token)
    for now in range(20_000, 30_000, 500):
        wal.tick(now)
        assert wal.flush() == []


def test_a_busy_log_gets_no_marker():
    _, wal = opened(segment_bytes=10 * SEGMENT)
    for now in range(0, 10_000, 500):
        wal.append(hard(1))
        job = log_job(wal)
        assert records(job) == [hard(1)]
        wal.on_done(job.token)
        wal.tick(now)


def test_a_new_segment_begins_with_all_that_is_known():
    disk, wal = opened()
    wal.append(BOOT)
    wal.append(hard(1, vote=3))
    wal.append(entry(2, 1, bytes(7000)))
    run(disk, wal)
    wal.append(entry(2, 2, bytes(2000)))
    job = log_job(wal)
    assert job.operations[0].file == segment_file(2)
    assert job.operations[0].offset == 0
    assert records(job) == [BOOT, hard(1, vote=3), hard(2, last=1), entry(2, 2, bytes(2000))]


def test_without_a_segment_ready_records_wait():
    wal = recover(Disk(), Tokens(), SEGMENT, 7).wal
    wal.append(BOOT)
    jobs = wal.flush()
    assert [type(operation) for operation in jobs[0].operations[1:]] == [Prepare]
    assert wal.flush() == []
    wal.on_done(jobs[0].token)
    jobs = wal.flush()
    assert [job.channel for job in jobs] == [Channel.LOG, Channel.BULK]
    assert not wal.open
    wal.on_done(jobs[0].token)
    assert wal.open


def test_what_was_read_is_made_durable_before_anything_else():
    disk, wal = opened()
    wal.append(hard(1))
    run(disk, wal)
    wal = recover(disk, Tokens(), SEGMENT, 7).wal
    assert not wal.open
    jobs = wal.flush()
    kinds = [type(operation) for operation in jobs[0].operations]
    assert kinds == [Write, Sync, Write, Sync]
    tail, _, fresh, _ = jobs[0].operations
    assert tail.data == disk.read(tail.file, tail.offset, len(tail.data))
    assert records(jobs[0]) == [hard(1)]
    assert fresh.offset == tail.offset + ALIGN_BYTES


def test_compaction_follows_the_snapshot():
    disk, wal = opened()
    for index in range(1, 31):
        wal.append(entry(1, index, bytes(1500)))
        run(disk, wal)
    used = wal.segments()[0]
    assert used > 5
    assert wal.bytes_since_snapshot(1) > 30 * 1500
    wal.append(SnapshotRecord(1, 30, 1, "s"))
    assert wal.bytes_since_snapshot(1) == 0
    run(disk, wal)
    assert wal.segments() == (1, 0, 2)
    assert any(isinstance(operation, Rename) for operation in disk.performed)
    assert len(disk.names()) == 3


def test_a_group_without_a_snapshot_holds_its_segments():
    disk, wal = opened()
    wal.append(entry(2, 1, bytes(7000)))
    for index in range(1, 31):
        wal.append(entry(1, index, bytes(1500)))
        run(disk, wal)
    wal.append(SnapshotRecord(1, 30, 1, "s"))
    run(disk, wal)
    assert wal.segments()[0] > 5


def test_a_full_disk_leaves_the_rest_of_the_segment_for_votes_and_is_overcome():
    disk, wal = opened()
    disk.full = True
    wal.append(entry(1, 1, bytes(5000)))
    run(disk, wal)
    wal.append(entry(1, 2, bytes(5000)))
    run(disk, wal)
    assert wal.full
    assert not wal.failed
    synced = wal.synced_lsn
    wal.append(hard(1, last=2, vote=2))
    run(disk, wal)
    assert wal.synced_lsn == synced + 1
    # What needs a further segment waits.
    wal.append(entry(1, 3, bytes(5000)))
    run(disk, wal)
    wal.tick(5000)
    run(disk, wal)
    assert wal.full
    assert wal.synced_lsn == synced + 1
    disk.full = False
    wal.tick(6000)
    run(disk, wal)
    assert not wal.full
    assert wal.synced_lsn == wal.last_lsn == synced + 2
    assert recover(disk, Tokens(), SEGMENT, 7).group(1).last_index == 3


@pytest.mark.parametrize("fault", list(DiskFault))
def test_a_log_that_cannot_be_written_is_the_end(fault):
    _, wal = opened()
    wal.append(hard(1))
    assert wal.on_failed(log_job(wal).token, fault)
    assert wal.failed
    assert wal.synced_lsn == 0
    wal.append(hard(1))
    wal.tick(10_000)
    assert wal.flush() == []


def test_a_segment_that_cannot_be_prepared_for_another_reason_is_the_end():
    wal = recover(Disk(), Tokens(), SEGMENT, 7).wal
    assert wal.on_failed(wal.flush()[0].token, DiskFault.FAILED, "EIO")
    assert wal.failed == "EIO"


def test_a_record_that_contradicts_itself_is_a_mistake_of_ours():
    _, wal = opened()
    with pytest.raises(AssertionError):
        wal.append(GroupRecord(1, 1, 0, 0, 1, [Entry(1, b"")], 0, 5, 1))


def test_doubts_are_written_until_they_are_settled():
    wal = recover(Disk(), Tokens(), SEGMENT, 7).wal
    disk = Disk()
    wal.lose_log(1, 3, True)
    wal.lose_log(2, 2, False)
    run(disk, wal)
    wal.append(entry(1, 1))
    wal.append(entry(2, 1))
    job = log_job(wal)
    assert [(r.missing_to, r.suspect) for r in records(job)] == [(3, True), (2, False)]
    wal.on_done(job.token)
    wal.append(entry(2, 2))
    wal.append(entry(1, 2))
    wal.append(entry(1, 3))
    job = log_job(wal)
    assert [(r.missing_to, r.suspect) for r in records(job)] == [(0, False), (3, True), (0, True)]
    wal.on_done(job.token)
    wal.settle(1)
    wal.append(entry(1, 4))
    assert records(log_job(wal))[-1] == entry(1, 4)


class Points:
    """Buggify whose named points always act."""

    def __init__(self, *points):
        self.points = points

    def rare(self, point):
        return point in self.points


def buggified(*points):
    disk = Disk()
    wal = recover(disk, Tokens(), SEGMENT, 7, Points(*points)).wal
    run(disk, wal)
    return disk, wal


def test_buggify_a_frame_may_take_one_record():
    _, wal = buggified(FRAME_ALONE)
    for index in (1, 2, 3):
        wal.append(entry(1, index))
    for lsn in (1, 2, 3):
        job = log_job(wal)
        assert [record for record in records(job) if record.first_index] == [entry(1, lsn)]
        wal.on_done(job.token)
        assert wal.synced_lsn == lsn
    assert log_job(wal) is None


def test_buggify_a_segment_may_end_early_but_never_empty_nor_without_a_next_one():
    disk, wal = buggified(SEGMENT_EARLY)
    for index in range(1, 6):
        wal.append(entry(1, index))
        run(disk, wal)
        assert wal.synced_lsn == index
        assert wal.segments()[0] == index + 1
    assert [e.payload for e in recover(disk, Tokens(), SEGMENT, 7).groups[1].entries] == [b"x"] * 5
    disk.full = True
    for index in (6, 7, 8, 9):
        wal.append(entry(1, index))
        run(disk, wal)
    assert wal.synced_lsn == 9, "without a spare the segment that has room is used"


def test_a_dropped_group_holds_nothing_and_leaves_a_tombstone():
    disk, wal = opened()
    wal.append(entry(2, 1, bytes(7000)))
    for index in range(1, 31):
        wal.append(entry(1, index, bytes(1500)))
        run(disk, wal)
    wal.append(SnapshotRecord(1, 30, 1, "s"))
    run(disk, wal)
    assert wal.holders() == [2]
    assert wal.held_bytes(2) > 30_000
    assert wal.held_bytes(1) == 0
    assert wal.groups_count() == 2
    tombstone = DropRecord(2, 4, 3, 9)
    assert wal.drop(2, 4, 3, 9) == wal.last_lsn
    assert wal.tombstone(2) == tombstone
    run(disk, wal)
    assert (wal.holders(), wal.groups_count()) == ([], 1)
    assert wal.segments()[0] < 5
    found = recover(disk, Tokens(), SEGMENT, 7)
    assert found.group(2).dropped
    assert (found.group(2).term, found.group(2).vote, found.group(2).missing_to) == (4, 3, 9)
    assert found.wal.tombstone(2) == tombstone
    assert not any("group 2" in note for note in found.notes)


def test_a_replica_that_comes_back_owes_what_the_tombstone_says():
    """W13: it had acknowledged entries, and says in every record that they are missing until they are there."""
    disk, wal = opened()
    wal.append(entry(2, 1))
    wal.drop(2, 4, 3, 2)
    run(disk, wal)
    wal.append(FoundRecord(2, b"m"))
    wal.append(hard(2, vote=3, term=4))
    run(disk, wal)
    assert wal.tombstone(2) is None
    found = recover(disk, Tokens(), SEGMENT, 7).group(2)
    assert (found.dropped, found.missing_to, found.membership) == (False, 2, b"m")
    wal.append(entry(2, 1))
    wal.append(entry(2, 2))
    run(disk, wal)
    assert recover(disk, Tokens(), SEGMENT, 7).group(2).missing_to == 0


def test_a_group_that_may_have_been_lost_has_a_tombstone_of_which_nothing_is_known():
    """W15: until a map tells which groups it cannot be."""
    disk, wal = opened()
    assert wal.tombstone(7) is None
    wal.append(msgspec.structs.replace(BOOT, unknown_below=UNKNOWN_GROUP))
    assert wal.tombstone(7) == DropRecord(7, 0, 0, UNKNOWN_INDEX, True)
    run(disk, wal)
    again = recover(disk, Tokens(), SEGMENT, 7)
    assert again.unknown_below == UNKNOWN_GROUP
    wal.append(hard(7, vote=3, term=4))
    wal.knows_groups_from(9)
    wal.knows_groups_from(10)
    run(disk, wal)
    again = recover(disk, Tokens(), SEGMENT, 7)
    assert again.unknown_below == 9
    assert (again.group(7).missing_to, again.group(7).hard_state_suspect) == (UNKNOWN_INDEX, True)
    assert (wal.tombstone(8) is not None, wal.tombstone(9)) == (True, None)


def test_by_which_directories_the_others_are_known_outlives_a_restart():
    disk, wal = opened()
    wal.append(BOOT)
    assert wal.births() == {}
    wal.remember_births({2: 7})
    lsn = wal.last_lsn
    wal.remember_births({2: 7})
    assert (wal.births(), wal.last_lsn) == ({2: 7}, lsn), "nothing new is not said again"
    run(disk, wal)
    assert recover(disk, Tokens(), SEGMENT, 7).boot == msgspec.structs.replace(BOOT, births={2: 7})


def test_a_tombstone_outlives_its_segment():
    disk, wal = opened()
    wal.append(entry(2, 1))
    wal.drop(2, 4, 3, 1)
    for index in range(1, 31):
        wal.append(entry(1, index, bytes(1500)))
        run(disk, wal)
        wal.append(SnapshotRecord(1, index, 1, "s"))
        run(disk, wal)
    disk.put("s", b"state")
    found = recover(disk, Tokens(), SEGMENT, 7)
    assert found.group(2).dropped
    assert found.group(2).vote == 3


def test_another_incarnation_is_given_once_over_all_lives():
    disk, wal = opened()
    wal.append(BOOT)
    given = [wal.another_incarnation(), wal.another_incarnation()]
    assert given == [BOOT.incarnation + 1, BOOT.incarnation + 2]
    run(disk, wal)
    again = recover(disk, Tokens(), SEGMENT, 7).boot
    assert again == msgspec.structs.replace(BOOT, incarnation=given[-1])
