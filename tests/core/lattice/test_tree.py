from trivet.core.base.prng import Prng
from trivet.core.lattice.cell import Cell
from trivet.core.lattice.tree import FANOUT, LEAVES, LEVELS, DigestTree, digest_of_cell, leaf_of


def test_it_is_a_sum_however_it_came_about():
    prng = Prng(1)
    one, other = DigestTree(), DigestTree()
    digests = {b"%d" % n: prng.below(1 << 64) | 1 for n in range(500)}
    for key, digest in digests.items():
        one.change(key, digest)
    for key in reversed(digests):
        other.change(key, 5)
        other.change(key, digests[key] - 5)
    assert one.root == other.root == sum(digests.values()) % (1 << 64)
    for level in range(LEVELS):
        for place in range(FANOUT**level):
            below = one.children(level, place)
            assert below == other.children(level, place)
            assert sum([total for _, total in below]) % (1 << 64) == one.sum(level, place)
    key = b"7"
    assert (key, digests[key]) in one.keys(leaf_of(key))
    assert one.of(key) == digests[key]


def test_what_differs_is_found_by_going_down():
    one, other = DigestTree(), DigestTree()
    for tree in (one, other):
        for n in range(1000):
            tree.change(b"%d" % n, n + 1)
    other.change(b"7", 1)
    places, looked = [0], 0
    for level in range(LEVELS):
        mine = dict(child for place in places for child in one.children(level, place))
        theirs = dict(child for place in places for child in other.children(level, place))
        looked += len(mine)
        places = [place for place in {**mine, **theirs} if mine.get(place) != theirs.get(place)]
    assert places == [leaf_of(b"7")]
    assert looked <= FANOUT * LEVELS


def test_nothing_is_left_of_what_went():
    tree = DigestTree()
    tree.change(b"a", 3)
    tree.change(b"a", -3)
    assert (tree.root, tree.of(b"a"), tree.keys(leaf_of(b"a"))) == (0, 0, [])
    assert 0 <= leaf_of(b"a") < LEAVES


def test_every_part_of_a_cell_counts():
    seen = set()
    for part in range(6):
        cell = Cell()
        cell.assigns[(1, 1)] = (5, b"x" if part != 1 else b"y")
        cell.adds[2] = (7, 6 if part != 2 else 7, 10 if part != 3 else 11)
        cell.bases[3] = (4, 5, 1, 2 if part != 4 else 3)
        seen.add(digest_of_cell(b"k" if part != 5 else b"l", 1, b"", cell))
    assert len(seen) == 6
    plain = Cell()
    plain.assigns[(1, 2)] = (3, b"x")
    assert digest_of_cell(b"k", 1, b"", plain) == digest_of_cell(b"k", 1, b"", (1, 2, 3, b"x"))
