"""Groups of mode ``paxos`` on several nodes, between links that lose, delay and break, with disks that forget.

What nodes say travels as encoded messages; what they save as encoded records, of which a crash keeps a part.
Chance comes from one seed. Clients do one command at a time, each at its node; the lab's judge, which knows
nothing of registers, looks at what they saw. Members change, disks are lost, clocks differ.
"""

import heapq
from collections import deque
from typing import Any

import msgspec

from trivet.core.access.users import Users
from trivet.core.base.buggify import Buggify
from trivet.core.base.limits import Limits
from trivet.core.base.prng import Prng
from trivet.core.group.agenda import Agenda
from trivet.core.group.paxos_group import PaxosGroup
from trivet.core.group.register_messages import RegisterMessage, Submit, Submitted
from trivet.core.group.run import Run
from trivet.core.group.settings import GroupSettings
from trivet.core.machine.entry import encode_calls
from trivet.core.paxos.ballot import proposer_of
from trivet.core.paxos.config import GroupConfig
from trivet.core.paxos.paxos import Paxos
from trivet.core.paxos.ready import Save, SavedRecord
from trivet.core.paxos.settings import PaxosSettings
from trivet.core.script.scripts import Scripts
from trivet.core.wire.reply import Error, Simple
from trivet.lab.history import Operation, Outcome
from trivet.lab.judges.linearizability import judge
from trivet.lab.resp import OK, ReplyError

STEP_MS = 5
TICK_MS = 20
START_WALL_MS = 1_700_000_000_000
DB = 7
LIMITS = Limits()
TIMEOUT_MS = 600
RESEND_MS = 120
SKEW_MS = 150
"""How far clocks are off, at most."""
JUDGE_BUDGET = 30_000

_encoder = msgspec.msgpack.Encoder()
_messages = msgspec.msgpack.Decoder(RegisterMessage)
_records = msgspec.msgpack.Decoder(list[SavedRecord])


class System:
    """What a group asks of the system group's machine."""

    def __init__(self) -> None:
        self.users = Users()
        self.scripts = Scripts()
        self.settings = self
        self.notifies = 0


class MemoryLog:
    """As ``RegisterLog``: what it was given is durable when the world says so."""

    def __init__(self, durable: list[bytes]) -> None:
        self.durable = durable
        self.staged: deque[tuple[int, bytes]] = deque()
        self.saved = 0
        self.full = False
        self.busy = False
        self.wants_turn = False
        self.settled = 0
        self.bytes = 0

    @property
    def waits_for_log(self) -> bool:
        return bool(self.staged)

    def save(self, save: Save) -> None:
        self.staged.append((save.save_id, _encoder.encode(save.records)))
        self.bytes += len(self.staged[-1][1])

    def sync(self, count: int) -> None:
        """The oldest ``count`` are on the disk."""
        for _ in range(min(count, len(self.staged))):
            self.saved, data = self.staged.popleft()
            self.durable.append(data)

    def on_synced(self) -> int:
        saved, self.saved = self.saved, 0
        return saved

    def step(self, paxos: Paxos, now_ms: int) -> None:
        pass

    def settle(self) -> None:
        self.settled += 1


class Host:
    """One node."""

    def __init__(self, number: int, skew_ms: int) -> None:
        self.number = number
        self.lives = 0
        self.skew_ms = skew_ms
        self.agenda = Agenda()
        self.disk: list[bytes] = []
        self.doubting = False
        self.group: PaxosGroup | None = None
        self.up: dict[int, None] = {}
        """Nodes to which its link is up."""
        self.next_tick_ms = 0

    @property
    def live(self) -> PaxosGroup:
        assert self.group is not None
        return self.group

    @property
    def log(self) -> MemoryLog:
        log: Any = self.live.log
        assert isinstance(log, MemoryLog)
        return log


class Asking:
    """Whoever waits for one run."""

    def __init__(self, writes: bool) -> None:
        self.run = Run(self, writes)

    def run_done(self) -> None:
        pass


