"""Updates that are kept for others."""

from trivet.core.gossip.retained import Retained, portioned, size_of
from trivet.core.lattice.clock import Clock
from trivet.core.lattice.delta import FIELD, STRING, Change, Delta


def delta(actor: int, number: int, payload: bytes = b"v") -> Delta:
    return Delta(actor, number, 1, b"k", [Change(STRING, b"", payload=payload)])


def test_all_or_nothing_of_a_range() -> None:
    retained = Retained(10_000)
    for number in (1, 2, 4):
        retained.keep(delta(7, number))
    assert retained.has(7, 1, 2)
    assert not retained.has(7, 1, 4)
    assert not retained.has(8, 1, 1)
    assert not retained.has(7, 1, 1 << 62)
    assert not retained.has(7, 5, 5)


def test_given_in_the_order_in_which_they_were_taken() -> None:
    retained = Retained(10_000)
    kept = [delta(7, 1), delta(9, 1), delta(7, 2), delta(9, 2), delta(7, 3)]
    for one in kept:
        retained.keep(one)
    assert list(retained.of([(9, 1, 2), (7, 2, 2), (7, 3, 9)])) == kept[1:]
    assert list(retained.of([(7, 1, 1), (7, 3, 3), (5, 1, 9)])) == [kept[0], kept[4]]
    assert list(retained.of([])) == []


def test_too_many_the_oldest_go() -> None:
    size = size_of(delta(7, 1))
    retained = Retained(3 * size)
    for number in range(1, 6):
        retained.keep(delta(7, number))
    assert len(retained) == 3
    assert retained.bytes == 3 * size
    assert retained.has(7, 3, 5)
    retained.keep(delta(7, 6, b"x" * 10_000))
    assert len(retained) == 0
    assert retained.bytes == 0


def test_what_all_have_is_forgotten() -> None:
    retained = Retained(10_000)
    for number in (1, 2, 3):
        retained.keep(delta(7, number))
    stable = Clock()
    stable.add_range(7, 1, 2)
    retained.forget(stable)
    assert len(retained) == 1
    assert retained.bytes == size_of(delta(7, 3))


def test_sizes_grow_with_what_is_in_it() -> None:
    small = Delta(1, 1, 1, b"k", [Change(FIELD, b"f")])
    large = Delta(1, 1, 1, b"k", [Change(FIELD, b"f", [(1, 1)], [(2, 1, b"5")], b"v" * 100)])
    assert size_of(large) >= size_of(small) + 100 + 20 + 40


def test_portions_are_bounded_and_what_is_larger_goes_alone() -> None:
    small, large = [delta(7, n) for n in range(5)], delta(7, 9, b"v" * 1_000)
    one = size_of(small[0])
    assert portioned(small, 2 * one) == [small[:2], small[2:4], small[4:]]
    assert portioned([small[0], large, small[1]], 2 * one) == [[small[0]], [large], [small[1]]]
    assert portioned([], one) == []
