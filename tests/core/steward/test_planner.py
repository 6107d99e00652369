"""The planner: plans as a conversation, and what it makes of reports."""

import msgspec

from tests.core.steward.conversation import PLANS
from tests.core.steward.steward_world import DB, prepared
from trivet.core.cluster.rows import MoveRow
from trivet.core.steward.messages import GroupReport, MoveReport, NodeReport


def test_conversation(replay):
    replay("planner")


def planning(**changes):
    """A world that plans, its planner, and the node that leads the system group."""
    settings = msgspec.structs.replace(PLANS, **changes)
    world = prepared(1, 0, settings=settings)
    world.run(4_000)
    leader = world.leader_of(0).settings.node
    return world, world.hosts[leader].steward._planner, leader


def test_nodes_that_report_are_alive_and_others_dead():
    """Rule F1."""
    world, planner, leader = planning(plans=False)
    assert planner.facts(world.newest()).dead_ms == {}
    other = leader % 5 + 1
    world.crash(other, 10_000)
    world.run(2_000)
    dead = planner.facts(world.newest()).dead_ms
    assert list(dead) == [other]
    assert 1_800 < dead[other] < 2_400
    world.run(9_500)
    assert planner.facts(world.newest()).dead_ms == {}


class Others:
    """What other nodes tell."""

    def __init__(self):
        self.dead = {}
        """Who is dead to them, and until when they heard it."""

    def is_dead(self, node):
        return node in self.dead

    def alive_ms(self, node, now_ms):
        return self.dead.get(node, now_ms)


def test_whom_others_hear_is_unreachable_and_not_dead():
    """Rule F9: however long that lasts; and when it dies, its time is counted from then."""
    world, planner, leader = planning(plans=False)
    others = world.hosts[leader].steward.desk.hearsay = Others()
    other = leader % 5 + 1
    world.crash(other, 600_000)
    world.run(60_000)
    facts = planner.facts(world.newest())
    assert (facts.dead_ms, facts.leader) == ({}, leader)
    assert list(facts.unreachable_ms) == [other] and 59_000 < facts.unreachable_ms[other] < 61_000
    others.dead[other] = planner._desk.now_ms
    world.run(5_000)
    facts = planner.facts(world.newest())
    assert facts.unreachable_ms == {} and 4_900 < facts.dead_ms[other] < 5_100


def test_of_the_dead_whom_nobody_heard_any_more_the_last_report_counts():
    """Rule F9: others need some time to find that out, and that does not count."""
    world, planner, leader = planning(plans=False)
    others = world.hosts[leader].steward.desk.hearsay = Others()
    other = leader % 5 + 1
    world.crash(other, 600_000)
    world.run(800)
    others.dead[other] = planner._desk.now_ms
    assert planner.facts(world.newest()).dead_ms == {}, "its reports have not been missed for long enough"
    world.run(1_200)
    dead = planner.facts(world.newest()).dead_ms
    assert 1_800 < dead[other] < 2_400


def test_who_is_heard_here_is_alive_whatever_others_say():
    world, planner, leader = planning(plans=False)
    others = world.hosts[leader].steward.desk.hearsay = Others()
    others.dead = dict.fromkeys((1, 2, 3, 4, 5), 0)
    world.run(5_000)
    facts = planner.facts(world.newest())
    assert (facts.dead_ms, facts.unreachable_ms) == ({}, {})


def test_what_the_unreachable_lead_is_not_known():
    """What was reported last is old: nothing is split or merged by it."""
    world, planner, leader = planning(plans=False)
    world.hosts[leader].steward.desk.hearsay = Others()
    led = next(number for number in (1, 2) if world.leader_of(number).settings.node != leader)
    other = world.leader_of(led).settings.node
    planner.lost(other)
    heard = planner._heard_ms
    world.run(100)
    heard[other] = planner._desk.now_ms - 1_500
    assert led not in planner.facts(world.newest()).groups


def test_a_new_leader_thinks_everybody_alive_and_waits():
    """Rule F1."""
    world, _, leader = planning(plans=False)
    other = leader % 5 + 1
    world.crash(other, 60_000)
    world.run(3_000)
    world.depose(leader)
    world.run(500)
    new = world.leader_of(0).settings.node
    assert new != leader
    planner = world.hosts[new].steward._planner
    assert planner.facts(world.newest()).dead_ms == {}
    world.run(1_500)
    assert list(planner.facts(world.newest()).dead_ms) == [other]


def test_who_has_joined_is_awaited_until_it_reports():
    """Rule F10: it is given nothing before."""
    world, planner, leader = planning()
    world.hosts[leader].steward.desk.hearsay = Others()
    new = world.join()
    world.crash(new, 30_000)
    world.until(lambda: new in planner._heard_ms)
    given = planner.facts(world.newest())
    assert given.awaited == [new] and new not in given.dead_ms
    world.run(10_000)
    assert all(new not in row.target for row in world.newest().groups.values())
    world.until(lambda: any(new in row.target for row in world.newest().groups.values()), 60_000)
    assert planner.facts(world.newest()).awaited == []


def test_a_move_that_is_over_before_the_next_look_was_not_in_vain():
    """Rule F3: what its source still has was not handed over."""
    for left, rests in (([(0, 16_383)], True), ([(8_192, 16_383)], False)):
        world, planner, _ = planning(plans=False)
        cluster = world.newest()
        (source,) = [group for group in cluster.groups.values() if group.keyspace == DB]
        planner._copying = {99: MoveRow(99, source.id, 98, [(0, 8_191)], "copy", 0, "")}
        source.ranges = left
        planner._watch_moves(cluster)
        assert (source.id in planner._rests) is rests


