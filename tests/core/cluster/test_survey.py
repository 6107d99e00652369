"""What the placement sees."""

from tests.core.cluster.model import Model
from trivet.core.cluster.survey import UNIT, Survey


def survey(model):
    return Survey(model.map, model.facts(), model.policy)


def test_who_may_get_something_and_who_is_emptied():
    model = Model(5)
    model.say("DRAIN 1")
    model.die(2)
    model.turns = 2
    model.die(3)
    model.turns = 3
    seen = survey(model)
    assert seen.candidates == [4, 5]
    assert seen.bad == {1: "node 1 is to be emptied", 2: "node 2 has not been heard for 30 s"}
    assert seen.size == 4


def test_no_grace_is_no_excuse_for_the_living():
    model = Model(3, policy=Model().policy.__class__(grace_ms=0))
    assert survey(model).bad == {}
    model.die(2)
    assert list(survey(model).bad) == [2]


def test_wishes_end_at_the_number_of_nodes_that_stay():
    model = Model(3, replicas=5)
    row = model.map.groups[1]
    model.die(3)
    assert survey(model).wanted(row) == 3, "the dead may come back"
    model.say("DRAIN 3")
    assert survey(model).wanted(row) == 2


def test_what_a_replica_weighs():
    model = Model(3)
    row = model.map.groups[1]
    model.density, model.traffic = {0: 2000}, {0: 500}
    assert survey(model).weight_of(row) == UNIT + 2 * UNIT + UNIT // 2
    assert survey(model).weight == {1: 350, 2: 350, 3: 350}


def test_room_is_what_is_not_under_way():
    model = Model(3)
    model.join()
    assert survey(model).room == 3
    model.say("MOVE START 1 NEW 5 r")
    model.say("GROUP TARGET 0 1 2 4")
    seen = survey(model)
    assert seen.room == 1
    assert not seen.is_at_rest(model.map.groups[0])
    assert not seen.is_at_rest(model.map.groups[1])
    model.die(1)
    model.die(2)
    assert survey(model).room == 3, "without a quorum they go nowhere"


def test_a_decision_is_counted():
    model = Model(3)
    model.join()
    seen, row = survey(model), model.map.groups[1]
    seen.retarget(row, [1, 2, 4], "why")
    assert seen.load == {1: 1, 2: 1, 3: 0, 4: 1}
    assert (seen.room, seen.weight[3], seen.weight[4]) == (2, 0, seen.weight[1])
    assert not seen.is_at_rest(row)


def test_members_that_come_are_under_way_also_when_they_are_no_more_wanted():
    """Rule P11."""
    model = Model(3)
    model.join()
    model.say("KEYSPACE CREATE 20 MODE paxos ON 1 2 3")
    (row,) = model.map.groups_in(20)
    before = survey(model).room
    assert survey(model).is_at_rest(row)
    for words in (
        f"GROUP TARGET {row.id} 1 2 4",
        f"REGISTERS BEGIN {row.id} 1",
        f"GROUP TARGET {row.id} 1 2 3",
    ):
        model.say(words)
        assert not survey(model).is_at_rest(row)
        assert survey(model).room == before - 1


def test_whom_only_others_hear_gets_nothing_and_loses_nothing():
    """Rule P13."""
    model = Model(5)
    model.cut(3)
    model.turns = 9
    seen = survey(model)
    assert (seen.candidates, seen.away, seen.bad) == ([1, 2, 4, 5], [3], {})
    assert seen.lost == {3: "node 3 has not been heard by the leader for 90 s"}
    assert seen.is_silent(3) and not seen.is_silent(2)
    assert seen.size == 5


def test_who_has_joined_and_was_not_heard_gets_nothing():
    """Rule P15: also when it counts as dead, or as one that others hear, by now."""
    model = Model(5)
    model.awaited = [3, 4]
    model.die(4)
    seen = survey(model)
    assert (seen.candidates, seen.away) == ([1, 2, 5], [])
    assert seen.size == 5


def test_the_leader_and_those_that_it_does_not_hear_are_not_in_touch():
    """Rule P13: of a group with both only one side is there at a time; all others are in touch with both."""
    model = Model(5)
    model.cut(3)
    model.cut(4)
    seen = survey(model)
    assert seen.facts.leader == 1
    assert seen.can_decide([1, 2, 3]) and seen.can_decide([3, 4, 5]) and seen.can_decide([2, 3])
    assert not seen.can_decide([1, 3]), "neither alone is a majority"
    assert seen.can_decide([1, 3, 4]), "the two without the leader are one"
    model.die(2)
    seen = survey(model)
    assert not seen.can_decide([1, 2, 3]) and seen.can_decide([2, 3, 5])
