"""Random runs that are about one thing alone, in episodes; and the choice between them and those about everything.

What random runs about everything find once in many thousands of seeds, these find in some hundred.
"""

from types import ModuleType

from paxos_runs import Client, Run  # isort: skip


class Episodes(Run):
    """One run that is about one thing alone, in episodes, each on a key of its own."""

    steps = 12

    def __init__(self, harness: ModuleType, seed: int, theme: str) -> None:
        super().__init__(harness, seed, theme)
        self.drop = 0
        self.more_clients = 0
        self.episodes: list[bytes] = []
        self.share = 50
        """Percent of what is on its way that arrives."""

    def begin_episode(self) -> None:
        pick = self.pick
        self.share, self.reads = pick(25, 40, 60), pick(0, 20)
        self.episodes.append((b"c%d", b"r%d")[pick(0, 1)] % len(self.episodes))
        self.keys = self.episodes[-1:]

    def end_turn(self) -> None:
        self.now += 1
        if self.group.finished:
            self.take_ends()

    def some(self) -> None:
        """A part of what is on its way arrives, another will come late or never."""
        flights, self.group.flights = self.group.flights, []
        if self.reorder:
            self.prng.shuffle(flights)
        for flight in flights:
            chance = self.prng.below(100)
            if chance < self.share:
                self.group.deliver(flight)
            elif chance < self.share + 25:
                self.late.append(flight)
            elif chance < 90:
                self.group.flights.append(flight)
        for node in self.nodes:
            if self.prng.below(5):
                self.group.sync(node)
        self.end_turn()

    def finish(self) -> None:
        """All ends, and every key is read at some nodes."""
        self.copying = 0
        self.delayed.clear()
        for flight in self.late:
            self.group.deliver(flight)
        self.calm(60, self.is_still)
        for client in self.clients:
            if client.history is not None:
                self.close(client, None)
        self.owners.clear()
        self.keys = self.episodes
        self.final_reads(self.nodes[:: len(self.nodes) - 1])


class Losses(Episodes):
    """Lost disks: what a member said in its former life, and when it is heard.

    Some operations get part of their way, a member loses its disk and is walked through by nothing but pages, others get
    on, and then what is late comes.
    """

    def __init__(self, harness: ModuleType, seed: int) -> None:
        super().__init__(harness, seed, "disks")

    def step(self) -> None:
        """One episode."""
        pick = self.pick
        self.begin_episode()
        if pick(0, 1):
            self.operate()
            self.burst()
        for node in self.nodes:
            # Some have been busier than others.
            self.group.desks[node].live.proposer.counter += self.prng.below(pick(1, 12))
        for _ in range(1 + self.prng.below(3)):
            self.operate()
            self.some()
        self.some()
        self.loss()
        self.reads = pick(20, 70)
        for _ in range(4 + self.prng.below(8)):
            (self.operate, self.some, self.some, self.come_late, self.come_late, self.tick)[
                self.prng.below(6)
            ]()
            self.end_turn()
        self.calm(pick(1, 4))

    def loss(self) -> None:
        """A member loses its disk, and is brought back by pages alone, while nothing else moves."""
        voters = self.group.config.voters
        node = voters[self.prng.below(len(voters))]
        self.lost_copies(node)
        self.late += [flight for flight in self.group.flights if flight[0] == node]
        self.group.flights = [flight for flight in self.group.flights if node not in flight[:2]]
        self.group.crash(node)
        self.group.desks[node].lose()
        self.wake(node)
        self.group.learn(node)
        self.count("disks lost")
        for _ in range(40):
            pages = [f for f in self.group.flights if type(f[2]).__name__ in ("Page", "PageReply")]
            self.group.flights = [f for f in self.group.flights if f not in pages]
            for flight in pages:
                self.group.deliver(flight)
            for other in voters:
                self.group.sync(other)
            if not self.group.desks[node].doubting:
                break
            if not pages:
                self.group.tick(node)
        assert not self.group.desks[node].doubting, f"{node} does not catch up"
        self.end_turn()


class Changes(Episodes):
    """Changes of members: who has heard of them when, and what was begun before.

    A register comes into being, and perhaps goes; then the members change while operations, copies of them and late
    messages of all epochs are on their way.
    """

    def __init__(self, harness: ModuleType, seed: int) -> None:
        super().__init__(harness, seed, "members")
        self.very_late = 0
        self.losing = self.pick(0, 0, 1)

    def step(self) -> None:
        """One episode."""
        pick = self.pick
        self.begin_episode()
        self.copying, self.deletes = pick(0, 40), pick(0, 30)
        for _ in range(pick(0, 1, 2)):
            self.operate()
            self.burst()
            self.end_turn()
        if pick(0, 1):
            self.removal()
        self.operate()
        self.some()
        self.change()
        self.turmoil(pick(2, 6))
        for _ in range(60):
            if self.group.config.epoch in self.group.rescanned:
                break
            self.rescan()
            self.learn()
            self.turmoil(1)
        self.change()
        self.turmoil(pick(2, 6))
        for node in self.nodes:
            self.group.learn(node)
        self.calm(pick(1, 3))

    def turmoil(self, count: int) -> None:
        """What may happen in the middle of a change."""
        actions = (self.operate, self.operate, self.some, self.some, self.learn, self.learn, self.come_late,
                   self.copy_late, self.rescan, self.tick)  # fmt: skip
        for _ in range(count):
            for _ in range(4):
                actions[self.prng.below(len(actions))]()
                self.end_turn()
            if self.losing and self.prng.below(20) == 0:
                self.lose_disk()
        self.restart()

    def removal(self) -> None:
        """The key is deleted, and its tombstone removed."""
        client = Client(50)
        client.origin = 50_000
        client.seq = len(self.history)
        self.begin(client, self.nodes[0], (b"DEL", self.keys[0]))
        for _ in range(3):
            self.burst()
            self.end_turn()
        if client.history is not None:
            self.close(client, None)
        self.group.desks[self.nodes[1]].live.collect(self.keys[0])
        self.group.turn(self.nodes[1])
        for _ in range(3):
            self.burst()
            self.end_turn()

    def finish(self) -> None:
        """A change that is under way comes to its end."""
        for _ in range(40):
            self.calm(4)
            self.dismiss()
            if not self.group.config.incoming:
                break
            self.rescan()
            self.change()
        assert not self.group.config.incoming, "a change does not come to its end"
        super().finish()


def run(harness: ModuleType, seed: int, theme: str = "") -> Run:
    """One run, judged. ``theme``: this one, and not what the seed says; "losses" and "changes" go by episodes."""
    one: Run
    if theme == "losses":
        one = Losses(harness, seed)
    elif theme == "changes":
        one = Changes(harness, seed)
    else:
        one = Run(harness, seed, theme)
    for _ in range(one.steps):
        one.step()
    one.finish()
    complaints = one.judge()
    assert not complaints, f"seed {seed}:\n" + "\n".join(complaints)
    return one
