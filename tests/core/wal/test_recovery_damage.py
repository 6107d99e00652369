"""Recovery from a disk that tears, flips and misplaces: what was synced is there, or its loss is said."""

import pytest

from tests.core.wal.faulty_disk import Disk, run
from tests.core.wal.logged import SEGMENT, Log, boot, filled, seen
from trivet.core.base.disk import Channel, Remove, Sync, Write
from trivet.core.base.entry import Entry
from trivet.core.base.prng import Prng
from trivet.core.wal.frame import encode_frame
from trivet.core.wal.record import UNKNOWN_GROUP, UNKNOWN_INDEX, BootRecord, GroupRecord, encode_record
from trivet.core.wal.scan import Frame as FoundFrame
from trivet.core.wal.scan import Scanner
from trivet.core.wal.segment import segment_file


@pytest.mark.parametrize("seed", range(150))
def test_one_flipped_bit_is_reported_and_never_cut(seed):
    prng = Prng(seed)
    disk, logs, frames = filled(prng, groups=(1, 2) if seed % 2 else (1,))
    frame = frames[prng.below(len(frames) - 1)]
    offset = frame.offset + prng.below(frame.size_bytes)
    disk.flip(segment_file(frame.segment), offset, prng.below(8))
    recovery = boot(disk)
    assert recovery.damaged, (frame, offset)
    assert any("corrupt" in note for note in recovery.notes)
    for group, log in logs.items():
        found = recovery.group(group)
        # Rule W8: with one frame lost, the hard state and the length are known all the same.
        assert (found.term, found.vote) == (log.term, log.vote)
        assert not found.hard_state_suspect
        if found.missing_to:
            assert found.missing_to == log.last
            assert found.last_index < log.last
            # What is kept is a prefix by the log matching property.
            if found.entries and found.last_term == log.term_at(found.last_index):
                assert found.entries == log.entries[: len(found.entries)]
        else:
            assert found.entries == log.entries


@pytest.mark.parametrize("seed", range(150))
def test_whatever_is_damaged_what_is_not_doubted_is_right(seed):
    """Any number of frames before the last one, whole sectors among them."""
    prng = Prng(seed)
    disk, logs, frames = filled(prng, frames=20, groups=(1, 2, 3))
    for _ in range(prng.between(2, 8)):
        frame = frames[prng.below(len(frames) - 1)]
        if prng.chance(0.5):
            disk.flip(segment_file(frame.segment), frame.offset + prng.below(frame.size_bytes), prng.below(8))
        else:
            last = frames[-1]
            stop = last.offset if frame.segment == last.segment else SEGMENT
            disk.wipe(segment_file(frame.segment), frame.offset, min(stop, frame.offset + 2048))
    for _ in range(2):
        recovery = boot(disk)
        for group, log in logs.items():
            found = recovery.group(group)
            if found.hard_state_suspect:
                continue
            assert (found.term, found.vote) == (log.term, log.vote)
            assert found.commit <= max(log.commit, found.last_index)
            if found.missing_to == 0:
                assert found.entries == log.entries
            else:
                assert found.last_index < found.missing_to == log.last
        # The same after a further start: doubts are not forgotten.
        run(disk, recovery.wal)


def test_a_vote_in_two_lost_frames_makes_the_hard_state_suspect():
    disk = Disk()
    wal = boot(disk).wal
    log, other = Log(1), Log(2)
    wal.append(BootRecord("c", 1, 1))
    wal.append(log.append(2, 10))
    wal.append(other.hard())
    run(disk, wal)
    wal.append(log.vote_for(3))
    run(disk, wal)
    for _ in range(3):
        wal.append(other.append(1, 10))
        run(disk, wal)
    frames = [f for f in Scanner(disk).scan() if isinstance(f, FoundFrame)]
    lost = [f for f in frames if any(getattr(r, "vote", 0) == 3 for r in f.records)]
    assert len(lost) == 2
    for frame in lost:
        disk.flip(segment_file(frame.segment), frame.offset + 40, 0)
    recovery = boot(disk)
    assert recovery.group(1).hard_state_suspect
    assert not recovery.group(2).hard_state_suspect
    # A second start does not forget it, until the member settles it (rule W9).
    run(disk, recovery.wal)
    again = boot(disk)
    assert again.group(1).hard_state_suspect
    run(disk, again.wal)
    again.wal.settle(1)
    again.wal.append(log.vote_for(0))
    run(disk, again.wal)
    assert not boot(disk).group(1).hard_state_suspect


