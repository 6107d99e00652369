import pytest

from tests.core.values.rdb.old_forms import ziplist
from trivet.core.values.rdb.ziplist import decode

NUMBERS = [
    0,
    1,
    12,
    13,
    -1,
    127,
    -128,
    128,
    32767,
    -32768,
    32768,
    8388607,
    -8388609,
    2147483648,
    -9223372036854775808,
]


def test_an_entry_of_every_kind():
    items = [b"%d" % number for number in NUMBERS] + [
        b"x" * size for size in (0, 1, 63, 64, 253, 254, 16383, 16384, 70000)
    ]
    assert decode(ziplist(items), 100) == items


def test_more_entries_than_the_count_can_say():
    assert decode(ziplist([b"1"] * 70_000), 70_000) == [b"1"] * 70_000


def packed(body: bytes, last: int, count: int) -> bytes:
    return (
        (11 + len(body)).to_bytes(4, "little")
        + last.to_bytes(4, "little")
        + count.to_bytes(2, "little")
        + body
        + b"\xff"
    )


def test_nothing():
    assert decode(packed(b"", 10, 0), 0) == []


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "header"),
        (packed(b"", 10, 0)[:-1], "header"),
        (packed(b"\x01\xf1", 10, 1), "length before"),
        (packed(b"\x00\xf1\x03\xf1", 12, 2), "length before"),
        (packed(b"\x00\x05abc", 10, 1), "beyond its end"),
        (packed(b"\x00\x80\xff\xff\xff\xff", 10, 1), "beyond its end"),
        (packed(b"\x00\xe0\x01", 10, 1), "beyond its end"),
        (packed(b"\x00\xff", 10, 1), "unknown encoding"),
        (packed(b"\x00\xc1", 10, 1), "unknown encoding"),
        (packed(b"\x00\xf1", 10, 2), "wrong count"),
        (packed(b"\x00\xf1\x02\xf1", 10, 2), "last entry"),
        (packed(b"\x00\xf1\x02\xf1\x02\xf1", 14, 3), "too many"),
        (packed(b"\xfe", 10, 1), "length before"),
    ],
)
def test_bad_data(data: bytes, what: str):
    with pytest.raises(ValueError, match=what):
        decode(data, 2)
