"""Groups of mode ``paxos`` on several nodes, between links that lose, delay and break, with disks that forget.

What nodes say travels as encoded messages; what they save as encoded records, of which a crash keeps a part.
Chance comes from one seed. Clients do one command at a time, each at its node (``register_clients``); the
lab's judge, which knows nothing of registers, looks at what they saw. Members change, disks are lost, clocks
differ (``register_faults``).
"""

import heapq
from collections import deque
from typing import Any

import msgspec

from tests.core.group.register_clients import DB, Asking, Client
from trivet.core.access.users import Users
from trivet.core.base.buggify import Buggify
from trivet.core.base.limits import Limits
from trivet.core.base.prng import Prng
from trivet.core.group.agenda import Agenda
from trivet.core.group.paxos_group import PaxosGroup
from trivet.core.group.register_messages import RegisterMessage, Submit, Submitted
from trivet.core.group.settings import GroupSettings
from trivet.core.paxos.ballot import proposer_of
from trivet.core.paxos.config import GroupConfig
from trivet.core.paxos.paxos import Paxos
from trivet.core.paxos.ready import Save, SavedRecord
from trivet.core.paxos.settings import PaxosSettings
from trivet.core.script.scripts import Scripts
from trivet.lab.history import Operation, Outcome
from trivet.lab.judges.linearizability import judge

STEP_MS = 5
TICK_MS = 20
START_WALL_MS = 1_700_000_000_000
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
                operation = client.begin((b"GET", key))
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
