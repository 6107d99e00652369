"""Boot: the first one, one from remains, what is refused, and what is removed once the log is open."""

import msgspec
import pytest

from tests.core.wal.faulty_disk import Disk, run
from tests.core.wal.logged import SEGMENT, Log, boot, filled
from trivet.core.base.disk import Channel, Remove, Sync, Write
from trivet.core.base.errors import StartError
from trivet.core.base.prng import Prng
from trivet.core.wal.frame import encode_frame
from trivet.core.wal.record import RECORD_FORMAT, BootRecord, encode_record
from trivet.core.wal.segment import segment_file
from trivet.core.wal.snapshot_file import snapshot_file


def test_the_first_boot():
    disk = Disk()
    recovery = boot(disk)
    assert recovery.fresh
    assert recovery.boot is None
    assert recovery.group(1).last_index == 0
    assert not recovery.wal.open
    recovery.wal.append(BootRecord("c", 1, 1))
    run(disk, recovery.wal)
    assert recovery.wal.open
    again = boot(disk)
    assert not again.fresh
    assert again.boot == BootRecord("c", 1, 1)


def test_a_first_boot_interrupted_anywhere_is_still_the_first_boot():
    for operations in range(8):
        disk = Disk()
        wal = boot(disk).wal
        wal.append(BootRecord("c", 1, 1))
        done = 0
        while done < operations and not wal.open:
            disk.submit(wal.flush())
            for channel in (Channel.BULK, Channel.LOG):
                if disk.lanes[channel]:
                    end = disk.perform(channel)
                    done += 1
                    if end:
                        wal.on_done(end[0])
        disk.cut_power(Prng(operations))
        recovery = boot(disk)
        assert recovery.fresh != wal.open or not recovery.fresh
        run(disk, recovery.wal)
        assert recovery.wal.open


def test_a_large_first_frame_that_was_never_synced_leaves_up_to_three_segments():
    disk = Disk()
    for number in (1, 2, 3):
        disk.put(segment_file(number), bytes(SEGMENT))
    assert boot(disk).fresh
    disk.put(segment_file(4), bytes(SEGMENT))
    with pytest.raises(StartError):
        boot(disk)


def test_remains_without_a_readable_frame_are_refused():
    disk, _, frames = filled(Prng(1), frames=60)
    for name in disk.names():
        disk.wipe(name, 0, disk.size_bytes(name))
    assert frames
    with pytest.raises(StartError, match="not one readable frame"):
        boot(disk)


def test_formats_of_the_future_are_refused_and_a_flipped_format_is_not():
    disk, _, _ = filled(Prng(1))
    disk.flip(segment_file(1), 3, 1)
    assert boot(disk).damaged
    disk = Disk()
    newer = msgspec.structs.replace(BootRecord("c", 1, 1), format=RECORD_FORMAT + 1)
    disk.put(segment_file(1), encode_frame(1, 1, 0, 5, [encode_record(newer)]) + bytes(SEGMENT))
    with pytest.raises(StartError, match="start a newer version"):
        boot(disk)
    disk = Disk()
    disk.put(segment_file(1), _frame_of_format(3) + bytes(SEGMENT))
    with pytest.raises(StartError, match="format 3; this version of Trivet reads format 2"):
        boot(disk)


def _frame_of_format(version):
    import zlib

    data = bytearray(encode_frame(1, 1, 0, 5, []))
    data[3] = version
    data[4:8] = zlib.crc32(bytes(data[8:]), zlib.crc32(bytes(data[:4]))).to_bytes(4, "little")
    return bytes(data)


def test_leftovers_go_once_the_log_is_open():
    disk = Disk()
    wal = boot(disk).wal
    log = Log(1)
    wal.append(log.append(4, 10))
    log.commit = 3
    wal.append(log.hard())
    wal.append(log.compact(disk))
    run(disk, wal)
    disk.put(snapshot_file(1, 9, 9), b"orphan")
    disk.put(snapshot_file(1, 10, 9) + ".tmp", b"unfinished")
    disk.put(segment_file(9), b"odd")
    disk.put("other", b"not ours")
    run(disk, boot(disk).wal)
    names = [n for n in disk.names() if not n.startswith("wal-")]
    assert names == ["other", log.snapshot.file]
    assert segment_file(9) not in disk.names()


def test_snapshots_go_only_after_what_replaced_them_is_durable_and_before_the_log_is_open():
    """Else a power cut brings back a log that needs them, or a new one of the same name is removed."""
    disk = Disk()
    wal = boot(disk).wal
    log = Log(1)
    wal.append(log.append(4, 10))
    run(disk, wal)
    orphan = snapshot_file(1, 9, 9)
    disk.put(orphan, b"old")
    wal = boot(disk).wal
    job = wal.flush()[0]
    assert [type(operation) for operation in job.operations] == [Write, Sync, Write, Sync, Remove]
    wal.on_done(job.token)
    assert wal.open


def test_in_a_damaged_log_no_snapshot_is_removed():
    disk, _, frames = filled(Prng(3))
    orphan = snapshot_file(1, 9, 9)
    disk.put(orphan, b"perhaps all that is left")
    disk.flip(segment_file(1), frames[1].offset + 40, 0)
    run(disk, boot(disk).wal)
    assert orphan in disk.names()