def test_missing_entries_are_repaired_in_pieces_and_stay_missing_until_then():
    disk = Disk()
    wal = boot(disk).wal
    log = Log(1)
    wal.append(BootRecord("c", 1, 1))
    for _ in range(5):
        wal.append(log.append(4, 10))
        run(disk, wal)
    frames = [f for f in Scanner(disk).scan() if isinstance(f, FoundFrame)]
    disk.flip(segment_file(1), frames[2].offset + 50, 1)
    found = boot(disk).group(1)
    assert (found.last_index, found.missing_to) == (8, 20)
    whole = log.entries
    log.entries = whole[:8]
    for last in (11, 15, 19, 20):
        recovery = boot(disk)
        found = recovery.group(1)
        assert (found.last_index, found.missing_to) == (log.last, 20)
        assert found.entries == log.entries
        run(disk, recovery.wal)
        first = log.last + 1
        log.entries = whole[:last]
        recovery.wal.append(GroupRecord(1, 1, 0, 0, first, whole[first - 1 : last], 1, last, 1))
        run(disk, recovery.wal)
    found = boot(disk).group(1)
    assert (found.entries, found.missing_to) == (whole, 0)


def test_a_snapshot_after_the_gap_makes_the_log_whole():
    disk = Disk()
    wal = boot(disk).wal
    log = Log(1)
    for _ in range(6):
        wal.append(log.append(4, 10))
        run(disk, wal)
    log.commit = 16
    wal.append(log.hard())
    wal.append(log.compact(disk))
    run(disk, wal)
    wal.append(log.append(2, 10))
    run(disk, wal)
    frames = [f for f in Scanner(disk).scan() if isinstance(f, FoundFrame)]
    disk.flip(segment_file(1), frames[1].offset + 50, 1)
    recovery = boot(disk)
    assert recovery.damaged
    assert seen(recovery.group(1)) == log.view()


@pytest.mark.parametrize("pages", [(0, 1), (1, 2), (3, 6)])
def test_zero_pages_in_the_middle_are_corruption(pages):
    disk, _, frames = filled(Prng(5), frames=30)
    first = [f for f in frames if f.segment == 1]
    start, end = pages[0] * 4096 // 4, pages[1] * 4096 // 4
    assert end < first[-1].offset
    disk.wipe(segment_file(1), start, end)
    assert boot(disk).damaged


def test_a_segment_cut_short_or_removed_in_the_middle_is_corruption():
    disk, _, frames = filled(Prng(6), frames=60)
    assert frames[-1].segment >= 4
    whole = bytes(disk.files[segment_file(2)])
    disk.put(segment_file(2), whole[:3000])
    assert boot(disk).damaged
    disk._perform(Remove(segment_file(2)))
    assert boot(disk).damaged


def test_segments_missing_at_the_front_are_missing_entries():
    disk, logs, _ = filled(Prng(6), frames=60)
    disk._perform(Remove(segment_file(1)))
    found = boot(disk).group(1)
    assert found.missing_to == logs[1].last
    assert found.entries == []
    assert (found.term, found.vote) == (logs[1].term, logs[1].vote)


def test_a_missing_snapshot_file_is_a_missing_log():
    disk = Disk()
    wal = boot(disk).wal
    log = Log(1)
    wal.append(log.append(4, 10))
    log.commit = 3
    wal.append(log.hard())
    wal.append(log.compact(disk))
    run(disk, wal)
    disk._perform(Remove(log.snapshot.file))
    found = boot(disk).group(1)
    assert (found.snapshot, found.first_index, found.entries, found.missing_to) == (None, 1, [], 4)


