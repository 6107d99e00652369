import random

from hypothesis import given, settings
from hypothesis import strategies as st

from trivet.core.values import hyperloglog
from trivet.core.values.hyperloglog import (
    DENSE_BYTES,
    cardinality,
    greatest,
    hash64,
    is_dense,
    is_one,
    merged,
    planes_of,
    register_of,
    registers_of,
    to_dense,
    with_elements,
)
from trivet.core.values.hyperloglog_sparse import EMPTY, REGISTERS
from trivet.core.values.numbers import INT64_MIN

HEADER = b"HYLL\x00" + bytes(10) + b"\x80"


def filled(start: int, stop: int, data: bytes = EMPTY) -> bytes:
    found = with_elements(data, [b"%d" % number for number in range(start, stop)])
    assert found is not None
    return found


def registers(data: bytes) -> bytes:
    planes = planes_of(data)
    assert planes is not None
    return registers_of(planes)


def test_the_hash():
    assert hash64(b"foo") == 16592960565925911732
    assert len({hash64(b"x" * size) for size in range(40)}) == 40


@settings(deadline=None)
@given(st.lists(st.binary(max_size=20), max_size=300))
def test_registers_hold_the_greatest_value_of_their_elements(elements):
    expected = bytearray(REGISTERS)
    for element in elements:
        index, value = register_of(element)
        expected[index] = max(expected[index], value)
    sparse = with_elements(EMPTY, elements)
    empty = to_dense(EMPTY)
    assert sparse is not None
    assert empty is not None
    dense = with_elements(empty, elements)
    assert dense is not None
    assert registers(sparse) == registers(dense) == expected
    assert cardinality(sparse) == cardinality(dense)


def test_counts_are_about_right():
    data = EMPTY
    for size in (10, 100, 1000, 10_000, 50_000):
        data = filled(0, size, data)
        count = cardinality(data)
        assert count is not None
        assert abs(count - size) <= size * 0.03


def test_a_sparse_one_becomes_dense_when_it_has_no_room():
    data = EMPTY
    sizes = []
    for number in range(3000):
        data = filled(number, number + 1, data)
        if is_dense(data):
            break
        sizes.append(len(data))
    assert max(sizes) <= 3000
    assert max(sizes) > 2990
    assert len(data) == DENSE_BYTES
    assert registers(data) == registers(filled(0, number + 1))


def element_with_hash(wanted: int) -> bytes:
    """Eight bytes whose hash is ``wanted``: every step of it can be undone."""
    mask, inverse = (1 << 64) - 1, pow(0xC6A4A7935BD1E995, -1, 1 << 64)

    def undone(number: int) -> int:
        return (number ^ number >> 47) * inverse & mask

    state = undone(wanted)
    state ^= state >> 47
    word = state * inverse & mask ^ 0xADC83B19 ^ (8 * 0xC6A4A7935BD1E995 & mask)
    word = word * inverse & mask
    return (undone(word)).to_bytes(8, "little")


def test_a_value_too_great_for_a_run_makes_it_dense():
    element = element_with_hash(REGISTERS - 1 | 1 << (14 + 39))
    assert register_of(element) == (REGISTERS - 1, 40)
    data = with_elements(EMPTY, [element])
    assert data is not None
    assert is_dense(data)
    assert registers(data) == bytes(REGISTERS - 1) + b"\x28"
    again = with_elements(data, [element])
    assert again is data


def test_merging_in_either_form():
    one, other = filled(0, 300), filled(200, 700)
    together = merged(one, [other])
    assert together is not None
    assert registers(together) == registers(filled(0, 700))
    dense = to_dense(other)
    assert dense is not None
    as_dense = merged(one, [dense])
    assert as_dense is not None
    assert is_dense(as_dense)
    assert registers(as_dense) == registers(together)
    much = merged(filled(0, 1200), [filled(5000, 6200)])
    assert much is not None
    assert is_dense(much)
    assert registers(much) == registers(filled(5000, 6200, filled(0, 1200)))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 63), min_size=1, max_size=40), st.integers(0, 1 << 30))
def test_dense_registers_of_any_value_come_back_and_the_greatest_is_found(values, seed):
    pool = [0] * 10 + values
    sets = [bytes(random.Random(seed + turn).choices(pool, k=REGISTERS)) for turn in range(2)]
    dense = []
    for one in sets:
        planes = b"".join(one[start::4] for start in range(4))
        dense.append(hyperloglog._dense(HEADER, planes))
        assert registers(dense[-1]) == one
    planes = greatest(dense)
    assert planes is not None
    assert registers_of(planes) == bytes(map(max, *sets))


def test_what_is_one():
    assert is_one(EMPTY)
    assert not is_one(EMPTY[:15])
    assert is_one(HEADER + bytes(DENSE_BYTES - 16))
    assert not is_one(HEADER + bytes(DENSE_BYTES - 15))
    assert not is_one(b"HYLL\x02" + EMPTY[5:])
    assert not is_one(b"HYLX" + EMPTY[4:])


def test_registers_that_no_element_sets_have_a_count_all_the_same():
    assert cardinality(HEADER + b"\xff" * (DENSE_BYTES - 16)) == INT64_MIN
    assert cardinality(HEADER + bytes(DENSE_BYTES - 16)) == 0


def test_merging_many_agrees_with_adding_all():
    chance = random.Random(7)
    sources, everything = [], EMPTY
    for _ in range(5):
        start = chance.randrange(1000)
        sources.append(filled(start, start + 40))
        everything = filled(start, start + 40, everything)
    together = merged(EMPTY, sources)
    assert together is not None
    assert registers(together) == registers(everything)
