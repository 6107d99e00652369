import pytest

from trivet.core.wal.frame import (
    ALIGN_BYTES,
    HEAD_BYTES,
    aligned,
    encode_frame,
    frame_size_bytes,
    is_intact,
    read_head,
    read_records,
)
from trivet.core.wal.record import BootRecord, encode_record

RECORDS = [BootRecord("c", 1, 2), BootRecord("c", 1, 3)]
ENCODED = [encode_record(record) for record in RECORDS]


def test_a_frame_is_read_back_wherever_it_stands():
    data = bytes(ALIGN_BYTES) + encode_frame(7, 3, 1024, 99, ENCODED) + b"stale"
    head = read_head(data, ALIGN_BYTES)
    assert (head.number, head.segment, head.place, head.salt, head.version) == (7, 3, 2, 99, 2)
    assert is_intact(data, ALIGN_BYTES, head)
    assert read_records(data, ALIGN_BYTES, head) == RECORDS


def test_its_size_is_known_before_it_is_built():
    assert len(encode_frame(1, 1, 0, 1, ENCODED)) == frame_size_bytes(sum(map(len, ENCODED)))
    assert len(encode_frame(1, 1, 0, 1, [])) == frame_size_bytes(0)


def test_every_flipped_bit_shows():
    data = encode_frame(7, 3, 0, 99, ENCODED)
    for bit in range(len(data) * 8):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        head = read_head(bytes(flipped), 0)
        assert head is None or not is_intact(bytes(flipped), 0, head), bit


@pytest.mark.parametrize("cut", [0, 1, HEAD_BYTES - 1, HEAD_BYTES, HEAD_BYTES + 4])
def test_a_frame_that_does_not_fit_into_the_file_has_no_head(cut):
    assert read_head(encode_frame(7, 3, 0, 99, ENCODED)[:cut], 0) is None


def test_a_length_beyond_the_file_is_not_believed():
    data = bytearray(encode_frame(7, 3, 0, 99, ENCODED))
    data[8:12] = b"\xff\xff\xff\xff"
    assert read_head(bytes(data), 0) is None


def test_a_body_that_is_none_in_spite_of_its_checksum():
    data = encode_frame(7, 3, 0, 99, [b"\xc1"])
    head = read_head(data, 0)
    assert is_intact(data, 0, head)
    assert read_records(data, 0, head) is None


def test_alignment():
    assert [aligned(n) for n in (0, 1, 512, 513)] == [0, 512, 512, 1024]
