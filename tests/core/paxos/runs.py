"""Long random runs of a group in memory, with every fault; members and disks may change all the time.

A run draws its own mix of faults from its seed: messages are delayed (some for very long), reordered,
repeated and lost, links break, nodes crash with any part of what was on its way to the disk, disks are
lost, members change, tombstones are collected. Clients do one operation at a time; they may send copies of
it to several nodes, at any time, even long after they have given it up. In the end everything heals; every
key is read at every node, and a judge who knows nothing of all this looks at the history.
"""

from types import ModuleType

from trivet.core.base.prng import Prng
from trivet.core.paxos.config import GroupConfig
from trivet.core.paxos.operation import Operation as Op
from trivet.core.paxos.operation import Outcome as End
from trivet.lab.history import Operation, Outcome
from trivet.lab.judges.linearizability import judge
from trivet.lab.resp import OK

KEYS = (b"c1", b"c2", b"r1", b"r2")
"""Counters and registers."""
THEMES = ("mixed", "crashes", "disks", "members", "removals", "copies")
"""What a run has more of."""
JUDGE_BUDGET = 100_000


class Client:
    """One origin: one operation at a time."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.origin = 1000 + number
        self.seq = 0
        self.history: Operation | None = None
        self.command: tuple[bytes, ...] = ()
        self.since = 0
        self.copies = 0
        """Copies under way."""
        self.always_sole = False
        """No copy of it was sent so far."""
        self.sole = False
        """The next copy is sent when the one before has ended."""
        self.age = 0
        self.known: dict[bytes, int] = {}
        """Key -> a version of it that it has seen."""


class Run:
    """One random run."""

    steps = 1500

    def __init__(self, harness: ModuleType, seed: int, theme: str = "") -> None:
        self.harness = harness
        self.seed = seed
        self.prng = Prng(seed * 7919 + 17)
        pick = self.pick
        theme = theme or THEMES[self.prng.below(len(THEMES))]
        self.theme = theme
        size = pick(3, 3, 3, 5)
        self.changing = theme == "members" or pick(0, 0, 0, 1)
        removals = theme in ("removals", "members")
        self.group = harness.Group(
            size, size + 2 if self.changing or theme == "disks" else size, seed, patience_ticks=pick(2, 4), backoff_ticks_max=4,
            operation_ticks=pick(8, 20, 50), tombstone_ticks=1 if removals else pick(1, 3, 10),
            collect_ticks=pick(10, 30), bare_max=pick(1, 1, 100), promises_max=pick(1, 100),
            page_keys_max=pick(1, 2, 100), message_bytes_max=pick(1, 200, 10000), flights_max=pick(1, 2, 100),
            origins_max=pick(1, 2, 16) if theme == "copies" else pick(2, 16),
        )  # fmt: skip
        self.group.events = None
        self.group.as_bytes = pick(0, 0, 0, 1) == 1
        self.group.checks = 17
        self.nodes = list(self.group.desks)
        self.clients = [Client(i) for i in range(pick(2, 4, 6))]
        self.more_clients = theme == "copies" or pick(0, 0, 0, 1)
        """Now and then an origin is replaced by a new one: registers forget the old ones."""
        self.keys = (KEYS[:1], KEYS[2:3], KEYS[1:3], KEYS)[
            2 + pick(0, 1) if theme == "copies" else pick(0, 1, 2, 3)
        ]
        self.history: list[Operation] = []
        self.now = 0
        self.written = 0
        self.late: list[tuple[int, int, object]] = []
        """Messages that come very late."""
        self.delayed: list[tuple[int, bytes, tuple[bytes, ...], int, int, int, Client]] = []
        """Copies of operations that come very late."""
        self.owners: dict[int, tuple[Client, int, Operation]] = {}
        self.next_id = 0
        self.drop = pick(0, 0, 5, 20)
        self.repeat = pick(0, 0, 10)
        self.very_late = pick(2, 8) if removals else pick(0, 3, 8)
        self.reorder = pick(0, 1, 1)
        self.copying = (
            pick(10, 30) if theme == "copies" else pick(0, 20) if theme == "members" else pick(0, 0, 10)
        )
        self.deletes = pick(30, 50) if removals or theme == "copies" else pick(0, 10, 30)
        self.reads = pick(5, 20, 40)
        self.home = pick(0, 1)
        """Half of the runs send most operations on a key to one node, so that it keeps promises."""
        self.counts: dict[str, int] = {}
        crash = pick(15, 40) if theme == "crashes" else pick(0, 0, 2, 8)
        self.weights = [
            (500, self.deliver), (pick(20, 50, 100), self.tick), (pick(60, 150, 250), self.sync),
            (pick(50, 100, 200), self.operate), (crash, self.crash), (pick(20, 50), self.restart),
            (pick(0, 3, 8), self.cut), (pick(3, 8), self.heal), (pick(0, 2, 10, 25), self.burst),
            (pick(8, 15) if theme == "disks" else pick(0, 0, 0, 2), self.lose_disk),
            (pick(20, 60) if theme == "disks" else pick(5, 20), self.come_late), (pick(2, 10), self.copy_late),
            (pick(5, 20) if removals else pick(0, 3), self.collect), (pick(0, 2), self.scan),
            (pick(0, 0, 3), self.compact),
        ]  # fmt: skip
        if self.changing:
            self.weights += [
                (pick(8, 20), self.change),
                (pick(40, 80), self.learn),
                (pick(10, 30), self.rescan),
            ]
        if theme == "disks":
            self.gently()
        self.total = sum(weight for weight, _ in self.weights)

    def gently(self) -> None:
        """Only disks are lost, while much is on its way.

        What was said in former lives must not be drowned.
        """
        self.drop = self.repeat = 0
        self.reorder = 1
        self.very_late = self.pick(5, 10, 20)
        self.home = 0
        self.keys = self.keys[:1]
        instead = {self.crash: 0, self.cut: 0, self.lose_disk: self.pick(10, 20), self.come_late: self.pick(20, 60),
                   self.operate: 150, self.sync: 250, self.restart: 50}  # fmt: skip
        self.weights = [(instead.get(action, weight), action) for weight, action in self.weights]

    def pick(self, *choices: int) -> int:
        return choices[self.prng.below(len(choices))]

    def count(self, what: str) -> None:
        self.counts[what] = self.counts.get(what, 0) + 1

    def step(self) -> None:
        self.now += 1
        at = self.prng.below(self.total)
        for weight, action in self.weights:
            if at < weight:
                action()
                break
            at -= weight
        if self.group.finished:
            self.take_ends()

    def someone(self) -> int:
        """A node that lives, or 0."""
        node = self.nodes[self.prng.below(len(self.nodes))]
        return node if self.group.desks[node].paxos is not None else 0

    # --- network, time, disks ------------------------------------------------------------

    def deliver(self) -> None:
        flights = self.group.flights
        if not flights:
            return
        prng = self.prng
        position = prng.below(min(len(flights), 12)) if self.reorder else 0
        flight = flights[position]
        chance = prng.below(100)
        if chance < self.very_late:
            self.late.append(flight)
            if len(self.late) > 60:
                del self.late[prng.below(len(self.late))]
            if prng.below(2):
                del flights[position]
                return
        if chance >= self.repeat:
            del flights[position]
        if prng.below(100) >= self.drop:
            self.group.deliver(flight)
        if len(flights) > 300:
            del flights[: len(flights) // 2]

    def come_late(self) -> None:
        if self.late:
            position = self.prng.below(len(self.late))
            flight = self.late[position] if self.prng.below(3) == 0 else self.late.pop(position)
            self.group.deliver(flight)

    def tick(self) -> None:
        if self.prng.below(4):
            for node, desk in self.group.desks.items():
                if desk.paxos is not None:
                    self.group.tick(node)
        elif node := self.someone():
            self.group.tick(node)

    def burst(self) -> None:
        """For a moment all is well: what is on its way arrives, and is saved."""
        for _ in range(2 + self.prng.below(4)):
            flights, self.group.flights = self.group.flights, []
            for flight in flights:
                self.group.deliver(flight)
            for node, desk in self.group.desks.items():
                if desk.paxos is not None:
                    self.group.sync(node)

    def sync(self) -> None:
        waiting = [n for n, d in self.group.desks.items() if d.paxos is not None and d.queue]
        if waiting:
            self.group.sync(waiting[self.prng.below(len(waiting))], 1 + self.prng.below(3))

    def crash(self) -> None:
        node = self.someone()
        unsynced = [n for n, d in self.group.desks.items() if d.paxos and d.queue]
        if unsynced and self.prng.below(2):
            node = unsynced[self.prng.below(len(unsynced))]
        if node:
            self.count("crashes")
            self.lost_copies(node)
            self.group.crash(node, self.prng.below(3) if self.prng.below(2) else 0)
            if self.prng.below(3):
                self.wake(node)

    def lost_copies(self, node: int) -> None:
        """The operations of a node end with its life: nobody will hear of them."""
        for op_id, (client, at, history) in list(self.owners.items()):
            if at == node:
                del self.owners[op_id]
                if client.history is history:
                    client.copies -= 1
                    self.give_up(client)

    def restart(self) -> None:
        for node, desk in self.group.desks.items():
            if desk.paxos is None:
                self.wake(node)
                return

    def wake(self, node: int) -> None:
        self.group.restart(node)
        if self.prng.below(2):
            self.hear(node)

    def lose_disk(self) -> None:
        """Never while another member has not got over its own loss: nobody survives that."""
        self.dismiss()
        if any(d.doubting for d in self.group.desks.values()):
            return
        voters = self.group.config.voters
        node = voters[self.prng.below(len(voters))] if self.prng.below(4) else self.someone()
        if node and self.group.desks[node].paxos is not None:
            self.count("disks lost")
            self.lost_copies(node)
            self.group.crash(node)
            self.group.desks[node].lose()
            for flight in [f for f in self.group.flights if f[0] == node and self.prng.below(2)]:
                # What it said in its former life arrives long after.
                self.group.flights.remove(flight)
                self.late.append(flight)
            if self.prng.below(3):
                self.wake(node)
                self.hear(node)

    def dismiss(self) -> None:
        """Who lost its disk and is no member has nothing to get over."""
        for node, desk in self.group.desks.items():
            if desk.doubting and not self.group.config.joined(node):
                self.lost_copies(node)
                self.group.dismiss(node)

    def cut(self) -> None:
        a, b = (self.nodes[self.prng.below(len(self.nodes))] for _ in range(2))
        self.group.cut[(a, b)] = True
        if self.prng.below(2):
            self.group.cut[(b, a)] = True

    def heal(self) -> None:
        self.group.cut.clear()

    def compact(self) -> None:
        if node := self.someone():
            self.group.compact(node)

    # --- clients -------------------------------------------------------------------------

    def operate(self) -> None:
        client = self.clients[self.prng.below(len(self.clients))]
        if client.history is not None:
            client.age += 1
            if (
                self.copying
                and self.prng.below(100) < self.copying
                and client.copies < (1 if client.sole else 3)
            ):
                client.sole = False
                self.send(client, self.someone(), False)
            elif client.age > 12 and self.prng.below(4) == 0:
                self.close(client, None)
            return
        if node := self.someone():
            key = self.keys[self.prng.below(len(self.keys))]
            if self.home and self.prng.below(5):
                home = self.nodes[(self.seed + key[1]) % len(self.nodes)]
                node = home if self.group.desks[home].paxos is not None else node
            self.begin(client, node, self.command_for(key))

    def command_for(self, key: bytes) -> tuple[bytes, ...]:
        chance = self.prng.below(100)
        if chance < self.reads:
            return (b"GET", key)
        if self.prng.below(100) < self.deletes:
            return (b"DEL", key)
        if key[:1] == b"c":
            return (b"INCR", key)
        self.written += 1
        value = b"w%d" % self.written
        name = (b"GETSET", b"GETSET", b"SET", b"SETNX")[self.prng.below(4)]
        return (name, key, value)

    def begin(self, client: Client, node: int, command: tuple[bytes, ...]) -> None:
        if self.more_clients and self.prng.below(3) == 0:
            client.origin += 1000
            client.seq = 0
        client.seq += 1
        client.command = command
        client.age = 0
        client.copies = 0
        floor = self.group.desks[node].live.floor_version
        client.since = max(client.known.get(command[1], 0), self.pick(0, floor, floor))
        client.history = Operation(
            len(self.history), client.number, 0, node, (command,), (command[1],), self.now
        )  # fmt: skip
        self.history.append(client.history)
        client.sole = client.number >= 100 or self.prng.below(3) > 0
        client.always_sole = client.sole
        self.send(client, node, client.sole)

    def send(self, client: Client, node: int, fresh: bool) -> None:
        """One copy of the client's operation."""
        if not node:
            return
        if not fresh:
            client.always_sole = False
        if not fresh and self.copying and self.prng.below(3) == 0:
            copy = (node, client.command[1], client.command, client.origin, client.seq, client.since, client)
            self.delayed.append(copy)
            return
        self.next_id += 1
        client.copies += 1
        self.owners[self.next_id] = (client, node, client.history)
        self.submit(node, self.next_id, client.command, client.origin, client.seq, client.since, fresh)

    def submit(
        self,
        node: int,
        op_id: int,
        command: tuple[bytes, ...],
        origin: int,
        seq: int,
        since: int,
        fresh: bool,
    ) -> None:
        change = self.harness.change_of(command)
        reads = self.harness.is_read(command)
        operation = Op(op_id, command[1], change, reads, 0 if reads else origin, seq, since, fresh)
        self.group.submit(node, operation)

    def copy_late(self) -> None:
        """A copy arrives of which nobody waits for the answer any more, perhaps."""
        if self.delayed:
            copy = self.delayed.pop(self.prng.below(len(self.delayed)))
            node, _, command, origin, seq, since, _ = copy
            if self.group.desks[node].paxos is not None:
                self.submit(node, 0, command, origin, seq, since, False)

    def take_ends(self) -> None:
        finished, self.group.finished = self.group.finished, []
        for _, operation in finished:
            if operation.op_id not in self.owners:
                continue
            client, _, history = self.owners.pop(operation.op_id)
            if operation.outcome is End.OK:
                client.known[operation.key] = max(client.known.get(operation.key, 0), operation.version)
            if client.history is not history:
                continue
            client.copies -= 1
            self.count(operation.outcome.name)
            if operation.outcome is End.OK:
                self.close(client, operation)
            else:
                self.give_up(client, definite=operation.outcome is End.DEFINITE)

    def give_up(self, client: Client, definite: bool = False) -> None:
        """One copy came to nothing. The operation is open as long as there are others."""
        history = client.history
        if history is None:
            return
        if definite and client.always_sole:
            history.outcome = Outcome.FAIL  # it has not happened: the judge leaves it out
            client.history = None
        elif client.copies <= 0 and self.prng.below(2):
            self.close(client, None)

    def close(self, client: Client, operation: Op | None) -> None:
        """The client has its answer, or waits no longer."""
        history = client.history
        assert history is not None
        client.history = None
        if operation is None:
            history.outcome = Outcome.INFO
            return
        history.return_us = self.now
        history.outcome = Outcome.OK
        history.replies = (reply_of(operation.reply),)

    # --- members -------------------------------------------------------------------------

    def change(self) -> None:
        """The map begins a change, or brings one to its end when everything has been carried over."""
        config = self.group.config
        if config.incoming:
            if config.epoch in self.group.rescanned:
                self.count("changes")
                self.config(config.incoming, ())
            return
        voters = list(config.voters)
        outside = [n for n in self.nodes if n not in voters]
        for _ in range(1 + self.prng.below(2)):
            if outside:
                position = self.prng.below(len(voters))
                chosen = outside.pop(self.prng.below(len(outside)))
                voters[position] = chosen
        self.config(config.voters, tuple(voters))

    def config(self, voters: tuple[int, ...], incoming: tuple[int, ...]) -> None:
        before = self.group.config
        epoch = before.epoch + 1
        since = [(n, before.joined(n) or epoch) for n in sorted({*voters, *incoming})]
        self.group.config = GroupConfig(epoch, voters, incoming, tuple(since))
        self.group.configs.append(self.group.config)
        self.group.watch.config(self.group.config)

    def learn(self) -> None:
        if node := self.someone():
            self.hear(node)

    def hear(self, node: int) -> None:
        """The map has come to ``node``, or one that is not the newest any more."""
        configs = self.group.configs
        self.group.learn(node, configs[-1 - self.prng.below(min(len(configs), self.pick(1, 1, 3, 6)))])

    def rescan(self) -> None:
        node = self.someone()
        if not node or not self.group.config.incoming:
            return
        paxos = self.group.desks[node].live
        if paxos.epoch == self.group.config.epoch and (not paxos.rescanning or self.prng.below(10) == 0):
            paxos.rescan()
            self.group.turn(node)

    def collect(self) -> None:
        """Somebody collects without waiting."""
        if node := self.someone():
            self.group.desks[node].live.collect(self.keys[self.prng.below(len(self.keys))])
            self.group.turn(node)

    def scan(self) -> None:
        if node := self.someone():
            self.group.desks[node].live.scan(1, None, 2)
            self.group.turn(node)
            self.group.scans.clear()

    # --- the end -------------------------------------------------------------------------

    def calm(self, rounds: int, until: object = None) -> None:
        """Nothing fails any more: time passes, everything arrives and is saved."""
        group = self.group
        for _ in range(rounds):
            for node, desk in group.desks.items():
                if desk.paxos is None:
                    group.restart(node)
                group.learn(node)
                group.tick(node)
            for _ in range(8):
                flights, group.flights = group.flights, []
                for flight in flights:
                    group.deliver(flight)
                for node in self.nodes:
                    group.sync(node)
                self.now += 1
                if group.finished:
                    self.take_ends()
                if not group.flights:
                    break
            if until is not None and until():
                return

    def finish(self) -> None:
        """In bounded time everything works again, and what is deleted is gone."""
        self.group.cut.clear()
        self.delayed.clear()
        self.drop = self.repeat = 0
        self.calm(8)
        for flight in self.late:
            self.group.deliver(flight)
        for _ in range(60):
            self.calm(4)
            self.dismiss()
            config = self.group.config
            if config.incoming and config.epoch in self.group.rescanned:
                self.config(config.incoming, ())
            elif config.incoming:
                node = config.incoming[0]
                if not self.group.desks[node].live.rescanning:
                    self.group.desks[node].live.rescan()
                    self.group.turn(node)
            elif self.is_still():
                break
        assert not self.group.config.incoming, "a change does not come to its end"
        doubtful = [n for n, d in self.group.desks.items() if d.live.doubtful]
        assert not doubtful, f"{doubtful} remain doubtful"
        for client in self.clients:
            if client.history is not None:
                self.close(client, None)
        self.owners.clear()
        self.final_reads(self.nodes)
        self.final_deletes()

    def is_still(self) -> bool:
        return not self.owners and not any(
            d.live.underway or d.live.doubtful for d in self.group.desks.values()
        )

    def final_reads(self, nodes: list[int]) -> None:
        """Every key at every node: all must answer."""
        there: dict[bytes, bool] = {}
        for key in self.keys:
            for node in nodes:
                client = Client(100 + node)
                client.origin = 90000 + node
                client.seq = self.next_id
                self.begin(client, node, (b"GET", key))
                self.calm(40, lambda c=client: c.history is None)
                assert client.history is None, f"{node} cannot read {key!r} though nothing fails any more"
                there[key] = self.history[-1].replies[0] is not None
        self.group.scans.clear()
        self.group.unsure.clear()
        self.group.desks[self.nodes[-1]].live.scan(7, None, 2)
        self.group.turn(self.nodes[-1])
        self.calm(6)
        wanted = sorted(key for key, is_there in there.items() if is_there)
        found, unsure = self.group.scans.get(7, []), self.group.unsure.get(7, [])
        found += [key for key in unsure if there[key]]
        assert sorted(found) == wanted, f"a scan gives {found}, unsure {unsure}, of {wanted}"

    def final_deletes(self) -> None:
        for key in self.keys:
            client = Client(200)
            client.origin = 99000
            client.seq = self.next_id
            for _ in range(2):
                # A promise kept from before a removal may make the first one indefinite.
                self.begin(client, self.nodes[0], (b"DEL", key))
                self.calm(40, lambda c=client: c.history is None)
                if client.history is None and self.history[-1].outcome is Outcome.OK:
                    break
                client.history = None
                client.seq += 1
            assert self.history[-1].outcome is Outcome.OK, (
                f"{key!r} cannot be deleted though nothing fails any more"
            )
        desks = [self.group.desks[n] for n in self.group.config.voters]

        def all_gone() -> bool:
            return not any(d.live.acceptor.registers.tombstones for d in desks)

        self.calm(300, all_gone)
        assert all_gone(), "tombstones are not collected"

    def judge(self) -> list[str]:
        """What the judge has to say."""
        complaints, unknown = judge(self.history, budget=JUDGE_BUDGET)
        for _ in range(unknown):
            self.count("unknown")
        return [complaint.text() for complaint in complaints]


def reply_of(reply: bytes) -> object:
    """In the judge's terms."""
    if reply == b"+OK":
        return OK
    if reply == b"$-":
        return None
    return int(reply[1:]) if reply[:1] == b":" else reply[1:]
