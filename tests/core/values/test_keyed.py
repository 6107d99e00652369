import pytest

from trivet.core.base.prng import Prng
from trivet.core.values.keyed import SMALL_MAX, Keyed, shuffled_prefix

SIZES = [1, 2, 50, SMALL_MAX, SMALL_MAX + 1, 5000]


def filled(size: int) -> Keyed[int]:
    keyed: Keyed[int] = Keyed()
    keyed.fill((b"%d" % number, number) for number in range(size))
    return keyed


def test_it_becomes_a_table_beyond_the_limit_and_stays_one():
    keyed = filled(SMALL_MAX)
    assert keyed.shape == 0
    assert keyed.put(b"more", 1)
    assert keyed.shape >= 1
    for number in range(SMALL_MAX):
        keyed.pop(b"%d" % number)
    assert keyed.shape >= 1
    assert list(keyed.items()) == [(b"more", 1)]
    keyed.check_invariants()


@pytest.mark.parametrize("size", SIZES)
def test_it_is_a_dictionary(size):
    keyed = filled(size)
    keyed.check_invariants()
    assert len(keyed) == size
    assert keyed.get(b"0") == 0
    assert b"0" in keyed
    assert keyed.put(b"0", 7) is False
    assert keyed.get(b"0") == 7
    assert keyed.get(b"none") is None
    assert b"none" not in keyed
    assert keyed.pop(b"none") is None
    assert keyed.to_list() == list(keyed.keys()) == list(keyed) == list(keyed.to_dict())
    assert keyed.to_dict() == dict(keyed.items())
    assert sorted(keyed.to_list()) == sorted(b"%d" % number for number in range(size))
    assert keyed.pop(b"0") == 7
    assert len(keyed) == size - 1


@pytest.mark.parametrize("size", SIZES)
def test_chance_reaches_only_what_is_there(size):
    keyed = filled(size)
    everything = keyed.to_dict()
    prng = Prng(1)
    assert keyed.random_key(prng) in everything
    assert len(keyed.draw(prng, 3 * size)) == 3 * size
    assert len(keyed.draw(prng, 2)) == 2
    for count in (0, 1, size // 10, size // 2, size - 1, size, size + 1):
        sample = keyed.sample(prng, count)
        assert len(sample) == len(dict.fromkeys(sample)) == min(count, size)
        assert all(key in everything for key in sample)


@pytest.mark.parametrize("size", [4, 1500])
def test_chance_is_about_even(size):
    keyed = filled(size)
    prng = Prng(3)
    drawn = dict.fromkeys(keyed.keys(), 0)
    rounds = 60
    for _ in range(rounds * size):
        drawn[keyed.random_key(prng)] += 1
    assert min(drawn.values()) > rounds // 3
    assert max(drawn.values()) < rounds * 3


@pytest.mark.parametrize("size", SIZES)
def test_a_scan_meets_every_key(size):
    keyed = filled(size)
    cursor, found = keyed.scan(0, 10)
    while cursor:
        cursor, more = keyed.scan(cursor, 10)
        found += more
    assert sorted(found) == sorted(keyed.to_list())


def test_a_scan_survives_growth_into_a_table():
    keyed = filled(5000)
    _, found = keyed.scan(0, 10)
    cursor, _ = keyed.scan(0, 10)
    keyed.fill((b"x%d" % number, 1) for number in range(20_000))
    while cursor:
        cursor, more = keyed.scan(cursor, 100)
        found += more
    assert {b"%d" % number for number in range(5000)} <= set(found)


def test_a_partial_shuffle_gives_each_item_its_chance():
    counts = dict.fromkeys([b"a", b"b", b"c", b"d"], 0)
    for seed in range(400):
        for item in shuffled_prefix(list(counts), Prng(seed), 2):
            counts[item] += 1
    assert sum(counts.values()) == 800
    assert min(counts.values()) > 150


@pytest.mark.parametrize("size", [0, 1, 5, 1024, 5000])
def test_ends_are_some_first_and_some_last(size):
    keyed: Keyed[int] = Keyed()
    for number in range(size):
        keyed.put(b"%d" % number, number)
    assert keyed.ends(0) == (size, list(keyed.items()))
    held, ends = keyed.ends(4)
    assert held == size
    assert len(ends) >= min(3, size)
    assert len(ends) <= 4
    assert all(keyed.get(key) == value for key, value in ends)
    if size:
        assert ends[0] == next(iter(keyed.items()))
