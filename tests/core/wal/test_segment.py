"""The pool, told in jobs: ``R`` remove, ``P`` prepare, ``M`` rename, by segment number."""

import pytest

from trivet.core.base.disk import Channel, DiskFault, Prepare, Remove, Rename
from trivet.core.base.tokens import Tokens
from trivet.core.wal.segment import Segment, SegmentPool, segment_file, segment_number

SIZE = 4096


def pool(closed=(), current=None, spares=(), leftovers=(), offset=0):
    def make(numbers):
        return [Segment(n, SIZE, {1: n * 10}) for n in numbers]

    at = None if current is None else Segment(current, SIZE, {})
    return SegmentPool(Tokens(), SIZE, make(closed), at, offset, make(spares), list(leftovers))


def told(job):
    if job is None:
        return ""
    assert job.channel is Channel.BULK
    words = []
    for operation in job.operations:
        match operation:
            case Remove(file):
                words.append(f"R{segment_number(file) or file}")
            case Prepare(file, size_bytes):
                words.append(f"P{segment_number(file)}:{size_bytes}")
            case Rename(file, to):
                words.append(f"M{segment_number(file)}>{segment_number(to)}")
    return " ".join(words)


def test_names():
    assert segment_file(255) == "wal-00000000000000ff.log"
    assert segment_number(segment_file(255)) == 255
    for name in (
        "wal-ff.log",
        "wal-00000000000000FF.log",
        "wal-00000000000000fg.log",
        "snap-1",
        "",
        "wal-+0000000000000ff.log",
        "wal-00000000000000ff.tmp",
    ):
        assert segment_number(name) == 0


def test_the_first_segment_is_prepared_and_then_a_spare():
    p = pool()
    assert not p.has_room(1)
    assert not p.advance(100)
    job = p.job()
    assert told(job) == "R1 P1:4096"
    assert p.job() is None
    assert not p.on_done(job.token + 1)
    assert p.on_done(job.token)
    assert p.advance(100)
    assert (p.current.number, p.offset) == (1, 0)
    assert told(p.job()) == "R2 P2:4096"


def test_room_is_counted_in_sectors():
    p = pool(current=1, spares=[2])
    p.took(100)
    assert p.offset == 512
    assert p.has_room(SIZE - 512)
    assert not p.has_room(SIZE - 511)


def test_a_large_frame_gets_a_segment_of_its_size():
    p = pool(current=1, spares=[2])
    assert not p.advance(10_000)
    job = p.job()
    assert told(job) == "R2 P2:10240"
    assert not p.advance(10_000)
    p.on_done(job.token)
    assert p.advance(10_000)
    assert p.current.size_bytes == 10240
    assert told(p.job()) == "R3 P3:4096"


def test_needed_by_nobody_they_become_spares_in_order_and_then_go():
    p = pool(closed=[1, 2, 3, 4], current=5, spares=[6])
    p.free({1: 31})
    assert p.counts() == (5, 3, 1)
    job = p.job()
    assert told(job) == "M1>7"
    p.on_done(job.token)
    job = p.job()
    assert told(job) == "R2"
    p.on_done(job.token)
    job = p.job()
    assert told(job) == "R3"
    p.on_done(job.token)
    assert p.job() is None
    assert p.counts() == (2, 0, 2)


def test_one_group_that_needs_an_entry_holds_its_segment_and_all_after_it():
    p = pool(closed=[1, 2, 3], current=4, spares=[5])
    p.free({1: 10})
    assert p.counts()[1] == 0
    p.free({})
    assert p.counts()[1] == 0
    p.free({1: 11})
    assert p.counts()[1] == 1


def test_without_a_spare_an_old_segment_is_used_rather_than_a_new_one_made():
    p = pool(closed=[1], current=2)
    p.free({1: 11})
    job = p.job()
    assert told(job) == "M1>3"
    assert not p.advance(10)
    p.on_done(job.token)
    assert p.advance(10)
    assert p.current.number == 3


def test_the_log_moves_on_while_a_rename_is_under_way():
    p = pool(closed=[1, 2], current=3, spares=[4])
    p.free({1: 11})
    job = p.job()
    assert told(job) == "M1>5"
    assert p.advance(10)
    p.on_done(job.token)
    assert p.advance(10)
    assert p.current.number == 5


def test_a_full_disk_is_tried_again_each_second():
    p = pool(current=1)
    p.now = 5000
    job = p.job()
    assert p.on_failed(job.token, DiskFault.FULL, "")
    assert p.full
    assert not p.failed
    assert p.job() is None
    p.now = 5999
    assert p.job() is None
    p.now = 6000
    job = p.job()
    assert told(job) == "R2 P2:4096"
    p.on_done(job.token)
    assert not p.full


def test_a_full_disk_is_helped_by_a_segment_that_is_needed_no_more():
    p = pool(closed=[1], current=2)
    p.on_failed(p.job().token, DiskFault.FULL, "")
    assert p.full
    p.free({1: 11})
    job = p.job()
    assert told(job) == "M1>3"
    p.on_done(job.token)
    assert not p.full


def test_a_rename_without_space_is_tried_again():
    p = pool(closed=[1], current=2, spares=[3])
    p.free({1: 11})
    job = p.job()
    assert p.on_failed(job.token, DiskFault.FULL, "")
    assert not p.full
    assert p.job() is None
    p.now = 1000
    assert told(p.job()) == "M1>4"


def test_any_other_fault_is_the_end():
    p = pool(current=1)
    job = p.job()
    assert not p.on_failed(job.token + 1, DiskFault.FAILED, "")
    assert p.on_failed(job.token, DiskFault.FAILED, "EIO")
    assert p.failed == "EIO"


def test_leftovers_go_first():
    p = pool(current=1, leftovers=[segment_file(2), segment_file(9)])
    job = p.job()
    assert told(job) == "R2 R9"
    p.on_done(job.token)
    assert told(p.job()) == "R2 P2:4096"


def test_a_size_is_at_least_a_byte():
    with pytest.raises(AssertionError):
        SegmentPool(Tokens(), 0, [], None, 0, [], [])


def test_who_holds_the_oldest_segment():
    p = pool(closed=[1, 2], current=3)
    p._closed[0].last_indexes[2] = 5
    assert list(p.holders({1: 11})) == [2]
    assert list(p.holders({})) == [1, 2]
    assert p.closed_bytes() == 2 * SIZE
    p.forget(2)
    p.free({1: 11})
    assert list(p.holders({1: 11})) == [1], "of the next segment"
    assert p.closed_bytes() == SIZE
    p.forget(1)
    p.free({})
    assert (p.holders({}), p.closed_bytes()) == ({}, 0)
