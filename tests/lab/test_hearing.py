"""Only the link between the system's leader and one node is cut, for longer than the time of grace (Rules F9, P13)."""

import msgspec
import pytest

from trivet.core.base.ids import SYSTEM_GROUP
from trivet.core.node.liveness import Liveness
from trivet.core.node.reach import is_unreachable, liveness_facts
from trivet.core.raft.state import Role
from trivet.core.steward.hearsay import OwnEars
from trivet.lab.judges.hearing import UNREACHABLE
from trivet.lab.resp import Status
from trivet.lab.runner import run
from trivet.lab.stage.stage import Stage, stage_options
from trivet.lab.world.options import draw_options

GRACE_MS = 4_000
DATA_GROUP = 1


class Play:
    """Five nodes, of which three hold the data; clients of all of them write all the time."""

    def __init__(self, seed: int) -> None:
        self.stage = stage = Stage(options=stage_options(seed, 5, plans=True, grace_ms=GRACE_MS))
        stage.leader()
        stage.run_for(2_000)
        assert stage.ask(1, "KEYSPACE", "ALTER", "0", "REPLICAS", "3") == Status("OK")
        stage.run_until(lambda: self.is_settled() and self.leaders_are_apart())
        self.system_leader, self.data_leader = self.leader_of(SYSTEM_GROUP), self.leader_of(DATA_GROUP)
        self.victim = next(n for n in self.members() if n not in (self.system_leader, self.data_leader))
        self.sent = []

    def node(self, number):
        return self.stage.process(number).inner()

    def leader_of(self, group):
        """Of those that take themselves for it, the one of the newest term; 0: nobody."""
        found = [(n, self.node(n)) for n in self.stage.nodes if self.node(n) is not None]
        led = [
            (node.groups[group].raft.term, n)
            for n, node in found
            if group in node.groups and node.groups[group].raft.role is Role.LEADER
        ]
        return max(led)[1] if led else 0

    def map(self):
        return self.node(self.leader_of(SYSTEM_GROUP)).front.cluster

    def members(self):
        return self.map().groups[DATA_GROUP].members

    def is_settled(self):
        row = self.map().groups[DATA_GROUP] if self.leader_of(SYSTEM_GROUP) else None
        return row is not None and len(row.members) == 3 and sorted(row.members) == sorted(row.target)

    def leaders_are_apart(self):
        """The group of the data is led by another node than the system group; else it is asked to be."""
        system, data = self.leader_of(SYSTEM_GROUP), self.leader_of(DATA_GROUP)
        if data and data != system:
            return True
        other = next(n for n in self.members() if n != system)
        self.stage.send(system, "CLUSTER", "LEAD", str(DATA_GROUP), str(other))
        return False

    def go_on(self, ms, *down):
        """Time passes; every 50 ms a client of each node that runs writes."""
        end_ms = self.stage.now_ms + ms
        while self.stage.now_ms < end_ms:
            for number in self.stage.others(*down):
                self.sent.append((self.stage.now_ms, self.stage.send(number, "INCR", f"n{number}")))
            self.stage.run_for(50)

    def failed(self, since_ms):
        """What clients have not got an answer to, or an error."""
        self.stage.run_for(500)
        return [
            (at_ms, one.words, one.reply)
            for at_ms, one in self.sent
            if at_ms >= since_ms and not isinstance(one.reply, int)
        ]

    def cut(self, ways):
        for a, b in ((self.system_leader, self.victim), (self.victim, self.system_leader)):
            if ways in ("both", "to" if a == self.system_leader else "from"):
                self.stage.block(a, b)


@pytest.fixture
def play(request):
    made = Play(request.param)
    yield made
    made.stage.close()


@pytest.mark.parametrize(
    ("play", "ways"), [(1, "both"), (2, "both"), (3, "to"), (4, "from")], indirect=["play"]
)
def test_whom_only_the_leader_does_not_hear_is_not_replaced_and_nobody_fails(play, ways):
    members, since_ms = sorted(play.members()), play.stage.now_ms
    play.cut(ways)
    play.go_on(4 * GRACE_MS)
    front = play.node(play.system_leader).front
    facts = front.steward.facts()
    assert play.leader_of(SYSTEM_GROUP) == play.system_leader
    assert list(facts.unreachable_ms) == [play.victim] and facts.dead_ms == {}
    assert facts.unreachable_ms[play.victim] > 3 * GRACE_MS
    assert is_unreachable(front, facts, play.victim)
    assert "status=unreachable" in str(liveness_facts(front)[f"trivet_node{play.victim}"])
    row = play.map().groups[DATA_GROUP]
    assert sorted(row.members) == sorted(row.target) == members
    assert play.failed(since_ms) == []
    play.stage.heal()
    play.go_on(3_000)
    assert front.steward.facts().unreachable_ms == {}
    play.stage.check_left_over()


@pytest.mark.parametrize("play", [1], indirect=True)
def test_when_it_dies_out_of_reach_it_is_replaced_after_the_time_of_grace(play):
    """Counted from its death, not from when the leader ceased to hear it."""
    play.cut("both")
    play.go_on(3 * GRACE_MS)
    died_ms = play.stage.now_ms
    play.stage.crash(play.victim)
    play.go_on(GRACE_MS, play.victim)
    row = play.map().groups[DATA_GROUP]
    assert sorted(row.members) == sorted(row.target), "not before"
    play.stage.run_until(lambda: play.victim not in play.map().groups[DATA_GROUP].target)
    took_ms = play.stage.now_ms - died_ms
    assert GRACE_MS < took_ms < GRACE_MS + 3_000
    play.stage.run_until(play.is_settled)
    play.stage.check_left_over()


@pytest.mark.parametrize("play", [5], indirect=True)
def test_the_dead_are_replaced_as_soon_as_ever(play):
    died_ms = play.stage.now_ms
    play.stage.crash(play.victim)
    play.stage.run_until(lambda: play.victim not in play.map().groups[DATA_GROUP].target)
    assert GRACE_MS - 1_000 < play.stage.now_ms - died_ms < GRACE_MS + 1_500
    play.stage.run_until(play.is_settled)
    play.stage.check_left_over()


@pytest.mark.parametrize("play", [1], indirect=True)
def test_planted_who_goes_by_its_own_ears_alone_replaces_the_living(play):
    for number in play.stage.nodes:
        play.node(number).steward.desk.hearsay = OwnEars()
    play.cut("both")
    play.go_on(2 * GRACE_MS)
    assert play.victim not in play.map().groups[DATA_GROUP].target


JUST_THAT_LINK = {"plans": True, "grace_ms": 3_000, "leader_link_every_ms": 2_000}


@pytest.mark.soak
def test_in_drawn_runs_the_judge_is_silent_and_there_is_something_to_judge():
    found = run(msgspec.structs.replace(draw_options(1, 5, 150), **JUST_THAT_LINK))
    assert found.complaints == []
    assert found.faults["leader-link"] > 5 and found.reached[UNREACHABLE] > 3


def test_planted_in_a_drawn_run_the_judge_notices_it(monkeypatch):
    monkeypatch.setattr(Liveness, "is_dead", lambda self, node: True)
    monkeypatch.setattr(Liveness, "alive_ms", lambda self, node, now_ms: 0)
    found = run(msgspec.structs.replace(draw_options(1, 5, 150), **JUST_THAT_LINK))
    assert [complaint.judge for complaint in found.complaints] == ["hearing"]
