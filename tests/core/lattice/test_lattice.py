import pytest

from tests.core.lattice.histories import KEYS, Replica, image, shown, twin
from tests.core.lattice.judging import add, collect, made, put, take
from trivet.core.lattice.cell import join_cells, to_any
from trivet.core.lattice.clock import Clock
from trivet.core.lattice.delta import FIELD, MEMBER, STRING, Change, Delta
from trivet.core.lattice.key_state import STRING_PLACE, KeyState, encode_state
from trivet.core.lattice.lattice import Lattice


def test_an_update_is_taken_once_and_after_its_causes():
    """Rules L4, L5."""
    a, b = Replica(1), Replica(2)
    one, two = add(a, 5), add(a, 2)
    assert b.lattice.awaits(two) and not b.lattice.awaits(one)
    assert b.lattice.apply(one) == [(STRING, b"")]
    assert b.lattice.apply(one) == []
    b.hear(two)
    b.hear(two)
    assert shown(b.lattice) == {(b"a", (STRING, b"")): (None, 7)}
    assert image(a.lattice) == image(b.lattice)


def test_an_update_is_taken_after_what_it_says_that_it_comes_after():
    """Rule L13: of all keys, and of the own clock only."""
    a, b, c = Replica(1), Replica(2), Replica(3)
    first = put(a, b"x")
    b.hear(first)
    second = put(b, b"y", b"b")
    second = Delta(2, 1, 1, b"b", second.changes, ((1, 1),))
    c.hear(second)
    assert shown(c.lattice) == {}
    c.hear_states(b, [b"b"])
    assert c.lattice.is_ahead(b"b") and c.lattice.awaits(second), "the state of one key is not all"
    c.hear(first)
    assert not c.waiting and not c.lattice.is_ahead(b"b")
    c.lattice.settle()
    assert image(c.lattice) == image(b.lattice)


def test_which_keys_are_ahead_of_the_clock():
    a, b = Replica(1), Replica(2)
    first = put(a, b"x")
    assert not b.lattice.has_ahead and not b.lattice.is_any_ahead()
    b.hear_states(a, [b"a"])
    assert b.lattice.is_ahead(b"a") and not b.lattice.is_ahead(b"b") and b.lattice.is_any_ahead()
    b.hear(first)
    assert b.lattice.has_ahead, "it has not been looked at"
    assert not b.lattice.is_ahead(b"a") and not b.lattice.is_any_ahead() and not b.lattice.has_ahead


def test_adding_wins_over_removing_what_it_had_not_seen():
    a, b = Replica(1), Replica(2)
    b.hear(put(a, b"x"))
    again, gone = put(a, b"x"), take(b)
    a.hear(gone)
    b.hear(again)
    assert shown(a.lattice) == shown(b.lattice) == {(b"a", (MEMBER, b"x")): (b"", None)}


def test_a_string_is_kept_small():
    a = Replica(1)
    for text in (b"x", b"yy"):
        made(a, b"k", lambda w, text=text: w.assign(STRING, b"", text))
    assert a.lattice.state(b"k") == (1, 2, 1, b"yy")
    made(a, b"k", lambda w: w.assign(FIELD, b"f", b""))
    assert not isinstance(a.lattice.state(b"k"), tuple)
    made(a, b"k", lambda w: w.remove(FIELD, b"f"))
    assert a.lattice.state(b"k") == (1, 2, 1, b"yy")


def test_the_clock_of_a_joined_state_stays_with_its_key():
    """Rule L6, row K2."""
    a, b = Replica(1), Replica(2)
    first, other = put(a, b"x"), put(a, b"x", b"b")
    second = take(a)
    b.hear_states(a, [b"a"])
    assert [key for key, _ in b.lattice.ahead()] == [b"a"] and not b.lattice.clock.actors
    for delta in (first, other, second):
        b.hear(delta)
        assert (b"a", (MEMBER, b"x")) not in shown(b.lattice)
    b.lattice.settle()
    assert not b.lattice.ahead() and image(a.lattice) == image(b.lattice)


def test_many_joined_states_leave_the_clock_short():
    a, b = Replica(1), Replica(2)
    keys = [b"%d" % n for n in range(100)]
    for key in keys:
        put(a, b"x", key)
    b.hear_states(a, keys[::2])
    assert len(b.lattice.clock.encode()) == len(Clock().encode())
    b.hear_states(a, keys)
    assert b.lattice.know(a.lattice.clock) and not b.lattice.ahead()


def test_a_watched_exchange():
    """Rule L10: an update with a dot of that clock spoils it, unless a state of its key was joined."""
    a, b = Replica(1), Replica(2)
    one, two = put(b, b"x"), put(b, b"x", b"b")
    clock = b.lattice.clock.copy()
    later = put(b, b"y")
    watch = a.lattice.watch(clock)
    a.hear_states(b, KEYS)
    for delta in (one, two, later):
        a.hear(delta)
    assert a.lattice.know(clock, watch)
    c = Replica(3)
    watch, given_up = c.lattice.watch(clock), c.lattice.watch(clock)
    c.lattice.give_up(given_up)
    c.hear_states(a, [b"b"])
    assert not watch.is_spoiled, "what it has joined of that key has all of that clock"
    c.hear(one)
    assert not c.lattice.know(clock, watch) and not given_up.is_spoiled
    assert not c.lattice.clock.has(2, 2)


def test_a_state_of_a_third_spoils_too():
    a, b, c = Replica(1), Replica(2), Replica(3)
    c.hear(put(b, b"x"))
    take(b)
    watch = a.lattice.watch(b.lattice.clock.copy())
    a.hear_states(c, KEYS)
    assert not a.lattice.know(watch.clock, watch)


