import pytest

from trivet.core.values.stream_id import (
    ID_MAX,
    UINT64_MAX,
    checked_id,
    format_id,
    id_of,
    ms_of,
    next_id,
    pair_of,
    sequence_of,
)


def test_an_id_orders_as_its_two_numbers():
    pairs = [(0, 0), (0, 1), (0, UINT64_MAX), (1, 0), (UINT64_MAX, 0), (UINT64_MAX, UINT64_MAX)]
    ids = [id_of(ms, sequence) for ms, sequence in pairs]
    assert ids == sorted(ids)
    assert [pair_of(number) for number in ids] == pairs
    assert [(ms_of(number), sequence_of(number)) for number in ids] == pairs
    assert [checked_id(pair) for pair in pairs] == ids
    assert ids[-1] == ID_MAX


def test_texts():
    assert format_id(0) == b"0-0"
    assert format_id(ID_MAX) == b"18446744073709551615-18446744073709551615"


@pytest.mark.parametrize("pair", [(-1, 0), (0, -1), (1 << 64, 0), (0, 1 << 64)])
def test_other_numbers_are_no_ids(pair):
    with pytest.raises(ValueError, match="not an id"):
        checked_id(pair)


def test_the_next_id_is_of_now_but_never_goes_back():
    assert next_id(0, 5) == id_of(5, 0)
    assert next_id(id_of(4, 9), 5) == id_of(5, 0)
    assert next_id(id_of(5, 0), 5) == id_of(5, 1)
    assert next_id(id_of(9, 3), 5) == id_of(9, 4)
    assert next_id(id_of(9, UINT64_MAX), 5) == id_of(10, 0)
