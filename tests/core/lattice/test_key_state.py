import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.lattice.histories import KEYS, World
from trivet.core.lattice.cell import Cell
from trivet.core.lattice.delta import DEADLINE, FIELD, ITEM, MEMBER, STRING
from trivet.core.lattice.key_state import (
    STRING_PLACE,
    KeyState,
    bytes_of,
    cell_of,
    cells_of,
    decode_state,
    encode_state,
    main_count,
    shown_kind,
    top_stamp,
)


@settings(deadline=None, derandomize=True, database=None)
@given(st.integers(0, 2**40))
def test_there_and_back(seed):
    world = World(seed)
    world.run(40)
    for replica in world.replicas:
        for key in KEYS:
            state = replica.lattice.state(key)
            if state is not None:
                data = encode_state(state)
                again = KeyState()
                for place, cell in reversed(list(decode_state(data).items())):
                    again.put(place, cell)
                assert encode_state(again) == data
                assert again.counts == (state.counts if isinstance(state, KeyState) else {STRING: 1})


def test_a_string_is_its_cell():
    plain = (1, 2, 3, b"x")
    assert cells_of(plain) == {STRING_PLACE: plain}
    assert cell_of(plain, STRING_PLACE) is plain and cell_of(plain, (FIELD, b"a")) is None
    assert (main_count(plain), shown_kind(plain)) == (1, STRING)
    assert (cells_of(None), main_count(None), shown_kind(None)) == ({}, 0, 0)
    assert decode_state(encode_state(plain)) == {STRING_PLACE: plain}
    cell = Cell()
    cell.assigns[(1, 2)] = (3, b"x")
    assert bytes_of(STRING_PLACE, plain) < bytes_of(STRING_PLACE, cell)


def test_of_kinds_that_met_the_highest_stamp_is_shown():
    state = KeyState()
    state.put((MEMBER, b"x"), (1, 1, 5, b""))
    state.put((FIELD, b"x"), (2, 1, 7, b"v"))
    state.put((DEADLINE, b""), (2, 2, 99, b"1"))
    assert (shown_kind(state), main_count(state)) == (FIELD, 2)
    state.put((FIELD, b"x"), None)
    assert shown_kind(state) == MEMBER
    state.put((MEMBER, b"x"), None)
    assert (shown_kind(state), main_count(state)) == (0, 0)
    assert top_stamp(encode_state(state)) == 99


def test_a_cell_with_a_memory_only_is_not_seen():
    state, cell = KeyState(), Cell()
    cell.bases[1] = (1, 5, 2, 1)
    state.put((FIELD, b"x"), cell)
    assert (main_count(state), shown_kind(state)) == (0, 0)
    assert decode_state(encode_state(state)).keys() == {(FIELD, b"x")}


@pytest.mark.parametrize(
    "rows",
    [
        [(2, b"x", [], [], [])],
        [(2, b"x", [(1, 1, 1, b"")], [], []), (2, b"x", [(1, 1, 1, b"")], [], [])],
        [(9, b"x", [(1, 1, 1, b"")], [], [])],
        [(2, b"x", [(0, 1, 1, b"")], [], [])],
        [(2, b"x", [], [(1, 1, 2, b"5")], [])],
        [(2, b"x", [], [(1, 1, 1, b"five")], [])],
        [(2, b"x", [], [], [(1, 1, b"", 1, 1)])],
        [(STRING, b"x", [(1, 1, 1, b"")], [], [])],
        [(ITEM, b"x", [(1, 1, 1, b"")], [], [])],
        "text",
    ],
)
def test_nonsense(rows):
    with pytest.raises(ValueError):
        decode_state(msgspec.msgpack.encode(rows))


@given(st.binary(max_size=60))
def test_any_bytes_are_decoded_or_refused(data):
    try:
        decode_state(data)
    except ValueError:
        pass
