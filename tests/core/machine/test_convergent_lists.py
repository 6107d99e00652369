"""Places of a list's items, beside the view."""

from trivet.core.base.prng import Prng
from trivet.core.lattice.lattice import Lattice
from trivet.core.machine.convergent_lists import ListPlaces, Places
from trivet.core.values.list_value import List


def test_the_ends():
    places = ListPlaces([b"b"])
    places.push([b"c", b"d"], False)
    places.push([b"0", b"a"], True)
    assert places.all() == [b"0", b"a", b"b", b"c", b"d"] and len(places) == 5
    assert (places.first(), places.last(), places.at(2)) == (b"0", b"d", b"b")
    assert places.pop(2, True) == [b"0", b"a"] and places.pop(1, False) == [b"d"]
    assert ListPlaces([]).first() is None and ListPlaces([]).last() is None


def test_the_middle():
    places = ListPlaces([b"a", b"b", b"d", b"e"])
    places.insert(2, b"c")
    assert places.take_at([1]) == [b"b"] and places.take_at([1, 3]) == [b"c", b"e"]
    assert places.all() == [b"a", b"d"]


def test_what_others_do_is_followed_wherever_it_is():
    for seed in range(30):
        prng = Prng(seed)
        held = {b"m": b"0"}
        places, value = ListPlaces([b"m"]), List([b"0"])
        for step in range(60):
            place = b"%02d" % prng.below(30) if prng.chance(0.9) else b"m"
            if prng.chance(0.6):
                held[place] = b"%d" % step
                assert places.follow(value, place, (1, step, 1, held[place]))
            elif held.pop(place, None) is not None and not held:
                assert not places.follow(value, place, None)  # there would be no list
                held[place] = value.at(0)
            else:
                assert places.follow(value, place, None)
            assert places.all() == sorted(held)
            assert value.between(0, len(value)) == [held[one] for one in sorted(held)]
    assert not ListPlaces([]).follow(List([]), b"a", (1, 1, 1, b"x"))


def test_of_many_lists():
    places, lattice = Places(), Lattice()
    places.put(b"k", [b"a"])
    assert places.of(b"k", lattice).all() == [b"a"]
    places.forget(b"k")
    assert places.of(b"k", lattice).all() == []
