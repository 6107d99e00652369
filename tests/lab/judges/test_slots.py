"""Two groups, one slot: what must be said of it, and what need not."""

from trivet.lab.judges.complaint import Complaint
from trivet.lab.judges.slots import SlotJudge, disagreement

SLOTS = 16
GROUPS = {1: 0, 2: 0, 3: 7}


def served(*slots: int) -> bytes:
    return bytes([slot in slots for slot in range(SLOTS)])


def judge(**keyspaces: int) -> tuple[SlotJudge, list[Complaint]]:
    complaints: list[Complaint] = []
    made = SlotJudge(complaints)
    made.map_seen(GROUPS | {int(name[1:]): number for name, number in keyspaces.items()}, {})
    return made, complaints


def test_a_hand_over_in_order():
    one, complaints = judge()
    one.observed(1, 1, "a", lambda: served(1, 2, 3), {})
    one.observed(2, 1, "a", lambda: served(), {})
    one.observed(1, 2, "sealed", lambda: served(1), {})
    one.observed(2, 2, "b", lambda: served(2, 3), {})
    one.observed(1, 3, "b", lambda: served(1), {})
    assert complaints == []


def test_two_owners():
    one, complaints = judge()
    one.observed(1, 4, "a", lambda: served(1, 2, 3), {})
    one.observed(2, 9, "a", lambda: served(3, 4), {})
    assert [(c.judge, c.sentence) for c in complaints] == [("slots", "groups 1 and 2 both serve slot 3")]
    assert complaints[0].evidence == ["group 2 at index 9", "group 1 at index 4"]


def test_replicas_that_lag_say_nothing():
    one, complaints = judge()
    one.observed(1, 5, "b", lambda: served(1), {})
    one.observed(2, 5, "b", lambda: served(2, 3), {})
    one.observed(1, 4, "a", lambda: served(1, 2, 3), {})
    assert complaints == []


def test_as_long_as_it_stands_so_nobody_looks():
    one, complaints = judge()
    one.observed(1, 5, "b", lambda: served(1), {})
    one.observed(1, 6, "b", lambda: 1 / 0, {})
    one.observed(1, 5, "c", lambda: 1 / 0, {})
    assert complaints == []


def test_keyspaces_have_the_same_slots():
    one, complaints = judge()
    one.observed(1, 1, "a", lambda: served(1, 2), {})
    one.observed(3, 1, "a", lambda: served(1, 2), {})
    one.observed(9, 1, "a", lambda: served(1, 2), {})  # of which no map tells yet
    assert complaints == []


def test_what_is_handed_over_is_there():
    for brought, last, is_good in ((1, 1, True), (0, 1, False), (1, 2, False)):
        one, complaints = judge()
        one.observed(2, 5, "a", lambda: served(1), {8: 0})
        one.map_seen(GROUPS, {})
        one.observed(2, 6, "a", lambda: served(1), {8: 1})
        one.observed(2, 7, "a", lambda: served(1), {8: brought})  # 0: somebody has begun anew
        one.map_seen(GROUPS, {8: (2, last)})
        one.map_seen(GROUPS, {8: (2, last)})
        sentence = "move 8 is handed over before everything of it is in group 2"
        assert [c.sentence for c in complaints] == ([] if is_good else [sentence])


def test_a_group_that_is_no_more_owns_nothing():
    one, complaints = judge()
    one.observed(2, 1, "a", lambda: served(1, 2), {})
    one.map_seen({1: 0, 3: 7}, {})
    one.observed(1, 1, "a", lambda: served(1, 2), {})
    assert complaints == []


def test_the_map_and_the_groups_agree_in_the_end():
    assert disagreement(4, [(1, 2), (5, 5)], served(1, 2, 5)) == ""
    assert disagreement(4, [(1, 2)], served(1)) == (
        "group 4 does not serve slot 2 by its log, and the map says otherwise"
    )
    assert disagreement(4, [], served(7)) == "group 4 serves slot 7 by its log, and the map says otherwise"
