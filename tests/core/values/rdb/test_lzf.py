import pytest

from trivet.core.values.rdb.lzf import decompress


def test_a_literal_run():
    assert decompress(b"\x04hello", 5) == b"hello"


def test_a_reference_that_does_not_overlap():
    assert decompress(b"\x03abcd\x20\x03", 7) == b"abcdabc"


def test_a_reference_that_repeats_itself():
    assert decompress(b"\x00a\x20\x00", 4) == b"aaaa"
    assert decompress(b"\x01ab\x60\x01", 7) == b"abababa"


def test_a_long_reference_as_redis_writes_it():
    assert decompress(bytes.fromhex("016161e02f00016161"), 60) == b"a" * 60


@pytest.mark.parametrize(
    ("data", "size", "what"),
    [
        (b"\x04hell", 5, "ends in a literal"),
        (b"\x00a\x20", 4, "ends in a reference"),
        (b"\x00a\xe0", 4, "ends in a reference"),
        (b"\x00a\x20\x01", 4, "before its beginning"),
        (b"\x04hello", 4, "longer"),
        (b"\x04hello", 6, "shorter"),
        (b"", 1, "more than it can hold"),
        (b"\x00a", 1 << 40, "more than it can hold"),
    ],
)
def test_bad_data(data: bytes, size: int, what: str):
    with pytest.raises(ValueError, match=what):
        decompress(data, size)


def test_it_stops_at_the_announced_size():
    """A bomb is not put out before it is refused."""
    with pytest.raises(ValueError, match="longer"):
        decompress(b"\x00a" + b"\xe0\xff\x00" * 1_000_000, 1000)
