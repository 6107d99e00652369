from trivet.core.base.prng import Prng
from trivet.core.lattice.positions import LEVEL_BYTES, between, is_place


def test_always_between_whatever_came_before():
    prng = Prng(1)
    places = []
    for number in range(1, 3000):
        at = prng.below(len(places) + 1) if prng.chance(0.5) else prng.below(min(2, len(places)) + 1)
        left = places[at - 1] if at else None
        right = places[at] if at < len(places) else None
        made = between(left, right, (1 + prng.below(3), number), 1 + prng.below(4))
        assert all(is_place(one) for one in made)
        places[at:at] = made
    assert places == sorted(places)
    assert len(set(places)) == len(places)


def test_pushing_at_the_ends_keeps_places_short():
    first = last = between(None, None, (1, 1))[0]
    for number in range(2, 5000):
        last = between(last, None, (1, number))[0]
        first = between(None, first, (1, number))[0]
    assert len(first) == len(last) == LEVEL_BYTES
    many = between(last, None, (1, 5000), 100_000)
    assert many == sorted(many) and len(many[-1]) == LEVEL_BYTES


def test_a_narrow_gap_grows_by_levels():
    left, right = between(None, None, (1, 1), 2)
    for number in range(2, 400):
        (one,) = between(left, right, (1, number))
        assert left < one < right
        left, right = (one, right) if number % 2 else (left, one)
    assert len(left) < 40 * LEVEL_BYTES


def test_names_that_are_no_places():
    assert not is_place(b"")
    assert not is_place(b"x" * 23)
    assert not is_place(bytes(24)), "a level with the number 0 at the end: nothing goes before it"
    assert not is_place(b"x" * 24 * 10_001)
    assert is_place(bytes(24) + b"x" * 24)
