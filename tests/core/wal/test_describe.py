from tests.core.wal.faulty_disk import Disk, run
from trivet.core.base.entry import Entry
from trivet.core.base.tokens import Tokens
from trivet.core.wal.describe import DamageView, FrameView, SegmentView, SnapshotView, describe, summary
from trivet.core.wal.frame import encode_frame
from trivet.core.wal.record import BootRecord, DropRecord, FoundRecord, GroupRecord, SnapshotRecord
from trivet.core.wal.recovery import recover
from trivet.core.wal.segment import segment_file
from trivet.core.wal.snapshot_file import SnapshotWriter


def filled():
    disk = Disk()
    wal = recover(disk, Tokens(), 8192, 7).wal
    wal.append(BootRecord("c", 1, 4))
    for index in (1, 2, 3):
        wal.append(GroupRecord(1, 2, 0, 0, index, [Entry(2, b"value")], 2 if index > 1 else 0, index, 2))
        run(disk, wal)
    return disk


def kinds(disk):
    return [type(view).__name__[:-4] for view in describe(disk)]


def test_a_whole_log():
    disk = filled()
    before = {name: bytes(data) for name, data in disk.files.items()}
    views = list(describe(disk))
    assert [type(view) for view in views] == [FrameView] * 3 + [SegmentView] * 2
    assert views[0].records == [
        "boot node 1 incarnation 4 cluster c",
        "group 1 term 2 vote 0 commit 0 entries 1..1 (5 bytes) last 1@2",
    ]
    assert [(view.number, view.offset) for view in views[:3]] == [(1, 0), (2, 512), (3, 1024)]
    assert (views[3].frames, views[3].spare, views[4].spare) == (3, False, True)
    assert {name: bytes(data) for name, data in disk.files.items()} == before


def test_damage():
    disk = filled()
    disk.flip(segment_file(1), 550, 1)
    damage = [view for view in describe(disk) if isinstance(view, DamageView)]
    assert [(view.kind, view.offset) for view in damage] == [("corrupt", 1024)]
    assert "frames 2 to 2" in damage[0].text


def test_a_torn_tail_is_told_from_corruption():
    disk = filled()
    disk.flip(segment_file(1), 1064, 1)
    assert kinds(disk) == ["Frame", "Frame", "Segment", "Segment", "Damage"]
    torn = list(describe(disk))[-1]
    assert (torn.kind, torn.offset) == ("torn", 1024)


def test_a_foreign_format():
    import zlib

    data = bytearray(encode_frame(1, 1, 0, 5, []))
    data[3] = 3
    data[4:8] = zlib.crc32(bytes(data[8:]), zlib.crc32(bytes(data[:4]))).to_bytes(4, "little")
    disk = Disk()
    disk.put(segment_file(1), bytes(data) + bytes(600))
    assert [view.kind for view in describe(disk) if isinstance(view, DamageView)] == ["foreign"]


def test_snapshots():
    disk = Disk()
    writer = SnapshotWriter(Tokens(), 1, 9, 2)
    for job in (writer.add(b"abc"), writer.finish()):
        for operation in job.operations:
            disk._perform(operation)
    disk.put(writer.file + ".tmp", b"half")
    whole, unfinished = describe(disk)
    assert whole == SnapshotView(writer.file, disk.size_bytes(writer.file), 1, 9, 2, 1, "")
    assert unfinished.error
    disk.flip(writer.file, 0, 1)
    assert next(iter(describe(disk))).error == "not a snapshot file"


def test_summaries():
    assert summary(SnapshotRecord(1, 9, 2, "s", True)) == "group 1 snapshot 9@2 s reset"
    assert summary(DropRecord(1, 9, 2, 30)) == "group 1 dropped term 9 vote 2 to 30"
    assert summary(FoundRecord(1, b"m")) == "group 1 founded"
    record = GroupRecord(1, 2, 3, 4, 0, [], 0, 5, 2, 7, True)
    assert summary(record) == "group 1 term 2 vote 3 commit 4 last 5@2 missing to 7 suspect"


def test_an_empty_directory():
    assert list(describe(Disk())) == []
