import pytest

from trivet.core.values.rdb.listpack import backward_length, decode, encode

NUMBERS = [
    0, 1, 127, 128, -1, 4095, -4096, 4096, -4097, 32767, -32768, 32768, 8388607, -8388608, 8388608, 2147483647,
    -2147483648, 2147483648, 9223372036854775807, -9223372036854775808,
]  # fmt: skip


def test_as_redis_writes_it():
    data = bytes.fromhex("1b00000004008161020101f290eefe04f4ffffffffffffff7f09ff")
    assert decode(data, 10) == [b"a", b"1", b"-70000", b"9223372036854775807"]
    assert encode([b"a", 1, -70000, 9223372036854775807]) == data


@pytest.mark.parametrize("number", NUMBERS)
def test_numbers_of_every_width(number: int):
    assert decode(encode([number]), 1) == [b"%d" % number]


@pytest.mark.parametrize("size", [0, 1, 63, 64, 125, 126, 4095, 4096, 16_378, 16_379, 70_000, 2_200_000])
def test_strings_of_every_width(size: int):
    items: list[bytes | int] = [b"x" * size, b"y"]
    assert decode(encode(items), 2) == items


def test_more_elements_than_the_count_can_say():
    assert len(decode(encode([1] * 70_000), 70_000)) == 70_000


def test_lengths_backwards():
    assert backward_length(127) == b"\x7f"
    assert backward_length(128) == b"\x01\x80"
    assert backward_length(16_384) == b"\x01\x80\x80"


def packed(body: bytes, count: int) -> bytes:
    return (7 + len(body)).to_bytes(4, "little") + count.to_bytes(2, "little") + body + b"\xff"


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "header"),
        (packed(b"", 0)[:-1], "header"),
        (packed(b"", 0) + b"\xff", "header"),
        (packed(b"\x01\x02", 1), "wrong length"),
        (packed(b"\x85abc\x04", 1), "beyond its end|wrong length"),
        (packed(b"\xc0", 1), "beyond its end|wrong length"),
        (packed(b"\xf0\xff\xff\xff\xff", 1), "beyond its end|wrong length"),
        (packed(b"\xf4\x00\x09", 1), "beyond its end|wrong length"),
        (packed(b"\xf5\x01", 1), "unknown encoding"),
        (packed(b"\x01\x01", 2), "wrong count"),
        (packed(b"\x01\x01" * 3, 3), "too many"),
        (packed(b"\x01", 1), "wrong length"),
    ],
)
def test_bad_data(data: bytes, what: str):
    with pytest.raises(ValueError, match=what):
        decode(data, 2)
