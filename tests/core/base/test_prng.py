from trivet.core.base.prng import Prng


def test_the_published_sequence():
    # SplitMix64 from seed 1234567, as in the authors' reference.
    prng = Prng(1234567)
    assert [prng.u64() for _ in range(3)] == [6457827717110365317, 3203168211198807973, 9817491932198370423]


def test_bounds_are_kept_and_reached():
    prng = Prng(1)
    assert {prng.below(3) for _ in range(100)} == {0, 1, 2}
    assert {prng.between(-1, 1) for _ in range(100)} == {-1, 0, 1}
    assert prng.below(1) == 0


def test_chance():
    prng = Prng(1)
    assert not any(prng.chance(0.0) for _ in range(100))
    assert all(prng.chance(1.0) for _ in range(100))
    assert 400 < sum(prng.chance(0.5) for _ in range(1000)) < 600


def test_a_fork_is_determined_and_apart():
    one, two = Prng(9), Prng(9)
    fork = one.fork()
    assert fork.u64() == two.fork().u64()
    assert one.u64() == two.u64() != fork.u64()


def test_shuffle_keeps_the_items():
    items = list(range(50))
    Prng(3).shuffle(items)
    assert items != list(range(50))
    assert sorted(items) == list(range(50))
    again = list(range(50))
    Prng(3).shuffle(again)
    assert again == items
