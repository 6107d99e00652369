"""The whole: leadership on demand, settings, what it takes note of, and what it does before there is a map."""

import msgspec

from tests.core.node.founded import founded
from tests.core.steward.steward_judge import verdict
from tests.core.steward.steward_world import LIMITS, MANUAL, prepared
from trivet.core.base.prng import Prng
from trivet.core.group.agenda import Agenda
from trivet.core.raft.state import Role
from trivet.core.steward.messages import LeadWish, MoveReport, PlanTold
from trivet.core.steward.settings import StewardSettings
from trivet.core.steward.steward import IN_VAIN_MS, Steward


def test_nothing_is_done_before_there_is_a_map():
    steward = Steward(1, {}, {}, Agenda(), LIMITS, Prng(1))
    steward.tick(1_000, 1_000)
    steward.turn(1_010)
    assert steward.outgoing == []
    assert steward.movers == {}


def test_any_node_may_ask_for_another_leader():
    world = prepared(1, 0)
    world.lead(2, 1)
    for number, wished in ((5, 2), (2, 3), (3, 3), (1, 1)):
        assert world.hosts[number].steward.lead(2, wished)
        world.run(500)
        assert world.leader_of(2).settings.node == wished


def test_who_cannot_lead_and_who_cannot_be_asked():
    world = prepared(1, 0)
    world.lead(2, 1)
    steward = world.hosts[1].steward
    assert not steward.lead(9, 1)
    assert not steward.lead(2, 5)
    steward.on_message(4, LeadWish(9, 1))
    world.hosts[3].steward.on_message(4, LeadWish(2, 3))
    assert world.hosts[3].steward.outgoing == []
    world.isolate(5, 1_000)
    assert not world.hosts[5].steward.lead(2, 2)


def test_only_the_leader_of_the_system_group_knows_and_plans():
    world = prepared(1, 10)
    world.run(3_000)
    leader = world.leader_of(0).settings.node
    for number, host in world.hosts.items():
        assert (host.steward.facts() is None) is (number != leader)
        assert host.steward.plan() == ([] if number == leader else None)
    assert world.hosts[leader].steward.facts().groups[2].keys == 10


def test_a_move_is_measured():
    world = prepared(1, 40)
    world.lead(2, 1)
    steward = world.hosts[1].steward
    assert steward.pause_ms == -1
    world.say("MOVE START 2 NEW 0-8191 large")
    world.until(lambda: steward.progress(1) is not None)
    given, left = steward.progress(1)
    assert given + left <= 40
    assert world.hosts[4].steward.progress(1) is None, "it was not told yet"
    world.hosts[4].steward.on_message(1, PlanTold([], [MoveReport(1, 5, 35)]))
    assert world.hosts[4].steward.progress(1) == (5, 35)
    world.until(world.is_at_rest)
    world.run(500)
    assert steward.movers == {}
    assert 0 < steward.pause_ms == steward.pause_ms_max < 1_000
    assert any(note.startswith("move 1 is over") for note in world.notes)


def test_settings_may_change():
    world = prepared(1, 100)
    world.lead(2, 1)
    for host in world.hosts.values():
        host.steward.configure(msgspec.structs.replace(MANUAL, move_bytes_per_s=1, seal_lag_keys=0))
    world.say("MOVE START 2 NEW 0-8191 large")
    world.run(5_000)
    assert world.place(world.newest().moves[1]) == "while copying"
    for host in world.hosts.values():
        host.steward.configure(MANUAL)
        assert host.steward.settings is MANUAL
    world.until(world.is_at_rest)
    world.heal()
    assert verdict(world) == []


def test_who_does_not_take_over_is_not_wished_for_again_at_once():
    """K10: each try keeps writes waiting."""
    bench = founded(3, "3 SHARDS 1 REPLICAS 3", steward=StewardSettings(plans=False))
    group = next(n for n in bench.node(1).front.cluster.groups if n > 1)
    leader = next(n for n in (1, 2, 3) if bench.node(n).groups[group].raft.role is Role.LEADER)
    other = leader % 3 + 1
    bench.hold(other)
    bench.ask(f"a@{leader}", "SELECT 3")
    assert bench.answer("a", "SET k 1") == "+OK"
    steward = bench.node(leader).steward
    raft = bench.node(leader).groups[group].raft
    steward.on_message(leader, LeadWish(group, other))
    assert raft.transferring, "its disk hangs: it has not got the write, and will not"
    bench.until(lambda: not raft.transferring)
    steward.on_message(leader, LeadWish(group, other))
    assert not raft.transferring
    assert bench.answer("a", "SET k 2") == "+OK"
    bench.release(other)
    bench.wait(IN_VAIN_MS + 1_000)
    steward.on_message(leader, LeadWish(group, other))
    bench.until(lambda: bench.node(other).groups[group].raft.role is Role.LEADER)
