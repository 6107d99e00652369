"""How far peers have heard, and who is waited for (H7)."""

from trivet.core.pubsub.hearing import Hearing

ALL = 99


def test_all_that_were_asked_for_must_have_heard():
    hearing = Hearing()
    assert hearing.reached([], ALL) == ALL
    assert hearing.reached([2], ALL) == ALL, "no link to it"
    hearing.linked(2, 1)
    hearing.linked(3, 1)
    assert hearing.reached([2, 3], ALL) < 0
    hearing.heard(2, 4)
    hearing.heard(3, 5)
    hearing.heard(2, 3)
    hearing.heard(4, 1)
    assert hearing.reached([2, 3], ALL) == 4
    assert hearing.reached([3], ALL) == 5
    hearing.unlinked(2)
    hearing.unlinked(2)
    assert hearing.reached([2, 3], ALL) == 5


def test_what_was_said_on_an_earlier_link_is_void():
    hearing = Hearing()
    hearing.linked(2, 1)
    hearing.heard(2, 4)
    hearing.linked(2, 7)
    hearing.heard(2, 6)
    assert hearing.reached([2], ALL) < 0
    hearing.heard(2, 7)
    assert hearing.reached([2], ALL) == 7


def test_nobody_waits_for_those_who_are_late_until_they_answer():
    hearing = Hearing()
    hearing.linked(2, 1)
    hearing.linked(3, 1)
    hearing.heard(3, 5)
    for peer in (2, 3, 4):
        hearing.too_late(peer, 5)
    assert hearing.late == {2: None}
    assert hearing.reached([2, 3], ALL) == 5
    assert hearing.heard_by_all(ALL) < 0
    hearing.heard(2, 2)
    assert hearing.late == {}
    assert hearing.reached([2, 3], ALL) == hearing.heard_by_all(ALL) == 2
    hearing.too_late(2, 3)
    hearing.linked(2, 9)
    assert hearing.late == {}
