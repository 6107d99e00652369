import pytest

from trivet.core.values.rdb.lengths import write_length, write_string
from trivet.core.values.rdb.listpack import encode
from trivet.core.values.rdb.source import ITEM_BYTES, Source


@pytest.mark.parametrize("length", [0, 63, 64, 16383, 16384, 2**32 - 1, 2**32, 2**64 - 1])
def test_lengths_of_every_width(length: int):
    assert Source(write_length(length)).length() == length


@pytest.mark.parametrize(
    ("data", "string"),
    [
        (b"\x03abc", b"abc"),
        (b"\x40\x03abc", b"abc"),
        (b"\xc0\xff", b"-1"),
        (b"\xc1\x00\x80", b"-32768"),
        (b"\xc2\xff\xff\xff\x7f", b"2147483647"),
        (b"\xc3\x06\x05\x04hello", b"hello"),
        (b"\x00", b""),
    ],
)
def test_strings_of_every_encoding(data: bytes, string: bytes):
    assert Source(data).string() == string
    assert Source(data * 3).strings(3) == [string] * 3


@pytest.mark.parametrize(
    "data", [b"", b"\x03ab", b"\x41", b"\x80\x00", b"\xc1\x00", b"\xc4", b"\x82", b"\xc3\x05\x05\x04he"]
)
def test_bytes_that_end_too_early_or_are_unknown(data: bytes):
    with pytest.raises(ValueError, match="too early|unknown"):
        Source(data).string()
    with pytest.raises(ValueError, match="too early|unknown"):
        Source(data).strings(1)


def test_a_string_is_no_length():
    with pytest.raises(ValueError, match="in the place of a length"):
        Source(b"\xc0\x01").length()


def test_a_count_that_cannot_be():
    assert Source(b"\x02abcd").count(2) == 2
    for data in (b"\x03abcd", b"\x81" + b"\xff" * 8):
        with pytest.raises(ValueError, match="more elements"):
            Source(data).count(2)


def test_what_a_payload_becomes_is_counted():
    numbers: list[bytes | int] = [1] * 60
    source = Source(write_string(encode(numbers)) * 2, 100 * ITEM_BYTES)
    assert len(source.listpack()) == 60
    with pytest.raises(ValueError, match="too many"):
        source.listpack()
    with pytest.raises(ValueError, match="too large"):
        Source(b"\x7f\xff" + bytes(20_000), 100 * ITEM_BYTES).count(1)
    bomb = b"\x00a" + b"\xe0\xff\x00" * 20
    with pytest.raises(ValueError, match="too large"):
        Source(b"\xc3" + write_length(len(bomb)) + write_length(5281), 100 * ITEM_BYTES).string()
