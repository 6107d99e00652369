from fractions import Fraction

from tests.core.lattice.histories import Replica, shown
from tests.core.lattice.judging import made
from trivet.core.lattice.delta import DEADLINE, FIELD, MEMBER, STRING, Change
from trivet.core.lattice.key_state import cells_of
from trivet.core.lattice.writer import Writer


def test_it_replaces_what_it_sees_and_nothing_else():
    """Rule L7."""
    a, b = Replica(1), Replica(2)
    one = made(a, b"k", lambda w: w.assign(STRING, b"", b"x"))
    two = made(b, b"k", lambda w: w.assign(STRING, b"", b"y"))
    assert one.changes == [Change(STRING, b"", payload=b"x")]
    b.hear(one)
    three = made(b, b"k", lambda w: w.assign(STRING, b"", b"z"))
    assert three.changes[0].removed == [(1, 1), (2, 1)]
    assert (three.actor, three.number) == (2, 2)
    a.hear(three)
    assert not shown(a.lattice) or a.waiting == [three], "it waits for the update that it replaces"
    a.hear(two)
    assert cells_of(a.lattice.state(b"k")) == {(STRING, b""): (2, 2, 1, b"z")}


def test_additions_go_on_in_one_series():
    a = Replica(1)
    made(a, b"k", lambda w: w.add(FIELD, b"n", 5))
    again = made(a, b"k", lambda w: w.add(FIELD, b"n", Fraction(1, 2)))
    assert again.changes == [Change(FIELD, b"n", added=(1, b"11/2"))]
    gone = made(a, b"k", lambda w: w.remove(FIELD, b"n"))
    assert gone.changes == [Change(FIELD, b"n", bases=[(1, 2, b"11/2")])]
    anew = made(a, b"k", lambda w: w.add(FIELD, b"n", 1))
    assert anew.changes == [Change(FIELD, b"n", added=(4, b"1"), after=(1, 3))]


def test_nothing_to_do_is_no_update():
    a = Replica(1)
    writer = Writer(a.lattice, 1, 1, b"k")
    writer.remove(MEMBER, b"x")
    writer.remove_all()
    assert writer.finish() is None


def test_a_deadline_goes_with_the_last_element_and_is_not_left_for_the_next():
    """Rule L9."""
    a = Replica(1)

    def begin(writer):
        writer.assign(MEMBER, b"x", b"")
        writer.assign(MEMBER, b"y", b"")
        writer.assign(DEADLINE, b"", b"9")

    made(a, b"k", begin)
    made(a, b"k", lambda w: w.remove(MEMBER, b"x"))
    assert (DEADLINE, b"") in cells_of(a.lattice.state(b"k"))
    made(a, b"k", lambda w: w.remove(MEMBER, b"y"))
    assert a.lattice.state(b"k") is None
    b = Replica(2)
    made(b, b"k", lambda w: w.assign(DEADLINE, b"", b"9"))
    made(b, b"k", lambda w: w.assign(MEMBER, b"z", b""))
    assert list(cells_of(b.lattice.state(b"k"))) == [(MEMBER, b"z")]


def test_all_at_once_and_in_order():
    a = Replica(1)

    def begin(writer):
        writer.assign(MEMBER, b"y", b"")
        writer.assign(MEMBER, b"x", b"")
        writer.assign(STRING, b"", b"s")

    delta = made(a, b"k", begin)
    assert [(change.kind, change.name) for change in delta.changes] == [(1, b""), (2, b"x"), (2, b"y")]

    def swap(writer):
        writer.assign(MEMBER, b"x", b"")
        writer.remove_all()

    made(a, b"k", swap)
    assert list(cells_of(a.lattice.state(b"k"))) == [(MEMBER, b"x")]
