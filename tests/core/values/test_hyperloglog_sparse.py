from hypothesis import given, settings
from hypothesis import strategies as st

from trivet.core.values.hyperloglog_sparse import (
    EMPTY,
    REGISTERS,
    SPARSE_BYTES_MAX,
    Sparse,
    expanded,
    histogram_of_runs,
    runs_as_text,
)

HEADER = EMPTY[:15] + b"\x80"


def put(pairs: list[tuple[int, int]]) -> bytes:
    sparse = Sparse(EMPTY)
    for index, value in pairs:
        assert sparse.put(index, value)
    return sparse.result()


def test_a_register_splits_the_zeros_around_it():
    assert runs_as_text(EMPTY) == b"Z:16384"
    assert runs_as_text(put([(100, 3)])) == b"Z:100 v:3,1 Z:16283"
    assert runs_as_text(put([(100, 3), (164, 2)])) == b"Z:100 v:3,1 z:63 v:2,1 Z:16219"
    assert runs_as_text(put([(0, 1), (REGISTERS - 1, 32)])) == b"v:1,1 Z:16382 v:32,1"


def test_equal_neighbours_are_joined_up_to_four():
    assert runs_as_text(put([(index, 2) for index in range(6)])) == b"v:2,4 v:2,2 Z:16378"
    assert runs_as_text(put([(0, 2), (2, 2), (1, 2)])) == b"v:2,3 Z:16381"


def test_a_run_of_values_is_split():
    assert runs_as_text(put([*[(index, 2) for index in range(4)], (2, 5)])) == b"v:2,2 v:5,1 v:2,1 Z:16380"


def test_a_lower_value_changes_nothing():
    sparse = Sparse(put([(7, 5)]))
    assert sparse.put(7, 5)
    assert sparse.put(7, 4)
    assert not sparse.changed


PAIRS = st.lists(st.tuples(st.integers(0, REGISTERS - 1), st.integers(1, 32)), max_size=80)
NEAR = st.lists(st.tuples(st.integers(0, 150), st.integers(1, 4)), max_size=150)


@settings(deadline=None)
@given(st.one_of(PAIRS, NEAR))
def test_registers_are_raised_wherever_they_are(pairs):
    wanted = bytearray(REGISTERS)
    for index, value in pairs:
        wanted[index] = max(wanted[index], value)
    data = put(pairs)
    assert expanded(data) == wanted
    assert histogram_of_runs(data) == [wanted.count(value) for value in range(64)]


@settings(deadline=None)
@given(st.one_of(PAIRS, NEAR), st.one_of(PAIRS, NEAR))
def test_raising_all_gives_the_bytes_of_raising_one_by_one(before, pairs):
    wanted = bytearray(REGISTERS)
    for index, value in pairs:
        wanted[index] = max(wanted[index], value)
    one, other = Sparse(put(before)), Sparse(put(before))
    for index, value in enumerate(wanted):
        if value:
            assert one.put(index, value)
    assert other.raise_all(bytes(wanted))
    assert one.result() == other.result()


def test_there_is_room_for_so_many_bytes():
    sparse = Sparse(EMPTY)
    index = 0
    while sparse.put(index, 1 + index % 32):
        index += 5
    assert not sparse.corrupt
    assert SPARSE_BYTES_MAX - 2 < len(sparse.result()) <= SPARSE_BYTES_MAX
    assert not Sparse(EMPTY).raise_all(
        bytes((1 + index % 32) * (index % 5 == 0) for index in range(REGISTERS))
    )
    assert not Sparse(EMPTY).raise_all(b"\x21" + bytes(REGISTERS - 1))


def test_runs_that_do_not_fit_are_corrupt():
    for runs in (
        b"",
        b"\x7f\xfe",
        b"\x7f\xff\x00",
        b"\x7f",
        b"\x7f\xfe\x85",
        b"\x3f" * 257,
        b"\x7f\xff" * 100_000,
    ):
        assert expanded(HEADER + runs) is None
        assert histogram_of_runs(HEADER + runs) is None
    for runs in (b"\x7f\xfe\x84", b"\x3f" * 256):
        assert expanded(HEADER + runs) is not None
        assert histogram_of_runs(HEADER + runs) is not None
    sparse = Sparse(HEADER + b"\x3f\x40")
    assert sparse.put(63, 1)
    assert not sparse.put(64, 1)
    assert sparse.corrupt
