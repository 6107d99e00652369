import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.wal.faulty_disk import Disk
from trivet.core.base.disk import Channel, Read, Remove, Rename, Sync
from trivet.core.base.tokens import Tokens
from trivet.core.wal.snapshot_file import (
    SnapshotHead,
    SnapshotReader,
    SnapshotReceiver,
    SnapshotVerifier,
    SnapshotWriter,
    decode_head,
    encode_head,
    is_snapshot_file,
    is_temporary_file,
    read_job,
    received_file,
    remove_job,
    snapshot_file,
)

CHUNKS = [b"a" * 700, b"b", b"c" * 3000]


def perform(disk, job):
    assert job.channel is Channel.BULK
    for operation in job.operations:
        assert disk._perform(operation) is None


def written(chunks=CHUNKS):
    disk = Disk()
    writer = SnapshotWriter(Tokens(), 1, 20, 3)
    for chunk in chunks:
        perform(disk, writer.add(chunk))
    assert disk.names() in ([], [writer.file + ".tmp"])
    job = writer.finish()
    assert [type(operation) for operation in job.operations[1:]] == [Sync, Rename]
    perform(disk, job)
    assert disk.names() == [writer.file]
    assert disk.size_bytes(writer.file) == writer.size_bytes
    return disk, writer.file, bytes(disk.files[writer.file])


@pytest.mark.parametrize("chunks", [CHUNKS, []])
def test_written_and_read(chunks):
    disk, file, _ = written(chunks)
    reader = SnapshotReader(disk, file)
    assert list(reader.chunks()) == chunks
    assert reader.error == ""
    assert reader.head.is_same(SnapshotHead(1, 20, 3))
    assert not reader.head.is_same(SnapshotHead(1, 20, 4))
    assert reader.verify() == ""


def test_names():
    file = snapshot_file(1, 20, 3)
    assert file == "snap-1-0000000000000014-0000000000000003.snap"
    assert is_snapshot_file(file)
    assert not is_snapshot_file(file + ".tmp")
    assert is_temporary_file(file + ".tmp")
    assert not is_temporary_file("other.tmp")


def test_every_flipped_bit_shows():
    disk, file, data = written([b"abc", b"d" * 20])
    for bit in range(len(data) * 8):
        disk.flip(file, bit // 8, bit % 8)
        assert SnapshotReader(disk, file).verify(), bit
        disk.flip(file, bit // 8, bit % 8)


def test_every_truncation_and_anything_added_shows():
    disk, file, data = written([b"abc", b"d" * 20])
    for size in range(len(data)):
        disk.put(file, data[:size])
        assert SnapshotReader(disk, file).verify(), size
    disk.put(file, data + b"x")
    assert SnapshotReader(disk, file).verify() == "bytes after the end"


def test_chunks_in_another_order_show():
    disk, file, data = written([b"abc", b"def"])
    disk.put(file, data[:32] + data[43:54] + data[32:43] + data[54:])
    assert SnapshotReader(disk, file).verify() == "the digest is wrong"


def test_a_format_of_the_future():
    import zlib

    data = bytearray(encode_head(1, 2, 3))
    data[3] = 9
    data[4:8] = zlib.crc32(bytes(data[8:]), zlib.crc32(bytes(data[:4]))).to_bytes(4, "little")
    assert "format 9" in decode_head(bytes(data))
    assert decode_head(b"PK" + bytes(40)) == "not a snapshot file"


@settings(deadline=None, derandomize=True, database=None, max_examples=100)
@given(st.lists(st.integers(1, 900), max_size=20))
def test_bytes_may_come_in_any_pieces(sizes):
    _, _, data = written()
    verifier = SnapshotVerifier()
    chunks = []
    position = 0
    for size in [*sizes, len(data)]:
        chunks += verifier.feed(data[position : position + size])
        position += size
    assert (chunks, verifier.done, verifier.error) == (CHUNKS, True, "")


def test_a_length_out_of_bounds_is_refused_at_once():
    verifier = SnapshotVerifier()
    assert verifier.feed(encode_head(1, 2, 3) + b"\xff\xff\xff\xff\0\0\0\0") == []
    assert "says it has" in verifier.error
    assert verifier.feed(b"more") == []


def test_received_from_a_leader():
    _, _, data = written()
    disk = Disk()
    receiver = SnapshotReceiver(Tokens(), 1, 20, 3)
    chunks = []
    while receiver.offset < len(data):
        perform(disk, receiver.add(data[receiver.offset : receiver.offset + 1000]))
        chunks += receiver.chunks
    assert receiver.done
    assert chunks == CHUNKS
    perform(disk, receiver.finish())
    assert disk.names() == [received_file(1, 20, 3)], (
        "another than of one that is taken here at the same index"
    )
    assert bytes(disk.files[received_file(1, 20, 3)]) == data


def test_another_snapshot_than_announced_and_a_corrupt_one_are_given_up():
    _, _, data = written()
    receiver = SnapshotReceiver(Tokens(), 1, 21, 3)
    receiver.add(data)
    assert "another snapshot" in receiver.error
    assert not receiver.done
    receiver = SnapshotReceiver(Tokens(), 1, 20, 3)
    receiver.add(data[:100] + b"\0" + data[101:])
    assert receiver.error == "chunk 0 is corrupt"
    with pytest.raises(AssertionError):
        receiver.finish()
    assert receiver.abort().operations == [Remove(receiver.file + ".tmp")]


def test_giving_up_and_small_jobs():
    writer = SnapshotWriter(Tokens(), 1, 20, 3)
    writer.add(b"a")
    assert writer.abort().operations == [Remove(writer.file + ".tmp")]
    writer.finish()
    assert writer.abort().operations == [Remove(writer.file + ".tmp"), Remove(writer.file)]
    with pytest.raises(AssertionError):
        writer.add(b"")
    assert read_job(Tokens(), "s", 5, 10).operations == [Read("s", 5, 10)]
    assert remove_job(Tokens(), "s").operations == [Remove("s")]