class Client:
    """One client of one node; a command at a time."""

    def __init__(self, world: "World", number: int, node: int) -> None:
        self.world = world
        self.number = number
        self.node = node
        self.run: Run | None = None
        self.operation: Operation | None = None
        self.steps: list[tuple[bool, list[bytes]]] = []
        """Of a compare-and-set: (writes, call), to come."""
        self.expected: bytes | None = None

    def run_done(self) -> None:
        assert self.run is not None and self.run.replies is not None
        run, self.run = self.run, None
        assert run.replies is not None and len(run.replies) == 1
        self.world.answered(self, run.replies[0])

    def send(self, writes: bool, call: list[bytes]) -> None:
        group = self.world.hosts[self.node].live
        run = self.run = Run(self, writes)
        run.add((DB, call), sum(map(len, call)) + 32)
        if writes:
            group.write(run, self.world.now_ms)
        else:
            group.read(run, self.world.now_ms)


class World:
    """See the module."""

    def __init__(
        self, seed: int, members: int = 3, nodes: int = 4, skew_ms: int = 0, buggify: Buggify | None = None,
        **settings: int,
    ) -> None:  # fmt: skip
        self.prng = Prng(seed * 7919 + 5)
        self.buggify = buggify
        self.settings = settings
        self.now_ms = 1_000
        self.order = 0
        self.flights: list[tuple[int, int, int, int, int, bytes]] = []
        """(due, order, from, to, the sender's link number, message)."""
        self.links: dict[tuple[int, int], int] = {}
        """(from, to) -> number of the link, which rises when it breaks."""
        self.arrives: dict[tuple[int, int], int] = {}
        """(from, to) -> when the last message arrives: links keep the order."""
        self.cuts: dict[tuple[int, int], int] = {}
        """(node, node) -> until when."""
        self.history: list[Operation] = []
        self.written = 0
        self.config = GroupConfig(1, tuple(range(1, members + 1)))
        self.configs = [self.config]
        self.counts: dict[str, int] = {}
        self.drop = self.late = 0
        """Of 1000 messages, so many are lost, or come late."""
        self.slow_disks = 1
        """In one of so many steps a disk has written something."""
        self.hosts = {
            number: Host(number, self.prng.below(2 * skew_ms + 1) - skew_ms) for number in range(1, nodes + 1)
        }
        self.down: dict[int, int] = {}
        """Node -> when it starts again."""
        self.clients: list[Client] = []
        for number in self.hosts:
            self.start(number)

    def count(self, what: str, by: int = 1) -> None:
        self.counts[what] = self.counts.get(what, 0) + by

    # -- nodes ---------------------------------------------------------------------------------------

    def start(self, number: int) -> None:
        """A new life of a node, from what its disk has."""
        host = self.hosts[number]
        host.lives += 1
        prng = self.prng.fork()
        settings = PaxosSettings(
            node=number, proposer=proposer_of(number, 1_790_000_000_000 + host.lives),
            operation_ticks=TIMEOUT_MS // TICK_MS, **self.settings,
        )  # fmt: skip
        records = [record for data in host.disk for record in _records.decode(data)]
        paxos = Paxos(settings, prng.fork(), records, host.doubting)
        host.agenda = Agenda()
        host.agenda.now_ms = self.now_ms
        log: Any = MemoryLog(host.disk)
        system: Any = System()
        group_settings = GroupSettings(5, number, host.lives, TIMEOUT_MS, RESEND_MS, LIMITS)
        host.group = PaxosGroup(
            group_settings, host.agenda, paxos, log, lambda: system, prng.fork(), self.buggify
        )
        host.group.learn(self.configs[-1 - self.prng.below(min(2, len(self.configs)))])
        host.up = {}
        host.next_tick_ms = self.now_ms + self.prng.below(TICK_MS)
        for other in self.hosts.values():
            if other.group is not None and other is not host and not self.is_cut(number, other.number):
                self.connect(number, other.number)
                self.connect(other.number, number)

    def crash(self, number: int, loses_disk: bool = False) -> None:
        """It keeps a part of what was on its way to the disk."""
        host = self.hosts[number]
        self.count("crashes")
        host.log.sync(self.prng.below(len(host.log.staged) + 1))
        self.note_doubts(host)
        host.group = None
        self.down[number] = self.now_ms + 20 + self.prng.below(400)
        if loses_disk:
            self.count("lost disks")
            host.disk = []
            host.doubting = True
        for client in self.clients:
            if client.node == number and client.operation is not None:
                client.operation.outcome = Outcome.INFO
                client.operation = client.run = None
                client.steps = []
        for other in self.hosts:
            self.links[(number, other)] = self.links.get((number, other), 0) + 1
            if other != number:
                self.disconnect(other, number)

    def note_doubts(self, host: Host) -> None:
        """It has caught up, and its disk says so."""
        if host.doubting and host.log.settled:
            host.doubting = False

    def connect(self, number: int, peer: int) -> None:
        host = self.hosts[number]
        if peer not in host.up:
            host.up[peer] = None
            self.links[(number, peer)] = self.links.get((number, peer), 0) + 1
            host.live.on_peer_up(peer)

    def disconnect(self, number: int, peer: int) -> None:
        host = self.hosts[number]
        if host.group is not None:
            host.up.pop(peer, None)
            self.links[(number, peer)] = self.links.get((number, peer), 0) + 1
            host.live.on_peer_lost(peer)

    def is_cut(self, one: int, other: int) -> bool:
        return self.cuts.get((min(one, other), max(one, other)), 0) > self.now_ms

    def cut(self, one: int, other: int, for_ms: int) -> None:
        """No messages between the two; each hears of it."""
        self.count("cuts")
        self.cuts[(min(one, other), max(one, other))] = self.now_ms + for_ms
        for number, peer in ((one, other), (other, one)):
            self.disconnect(number, peer)

    def isolate(self, number: int, for_ms: int) -> None:
        for other in self.hosts:
            if other != number:
                self.cut(number, other, for_ms)

    # -- messages ----------------------------------------------------------------------------------------

    def post(self, host: Host) -> None:
        """What a group says leaves."""
        for to, message in host.live.outgoing:
            if to not in host.up:
                continue
            kind = type(message)
            self.count(kind.__name__)
            is_of_room = kind not in (Submit, Submitted)
            if self.drop and self.prng.below(1000) < self.drop and is_of_room:
                continue
            delay = 1 + self.prng.below(6)
            link = (host.number, to)
            if self.late and is_of_room and self.prng.below(1000) < self.late:
                due = self.now_ms + delay + self.prng.below(800)
            else:
                due = max(self.now_ms + delay, self.arrives.get(link, 0))
                self.arrives[link] = due
            self.order += 1
            flight = (due, self.order, host.number, to, self.links[link], _encoder.encode(message))
            heapq.heappush(self.flights, flight)
        host.live.sent()

    def deliver(self) -> None:
        while self.flights and self.flights[0][0] <= self.now_ms:
            _, _, sender, to, link, data = heapq.heappop(self.flights)
            host = self.hosts[to]
            if host.group is None or self.is_cut(sender, to):
                continue
            message = _messages.decode(data)
            if link != self.links.get((sender, to)) and type(message) in (Submit, Submitted):
                continue
            host.live.on_message(sender, message)

    # -- clients --------------------------------------------------------------------------------------------

    def begin(self, client: Client, command: tuple[bytes, ...]) -> Operation:
        """A client sends a command."""
        number = len(self.history)
        operation = Operation(
            number, client.number, client.number, client.node, (command,), (command[1],), self.now_ms * 1000
        )
        client.operation = operation
        self.history.append(operation)
        client.send(command[0] not in (b"GET",), list(command))
        return operation

    def compare_and_set(self, client: Client, key: bytes, value: bytes) -> None:
        """WATCH, GET, and a transaction that sets the key if nobody has changed it."""
        name = b"%d" % client.number
        client.steps = [
            (False, [b"GET", key]),
            (True, [b"EXEC", encode_calls([(DB, [b"SET", key, value])]), name]),
        ]
        client.send(True, [b"WATCH", name, key])

    def answered(self, client: Client, reply: Any) -> None:
        """A client has its reply."""
        if client.steps:
            self.go_on(client, reply)
            return
        operation = client.operation
        if operation is None:
            return
        client.operation = None
        if isinstance(reply, Error):
            self.count(reply.text.split(" ", 1)[0])
            code = ReplyError(reply.text).code()
            if code in ("CLUSTERDOWN", "BUSY"):
                operation.outcome = Outcome.FAIL
                return
            if code == "TIMEOUT" or "reply is lost" in reply.text:
                operation.outcome = Outcome.INFO
                return
            raise AssertionError(reply.text)
        command = operation.commands[0]
        if command[0] == b"CAS":
            if not isinstance(reply, list):
                self.count("broken off")
                operation.outcome = Outcome.FAIL
                return
            self.count("compared and set")
            reply = reply[0]
        operation.replies = (value_of(reply),)
        operation.return_us = self.now_ms * 1000
        operation.outcome = Outcome.OK

    def go_on(self, client: Client, reply: Any) -> None:
        """The next step of a compare-and-set."""
        if isinstance(reply, Error):
            client.steps = []
            return
        writes, call = client.steps.pop(0)
        if call[0] == b"EXEC":
            key, value = self.cas_of(call)
            expected = (b"is", reply) if reply is not None else (b"no", b"")
            command = (b"CAS", key, value, *expected)
            number = len(self.history)
            client.operation = Operation(
                number, client.number, client.number, client.node, (command,), (key,), self.now_ms * 1000
            )
            self.history.append(client.operation)
        client.send(writes, call)

    def cas_of(self, call: list[bytes]) -> tuple[bytes, bytes]:
        calls: list[tuple[int, list[bytes]]] = msgspec.msgpack.decode(call[1])
        return calls[0][1][1], calls[0][1][2]

    # -- time ----------------------------------------------------------------------------------------------

    def step(self) -> None:
        """A few milliseconds pass."""
        self.now_ms += STEP_MS
        for number, at_ms in list(self.down.items()):
            if at_ms <= self.now_ms:
                del self.down[number]
                self.start(number)
        for (one, other), until_ms in list(self.cuts.items()):
            if until_ms <= self.now_ms:
                del self.cuts[(one, other)]
                if self.hosts[one].group is not None and self.hosts[other].group is not None:
                    self.connect(one, other)
                    self.connect(other, one)
        self.deliver()
        for host in self.hosts.values():
            if host.group is not None:
                self.run_host(host)

    def run_host(self, host: Host) -> None:
        wall_ms = START_WALL_MS + self.now_ms + host.skew_ms
        if self.now_ms >= host.next_tick_ms:
            host.next_tick_ms = self.now_ms + TICK_MS
            host.agenda.tick(self.now_ms, wall_ms)
        if host.log.staged and self.prng.below(self.slow_disks) == 0:
            host.log.sync(1 + self.prng.below(len(host.log.staged)))
            host.live.on_synced()
        for _ in range(20):
            stirred, host.agenda.stirred = host.agenda.stirred, []
            if not stirred:
                break
            for group in stirred:
                group.turn(self.now_ms, wall_ms)
        host.agenda.check_invariants([host.live])
        self.note_doubts(host)
        if host.live.outgoing:
            self.post(host)
        host.live.events.clear()
        host.live.epoch_wanted = 0

    def run_for(self, for_ms: int) -> None:
        for _ in range(for_ms // STEP_MS):
            self.step()

    def check(self) -> None:
        for host in self.hosts.values():
            if host.group is not None:
                host.live.paxos.check_invariants()

    # -- members -----------------------------------------------------------------------------------------------

    def map(self, voters: tuple[int, ...], incoming: tuple[int, ...] = ()) -> None:
        """The next epoch of the map; nodes hear of it by and by (``spread``)."""
        epoch = self.config.epoch + 1
        since = [(n, self.config.joined(n) or epoch) for n in sorted({*voters, *incoming})]
        self.config = GroupConfig(epoch, voters, incoming, tuple(since))
        self.configs.append(self.config)

    def spread(self, number: int) -> None:
        host = self.hosts[number]
        if host.group is not None:
            host.live.learn(self.config)

    def steward(self) -> None:
        """What a steward does: a rescan in a joint epoch, then the map goes on."""
        for host in self.hosts.values():
            group = host.group
            if group is None or not self.config.incoming:
                continue
            if group.rescanned == self.config.epoch:
                self.count("changes")
                self.map(self.config.incoming)
                return
            group.rescanned = 0
            if group.paxos.epoch == self.config.epoch and not group.paxos.rescanning and not group.doubtful:
                group.paxos.rescan()
                group.stir()

    # -- the end -----------------------------------------------------------------------------------------------

    def heal(self) -> None:
        """From here on nothing fails."""
        self.drop = self.late = 0
        self.slow_disks = 1
        self.buggify = None
        for key in list(self.cuts):
            self.cuts[key] = self.now_ms
        for number in list(self.down):
            self.down[number] = self.now_ms
        self.step()

    def settle(self, rounds: int = 400) -> None:
        """Time passes until nothing is under way."""
        for _ in range(rounds):
            self.steward()
            for number in self.hosts:
                self.spread(number)
            for _ in range(4):
                self.step()
            if not self.flights and all(host.live.asleep for host in self.hosts.values()):
                return

    def finals(self, keys: list[bytes]) -> None:
        """Everybody reads everything."""
        for number in self.hosts:
            for key in keys:
                client = Client(self, 900 + number, number)
                self.clients.append(client)
                operation = self.begin(client, (b"GET", key))
                for _ in range(200):
                    self.step()
                    if client.operation is None:
                        break
                assert operation.outcome is Outcome.OK, (
                    f"{number} cannot read {key!r} ({operation.outcome.name})"
                )

    def walks(self, keys: list[bytes]) -> None:
        """Everybody walks over everything, and finds what can be read, and nothing else."""
        there = [key for key in keys if self.ask(1, False, [b"EXISTS", key]) == 1]
        for number in self.hosts:
            found = self.ask(number, False, [b"KEYS", b"*"])
            assert isinstance(found, list) and sorted(found) == sorted(there), (number, found, there)
            assert self.ask(number, False, [b"DBSIZE"]) == len(there)

    def ask(self, number: int, writes: bool, call: list[bytes]) -> Any:
        """One call, to its end."""
        asking = Asking(writes)
        asking.run.add((DB, call), sum(map(len, call)) + 32)
        group = self.hosts[number].live
        (group.write if writes else group.read)(asking.run, self.now_ms)
        for _ in range(200):
            self.step()
            if asking.run.replies is not None:
                return asking.run.replies[0]
        raise AssertionError(f"{number} does not answer {call}")

    def judge(self, slack_us: int = 0) -> list[str]:
        for operation in self.history:
            if operation.outcome is Outcome.PENDING:
                operation.outcome = Outcome.INFO
        complaints, unknown = judge(self.history, slack_us, budget=JUDGE_BUDGET)
        self.count("unknown", unknown)
        return [complaint.text() for complaint in complaints]


def value_of(reply: Any) -> Any:
    """In the judge's terms."""
    if isinstance(reply, Simple):
        return OK if reply.text == "OK" else reply.text
    if isinstance(reply, list):
        return tuple(value_of(item) for item in reply)
    return reply


class Faults:
    """A random run's mix."""

    def __init__(self, prng: Prng, theme: str) -> None:
        def pick(*choices: int) -> int:
            return choices[prng.below(len(choices))]

        self.drop = pick(0, 20, 100)
        self.late = pick(0, 30, 150)
        self.crash = pick(2, 6) if theme == "crashes" else pick(0, 0, 2)
        self.lose = pick(1, 2) if theme == "disks" else 0
        self.cut = pick(5, 15) if theme == "cuts" else pick(0, 0, 4)
        self.change = pick(3, 8) if theme == "members" else 0
        self.slow_disks = pick(4, 12) if theme == "crashes" else pick(1, 1, 4)
        self.expiring = theme == "expiry" or pick(0, 0, 1) == 1
        self.deleting = pick(5, 30)
        self.reading = 50 if theme == "expiry" else 25
        self.power = 5 if theme == "crashes" else 0


THEMES = ("cuts", "crashes", "members", "expiry", "disks")


def play(
    seed: int, theme: str = "", steps: int = 700, buggify: Buggify | None = None, clients: int = 5
) -> World:
    """One random run; ``judge`` it."""
    prng = Prng(seed * 104_729 + 11)
    theme = theme or THEMES[seed % len(THEMES)]
    faults = Faults(prng, theme)
    nodes = 5 if theme in ("members", "disks") or prng.below(2) else 4
    skew_ms = SKEW_MS if theme == "expiry" else 10
    world = World(
        seed, 3, nodes, skew_ms, buggify, tombstone_ticks=1 + prng.below(5), collect_ticks=20,
        origins_max=(1, 2, 8)[prng.below(3)], bare_max=(1, 100)[prng.below(2)],
    )  # fmt: skip
    world.drop, world.late, world.slow_disks = faults.drop, faults.late, faults.slow_disks
    world.clients = [Client(world, n, 1 + prng.below(nodes)) for n in range(clients)]
    keys = [b"c1", b"r1", b"r2"][: 1 + prng.below(3)]
    for _ in range(steps):
        world.step()
        for client in world.clients:
            idle = client.operation is None and client.run is None
            if idle and client.node not in world.down and prng.below(12) == 0:
                operate(world, client, prng, faults, keys)
        trouble(world, prng, faults)
        if prng.below(20) == 0:
            world.spread(1 + prng.below(nodes))
        if prng.below(40) == 0:
            world.check()
    for client in world.clients:
        client.steps = []
    world.heal()
    world.run_for(TIMEOUT_MS + 800)
    world.settle()
    world.finals(keys)
    world.run_for(200)
    world.walks(keys)
    world.check()
    for host in world.hosts.values():
        assert host.live.pending_bytes == 0 and not host.live.has_writes
    return world


def operate(world: World, client: Client, prng: Prng, faults: Faults, keys: list[bytes]) -> None:
    """A client does something."""
    key = keys[prng.below(len(keys))]
    world.written += 1
    value = b"%d" % world.written
    if prng.below(100) < faults.reading:
        world.begin(client, (b"GET", key))
        return
    choice = prng.below(100)
    if choice < faults.deleting:
        world.begin(client, (b"DEL", key))
    elif key[:1] == b"c":
        world.begin(client, (b"INCR", key))
    elif choice < 55:
        world.begin(client, (b"APPEND", key, b"." + value))
    elif choice < 70:
        world.compare_and_set(client, key, value)
    elif choice < 90 and faults.expiring:
        world.begin(client, (b"SET", key, value, b"PX", b"%d" % (20 + prng.below(200))))
    else:
        world.begin(client, (b"SET", key, value))


def trouble(world: World, prng: Prng, faults: Faults) -> None:
    """Things fail."""
    number = 1 + prng.below(len(world.hosts))
    is_up = world.hosts[number].group is not None
    if is_up and prng.below(1000) < faults.crash:
        world.crash(number)
    elif prng.below(1000) < faults.power:
        for other in world.hosts:
            if world.hosts[other].group is not None:
                world.crash(other)
    elif is_up and prng.below(1000) < faults.lose and may_lose(world):
        world.crash(number, loses_disk=True)
    elif prng.below(1000) < faults.cut:
        other = 1 + prng.below(len(world.hosts))
        if prng.below(2) == 0:
            world.isolate(number, 50 + prng.below(1000))
        elif other != number:
            world.cut(number, other, 50 + prng.below(400))
    elif prng.below(1000) < faults.change:
        change(world, prng)
    if world.config.incoming and prng.below(4) == 0:
        world.steward()


def may_lose(world: World) -> bool:
    """At most one of the members may have forgotten at a time."""
    return not any(host.doubting for host in world.hosts.values())


def change(world: World, prng: Prng) -> None:
    config = world.config
    if config.incoming:
        return
    outside = [number for number in world.hosts if number not in config.voters]
    if outside:
        voters = list(config.voters)
        voters[prng.below(len(voters))] = outside[prng.below(len(outside))]
        world.map(config.voters, tuple(voters))


class Session:
    """A client that sends reads of a counter one after the other without waiting for replies."""

    def __init__(self, world: World, node: int, key: bytes) -> None:
        self.world = world
        self.node = node
        self.key = key
        self.runs: list[Run] = []

    def run_done(self) -> None:
        pass

    def read(self) -> None:
        run = Run(self, False)
        run.add((DB, [b"GET", self.key]), 40)
        self.runs.append(run)
        self.world.hosts[self.node].live.read(run, self.world.now_ms)

    def seen(self) -> list[int]:
        """What the reads have shown, in the order in which they were sent; errors left out."""
        found = [run.replies[0] for run in self.runs if run.replies is not None]
        return [int(reply or b"0") for reply in found if reply is None or isinstance(reply, bytes)]


def play_pipelines(seed: int) -> list[list[int]]:
    """Sessions that pipeline reads of a counter, which others raise; what each has seen."""
    prng = Prng(seed * 31 + 7)
    world = World(seed, 3, 4)
    world.drop = world.late = (0, 30, 100)[prng.below(3)]
    world.clients = [Client(world, n, 1 + prng.below(4)) for n in range(4)]
    sessions = [Session(world, 1 + prng.below(4), b"c") for _ in range(4)]
    for _ in range(300):
        world.step()
        for client in world.clients:
            if client.operation is None and client.run is None and prng.below(3) == 0:
                world.begin(client, (b"INCR", b"c"))
        for session in sessions:
            if prng.below(2) == 0:
                session.read()
        if prng.below(60) == 0:
            one = 1 + prng.below(4)
            world.cut(one, 1 + one % 4, 50 + prng.below(100))
    world.heal()
    world.run_for(TIMEOUT_MS + 800)
    assert all(run.replies is not None for session in sessions for run in session.runs)
    return [session.seen() for session in sessions]