def test_the_later_leader_of_a_group_counts():
    world, planner, _ = planning(plans=False)
    planner.hear(1, NodeReport([GroupReport(2, 5, 7, 10, 100, [1])]))
    planner.hear(2, NodeReport([GroupReport(2, 6, 8, 11, 110, [2])]))
    planner.hear(1, NodeReport([GroupReport(2, 5, 7, 12, 120, [1])]))
    facts = planner.facts(world.newest()).groups[2]
    assert (facts.leader, facts.keys, facts.caught_up) == (2, 11, [2])
    assert facts.ops >= 11


def test_members_of_a_group_of_registers_that_say_the_same_are_no_news():
    world, planner, _ = planning(plans=False)
    first, second = GroupReport(2, 5, 1_003, 10, 100), GroupReport(2, 5, 1_002, 9, 90)
    planner.hear(1, NodeReport([first]))
    planner.hear(2, NodeReport([second]))
    planner._news = False
    for _ in range(2):
        planner.hear(1, NodeReport([first]))
        planner.hear(2, NodeReport([second]))
    assert not planner._news
    planner.hear(2, NodeReport([GroupReport(2, 5, 1_002, 9, 90, is_doubtful=True)]))
    assert planner._news
    facts = planner.facts(world.newest()).groups[2]
    assert (facts.keys, facts.doubtful) == (10, [2])
    planner.hear(2, NodeReport([second]))
    assert planner.facts(world.newest()).groups[2].doubtful == []


def test_what_members_say_of_the_members_of_another_epoch_counts_for_nothing():
    """Rule K8."""
    world, planner, _ = planning(plans=False)
    epoch = world.newest().groups[2].membership + 1
    said = GroupReport(2, 5, 1_003, 10, 100, epoch=epoch, is_caught_up=True, kept=3)
    planner.hear(1, NodeReport([said]))
    planner.hear(2, NodeReport([GroupReport(2, 5, 1_002, 9, 90, epoch=epoch - 1, is_caught_up=True)]))
    assert planner.facts(world.newest()).groups[2].copies == {1: (True, 3)}
    planner._news = False
    planner.hear(1, NodeReport([said]))
    assert not planner._news
    planner.hear(2, NodeReport([GroupReport(2, 5, 1_002, 9, 90, epoch=epoch, is_caught_up=False)]))
    assert planner._news
    assert planner.facts(world.newest()).groups[2].copies == {1: (True, 3), 2: (False, 0)}


def test_reports_about_groups_and_of_nodes_that_nobody_knows_are_left_out():
    world, planner, _ = planning(plans=False)
    planner.hear(1, NodeReport([GroupReport(99, 5, 7)]))
    planner.hear(77, NodeReport([GroupReport(2, 5, 70)]))
    assert 99 not in planner.facts(world.newest()).groups
    assert planner.facts(world.newest()).groups[2].leader != 77


def test_reports_grow_old():
    world, planner, _ = planning(plans=False)
    planner.hear(1, NodeReport([GroupReport(2, 5, 1_000)]))
    assert planner.facts(world.newest()).groups[2].leader == 1
    world.run(2_500)
    assert planner.facts(world.newest()).groups[2].leader == world.leader_of(2).settings.node


def test_a_move_in_vain_is_not_tried_again_at_once():
    """Rule F3."""
    world, _, _ = planning(rest_ms=5_000, move_bytes_per_s=1)
    world.say(f"KEYSPACE ALTER {DB} SHARDS 2")
    world.until(lambda: len(world.newest().moves) == 1)
    world.say("MOVE ABORT 1")
    world.run(4_000)
    assert world.newest().next_move == 2
    world.until(lambda: world.newest().next_move == 3)


def test_a_plan_is_told_and_not_done():
    """Rule F4."""
    world, _, leader = planning(plans=False)
    world.say(f"KEYSPACE ALTER {DB} SHARDS 2")
    world.run(2_000)
    assert world.newest().next_move == 1
    for host in world.hosts.values():
        assert any("is split at slot" in sentence for sentence in host.steward.sentences), host.number
    assert leader in world.hosts


def test_leaders_are_spread():
    world, _, _ = planning()
    world.say("KEYSPACE CREATE 30 REPLICAS 5 SHARDS 4")
    world.until(world.is_at_rest)
    for number in (1, 2, 3, 4, 5, 6):
        if number != 2:
            world.leader_of(number).raft.transfer(1)
    world.run(15_000)
    leaders = [world.leader_of(number).settings.node for number in (1, 2, 3, 4, 5, 6)]
    assert max(leaders.count(node) for node in leaders) <= 2


def test_how_far_moves_are_is_told_to_all():
    world, planner, _ = planning(plans=False)
    world.fill(20)
    planner.hear(2, NodeReport([], [MoveReport(1, 5, 9)]))
    world.say("MOVE START 2 NEW 0-99 large")
    told = planner.hear(2, NodeReport([], [MoveReport(1, 5, 9), MoveReport(8, 1, 1)]))
    assert told.moves == [MoveReport(1, 5, 9)], "of moves that there are"
    assert planner.hear(2, NodeReport([], [MoveReport(1, 5, 9)])) is None, "it knows"
    assert planner.hear(3, NodeReport([])).moves == [MoveReport(1, 5, 9)]
