"""What a client has seen: clocks by group, and how many of its runs are at a member."""

from trivet.core.group.past import Past
from trivet.core.lattice.clock import Clock


def clock(**lasts: int) -> Clock:
    made = Clock()
    for actor, last in lasts.items():
        made.add_range(int(actor[1:]), 1, last)
    return made


def test_what_was_seen_only_grows():
    past = Past()
    assert past.is_in(7, Clock()), "who has seen nothing need not wait"
    past.join(7, clock(a1=3))
    past.join(7, clock(a1=2))
    assert past.clocks[7] == clock(a1=3)
    past.join(7, clock(a2=1))
    assert past.clocks[7] == clock(a1=3, a2=1) and past.parts == 2
    assert past.is_in(7, clock(a1=4, a2=1)) and not past.is_in(7, clock(a1=9))
    assert past.is_in(8, Clock()), "of another group it has seen nothing"


def test_a_clock_that_others_have_too_is_not_changed():
    first, second = clock(a1=3), clock(a2=2)
    one, other = Past(), Past()
    one.join(7, first)
    other.join(7, first)
    one.join(7, second)
    assert other.clocks[7] is first == clock(a1=3) and second == clock(a2=2)


def test_runs_at_a_member_are_counted_by_group():
    past = Past()
    past.left(7)
    past.left(7)
    past.returned(7)
    assert past.is_carried(7) and not past.is_carried(8)
    past.returned(7)
    assert not past.is_carried(7) and past.under_way == {}
