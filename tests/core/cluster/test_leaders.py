"""Who leads, case by case."""

from tests.core.cluster.model import Model
from trivet.core.cluster.actions import Lead
from trivet.core.cluster.facts import Policy
from trivet.core.cluster.leaders import settle_leaders
from trivet.core.cluster.survey import Survey


def leads(model, leader=None, spoil=None):
    model.leaders = dict(leader or {})
    facts = model.facts()
    if spoil:
        spoil(facts)
    survey = Survey(model.map, facts, model.policy)
    settle_leaders(survey)
    assert all(isinstance(action, Lead) for action in survey.actions)
    return [(action.group, action.node) for action in survey.actions]


def several(replicas=3, shards=5):
    model = Model(3)
    model.say(f"KEYSPACE CREATE 1 SHARDS {shards} REPLICAS {replicas}")
    return model


def test_leaders_are_spread():
    model = several()
    assert leads(model, dict.fromkeys(range(1, 7), 1)) == [(1, 2), (2, 3), (3, 2), (4, 3)]
    assert leads(model, {1: 1, 2: 2, 3: 3, 4: 1, 5: 2, 6: 3}) == []


def test_a_difference_of_one_is_even():
    assert leads(several(shards=1), {1: 1, 2: 1}) == [(1, 2)]
    assert leads(several(shards=3), {1: 1, 2: 1, 3: 2, 4: 3}) == []


def test_a_path_is_found_where_no_single_step_helps():
    model = Model(4, replicas=1)
    for db, nodes in enumerate(("1 2", "1 2", "2 3", "2 3", "3 4", "3 4", "4"), 1):
        model.say(f"KEYSPACE CREATE {db} REPLICAS {len(nodes.split())} ON {nodes}")
    leader = {1: 1, 2: 1, 3: 1, 4: 2, 5: 2, 6: 3, 7: 3, 8: 4}
    assert leads(model, leader) == [(2, 2), (4, 3), (6, 4)]


def test_of_a_way_that_is_too_long_the_end_is_gone_first():
    model = Model(4, replicas=1, policy=Policy(leads_max=2))
    for db, nodes in enumerate(("1 2", "1 2", "2 3", "2 3", "3 4", "3 4", "4"), 1):
        model.say(f"KEYSPACE CREATE {db} REPLICAS {len(nodes.split())} ON {nodes}")
    leader = {1: 1, 2: 1, 3: 1, 4: 2, 5: 2, 6: 3, 7: 3, 8: 4}
    assert leads(model, leader) == [(4, 3), (6, 4)]
    assert leads(model, {**leader, 4: 3, 6: 4}) == [(2, 2)]
    assert leads(model, {**leader, 4: 3, 6: 4, 2: 2}) == []


def test_nobody_leads_who_is_to_be_emptied():
    model = several(shards=2)
    model.say("DRAIN 1")
    assert leads(model, {0: 1, 1: 1, 2: 2, 3: 3}) == [(0, 2), (1, 2)]


def test_who_hears_few_of_the_others_gets_nothing_to_lead():
    """P14: what it leads it hands over by itself."""

    def spoil(facts):
        facts.hear_few = [2]

    assert leads(several(), dict.fromkeys(range(1, 7), 1), spoil) == [(1, 3), (2, 3), (3, 3)]
    assert leads(several(shards=2), {1: 1, 2: 3, 3: 3}, spoil) == []


def test_only_who_has_the_log_leads():
    model = several(shards=2)

    def spoil(facts):
        for group in facts.groups.values():
            group.caught_up = [1, 3]

    assert leads(model, {1: 1, 2: 1, 3: 1}, spoil) == [(1, 3)]


def test_groups_that_change_or_move_are_left_alone():
    model = several(shards=2)
    model.join()
    model.say("GROUP TARGET 1 1 2 4")
    model.say("MOVE START 2 3 0-5 r")
    assert leads(model, {1: 1, 2: 1, 3: 1}) == []


def test_there_is_a_limit():
    model = several(shards=40)
    assert len(leads(model, dict.fromkeys(range(1, 42), 1))) == model.policy.leads_max
    model.say("DRAIN 1")
    assert len(leads(model, dict.fromkeys(range(1, 42), 1))) == model.policy.leads_max


def test_who_is_not_known_leads_nothing():
    def spoil(facts):
        facts.groups.clear()

    assert leads(several(), {}, spoil) == []
