from hypothesis import given, settings
from hypothesis import strategies as st

from trivet.core.values import bits
from trivet.core.values.bits import (
    Edited,
    Field,
    bit_at,
    count_ones,
    find_bit,
    inverted,
    joined,
    with_piece,
)

STRINGS = st.one_of(
    st.binary(max_size=20),
    st.tuples(st.sampled_from([b"\0", b"\xff"]), st.integers(0, 9000), st.binary(max_size=3)).map(
        lambda drawn: drawn[0] * drawn[1] + drawn[2]
    ),
)


def as_text(data: bytes) -> str:
    return "".join(f"{byte:08b}" for byte in data)


@settings(deadline=None)
@given(STRINGS, st.integers(0, 80_000), st.integers(0, 80_000))
def test_counting_and_finding_as_in_a_text_of_bits(data, first, last):
    text = as_text(data)
    first, last = min(first, len(text)), min(last, len(text) - 1)
    part = text[first : last + 1]
    assert count_ones(data, first, last) == part.count("1")
    for bit in (0, 1):
        found = part.find(str(bit))
        assert find_bit(data, bit, first, last) == (-1 if found < 0 else first + found)


@settings(deadline=None)
@given(STRINGS, st.integers(0, 200))
def test_bits_behind_the_end_are_zero(data, offset):
    text = as_text(data)
    assert bit_at(data, offset) == (int(text[offset]) if offset < len(text) else 0)


@settings(deadline=None)
@given(st.binary(max_size=20), st.integers(0, 30), st.binary(max_size=5))
def test_a_piece_over_what_is_there(data, at, piece):
    expected = bytearray(data.ljust(at, b"\0"))
    expected[at : at + len(piece)] = piece
    assert with_piece(data, at, piece) == expected


@settings(deadline=None)
@given(st.lists(st.binary(max_size=9), min_size=1, max_size=4))
def test_joined(sources):
    size = max(map(len, sources))
    padded = [source.ljust(size, b"\0") for source in sources]
    for operation, join in (
        (bits.AND, lambda a, b: a & b),
        (bits.OR, lambda a, b: a | b),
        (bits.XOR, lambda a, b: a ^ b),
    ):
        expected = padded[0]
        for other in padded[1:]:
            expected = bytes(join(a, b) for a, b in zip(expected, other, strict=True))
        assert joined(operation, sources) == expected


def test_long_strings_are_joined_piece_by_piece():
    one = bytes(range(256)) * 600
    assert joined(bits.XOR, [one, one]) == bytes(len(one))
    assert joined(bits.OR, [one, one[:70_000]]) == one
    assert joined(bits.AND, [one, one[:70_000]]) == one[:70_000] + bytes(len(one) - 70_000)
    assert inverted(inverted(one)) == one
    assert inverted(b"\x0f") == b"\xf0"


@settings(deadline=None)
@given(st.binary(max_size=20), st.booleans(), st.integers(1, 64), st.integers(0, 100), st.integers())
def test_a_field_gives_what_was_written_and_leaves_its_neighbours(data, signed, size, offset, value):
    field = Field(signed, size, offset)
    fitting = field.wrapped(value)
    assert field.low <= fitting <= field.high
    long_enough = data.ljust((offset + size + 7) // 8, b"\0")
    for changes in (1, 100):
        edited = Edited(long_enough, changes)
        edited.write(field, fitting)
        assert edited.read(field) == fitting
        text = as_text(edited.result())
        was = as_text(long_enough)
        assert text[:offset] == was[:offset]
        assert text[offset + size :] == was[offset + size :]
        assert text[offset : offset + size] == format(value % (1 << size), f"0{size}b")


def test_a_field_behind_the_end_is_zero():
    assert Field(True, 64, 800).read(b"\xff") == 0
    assert Field(False, 16, 0).read(b"\xff") == 0xFF00
