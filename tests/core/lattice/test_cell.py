from trivet.core.lattice.cell import (
    Cell,
    added_to,
    dots_of,
    is_there,
    join_cells,
    newest_stamp,
    payloads,
    to_any,
    to_cell,
    winner,
)
from trivet.core.lattice.clock import Clock


def seen(*dots) -> Clock:
    clock = Clock()
    for actor, number in dots:
        clock.add_range(actor, 1, number)
    return clock


def test_the_highest_stamp_is_shown_and_of_equal_ones_the_higher_actor():
    """Rule C1."""
    cell = Cell()
    cell.assigns = {(1, 9): (5, b"a"), (2, 1): (5, b"b"), (3, 1): (4, b"c")}
    assert winner(cell) == (2, 1, 5, b"b")
    assert payloads(cell) == [b"b", b"a", b"c"]
    assert newest_stamp(cell) == 5
    assert dots_of(cell) == [(1, 9), (2, 1), (3, 1)]


def test_the_newer_series_has_all_of_the_older():
    """Rule C2."""
    cell = Cell()
    cell.put_series(1, (2, 1, 7))
    cell.put_series(1, (1, 1, 5))
    cell.put_series(2, (1, 1, 3))
    assert added_to(cell) == 10


def test_what_was_seen_no_longer_counts_and_later_additions_do():
    """Rules C3, C4."""
    cell = Cell()
    cell.put_series(1, (3, 1, 9))
    cell.put_base(1, (2, 7, 2, 1))
    assert (added_to(cell), is_there(cell)) == (2, True)
    cell.put_base(1, (1, 5, 3, 1))
    assert added_to(cell) == 2, "an older base changes nothing"
    cell.put_base(1, (3, 9, 3, 2))
    assert (added_to(cell), is_there(cell)) == (None, False)
    cell.put_series(1, (2, 1, 7))
    assert not cell.adds, "it is covered"
    cell.put_series(1, (5, 5, 4))
    assert added_to(cell) == 4, "a series that began after the base counts whole"


def test_plain_and_back():
    plain = (1, 2, 3, b"x")
    assert to_any(to_cell(plain)) == plain
    assert to_any(Cell()) is None
    assert (winner(plain), payloads(plain), added_to(plain), newest_stamp(plain)) == (plain, [b"x"], None, 3)
    assert (is_there(plain), dots_of(plain)) == (True, [(1, 2)])
    twin = to_cell(plain).copy()
    twin.assigns.clear()
    assert to_any(twin) is None


def test_joining_keeps_what_the_other_has_not_seen_and_drops_what_it_has():
    """Row K1: with equal clocks what only one of them holds is gone."""
    mine = (1, 1, 5, b"a")
    assert to_any(join_cells(mine, seen((1, 1)), None, seen((1, 1)))) is None
    assert to_any(join_cells(None, seen((1, 1)), mine, seen((1, 1)))) is None
    assert to_any(join_cells(mine, seen((1, 1)), None, seen((2, 1)))) == mine
    assert to_any(join_cells(None, seen((2, 1)), mine, seen((1, 1)))) == mine
    assert to_any(join_cells(mine, seen((1, 1)), mine, seen((1, 1)))) == mine


def test_joining_series():
    left, right = Cell(), Cell()
    left.adds = {1: (1, 1, 5)}
    right.adds = {1: (2, 1, 7)}
    right.bases = {1: (1, 5, 2, 1)}
    before, after = seen((1, 1)), seen((1, 2), (2, 1))
    for one, its, other, theirs in ((left, before, right, after), (right, after, left, before)):
        joined = join_cells(one, its, other, theirs)
        assert (joined.adds, joined.bases, added_to(joined)) == ({1: (2, 1, 7)}, {1: (1, 5, 2, 1)}, 2)
    gone = join_cells(left, seen((1, 1)), None, seen((1, 1)))
    assert not gone.adds


def test_a_base_that_the_other_keeps_no_more_is_over():
    """C6; who has not seen the removal can say nothing."""
    mine = Cell()
    mine.bases = {1: (1, 5, 2, 1)}
    both, earlier = seen((1, 1), (2, 1)), seen((1, 1))
    for joined in (join_cells(mine, both, None, both), join_cells(None, both, mine, both)):
        assert to_any(joined) is None
    for joined in (join_cells(mine, both, None, earlier), join_cells(None, earlier, mine, both)):
        assert joined.bases == {1: (1, 5, 2, 1)}
    other = Cell()
    other.bases = {1: (3, 9, 2, 2)}
    later = seen((1, 3), (2, 2))
    assert (
        join_cells(mine, both, other, later).bases
        == join_cells(other, later, mine, both).bases
        == other.bases
    )
