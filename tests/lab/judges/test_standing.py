"""What stands undecided: how long it may, and when that is not counted."""

from trivet.lab.judges.complaint import Complaint
from trivet.lab.judges.standing import StandingJudge
from trivet.lab.seam import NOTHING_STANDS, Standing

S = 1_000_000
ONE, OTHER = (3, 17, 4), (3, 17, 5)


def judge() -> tuple[StandingJudge, list[Complaint]]:
    complaints: list[Complaint] = []
    return StandingJudge(complaints), complaints


def test_an_intent_stands_too_long():
    one, complaints = judge()
    one.whole(S)
    one.observed(5, 10, Standing((ONE,)), 2 * S)
    one.look(4 * S)
    assert complaints == []
    one.look(4 * S + 1)
    assert [c.sentence for c in complaints] == [
        "an intent of transaction 3.17.4 stands in group 5 for 2000 ms, although majorities are there"
    ]


def test_so_does_a_record():
    one, complaints = judge()
    one.whole(0)
    one.observed(5, 10, Standing((ONE,)), S)
    one.observed(5, 12, Standing((), (ONE,)), 3 * S)
    one.look(4 * S)
    assert complaints == []
    one.look(6 * S)
    assert complaints[0].sentence.startswith("a record of transaction 3.17.4 stands in group 5 for 3000 ms")


def test_time_counts_from_the_return_of_the_majorities():
    one, complaints = judge()
    one.observed(5, 10, Standing((ONE,)), S)
    one.look(90 * S)
    one.whole(90 * S)
    one.look(92 * S)
    assert complaints == []
    one.broken()
    one.look(99 * S)
    assert complaints == []
    one.whole(99 * S)
    one.look(102 * S)
    assert len(complaints) == 1


def test_and_not_before_a_leader_with_a_hanging_disk_must_have_given_up():
    one, complaints = judge()
    one.whole(4 * S)
    one.elected(2 * S)
    one.observed(5, 10, Standing((ONE,)), 2 * S)
    one.look(6 * S)
    assert complaints == []
    one.look(6 * S + 1)
    assert len(complaints) == 1


def test_and_anew_from_each_election():
    one, complaints = judge()
    one.elected(S)
    one.look(9 * S)
    one.whole(9 * S)
    one.observed(5, 10, Standing((ONE,)), 9 * S)
    one.elected(10 * S)
    one.look(12 * S)
    assert complaints == []
    assert one.longest_us == 2 * S
    one.look(13 * S)
    assert len(complaints) == 1


def test_the_newest_state_of_a_group_counts():
    one, complaints = judge()
    one.whole(0)
    one.observed(5, 10, Standing((ONE,)), S)
    one.observed(5, 11, NOTHING_STANDS, S)
    one.observed(5, 10, Standing((ONE,)), 2 * S)
    one.observed(6, 3, Standing((OTHER,)), 8 * S)
    one.look(9 * S)
    assert complaints == []


def test_a_group_that_is_no_more():
    one, complaints = judge()
    one.whole(0)
    one.observed(5, 10, Standing((ONE,)), S)
    one.groups_seen({6: 0})
    one.look(9 * S)
    assert complaints == []


def test_where_a_primary_may_have_to_be_replaced_it_may_stand_longer():
    complaints: list[Complaint] = []
    one = StandingJudge(complaints, True)
    one.whole(S)
    one.observed(5, 10, Standing((ONE,)), S)
    one.look(7 * S)
    assert complaints == []
    one.look(7 * S + 1)
    assert complaints[0].sentence.startswith("an intent of transaction 3.17.4 stands in group 5 for 6000 ms")