def test_nonsense_changes_nothing():
    a, b = Replica(1), Replica(2)
    put(a, b"x")
    before = image(b.lattice)
    with pytest.raises(ValueError):
        b.lattice.join(b"a", b"nonsense", a.lattice.clock)
    with pytest.raises(ValueError, match="has not seen"):
        b.lattice.join(b"a", a.lattice.encoded(b"a"), Clock())
    assert image(b.lattice) == before


def test_adding_and_removing_for_ever_leaves_nothing():
    """Row K6: no memory of what was removed, but of additions until all have seen the removal."""
    a, b = Replica(1), Replica(2)
    for n in range(2000):
        b.hear(put(a, b"%d" % n))
        a.hear(add(b, 1, b"%d" % n))
        b.hear(take(a))
        b.hear(take(a, b"%d" % n))
    assert shown(a.lattice) == {}
    told = {1: a.lattice.clock.copy(), 2: b.lattice.clock.copy()}
    for replica in (a, b):
        assert replica.lattice.bases_count == 2000
        collect(replica, [a, b], told)
        assert (len(replica.lattice), replica.lattice.bytes_in_memory, replica.lattice.tree.root) == (0, 0, 0)
    assert len(a.lattice.clock.encode()) < 60


def test_restored_it_is_the_same():
    a = Replica(1)
    add(a, 5)
    put(a, b"x", b"b")
    again = twin(a.lattice)
    assert image(again) == image(a.lattice)
    again.restore(b"b", Lattice().encoded(b"b"))
    assert again.state(b"b") is None


def string(number, *removed, key=b"a", **more):
    return Delta(7, number, 5, key, [Change(STRING, b"", list(removed), payload=b"v%d" % number, **more)])


def test_a_string_upon_what_is_held_is_taken_at_once():
    lattice, other = Lattice(), Lattice()
    for number, delta in enumerate((string(1), string(2, (7, 1)), string(3, key=b"b")), 1):
        assert lattice.assign(delta) == (7, number, 5, b"v%d" % number)
        other.apply(delta)
    assert image(lattice) == image(other) and lattice.bytes_in_memory == other.bytes_in_memory
    assert lattice.tree.root == other.tree.root
    assert lattice.clock == other.clock


@pytest.mark.parametrize(
    "delta",
    [
        string(2), string(2, (7, 9)), string(2, (7, 1), (8, 1)), string(2, (8, 1), key=b"new"),
        string(2, (7, 1), bases=[(8, 1, b"1")]), string(2, (7, 1), after=(8, 1)),
        Delta(7, 2, 5, b"a", string(2, (7, 1)).changes, ((8, 1),)),
        Delta(7, 2, 5, b"a", [Change(STRING, b"", added=(2, b"1"))]),
        Delta(7, 2, 5, b"a", [Change(STRING, b"", [(7, 1)])]),
        Delta(7, 2, 5, b"a", [Change(MEMBER, b"x", payload=b"")]),
        Delta(7, 2, 5, b"a", [*string(2, (7, 1)).changes, Change(MEMBER, b"x", payload=b"")]),
        Delta(7, 2, 5, b"set", string(2, (7, 1)).changes),
    ],
)  # fmt: skip
def test_any_other_update_is_to_be_looked_at(delta):
    lattice = Lattice()
    lattice.apply(string(1))
    lattice.apply(Delta(9, 1, 5, b"set", [Change(MEMBER, b"y", payload=b"")]))
    before, root = image(lattice), lattice.tree.root
    assert lattice.assign(delta) is None
    assert (image(lattice), lattice.tree.root) == (before, root)


def test_while_an_exchange_is_watched_or_a_key_is_ahead_every_update_is_looked_at():
    lattice = Lattice()
    watch = lattice.watch(Clock())
    assert lattice.assign(string(1)) is None
    lattice.give_up(watch)
    ahead = Clock()
    ahead.add(8, 1)
    lattice.note(b"other", ahead)
    assert lattice.assign(string(1)) is None


def test_strings_are_joined_as_cells_are():
    """Every case of who holds one and who has seen the other's."""
    plains = (None, (1, 1, 5, b"x"), (2, 1, 6, b"y"))
    dots = ((1, 1), (2, 1))
    sets = [[dot for at, dot in enumerate(dots) if bits >> at & 1] for bits in range(4)]
    tried = 0
    for mine, theirs in [(mine, theirs) for mine in plains for theirs in plains]:
        for own, other in [(own, other) for own in sets for other in sets]:
            if (mine and mine[:2] not in own) or (theirs and theirs[:2] not in other):
                continue
            lattice, their_clock = Lattice(), Clock()
            for dot in own:
                lattice.clock.add(*dot)
            for dot in other:
                their_clock.add(*dot)
            if mine:
                lattice.restore(b"a", encode_state(mine))
            expected = to_any(join_cells(mine, lattice.clock, theirs, their_clock))
            changed = lattice.join(b"a", encode_state(theirs or KeyState()), their_clock)
            assert changed == ([] if expected == mine else [STRING_PLACE])
            state = lattice.state(b"a")
            held = state.cells.get(STRING_PLACE) if isinstance(state, KeyState) else state
            assert image_of(held) == image_of(expected)
            assert lattice.tree.root == twin(lattice).tree.root
            tried += 1
    assert tried == 64


def image_of(cell):
    return cell if cell is None or isinstance(cell, tuple) else cell.assigns
