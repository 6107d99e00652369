"""Where replicas go, case by case."""

from tests.core.cluster.model import Model
from trivet.core.cluster.actions import Target
from trivet.core.cluster.replicas import balance, repair
from trivet.core.cluster.survey import Survey


def steps(model, *parts):
    survey = Survey(model.map, model.facts(), model.policy)
    for part in parts or (repair,):
        part(survey)
    return {action.group: action.nodes for action in survey.actions}, survey


def late(model):
    """The dead have been so for long enough."""
    model.turns += 3


def test_the_dead_are_replaced_before_the_drained():
    model = Model(5, replicas=3)
    model.say("DRAIN 1")
    model.die(2)
    late(model)
    assert steps(model)[0][1] == [1, 3, 4]


def test_the_most_endangered_group_comes_first():
    model = Model(6, replicas=5)
    model.say("KEYSPACE CREATE 1 REPLICAS 3 ON 1 2 3")
    model.say("KEYSPACE CREATE 2 REPLICAS 2 ON 1 4")
    model.die(1)
    late(model)
    actions = steps(model)[1].actions
    assert [action.group for action in actions] == [2, 0, 1], "group 3 has lost its quorum"


def test_who_came_for_a_node_takes_its_place():
    model = Model(4, replicas=3)
    heir = model.join("z", 2)
    assert steps(model)[0][1] == [1, 3, heir]


def test_nothing_is_taken_away_without_a_replacement():
    model = Model(3)
    model.die(3)
    late(model)
    assert steps(model)[0] == {}


def test_copies_that_a_quorum_asks_for_stay_on_nodes_that_are_to_be_emptied():
    """P12: a node that was to come for one of them never came up."""
    model = Model(3)
    model.say("KEYSPACE CREATE 1 MODE eventual REPLICAS 3 WRITE QUORUM 2 ON 1 2 3")
    model.say("DRAIN 3")
    newcomer = model.say(
        [word.encode() for word in ("MAP", "JOIN", "h9", "7001", "17001", "z", "", "9", "2")]
    )
    model.say(f"LEFT {newcomer}")
    (group,) = model.map.groups_of(1)
    assert steps(model)[0][group] == [1, 3], "two are enough"
    model.say(f"GROUP TARGET {group} 1 3")
    for word in ("BEGIN", "END"):
        model.say(f"COPIES {word} {group} {model.map.groups[group].membership + 1}")
    assert group not in steps(model)[0]


def test_nobody_is_left_alone_with_the_dead():
    """Of three one is dead and one is to be emptied: it stays until two are alive without it."""
    model = Model(3)
    model.die(1)
    model.say("DRAIN 2")
    assert steps(model)[0] == {}
    late(model)
    assert steps(model)[0] == {0: [2, 3], 1: [2, 3]}, "the dead one goes first"


def test_a_replacement_that_dies_is_replaced():
    model = Model(5, replicas=3)
    model.say("GROUP TARGET 1 1 2 4")
    model.die(4)
    assert steps(model)[0] == {}
    late(model)
    assert steps(model)[0][1] == [1, 2, 5]
    model.die(5)
    late(model)
    assert steps(model)[0][1] == [1, 2, 3], "or given up"


def test_a_target_without_a_quorum_is_given_up():
    model = Model(3)
    model.say("KEYSPACE ALTER 0 REPLICAS 2")
    model.say("GROUP TARGET 1 1 3")
    model.die(1)
    assert steps(model)[0] == {1: [1, 2, 3]}


def test_surplus_members_go_from_the_fullest_zone_and_not_the_leader():
    model = Model(3, "aab")
    model.leaders = {1: 2}
    model.say("KEYSPACE ALTER 0 REPLICAS 2")
    assert steps(model)[0] == {1: [2, 3]}


def test_zones_are_kept_apart():
    model = Model(3, "aab")
    model.join("c")
    nodes, survey = steps(model)
    assert nodes == {0: [1, 3, 4], 1: [1, 3, 4]}
    assert survey.actions[0].reason == "zone a has 2 of its 3 members"


def test_a_third_in_a_zone_of_two_is_no_crowd():
    model = Model(3, "aab")
    model.join("b")
    assert steps(model)[0] == {}


