from trivet.core.values.rdb.lengths import SHORT_LENGTHS, write_length, write_string


def test_lengths():
    assert write_length(63) == SHORT_LENGTHS[63] == b"\x3f"
    assert write_length(64) == b"\x40\x40"
    assert write_length(16383) == b"\x7f\xff"
    assert write_length(16384) == b"\x80\x00\x00\x40\x00"
    assert write_length(1 << 32) == b"\x81\x00\x00\x00\x01\x00\x00\x00\x00"


def test_strings():
    assert write_string(b"ab") == b"\x02ab"
    assert write_string(b"x" * 100) == b"\x40\x64" + b"x" * 100
