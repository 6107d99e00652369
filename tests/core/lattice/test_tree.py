from trivet.core.base.prng import Prng
from trivet.core.lattice.cell import Cell
from trivet.core.lattice.delta import FIELD
from trivet.core.lattice.key_state import STRING_PLACE
from trivet.core.lattice.tree import (
    FANOUT,
    LEAVES,
    LEVELS,
    DigestTree,
    digest_of_cell,
    digest_of_plain,
    leaf_of,
)


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


def cell_of(prng):
    cell = Cell()
    cell.assigns[(1, prng.below(9) + 1)] = (prng.below(9), b"x")
    cell.adds[2] = (prng.below(9) + 1, 1, prng.below(9))
    return cell


def test_digests_are_made_when_somebody_asks_and_are_those_of_what_is_held_then():
    prng = Prng(7)
    tree, held = DigestTree(), {}
    for _ in range(3_000):
        key = b"%d" % prng.below(40)
        cells = held.setdefault(key, {})
        lot = prng.below(20)
        if lot < 8 and set(cells) <= {STRING_PLACE} and not isinstance(cells.get(STRING_PLACE), Cell):
            cells[STRING_PLACE] = (1, prng.below(99) + 1, 5, b"v")
            tree.put_plain(key, cells[STRING_PLACE])
        elif lot < 15:
            place = STRING_PLACE if prng.below(2) else (FIELD, b"%d" % prng.below(3))
            before = cells.pop(place, None)
            after = None if before is not None and prng.below(2) else cell_of(prng)
            tree.note(key, place, before, after)
            if after is not None:
                cells[place] = after
        elif lot < 17:
            tree.settle(prng.below(5))
        elif lot < 19:
            expected = sum([digest_of_cell(key, *place, cell) for place, cell in cells.items()]) % (1 << 64)
            assert tree.of(key) == expected
        else:
            sums = {k: sum([digest_of_cell(k, *p, c) for p, c in one.items()]) for k, one in held.items()}
            leaf = {k: total % (1 << 64) for k, total in sums.items() if leaf_of(k) == leaf_of(key) and total}
            assert tree.keys(leaf_of(key)) == sorted(leaf.items())
            assert tree.root == sum(sums.values()) % (1 << 64)
            assert tree.stale_count == 0


def test_so_many_digests_are_made_at_a_time_and_of_what_changed_often_only_the_last():
    tree = DigestTree()
    for number in range(100):
        for again in range(3):
            tree.put_plain(b"%d" % number, (1, 3 * number + again + 1, 5, b"v"))
    assert tree.stale_count == 100
    tree.settle(30)
    assert tree.stale_count == 70
    tree.put_plain(b"99", (1, 1_000, 5, b"w"))
    tree.settle(1_000)
    assert tree.stale_count == 0
    assert tree.of(b"99") == digest_of_plain(b"99", (1, 1_000, 5, b"w"))
    for number in range(100):
        tree.note(b"%d" % number, STRING_PLACE, tree_plain(number), None)
    assert tree.root == 0


def tree_plain(number):
    return (1, 1_000, 5, b"w") if number == 99 else (1, 3 * number + 3, 5, b"v")
