"""Long random runs of a group in memory, with every fault; the membership may change all the time.

A run draws its own mix of faults from its seed: messages are delayed, reordered, repeated and lost, links
break, members crash with any part of what was on its way to the disk, logs are compacted, leadership is
handed over. After every single input the group is judged (see ``harness.Group``). In the end everything
heals, and the group must commit something new.
"""

from types import ModuleType

from trivet.core.base.prng import Prng
from trivet.core.raft.state import Role

STEPS = 3000


class Run:
    """One random run."""

    def __init__(self, harness: ModuleType, seed: int, size: int) -> None:
        self.seed = seed
        self.prng = Prng(seed)
        # Small windows and messages make the limits part of every run.
        self.group = harness.Group(
            size, seed, election_ticks=10, heartbeat_ticks=2, campaign_ticks=4, disk_patience_ticks=30,
            inflight_messages_max=4, append_bytes_max=40, committed_bytes_max=40, read_rounds_max=2,
            quiet_ticks=(0, 4, 0)[seed % 3],
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
        self.steps = STEPS

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
                    self.group.watch(node)
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
                group.watch(node)
                group.tick(node)
            for _ in range(6):
                flights, group.flights = group.flights, []
                for flight in flights:
                    group.deliver(flight)
                for node in self.nodes:
                    group.sync(node)

    def members(self) -> list[int]:
        """Who has to catch up in the end."""
        return self.nodes

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
        members = self.members()
        self.group.read(members[0], self.asked)
        self.calm(10)
        assert self.group.reads_done == done + 1
        for node in members:
            raft = self.group.desks[node].live
            assert raft.handed >= index, f"{node} does not catch up"
            assert raft.leader == leaders[0]
            assert self.group.desks[node].disk.term_at(index) == raft.term


class ChangingRun(Run):
    """One random run of a group whose membership changes."""

    def __init__(self, harness: ModuleType, seed: int) -> None:
        super().__init__(harness, seed, (3, 3, 1, 5)[seed % 4])
        for node in range(len(self.nodes) + 1, 7):
            self.group.join(node)
        self.nodes = list(self.group.desks)
        self.forgotten = 0
        calm = self.pick(0, 1)
        """Half of the runs are calm enough for long chains of changes."""
        kept = [(w // 4 if calm and a in (self.crash, self.isolate, self.lost) else w, a)
                for w, a in self.weights if a != self.rot]  # fmt: skip
        self.weights = [
            *kept,
            (800, self.deliver),
            (self.pick(100, 300), self.change),
            (self.pick(20, 60), self.forget),
        ]
        self.total = sum(weight for weight, _ in self.weights)
        self.steps = 4 * STEPS

    def change(self) -> None:
        """Whoever believes to lead is asked for another membership, mostly a possible one."""
        node = self.leader()
        if not node:
            return
        raft = self.group.desks[node].live
        voters, learners = list(raft.membership.voters), list(raft.membership.learners)
        for _ in range(1 + self.prng.below(4)):
            other = self.nodes[self.prng.below(len(self.nodes))]
            if other not in voters and other not in learners:
                learners.append(other)
            elif other in learners:
                if raft.is_caught_up(other) or not self.prng.below(8):
                    learners.remove(other)
                    if self.prng.below(8):
                        voters.append(other)
            elif len(voters) > 1 and self.prng.below(2):
                voters.remove(other)
                if self.prng.below(2):
                    learners.append(other)
        raft.propose_membership(tuple(voters), tuple(learners))
        self.group.turn(node)

    def forget(self) -> None:
        """Someone who was removed, as everybody knows who could know, is wiped; most come back."""
        index, committed = self.group.newest_committed
        node = self.nodes[self.prng.below(len(self.nodes))]
        for desk in self.group.desks.values():
            at, newest = desk.newest_membership()
            if at > index and node in newest.members():
                return
        if node not in committed.members() and self.group.desks[node].disk.last_index:
            self.group.forget(node)
            self.forgotten += 1

    def members(self) -> list[int]:
        leaders = [n for n in self.nodes if self.group.desks[n].live.role is Role.LEADER]
        assert len(leaders) == 1, "no leader, though nothing fails any more"
        raft = self.group.desks[leaders[0]].live
        assert not raft.changing, "a change is not brought to its end"
        return list(raft.membership.members())


def run(harness: ModuleType, seed: int) -> Run:
    """One run of a group whose membership stays."""
    return play(Run(harness, seed, (3, 3, 5, 3, 5, 1)[seed % 6]))


def play(one: Run) -> Run:
    """All steps, and the end."""
    for _ in range(one.steps):
        one.step()
        one.group.events.clear()
    one.finish()
    return one


def run_with_changes(harness: ModuleType, seed: int) -> ChangingRun:
    """One run of a group whose membership changes."""
    one = ChangingRun(harness, seed)
    play(one)
    return one
