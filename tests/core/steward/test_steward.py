"""The whole: leadership on demand, settings, what it takes note of, and what it does before there is a map."""

import msgspec

from tests.core.steward.steward_world import LIMITS, MANUAL, prepared
from trivet.core.base.prng import Prng
from trivet.core.steward.messages import LeadWish
from trivet.core.steward.steward import Steward


def test_nothing_is_done_before_there_is_a_map():
    steward = Steward(1, {}, {}, LIMITS, Prng(1))
    steward.tick(1_000, 1_000)
    steward.turn(1_010)
    assert steward.outgoing == []
    assert steward.movers == {}


def test_any_node_may_ask_for_another_leader():
    world = prepared(1, 0)
    world.lead(2, 1)
    for number, wished in ((5, 2), (2, 3), (3, 3), (1, 1)):
        assert world.hosts[number].steward.lead(2, wished) == ""
        world.run(500)
        assert world.leader_of(2).settings.node == wished


def test_why_another_does_not_lead():
    world = prepared(1, 0)
    world.lead(2, 1)
    steward = world.hosts[1].steward
    assert steward.lead(9, 1) == "no such group"
    assert steward.lead(2, 5) == "node 5 is no voter of group 2"
    steward.on_message(4, LeadWish(9, 1))
    world.isolate(5, 1_000)
    assert world.hosts[5].steward.lead(2, 2) == "its leader cannot be reached from here"


def test_a_move_is_measured():
    world = prepared(1, 40)
    world.lead(2, 1)
    steward = world.hosts[1].steward
    assert steward.pause_ms == -1
    world.say("MOVE START 2 NEW 0-8191 large")
    world.until(lambda: 1 in steward.movers and steward.movers[1].lag >= 0)
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
    assert world.verdict() == []
