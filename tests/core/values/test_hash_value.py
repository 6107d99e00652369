import pytest

from trivet.core.base.prng import Prng
from trivet.core.values.hash_value import Hash


def aged(size: int) -> Hash:
    """A hash with a history: fields removed and put again, so that its order is its own."""
    value = Hash()
    prng = Prng(size)
    for number in range(size * 2):
        value.put(b"%d" % prng.below(size), b"v%d" % number)
        if prng.below(3) == 0:
            value.pop(b"%d" % prng.below(size))
    value.put(b"last", b"")
    return value


@pytest.mark.parametrize("size", [0, 3, 900, 4000])
def test_what_is_loaded_or_copied_is_the_same_in_every_way(size):
    value = aged(size)
    shape, flat = value.dump()
    for twin in (Hash.load(shape, flat), value.copy()):
        twin.check_invariants()
        assert twin.shape == value.shape
        assert list(twin.items()) == list(value.items())
        assert twin.dump() == (shape, flat)
        assert twin.sample(Prng(5), 10) == value.sample(Prng(5), 10)


def test_a_copy_is_apart():
    value = aged(4000)
    twin = value.copy()
    twin.put(b"new", b"1")
    twin.pop(b"last")
    assert b"new" not in value
    assert b"last" in value


def test_a_dump_alternates_fields_and_values():
    value = Hash()
    value.put(b"a", b"1")
    value.put(b"b", b"2")
    assert value.dump() == (0, [b"a", b"1", b"b", b"2"])
