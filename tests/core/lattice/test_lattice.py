import pytest

from tests.core.lattice.histories import KEYS, Replica, image, shown, twin
from tests.core.lattice.judging import add, collect, made, put, take
from trivet.core.lattice.clock import Clock
from trivet.core.lattice.delta import FIELD, MEMBER, STRING, Delta
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