def test_an_unreadable_snapshot_is_given_up_for_good():
    disk = Disk()
    wal = boot(disk).wal
    log = Log(1)
    wal.append(log.append(4, 10))
    log.commit = 3
    wal.append(log.vote_for(2))
    wal.append(log.compact(disk))
    run(disk, wal)
    recovery = boot(disk)
    found = recovery.lose_snapshot(1)
    assert (found.term, found.vote, found.snapshot, found.missing_to) == (2, 2, None, 4)
    run(disk, recovery.wal)
    again = boot(disk).group(1)
    assert (again.term, again.vote, again.snapshot, again.missing_to) == (2, 2, None, 4)


def test_a_value_that_imitates_a_frame_is_not_taken_for_one():
    """A torn frame holds a client's bytes; without the salt they would pass for a later frame."""
    disk = Disk()
    wal = boot(disk).wal
    wal.append(BootRecord("c", 1, 1))
    run(disk, wal)
    forged = encode_frame(9, 1, 0, 12345, [encode_record(BootRecord("evil", 9, 9))])
    payload = b"".join(bytes(pad) + forged for pad in range(512 * 2))[: SEGMENT // 2]
    payload = bytes(512 - 32) + forged + payload
    wal.append(GroupRecord(1, 1, 0, 0, 1, [Entry(1, payload)], 0, 1, 1))
    disk.submit(wal.flush())
    write = disk.lanes[Channel.LOG][0].operations[0]
    disk._perform(Write(write.file, write.offset + 512, write.data[512:]))
    disk._perform(Sync(write.file))
    disk.kill()
    recovery = boot(disk)
    assert not recovery.damaged
    assert recovery.boot == BootRecord("c", 1, 1)


def test_the_boot_record_is_suspect_when_two_frames_after_it_are_lost():
    disk, _, frames = filled(Prng(3))
    disk.flip(segment_file(1), frames[4].offset + 40, 0)
    assert not boot(disk).boot_suspect
    disk.flip(segment_file(1), frames[5].offset + 40, 0)
    assert boot(disk).boot_suspect


def test_a_group_without_records_in_an_incomplete_log_is_not_new():
    disk, _, frames = filled(Prng(3))
    assert (boot(disk).group(7).missing_to, boot(disk).unknown_below) == (0, 0)
    for frame in frames[3:6]:
        disk.flip(segment_file(1), frame.offset + 40, 0)
    recovery = boot(disk)
    assert recovery.unknown_below == UNKNOWN_GROUP
    found = recovery.group(7)
    assert (found.missing_to, found.hard_state_suspect) == (UNKNOWN_INDEX, True)
    run(disk, recovery.wal)
    found = boot(disk).group(7)
    assert (found.missing_to, found.hard_state_suspect) == (UNKNOWN_INDEX, True)


@pytest.mark.parametrize("place", range(SEGMENT // 512))
@pytest.mark.parametrize("later_frames", [0, 1, 2])
def test_a_misdirected_frame_is_found_or_its_loss_is_said(place, later_frames):
    """The disk put the fifth entry's frame at another sector, said nothing, and perhaps more frames followed."""
    disk = Disk()
    wal = boot(disk).wal
    run(disk, wal)
    log = Log(1)
    file = segment_file(1)
    for number in range(1, 6 + later_frames):
        wal.append(log.append(1, 40))
        if number != 5:
            run(disk, wal)
            continue
        (job,) = [job for job in wal.flush() if job.channel is Channel.LOG]
        write = job.operations[0]
        disk.files[file][place * 512 : place * 512 + len(write.data)] = write.data
        wal.on_done(job.token)
    found = boot(disk).groups[1]
    assert found.entries == log.entries[: found.last_index]
    assert found.last_index == log.last or found.missing_to >= log.last or found.hard_state_suspect
    if found.last_index < log.last:
        assert found.missing_to >= log.last, "it does not vote before it has that much again"
