"""The whole member: conversations across roles, and long random runs with every fault.

A random run draws its own mix of faults from its seed: messages are delayed, reordered,
repeated and lost, links break, members crash with any part of what was on its way to
the disk, logs are compacted, leadership is handed over. After every single input the
group is judged (see ``harness.Group``). In the end everything heals, and the group must
commit something new.
"""

from collections.abc import Callable
from types import ModuleType
from typing import get_args

import pytest

from trivet.core.base.prng import Prng
from trivet.core.raft.config import RaftConfig
from trivet.core.raft.messages import Entry, Heartbeat, Message
from trivet.core.raft.raft import HANDLERS, Raft
from trivet.core.raft.ready import HardState
from trivet.core.raft.state import Role

STEPS = 3000


class Run:
    """One random run."""

    def __init__(self, harness: ModuleType, seed: int, size: int) -> None:
        self.prng = Prng(seed)
        # Small windows and messages make the limits part of every run.
        self.group = harness.Group(
            size, seed, election_ticks=10, heartbeat_ticks=2, campaign_ticks=4, disk_patience_ticks=30,
            inflight_messages_max=4, append_bytes_max=40, committed_bytes_max=40, read_rounds_max=2,
        )  # fmt: skip
        self.nodes = list(self.group.desks)
        self.written = 0
        self.asked = 0
        self.rotten = 0
        self.missing_to = 0
        self.drop = self.pick(0, 0, 5, 20)
        self.repeat = self.pick(0, 0, 10, 30)
        self.reorder = self.pick(0, 1) == 1
        self.alike = self.pick(1, 4, 20)
        """One in so many ticks is of one member only."""
        pick = self.pick
        if pick(0, 0, 1):
            # A storm of elections: nobody stays in touch, or alive, for long.
            tick, sync, crash, restart, isolate, heal, lost = 200, 100, 60, 100, 20, 60, 60
        else:
            tick, sync, crash = pick(50, 100, 300), pick(60, 140, 300), pick(0, 3, 12, 40)
            restart, isolate, heal, lost = pick(5, 20), pick(0, 5, 10), pick(2, 5, 20), pick(0, 10)
        self.weights = [
            (400, self.deliver), (tick, self.tick), (sync, self.sync), (pick(20, 100), self.propose),
            (pick(20, 100), self.read), (crash, self.crash), (restart, self.restart),
            (pick(0, 5, 10), self.cut), (isolate, self.isolate), (heal, self.heal), (lost, self.lost),
            (pick(0, 10), self.transfer), (pick(0, 10), self.compact), (pick(0, 10), self.full),
            (pick(0, 4), self.rot),
        ]  # fmt: skip
        self.total = sum(weight for weight, _ in self.weights)

    def pick(self, *choices: int) -> int:
        return choices[self.prng.below(len(choices))]

    def step(self) -> None:
        at = self.prng.below(self.total)
        for weight, action in self.weights:
            if at < weight:
                action()
                return
            at -= weight

    def someone(self) -> int:
        """A node that lives, or 0."""
        node = self.nodes[self.prng.below(len(self.nodes))]
        return node if self.group.desks[node].raft is not None else 0

    def leader(self) -> int:
        leaders = [n for n, d in self.group.desks.items() if d.raft and d.raft.role is Role.LEADER]
        return leaders[self.prng.below(len(leaders))] if leaders else 0

    def deliver(self) -> None:
        flights = self.group.flights
        if not flights:
            return
        position = self.prng.below(min(len(flights), 30)) if self.reorder else 0
        flight = flights[position]
        if self.prng.below(100) >= self.repeat:
            del flights[position]
        if self.prng.below(100) >= self.drop:
            self.group.deliver(flight)
        if len(flights) > 400:
            del flights[: len(flights) // 2]

    def tick(self) -> None:
        # Mostly everyone's time passes alike.
        if self.prng.below(self.alike):
            for node, desk in self.group.desks.items():
                if desk.raft is not None:
                    self.group.tick(node)
        elif node := self.someone():
            self.group.tick(node)

    def sync(self) -> None:
        if node := self.someone():
            self.group.sync(node, 1 + self.prng.below(3))

    def propose(self) -> None:
        if node := self.leader():
            for _ in range(1 + self.prng.below(3)):
                self.written += 1
                self.group.desks[node].live.propose(b"w%d" % self.written)
            self.group.desks[node].live.want_commit(self.nodes[self.prng.below(len(self.nodes))])
            self.group.turn(node)

    def read(self) -> None:
        # Whoever believes to lead is the one to be suspicious of.
        node = self.leader() if self.prng.below(2) else self.someone()
        if node:
            self.asked += 1
            self.group.read(node, self.asked)

    def crash(self) -> None:
        node = self.someone()
        # The moments before a sync are the interesting ones.
        unsynced = [n for n, d in self.group.desks.items() if d.raft and d.disk.queue]
        if unsynced and self.prng.below(2):
            node = unsynced[self.prng.below(len(unsynced))]
        if node:
            self.group.crash(node, self.prng.below(4) if self.prng.below(2) else 0)
            for other in self.nodes:
                if self.prng.below(3) and self.group.desks[other].raft is not None:
                    self.group.peer_lost(other, node)

    def restart(self) -> None:
        for node, desk in self.group.desks.items():
            if desk.raft is None:
                self.wake(node)
                return

    def wake(self, node: int) -> None:
        # Who had lost entries and was not repaired finds them missing again.
        self.group.restart(node, self.missing_to if node == self.rotten else 0)

    def rot(self) -> None:
        """One disk per run loses entries that it had acknowledged; a quorum without it is needed then."""
        if not self.rotten and len(self.nodes) > 1 and (node := self.someone()):
            self.group.crash(node)
            self.rotten = node
            self.missing_to = self.group.rot(node, 1 + self.prng.below(6))
            self.wake(node)

    def cut(self) -> None:
        a, b = (self.nodes[self.prng.below(len(self.nodes))] for _ in range(2))
        self.group.cut[(a, b)] = True
        if self.prng.below(2):
            self.group.cut[(b, a)] = True

    def isolate(self) -> None:
        """Perhaps the others notice at once, and it does not."""
        node = self.leader() if self.prng.below(2) else self.someone()
        noticed = self.prng.below(2)
        for other in self.nodes:
            if node and other != node:
                self.group.cut[(node, other)] = self.group.cut[(other, node)] = True
                if noticed and self.group.desks[other].raft is not None:
                    self.group.peer_lost(other, node)

    def heal(self) -> None:
        self.group.cut.clear()

    def transfer(self) -> None:
        if node := self.leader():
            self.group.desks[node].live.transfer(self.nodes[self.prng.below(len(self.nodes))])
            self.group.turn(node)

    def lost(self) -> None:
        if node := self.someone():
            peer = self.nodes[self.prng.below(len(self.nodes))]
            self.group.peer_lost(node, peer)
            if self.prng.below(2):
                self.group.desks[node].live.peer_up(peer)
                self.group.turn(node)

    def compact(self) -> None:
        if node := self.someone():
            raft = self.group.desks[node].live
            index = raft.handed - self.prng.below(4)
            if index > raft.first_index:
                self.group.compact(node, index)

    def full(self) -> None:
        if node := self.someone():
            raft = self.group.desks[node].live
            raft.full = not raft.full and self.prng.below(3) == 0
            self.group.turn(node)

    def calm(self, rounds: int) -> None:
        """Nothing fails any more: time passes, everything arrives and is saved."""
        group = self.group
        for _ in range(rounds):
            for node, desk in group.desks.items():
                if desk.raft is None:
                    self.wake(node)
                desk.live.full = False
                group.tick(node)
            for _ in range(6):
                flights, group.flights = group.flights, []
                for flight in flights:
                    group.deliver(flight)
                for node in self.nodes:
                    group.sync(node)

    def finish(self) -> None:
        """In bounded time the group works again, and every copy is equal."""
        self.group.cut.clear()
        self.calm(60)
        leaders = [n for n in self.nodes if self.group.desks[n].live.role is Role.LEADER]
        assert len(leaders) == 1, "no leader, though nothing fails any more"
        index = self.group.propose(leaders[0], b"last")
        assert index
        self.asked += 1
        done = self.group.reads_done
        self.group.read(self.nodes[0], self.asked)
        self.calm(10)
        assert self.group.reads_done == done + 1
        for node in self.nodes:
            raft = self.group.desks[node].live
            assert raft.handed >= index, f"{node} does not catch up"
            assert raft.leader == leaders[0]
            assert self.group.desks[node].disk.term_at(index) == raft.term


def run(harness: ModuleType, seed: int) -> Run:
    one = Run(harness, seed, (3, 3, 5, 3, 5, 1)[seed % 6])
    for _ in range(STEPS):
        one.step()
        one.group.events.clear()
    one.finish()
    return one


@pytest.mark.parametrize("first", range(0, 120, 20))
def test_random_runs(harness: ModuleType, first: int) -> None:
    terms = commits = reads = snapshots = 0
    for seed in range(first, first + 20):
        one = run(harness, seed)
        terms += len(one.group.leaders)
        commits += one.group.commit_max
        reads += one.group.reads_done
        snapshots += one.group.snapshots
    # The runs must reach what they are there for.
    assert terms > 60
    assert commits > 600
    assert reads > 200
    assert snapshots > 0


def test_equal_seeds_give_equal_runs(harness: ModuleType) -> None:
    trails: list[list[str]] = []
    for _ in range(2):
        one = Run(harness, 11, 5)
        for _ in range(2000):
            one.step()
        trails.append(one.group.events)
    assert trails[0] == trails[1]
    assert len(trails[0]) > 100


def test_every_message_has_a_handler() -> None:
    assert sorted(kind.__name__ for kind in HANDLERS) == sorted(kind.__name__ for kind in get_args(Message))


def member(missing_to: int = 0) -> Raft:
    config = RaftConfig(node=1, voters=(1, 2, 3), election_ticks=10, heartbeat_ticks=2, campaign_ticks=4)
    entries = [Entry(1, b""), Entry(2, b"a"), Entry(2, b"b")]
    return Raft(config, Prng(1), HardState(3, 2, 7), 5, 1, entries, missing_to)


def test_it_wakes_up_with_what_the_disk_remembers() -> None:
    raft = member()
    assert (raft.role, raft.term, raft.vote, raft.leader) == (Role.FOLLOWER, 3, 2, 0)
    assert (raft.first_index, raft.last_index, raft.commit, raft.handed) == (6, 8, 7, 5)
    assert [raft.term_at(i) for i in (4, 5, 6, 7, 8, 9)] == [-1, 1, 1, 2, 2, -1]
    assert (raft.entry(5), raft.entry(8), raft.entry(9)) == (None, Entry(2, b"b"), None)
    ready = raft.ready()
    assert ready is not None
    assert ready.save is None
    assert (ready.committed_first, [e.payload for e in ready.committed]) == (6, [b"", b"a"])
    assert raft.ready() is None
    raft.check_invariants()


def test_a_commit_index_beyond_a_log_that_lost_its_end_is_not_believed() -> None:
    config = RaftConfig(node=1, voters=(1, 2, 3))
    raft = Raft(config, Prng(1), HardState(3, 0, 9), 5, 1, [Entry(1, b"")], missing_to=9)
    assert (raft.commit, raft.missing_to) == (6, 9)
    raft.check_invariants()


def test_nothing_missing_is_nothing_to_repair() -> None:
    assert member(missing_to=8).missing_to == 0


def test_committed_entries_come_in_portions() -> None:
    config = RaftConfig(node=1, voters=(1,), committed_bytes_max=3)
    raft = Raft(config, Prng(1), HardState(1, 1, 4), 0, 0, [Entry(1, b"xx") for _ in range(4)])
    portions = []
    while ready := raft.ready():
        portions.append((ready.committed_first, len(ready.committed), ready.more))
    assert portions == [(1, 1, True), (2, 1, True), (3, 1, True), (4, 1, False)]


def test_only_what_is_handed_out_is_forgotten() -> None:
    raft = member()
    raft.compact(8)
    assert raft.first_index == 6
    raft.ready()
    raft.compact(8)
    assert (raft.first_index, raft.term_at(7), raft.term_at(8)) == (8, 2, 2)
    assert 0 < raft.bytes_in_memory < 200


def test_inputs_that_only_a_leader_needs_are_harmless_elsewhere() -> None:
    raft = member()
    raft.ready()
    assert raft.propose(b"x") == 0
    assert not raft.transfer(2)
    assert raft.successor() == 0
    assert raft.match(2) == 0
    assert not raft.transferring
    raft.peer_lost(2)
    raft.peer_up(2)
    raft.want_commit(2)
    raft.snapshot_finished(2, 5, True)
    raft.step(1, Heartbeat(9, 0))
    raft.step(7, Heartbeat(9, 0))
    assert raft.ready() is None


def test_a_wrong_configuration_is_refused() -> None:
    with pytest.raises(AssertionError):
        Raft(RaftConfig(node=4, voters=(1, 2, 3)), Prng(1), HardState(), 0, 0, [])


@pytest.mark.parametrize("name", ["snapshot_keeps_tail"])
def test_conversations(replay: Callable[[str], None], name: str) -> None:
    replay(f"raft/{name}")
