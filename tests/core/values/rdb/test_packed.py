import pytest

from tests.core.values.rdb.old_forms import intset, zipmap
from trivet.core.values.rdb.packed import decode_intset, decode_zipmap


@pytest.mark.parametrize("numbers", [[1], [-3, 0, 7], [-40_000, 5], [-(2**63), 2**63 - 1]])
def test_an_intset_of_every_width(numbers: list[int]):
    assert decode_intset(intset(numbers), 9) == [b"%d" % number for number in numbers]


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"\x02\x00\x00\x00", "without a header"),
        (b"\x03\x00\x00\x00\x00\x00\x00\x00", "wrong size"),
        (b"\x02\x00\x00\x00\xff\xff\xff\xff\x01\x00", "wrong size"),
        (intset([1, 2, 3, 4]), "wrong size"),
        (b"\x02\x00\x00\x00\x02\x00\x00\x00\x05\x00\x05\x00", "out of order"),
        (b"\x02\x00\x00\x00\x02\x00\x00\x00\x05\x00\x04\x00", "out of order"),
    ],
)
def test_bad_intsets(data: bytes, what: str):
    with pytest.raises(ValueError, match=what):
        decode_intset(data, 3)


def test_a_zipmap():
    flat = [b"f", b"v", b"", b"x" * 253, b"g" * 254, b"", b"n", b"1"]
    assert decode_zipmap(zipmap(flat), 8) == flat


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "without an end"),
        (b"\x00\x00", "without an end"),
        (b"\x01\x01f\xff", "beyond its end|wrong count"),
        (b"\x01\x05f\x01\x00v\xff", "beyond its end"),
        (b"\x02\x01f\x01\x00v\xff", "wrong count"),
        (b"\x01\x01f\xff\x00v\xff", "too early"),
        (b"\x01\x01f\x01\x09v\xff", "beyond its end"),
        (b"\x01\x01f\xfe\xff\xff\xff\xff\x00v\xff", "beyond its end"),
        (zipmap([b"a", b"b"] * 3), "too many"),
    ],
)
def test_bad_zipmaps(data: bytes, what: str):
    with pytest.raises(ValueError, match=what):
        decode_zipmap(data, 4)