def test_zones_wait_while_slots_move():
    model = Model(3, "aab")
    model.join("c")
    model.say("MOVE START 1 NEW 5 r ON 1 2 3")
    assert 1 not in steps(model)[0]


def test_groups_go_to_where_there_are_fewest():
    model = Model(3)
    model.say("KEYSPACE CREATE 1 SHARDS 4")
    model.join()
    nodes, survey = steps(model, balance)
    assert len(nodes) == 3, "no more than there is room for"
    assert all(4 in group for group in nodes.values())
    assert survey.actions[0] == Target(1, [2, 3, 4], "node 1 has 5 groups and node 4 0")


def test_heavy_groups_go_where_there_is_less_to_do():
    model = Model(4, replicas=1)
    for db, node in ((1, 2), (2, 2), (3, 3), (4, 4), (5, 4)):
        model.say(f"KEYSPACE CREATE {db} REPLICAS 1 ON {node}")
    model.density = {1: 5000, 2: 5000, 3: 100, 4: 100, 5: 100}
    nodes, survey = steps(model, balance)
    assert nodes == {2: [3], 4: [1]}, "and what was there makes room"
    assert survey.actions[0].reason == "node 2 has more to do than node 3"


def test_balance_crowds_no_zone():
    model = Model(3, "abc")
    model.say("KEYSPACE CREATE 1 SHARDS 6")
    model.join("a")
    nodes, _ = steps(model, balance)
    assert nodes
    assert all({2, 3, 4} == set(group) for group in nodes.values())


def test_nobody_moves_away_from_the_dead_for_balance():
    model = Model(3)
    model.say("KEYSPACE CREATE 1 SHARDS 6")
    model.join()
    for node in (1, 2):
        model.die(node)
    assert steps(model, balance)[0] == {}, "no quorum, no change"


def test_a_small_difference_of_weight_is_left_alone():
    """Sizes and traffic go up and down; groups do not follow every wave."""
    model = Model(4, replicas=1)
    for db, node in ((1, 2), (2, 2), (3, 3), (4, 4)):
        model.say(f"KEYSPACE CREATE {db} REPLICAS 1 ON {node}")
    model.density = {0: 1500, 1: 2000, 2: 2000, 3: 1500, 4: 1500}
    assert steps(model, balance)[0] == {}
    model.density = {0: 0, 1: 2000, 2: 2000, 3: 1500, 4: 1500}
    assert steps(model, balance)[0] == {2: [1]}


def test_whom_only_others_hear_is_not_replaced():
    """Rule P13: however long that lasts. When it is dead after all it is."""
    model = Model(5, replicas=3)
    model.cut(2)
    for _ in range(20):
        late(model)
        assert steps(model, repair, balance)[0] == {}
    model.unreachable.clear()
    model.die(2)
    late(model)
    assert steps(model)[0][1] == [1, 3, 4]


def test_the_dead_are_replaced_while_others_are_out_of_the_leaders_reach():
    """The group has its quorum without the leader."""
    model = Model(6, replicas=3)
    model.say("KEYSPACE CREATE 1 REPLICAS 3 ON 3 4 5")
    model.cut(4)
    model.die(5)
    late(model)
    assert steps(model)[0][2] == [3, 4, 6], "they hear each other"


def test_a_newcomer_that_cannot_be_told_is_given_up():
    """Rule P13: it is told by the leader of the system group alone."""
    model = Model(5, replicas=3)
    model.die(3)
    late(model)
    assert steps(model)[0][1] == [1, 2, 4]
    model.say("GROUP TARGET 1 1 2 4")
    model.cut(4)
    assert 1 not in steps(model)[0], "it may soon be heard again"
    late(model)
    actions, survey = steps(model)
    assert actions[1] == [1, 2, 5]
    assert survey.actions[0].reason == "node 4 has not been heard by the leader for 30 s"


def test_nothing_is_brought_to_or_taken_from_whom_only_others_hear():
    model = Model(4, replicas=3)
    for number in range(1, 7):
        model.say(f"KEYSPACE CREATE {number} REPLICAS 1 ON 1")
    model.cut(4)
    actions = steps(model, balance)[0]
    assert actions and all(nodes != [4] for nodes in actions.values())
    model.unreachable.clear()
    model.cut(1)
    assert steps(model, balance)[0] == {}
