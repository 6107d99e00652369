"""Preference: the same for everybody, spread evenly, and stable when a member goes."""

from trivet.core.paxos.preference import Preferred, preferred

KEYS = [b"key:%d" % number for number in range(3000)]


def test_everybody_prefers_the_same() -> None:
    assert [preferred(key, (1, 2, 3)) for key in KEYS] == [preferred(key, (3, 1, 2)) for key in KEYS]
    assert [preferred(b"key:%d" % n, (1, 2, 3)) for n in range(12)] == [2, 1, 2, 2, 1, 3, 1, 2, 2, 2, 1, 2]


def test_keys_are_spread() -> None:
    for count in (2, 3, 5):
        nodes = tuple(range(1, count + 1))
        shares = [sum(1 for key in KEYS if preferred(key, nodes) == node) for node in nodes]
        assert min(shares) > 0.9 * len(KEYS) / count


def test_when_a_member_goes_only_its_keys_move() -> None:
    for key in KEYS:
        before = preferred(key, (1, 2, 3, 4))
        if before != 4:
            assert preferred(key, (1, 2, 3)) == before


def test_nobody_is_alive() -> None:
    assert preferred(b"k", ()) == 0


def test_many_keys_are_looked_up() -> None:
    for alive in ((1, 2, 3), (2, 3), ()):
        table = Preferred(alive)
        for key in KEYS:
            assert table.of(key) == table.of(key) == preferred(key, alive)
