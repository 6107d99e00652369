"""What a node reports."""

from tests.core.node.registers import FIRST, with_registers
from tests.core.steward.steward_world import prepared
from trivet.core.steward.reporter import Reporter


def test_a_leader_reports_what_its_group_holds():
    world = prepared(1, 100)
    world.lead(2, 1)
    desk = world.hosts[1].steward.desk
    reporter = Reporter(desk)
    for _ in range(3):
        report = reporter.report()
        world.run(1_000)
    one = next(one for one in report.groups if one.group == 2)
    assert (one.keys, one.term, one.caught_up) == (100, world.leader_of(2).raft.term, [1, 2, 3])
    assert 100 * 50 < one.bytes < 100 * 1000
    assert one.middle > 0


def test_a_follower_reports_only_its_traffic():
    world = prepared(1, 0)
    world.lead(2, 1)
    reporter = Reporter(world.hosts[2].steward.desk)
    reporter.report()
    for place in range(100):
        world.push(5, f"k{place}")
    world.run(1_000)
    one = next(one for one in reporter.report().groups if one.group == 2)
    assert (one.term, one.keys) == (0, 0)
    assert 20 <= one.ops <= 30  # a quarter of the last second's rate
    for _ in range(10):
        world.run(500)
        report = reporter.report()
    assert all(one.group != 2 or one.ops < 5 for one in report.groups)


def test_the_system_group_is_not_measured():
    world = prepared(1, 0)
    leader = world.leader_of(0).settings.node
    (one,) = [r for r in Reporter(world.hosts[leader].steward.desk).report().groups if r.group == 0]
    assert (one.keys, one.bytes, one.middle) == (0, 0, 0)
    assert one.term > 0


def test_every_member_of_a_group_of_registers_reports_and_the_first_counts_most():
    bench = with_registers(5, "REPLICAS 3 ON 1 2 3")
    assert bench.say("a", "SET k 1 | SET l 2")[-1] == "+OK"
    bench.wait(500)
    desk = bench.node(2).steward.desk
    desk.leaderless[FIRST].paxos.acceptor.doubtful = True
    said = {}
    for node in (1, 2, 3, 4):
        report = Reporter(bench.node(node).steward.desk).report()
        said[node] = [one for one in report.groups if one.group == FIRST]
    assert said.pop(4) == []
    assert [(one.term, one.keys, one.is_doubtful) for (one,) in said.values()] == [
        (3, 2, False),
        (2, 2, True),
        (1, 2, False),
    ]
