"""Splits and merges, case by case."""

from tests.core.cluster.model import Model
from trivet.core.cluster.actions import Merge, Split
from trivet.core.cluster.shards import settle_shards
from trivet.core.cluster.survey import Survey


def shards(model, spoil=None):
    facts = model.facts()
    if spoil:
        spoil(facts)
    survey = Survey(model.map, facts, model.policy)
    settle_shards(survey)
    return survey.actions


def several(count, wish="AUTO"):
    model = Model(3)
    model.say(f"KEYSPACE CREATE 1 SHARDS {count}")
    model.say(f"KEYSPACE ALTER 1 SHARDS {wish}")
    return model


def test_a_large_group_is_split_in_the_middle():
    model = Model(4, replicas=3)
    model.density = {0: 1500}
    assert shards(model) == [Split(1, 8192, [1, 2, 4], "it has 1500 bytes, more than 1000")]


def test_a_node_that_is_away_for_a_moment_founds_too():
    """Rather than a group of two, which would lose its quorum with either of them."""
    model = Model(3, replicas=3)
    model.density = {0: 1500}
    model.die(2)
    assert shards(model) == [Split(1, 8192, [1, 2, 3], "it has 1500 bytes, more than 1000")]
    model.turns = 10  # it is not expected back
    assert shards(model) == [Split(1, 8192, [1, 3], "it has 1500 bytes, more than 1000")]
    model.turns = 0
    model.die(3)
    assert shards(model) == []


def test_founders_that_could_not_decide_found_nothing():
    model = Model(3, replicas=3)
    model.density = {0: 1500}
    model.say("DRAIN 2")
    assert shards(model) == [Split(1, 8192, [1, 3], "it has 1500 bytes, more than 1000")]
    model.die(3)
    assert shards(model) == [], "of 1, and 3 that is away, neither may be missing"


def test_a_busy_group_is_split_where_half_of_the_load_is():
    model = Model(3)
    model.traffic = {0: 1500}

    def spoil(facts):
        facts.groups[1].middle = 100

    assert shards(model, spoil) == [
        Split(1, 100, [1, 2, 3], "it has 1500 commands per second, more than 1000")
    ]


def test_a_middle_outside_of_it_is_not_believed():
    model = Model(3)
    model.density = {0: 1500}

    def spoil(facts):
        facts.groups[1].middle = 20000

    assert shards(model, spoil)[0].at_slot == 8192


def test_one_slot_is_not_split():
    model = Model(3)
    model.say("MOVE START 1 NEW 1-16383 r")
    model.say("MOVE DONE 1")
    model.say("MOVE TAKEN 1")
    model.say("MOVE END 1")

    def spoil(facts):
        facts.groups[1].bytes = 5000
        facts.groups[2].bytes = 900

    assert shards(model, spoil) == []


def test_a_keyspace_gets_the_shards_that_it_was_promised():
    model = several(1, 3)
    assert [(action.group, action.at_slot) for action in shards(model)] == [(2, 8192)]
    model.settle()
    assert len(model.map.groups_in(1)) == 3
    assert shards(model) == [], "and not fewer when it is small"


def test_small_groups_are_merged():
    model = several(3)
    model.density = {1: 100}
    assert shards(model) == [Merge(3, 2, "it is small, and so are both together")]
    model.settle()
    assert len(model.map.groups_in(1)) == 1


def test_what_would_be_split_again_is_not_merged():
    model = several(2)

    def spoil(facts):
        facts.groups[2].bytes, facts.groups[3].bytes = 10, 495

    assert shards(model, spoil) == []


def test_what_is_not_known_is_left_alone():
    model = several(3)
    assert shards(model, lambda facts: facts.groups.clear()) == []


def test_together_is_one_group_whatever_its_size():
    model = several(3)
    model.say("KEYSPACE ALTER 1 TOGETHER")
    model.density = {1: 9000}
    assert [type(action) for action in shards(model)] == [Merge]
    model.settle()
    assert len(model.map.groups_in(1)) == 1
    assert shards(model) == []


def test_moves_under_way_count():
    model = several(1, 2)
    model.say("MOVE START 2 NEW 0-5 r")
    assert shards(model) == []
    model = several(2)
    model.density = {1: 10}
    model.say("MOVE START 3 2 8192-16383 r")
    assert shards(model) == []


def test_no_more_than_there_is_room_for():
    model = several(16)
    model.density = {1: 99_999}
    assert len(shards(model)) == model.policy.moves_max


def test_nowhere_to_go():
    model = Model(3)
    model.density = {0: 5000}
    for node in (1, 2):
        model.die(node)
    assert shards(model) == []
