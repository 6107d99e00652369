import pytest

from trivet.core.base.prng import Prng
from trivet.core.values.set_value import Set


def change(value: Set, prng: Prng, steps: int, size: int) -> list[list[bytes]]:
    """Steps by chance; what the pops among them gave."""
    taken: list[list[bytes]] = []
    for _ in range(steps):
        kind = prng.below(8)
        if kind < 5:
            value.add(b"%d" % prng.below(size))
        elif kind < 7:
            value.discard(b"%d" % prng.below(size))
        elif len(value) > 0:
            taken.append(value.take(prng, prng.below(4) + 1))
    return taken


@pytest.mark.parametrize("size", [5, 1500, 1_000_000])
@pytest.mark.parametrize("seed", range(4))
def test_a_replica_restored_half_way_pops_the_same_for_ever(size, seed):
    value = Set()
    change(value, Prng(seed), 6000, size)
    twin = Set.load(*value.dump())
    copied = value.copy()
    assert twin.shape == value.shape == copied.shape
    for step in range(3):
        given = change(value, Prng(step), 2000, size)
        assert change(twin, Prng(step), 2000, size) == given
        assert change(copied, Prng(step), 2000, size) == given
    assert twin.dump() == value.dump() == copied.dump()
    value.check_invariants()
    rest = value.take(Prng(9), len(value) + 1)
    assert len(value) == 0
    assert twin.take(Prng(9), len(twin) + 1) == rest


def test_members():
    value = Set.of([b"b", b"a", b"b"])
    assert value.to_list() == list(value.members()) == [b"b", b"a"]
    assert value.add(b"c") is True
    assert value.add(b"c") is False
    assert value.discard(b"b") is True
    assert value.discard(b"b") is False
    assert value.dump() == (0, [b"a", b"c"])


def test_a_copy_is_apart():
    value = Set.of([b"a"])
    twin = value.copy()
    twin.add(b"b")
    assert b"b" not in value
