"""Who has turns and ticks: nobody is forgotten, and nobody who has nothing to do is looked at."""

import pytest

from trivet.core.group.agenda import Agenda
from trivet.core.values.deadlines import NEVER


class Sleepy:
    """A group that wants so many ticks after each turn."""

    def __init__(self, agenda: Agenda, wants: int = 0) -> None:
        self.agenda = agenda
        self.stirred = False
        self.asleep = True
        self.wants = self.left = wants
        self.alarm_ms = NEVER
        self.ticks = 0
        self.turns = 0
        self.rested = 0

    def stir(self) -> None:
        if not self.stirred:
            self.agenda.stir(self)

    def on_tick(self, now_ms: int) -> None:
        self.ticks += 1
        if self.stirred or self.left:
            self.left -= 1
        else:
            self.asleep = True
            self.agenda.set_alarm(self, self.alarm_ms)

    def turn(self) -> None:
        self.turns += 1
        self.stirred = False
        self.left = self.wants

    def check_rest(self) -> None:
        self.rested += 1


def turns(agenda: Agenda) -> int:
    stirred, agenda.stirred = agenda.stirred, []
    for group in stirred:
        group.turn()
    return len(stirred)


def test_what_is_stirred_has_one_turn_and_then_ticks_until_it_sleeps():
    agenda = Agenda()
    one, other = Sleepy(agenda, 2), Sleepy(agenda)
    one.stir()
    one.stir()
    agenda.check_invariants([one, other])
    assert turns(agenda) == 1
    for now_ms in range(0, 200, 20):
        agenda.tick(now_ms, now_ms)
        agenda.check_invariants([one, other])
    assert (one.turns, one.ticks, other.turns, other.ticks) == (1, 3, 0, 0)
    assert agenda.now_ms == 180
    assert not agenda.awake


def test_whoever_is_to_have_a_turn_does_not_fall_asleep_before():
    agenda = Agenda()
    one = Sleepy(agenda)
    one.stir()
    agenda.tick(20, 20)
    assert one.stirred and not one.asleep
    agenda.check_invariants([one])


def test_a_group_that_is_roused_gets_a_tick_and_no_turn():
    agenda = Agenda()
    one = Sleepy(agenda)
    agenda.rouse(one)
    agenda.check_invariants([one])
    assert turns(agenda) == 0
    agenda.tick(20, 20)
    assert (one.ticks, one.asleep) == (1, True)


def test_an_alarm_rings_once_and_the_last_that_was_set():
    agenda = Agenda()
    one, other = Sleepy(agenda), Sleepy(agenda)
    one.alarm_ms, other.alarm_ms = 1_000, 3_000
    for group in (one, other):
        group.stir()
    turns(agenda)
    agenda.tick(20, 20)
    assert one.asleep and other.asleep
    agenda.set_alarm(one, 2_000)
    agenda.tick(40, 1_999)
    assert not agenda.stirred
    one.alarm_ms = NEVER
    agenda.tick(60, 2_000)
    assert agenda.stirred == [one]
    turns(agenda)
    agenda.tick(80, 2_999)
    assert one.asleep and not agenda.stirred
    agenda.tick(100, 5_000)
    assert agenda.stirred == [other]
    turns(agenda)
    other.alarm_ms = NEVER
    agenda.tick(120, 5_000)
    agenda.tick(140, NEVER - 1)
    assert (one.turns, other.turns) == (2, 2)


def test_an_alarm_that_is_taken_back_does_not_ring():
    agenda = Agenda()
    one = Sleepy(agenda)
    agenda.set_alarm(one, 100)
    agenda.set_alarm(one, NEVER)
    agenda.tick(20, 200)
    assert not agenda.stirred


def test_a_group_that_is_gone_comes_back_no_more():
    agenda = Agenda()
    one, other = Sleepy(agenda), Sleepy(agenda)
    for group in (one, other):
        group.stir()
        agenda.set_alarm(group, 100)
    agenda.remove(one)
    one.stir()
    agenda.tick(20, 200)
    assert agenda.stirred == [other] and agenda.awake == [other]
    agenda.check_invariants([other])


@pytest.mark.parametrize("broken", ["stirred", "asleep"])
def test_whoever_is_forgotten_is_noticed(broken):
    agenda = Agenda()
    one = Sleepy(agenda)
    setattr(one, broken, not getattr(one, broken))
    with pytest.raises(AssertionError):
        agenda.check_invariants([one])


def test_all_that_are_here_are_asked_whether_they_rest():
    agenda = Agenda()
    groups = [Sleepy(agenda) for _ in range(3)]
    agenda.check_invariants(groups)
    assert [group.rested for group in groups] == [1, 1, 1]


def test_when_the_clock_goes_back_all_alarms_ring():
    """A3: who sleeps may go by a time that goes on."""
    agenda = Agenda()
    one = Sleepy(agenda)
    one.alarm_ms = 9_000
    one.stir()
    turns(agenda)
    agenda.tick(20, 5_000)
    assert one.asleep
    agenda.tick(40, 4_999)
    assert agenda.stirred == [one]
    turns(agenda)
    agenda.tick(60, 5_000)
    assert one.asleep and not agenda.stirred, "it has set it anew"
    agenda.tick(80, 9_000)
    assert agenda.stirred == [one]
