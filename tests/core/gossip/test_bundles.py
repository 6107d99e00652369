"""Updates as bytes: put together and taken apart, never read."""

import pytest
from msgspec import Raw

from tests.core.gossip.test_retained import delta
from trivet.core.gossip.bundles import BUNDLE, BUNDLE_BYTES, Bundle, bundles_of, count_of
from trivet.core.lattice.clock import Clock
from trivet.core.lattice.delta import Delta, encode_deltas


def bundle_of(deltas: list[Delta]) -> Bundle:
    (bundle,) = bundles_of(deltas)
    return bundle


@pytest.mark.parametrize("count", [1, 15, 16, BUNDLE])
def test_joined_they_are_the_same_bytes_as_if_made_together(count: int) -> None:
    deltas = [delta(7, number) for number in range(1, count + 1)]
    joined = bundle_of(deltas[:1])
    for one in deltas[1:]:
        assert joined.join(bundle_of([one]))
    assert joined.data == encode_deltas(deltas) == bundle_of(deltas).data
    assert (joined.count, joined.spans, joined.deltas()) == (count, {7: (1, count)}, deltas)
    assert count_of(joined.data) == count_of(Raw(joined.data)) == count


def test_what_does_not_follow_is_not_joined() -> None:
    first = bundle_of([delta(7, 1), delta(8, 4), delta(7, 2)])
    assert first.spans == {7: (1, 2), 8: (4, 4)}
    assert not first.join(bundle_of([delta(7, 4)])), "so of each actor there is no gap"
    assert first.join(bundle_of([delta(9, 6), delta(8, 5)]))
    assert first.spans == {7: (1, 2), 8: (4, 5), 9: (6, 6)}
    assert not first.join(bundle_of([delta(9, 7)]), bytes_max=first.bytes)
    twin = first.copy()
    assert twin.join(bundle_of([delta(9, 7)])) and (twin.count, first.count) == (6, 5)


def test_it_is_in_a_clock_that_has_all_of_it() -> None:
    bundle, clock = bundle_of([delta(7, 3), delta(8, 1)]), Clock()
    clock.add_range(7, 1, 3)
    assert not bundle.is_in(clock)
    clock.add(8, 1)
    assert bundle.is_in(clock)


def test_many_are_bundles_of_bounded_size() -> None:
    many = [delta(7, number) for number in range(1, 2 * BUNDLE + 2)]
    assert [bundle.count for bundle in bundles_of(many)] == [BUNDLE, BUNDLE, 1]
    large = [delta(7, number, b"x" * (BUNDLE_BYTES // 3)) for number in range(1, 9)]
    bundles = bundles_of([*large, delta(7, 9, b"x" * 3 * BUNDLE_BYTES)])
    assert [one for bundle in bundles for one in bundle.deltas()][:8] == large
    assert all(bundle.bytes <= BUNDLE_BYTES or bundle.count == 1 for bundle in bundles)
    assert bundles_of([]) == []


def test_bytes_that_are_nothing_of_the_kind() -> None:
    assert [count_of(data) for data in (b"", b"\xc1", b"\x90", b"\xdc\x00\x10", b"\xdd\x00\x01\x00\x00")] == [
        0, 0, 0, 16, 65_536,
    ]  # fmt: skip
    wide = encode_deltas([delta(7, number % 9 + 1) for number in range(70_000)])
    assert count_of(wide) == 70_000


def test_there_is_no_gap_in_one() -> None:
    """Else what is asked for would be counted as kept, and never be given."""
    deltas = [delta(7, 1), delta(8, 5), delta(7, 2), delta(7, 4), delta(8, 6), delta(8, 8)]
    bundles = bundles_of(deltas)
    assert [one for bundle in bundles for one in bundle.deltas()] == deltas
    assert [bundle.spans for bundle in bundles] == [
        {7: (1, 2), 8: (5, 5)},
        {7: (4, 4), 8: (6, 6)},
        {8: (8, 8)},
    ]
    assert not any(bundle.has_gap for bundle in bundles)
