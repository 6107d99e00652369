"""Updates that are kept for others."""

import pytest

from trivet.core.base.prng import Prng
from trivet.core.gossip.bundles import BUNDLE, bundles_of
from trivet.core.gossip.retained import SHARE, Retained
from trivet.core.lattice.clock import Clock
from trivet.core.lattice.delta import STRING, Change, Delta, encode_deltas


def delta(actor: int, number: int, payload: bytes = b"v") -> Delta:
    return Delta(actor, number, 1, b"k", [Change(STRING, b"", payload=payload)])


def given(retained: Retained, ranges: list[tuple[int, int, int]]) -> list[Delta]:
    return [one for bundle in retained.of(ranges) for one in bundle.deltas()]


SIZE = len(encode_deltas([delta(7, 1)]))


def test_all_or_nothing_of_a_range() -> None:
    retained = Retained(10_000)
    for number in (1, 2, 4):
        retained.keep(bundles_of([delta(7, number)]))
    assert retained.has([(7, 1, 2)])
    assert not retained.has([(7, 1, 4)])
    assert not retained.has([(8, 1, 1)])
    assert not retained.has([(7, 1, 1 << 62)])
    assert not retained.has([(7, 5, 5)])
    assert retained.has([(7, 1, 1), (7, 4, 4)])


def test_given_in_the_order_in_which_they_were_taken() -> None:
    retained = Retained(10_000)
    kept = [delta(7, 1), delta(9, 1), delta(7, 2), delta(9, 2), delta(7, 3)]
    for one in kept:
        retained.keep(bundles_of([one]))
    assert given(retained, [(9, 1, 2), (7, 2, 2), (7, 3, 9)]) == kept[1:]
    assert given(retained, [(7, 1, 1), (7, 3, 3), (5, 1, 9)]) == [kept[0], kept[4]]
    assert given(retained, []) == []


@pytest.mark.parametrize("seed", range(30))
def test_scattered_ranges_are_found(seed: int) -> None:
    """As by looking at each update; however many ranges there are."""
    prng = Prng(seed)
    retained = Retained(1 << 20)
    numbers = {7: 0, 9: 0}
    kept: list[Delta] = []
    for _ in range(200):
        actor = (7, 9)[prng.below(2)]
        numbers[actor] += 1 + (prng.below(20) == 0)
        kept.append(delta(actor, numbers[actor]))
        retained.keep(bundles_of([kept[-1]]))
    ranges = []
    for actor in (7, 9):
        first = prng.below(3)
        while first < 130:
            last = first + prng.below(4)
            ranges.append((actor, first, last))
            first = last + 1 + prng.below(9)
    prng.shuffle(ranges)
    wanted = [one for one in kept if any(a == one.actor and f <= one.number <= t for a, f, t in ranges)]
    assert given(retained, ranges) == wanted
    assert retained.has(ranges) is (len(wanted) == sum(t - f + 1 for _, f, t in ranges))
    there = [(one.actor, one.number, one.number) for one in wanted]
    assert retained.has(there) and given(retained, there) == wanted


def test_small_ones_become_one_and_what_was_given_stays_as_it_was() -> None:
    retained = Retained(1 << 20)
    for number in range(1, BUNDLE + 2):
        retained.keep(bundles_of([delta(7, number)]))
    assert [bundle.count for bundle in retained.of([(7, 1, 1 << 40)])] == [BUNDLE, 1]
    (last,) = retained.of([(7, BUNDLE + 1, BUNDLE + 1)])
    retained.keep(bundles_of([delta(7, BUNDLE + 2)]))
    assert last.count == 1


def test_too_many_the_oldest_go() -> None:
    assert 3 * SIZE // SHARE < SIZE, "each is alone"
    retained = Retained(3 * SIZE)
    for number in range(1, 6):
        retained.keep(bundles_of([delta(7, number)]))
    assert len(retained) == 3
    assert retained.bytes == 3 * SIZE
    assert retained.has([(7, 3, 5)])
    retained.keep(bundles_of([delta(7, 6, b"x" * 10_000)]))
    assert len(retained) == 0
    assert retained.bytes == 0


def test_bundles_are_looked_through_where_something_may_be():
    retained = Retained(10_000_000)
    kept = [delta(7 + number % 2, number // 2 + 1) for number in range(2_000)]
    retained.keep(bundles_of(kept))
    assert len(retained) == 2_000
    assert given(retained, [(8, 500, 502), (7, 1, 1)]) == [kept[0], kept[999], kept[1_001], kept[1_003]]
    assert retained.has([(7, 1, 1_000), (8, 1, 1_000)])
    assert not retained.has([(7, 1, 1_001)])
    stable = Clock()
    stable.add_range(7, 1, 1_000)
    stable.add_range(8, 1, 500)
    retained.forget(stable)
    assert 1_000 <= len(retained) <= 1_000 + BUNDLE, "a bundle goes when all of it may"
    assert retained.has([(8, 501, 1_000)])


def test_what_all_have_is_forgotten() -> None:
    retained = Retained(5 * SIZE)
    for number in (1, 2, 3):
        retained.keep(bundles_of([delta(7, number)]))
    stable = Clock()
    stable.add_range(7, 1, 2)
    retained.forget(stable)
    assert len(retained) == 1
    assert retained.bytes == SIZE
