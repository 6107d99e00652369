"""Nodes with their groups and stewards, between links that lose, double, delay and reorder; no whole nodes.

Replicas boot from their disks, everything travels as encoded frames, the map is followed as a node follows it
(``Residents``). Clients push unique elements to lists whose keys are spread over the slots: a list that only grows
shows whether a push was lost, doubled or went to a group that did not own the key any more. Chance comes from one
seed; ``sometimes`` counts what a run came across.
"""

import heapq

import msgspec

from tests.core.node.bench import CLUSTER, START_WALL_MS
from tests.core.node.bench_disk import Disk
from tests.core.steward.steward_nemesis import Nemesis
from trivet.core.base.limits import Limits
from trivet.core.base.prng import Prng
from trivet.core.cluster.facts import Policy
from trivet.core.cluster.map import Member
from trivet.core.cluster.rows import HANDED
from trivet.core.cluster.slots import slot_of
from trivet.core.group.messages import GroupMessage, ToOutsider
from trivet.core.group.raft_group import RaftGroup
from trivet.core.group.run import Run
from trivet.core.node.boot import boot
from trivet.core.node.config import NodeConfig
from trivet.core.node.errands import Errands
from trivet.core.node.residents import Residents
from trivet.core.raft.state import Role
from trivet.core.steward.messages import StewardMessage
from trivet.core.steward.settings import StewardSettings
from trivet.core.steward.steward import Steward
from trivet.core.wire.reply import NOT_HERE, Error

LIMITS = Limits(segment_bytes=64 * 1024, batches_in_flight_max=8)
FAULTS = {"drop": 0.01, "double": 0.02, "late": 0.03, "crash": 0.003, "cut": 0.003, "depose": 0.002}
CALM = dict.fromkeys(FAULTS, 0.0)
STEP_MS = 10
TICK_MS = 20
DB = 20
"""The database that the tests create and move about."""
MANUAL = StewardSettings(
    split_after_ms=0, merge_after_ms=0,
    plans=False, move_slice_bytes=100, move_window_bytes=400, move_bytes_per_s=20_000, seal_lag_keys=20,
    pause_ms_max=2_500,
)  # fmt: skip
"""The test decides what is to be done; copying goes in small pieces."""

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(tuple[int, GroupMessage])
_steward_decoder = msgspec.msgpack.Decoder(StewardMessage)


class Host:
    """One node, or its disk while it is down."""

    def __init__(self, number: int, config: NodeConfig) -> None:
        self.number = number
        self.config = config
        self.disk = Disk()
        self.lives = 0
        self.booted = None
        self.down_until_ms = 0

    @property
    def up(self) -> bool:
        return self.booted is not None


class Links:
    """What ``Residents`` asks of a node's ``Peers``."""

    has_news = False

    def __init__(self, up: dict[int, None]) -> None:
        self.up = up
        self.newcomers: dict[int, tuple[str, int]] = {}
        self.introduced: dict[int, None] = {}

    def know(self, births: dict[int, int], next_node: int) -> None:
        """Everybody here is who it says."""

    def births(self) -> dict[int, int]:
        """Nobody is told apart by the directory."""
        return {}

    def remember(self, births: dict[int, int]) -> None:
        """The same, as the log of an earlier life knew it."""


class Push:
    """One element pushed by a client; sent on while it comes to the wrong groups."""

    def __init__(self, world: "World", number: int, key: str, value: str) -> None:
        self.world, self.number, self.key, self.value = world, number, key, value
        self.outcome = ""
        """ok, not done (definite), or unknown; "" while under way."""
        self.reply = 0
        self.began = world.count()
        self.ended = 0
        self.run: Run | None = None

    def send(self) -> None:
        host = self.world.hosts[self.number]
        cluster = self.world.map_of(self.number)
        self.run = Run(self, True)
        self.run.epoch = cluster.epoch
        self.run.add((DB, [b"RPUSH", self.key.encode(), self.value.encode()]), 40)
        group = cluster.group_of(DB, slot_of(self.key.encode()))
        replica = host.booted.front.replicas.get(group)
        if replica is None:
            self.world.try_again(host, self)
        else:
            replica.write(self.run, self.world.mono_ms)

    def run_done(self) -> None:
        (reply,) = self.run.replies
        assert reply != NOT_HERE
        self.ended = self.world.count()
        if isinstance(reply, Error):
            assert reply.text.startswith(("CLUSTERDOWN", "TIMEOUT")), reply
            self.outcome = "not done" if reply.text.startswith("CLUSTERDOWN") else "unknown"
        else:
            self.outcome, self.reply = "ok", reply


class Word:
    """A word for the map, from outside of all stewards."""

    def __init__(self) -> None:
        self.reply = None
        self.run: Run | None = None

    def run_done(self) -> None:
        (self.reply,) = self.run.replies


class World:
    def __init__(
        self,
        seed: int,
        nodes: int = 5,
        settings: StewardSettings = MANUAL,
        faults=CALM,
        limits: Limits = LIMITS,
    ) -> None:
        self.prng = Prng(seed)
        self.seed = seed
        self.faults = dict(faults)
        self.limits = limits
        self.settings = settings
        self.mono_ms = 1_000
        self.order = 0
        self.frames: list[tuple[int, int, int, int, int, bytes]] = []
        self.cuts: dict[tuple[int, int], int] = {}
        self.pushes: list[Push] = []
        self.sometimes: dict[str, int] = {}
        self.nemesis = Nemesis(self)
        self.said: list = []
        """(node, group, words, errand) of everything that stewards say."""
        self.on_step = lambda world: None
        self.notes: list[str] = []
        members = [Member(id=n, host=f"h{n}", client_port=1, peer_port=n) for n in range(1, nodes + 1)]
        self.hosts = {
            n.id: Host(n.id, NodeConfig(node=n.id, cluster=CLUSTER, members=members, limits=limits))
            for n in members
        }
        for number in self.hosts:
            self.start(number)
        self.until(lambda: all(self.map_of(number) is not None for number in self.hosts))

    @property
    def wall_ms(self) -> int:
        return START_WALL_MS + self.mono_ms

    def count(self) -> int:
        self.order += 1
        return self.order

    def came_across(self, what: str) -> None:
        self.sometimes[what] = self.sometimes.get(what, 0) + 1

    # -- nodes and links

    def start(self, number: int) -> None:
        host = self.hosts[number]
        host.lives += 1
        prng = Prng(self.seed * 10_000 + number * 100 + host.lives)
        booted = host.booted = boot(host.config, host.disk, prng, self.mono_ms, self.wall_ms + host.lives)
        host.links = {}
        host.residents = Residents(
            host.config,
            booted.front,
            booted.wal,
            booted.maker,
            booted.prng,
            Links(host.links),
            booted.makers,
        )
        host.errands = Errands(host.config, booted.birth, booted.cluster, booted.front)
        host.steward = Steward(
            number,
            booted.front.replicas,
            booted.groups,
            booted.maker.agenda,
            self.limits,
            booted.prng,
            self.settings,
        )
        desk = host.steward.desk
        desk.say = self._recorder(number, desk.say)
        host.retry = []
        host.disk_of = {}
        for other in self.hosts.values():
            if other is not host and other.up and self.is_linked(number, other.number):
                self._greet(number, other.number)

    def _recorder(self, number: int, say):
        def recorded(group, *words):
            errand = say(group, *words)
            if errand is not None:
                self.said.append((number, group, words, errand))
            return errand

        return recorded

    def join(self) -> int:
        """One more node, with an empty directory, that knows the first three."""
        birth = 1000 + len(self.hosts)
        place = len(self.hosts) + 1
        number = self.say(f"JOIN h{place} 1 {place} z {{}} {birth}")
        assert number == place
        known = list(self.hosts[1].config.members)
        config = NodeConfig(
            node=number, cluster=CLUSTER, known=known, host=f"h{place}", client_port=1, peer_port=place,
            zone="z", birth=birth, limits=self.limits,
        )  # fmt: skip
        self.hosts[number] = Host(number, config)
        self.start(number)
        return number

    def lead(self, group: int, number: int) -> None:
        """``number`` leads ``group``, and has told the map."""
        leader = self.leader_of(group)
        if leader.settings.node != number:
            leader.raft.transfer(number)
            leader.stir()
        self.until(lambda: (one := self.leader_of(group)) is not None and one.settings.node == number)
        self.run(1_000)

    def _greet(self, one: int, other: int) -> None:
        for end, peer in ((one, other), (other, one)):
            host = self.hosts[end]
            host.links[peer] = None
            host.steward.on_peer_up(peer)
            for _, group in host.residents.all:
                group.on_peer_up(peer)

    def _part(self, end: int, peer: int) -> None:
        host = self.hosts[end]
        if host.up and peer in host.links:
            del host.links[peer]
            host.steward.on_peer_lost(peer)
            for _, group in host.residents.all:
                group.on_peer_lost(peer)

    def crash(self, number: int, for_ms: int) -> None:
        host = self.hosts[number]
        host.booted = None
        host.down_until_ms = self.mono_ms + for_ms
        host.disk.stop(True)
        for push in self.pushes:
            if push.number == number and not push.outcome:
                push.outcome, push.ended = "unknown", self.count()
        for other in self.hosts:
            self._part(other, number)

    def cut(self, one: int, other: int, for_ms: int) -> None:
        self.cuts[min(one, other), max(one, other)] = self.mono_ms + for_ms
        self._part(one, other)
        self._part(other, one)

    def isolate(self, number: int, for_ms: int) -> None:
        for other in self.hosts:
            if other != number:
                self.cut(number, other, for_ms)

    def is_linked(self, one: int, other: int) -> bool:
        return (min(one, other), max(one, other)) not in self.cuts

    def _repair(self) -> None:
        for pair in [pair for pair, until_ms in self.cuts.items() if until_ms <= self.mono_ms]:
            del self.cuts[pair]
            if all(self.hosts[end].up for end in pair):
                self._greet(*pair)
        for host in self.hosts.values():
            if not host.up and host.down_until_ms <= self.mono_ms:
                self.start(host.number)

    def depose(self, number: int) -> None:
        """Somebody else leads what this node led."""
        host = self.hosts[number]
        if host.up:
            for group in host.booted.groups.values():
                successor = group.raft.successor()
                if successor and group.raft.transfer(successor):
                    group.stir()

    def place(self, move) -> str:
        """How far the move is."""
        source, target = self.leader_of(move.source), self.leader_of(move.target_group)
        if move.phase == HANDED:
            if not move.taken:
                return "between DONE and TAKEN"
            if source is not None and move.id in source.machine.ownership.exports:
                return "between TAKEN and DISOWN"
            return "while purging"
        if source is not None and move.id in source.machine.ownership.exports:
            one = None if target is None else target.machine.ownership.imports.get(move.id)
            return "between READY and DONE" if one is not None and one.ready else "between SEAL and READY"
        if target is not None and move.id in target.machine.ownership.imports:
            return "while copying"
        return "before BEGIN"

    # -- what is so

    def map_of(self, number: int):
        host = self.hosts[number]
        return host.booted.groups[0].machine.cluster if host.up else None

    def newest(self):
        maps = [self.map_of(number) for number in self.hosts]
        return max((one for one in maps if one is not None), key=lambda one: one.epoch)

    def leader_of(self, group: int) -> RaftGroup | None:
        """The replica that leads, of the highest term."""
        found = [
            host.booted.groups[group]
            for host in self.hosts.values()
            if host.up and group in host.booted.groups and host.booted.groups[group].raft.role is Role.LEADER
        ]
        return max(found, key=lambda one: one.raft.term, default=None)

    # -- time

    def run(self, for_ms: int) -> None:
        until_ms = self.mono_ms + for_ms
        while self.mono_ms < until_ms:
            self.mono_ms += STEP_MS
            self._repair()
            self.nemesis.act()
            self._deliver()
            for host in self.hosts.values():
                if host.up:
                    self._step(host)
            self.on_step(self)

    def until(self, condition, ms_max: int = 30_000) -> int:
        began_ms = self.mono_ms
        while not condition():
            assert self.mono_ms - began_ms < ms_max, "it does not come true"
            self.run(STEP_MS)
        return self.mono_ms - began_ms

    def _step(self, host: Host) -> None:
        booted, residents, steward = host.booted, host.residents, host.steward
        if booted.wal.open:
            if self.mono_ms % TICK_MS == 0:
                booted.wal.tick(self.mono_ms)
                residents.tick(self.mono_ms, self.wall_ms)
                host.errands.tick(self.mono_ms)
                residents.look(self.mono_ms)
                steward.tick(self.mono_ms, self.wall_ms)
            self._turns(host)
            while steward.stirred:
                steward.turn(self.mono_ms)
                self._turns(host)
            self.notes += steward.take_notes()
        jobs = booted.wal.flush()
        for group in booted.groups.values():
            for job in group.snapshots.take_jobs():
                host.disk_of[job.token] = group
                jobs.append(job)
        for job in jobs + residents.jobs:
            host.disk.lanes[job.channel].append(job)
        residents.jobs = []
        while self.prng.chance(0.95) and (report := host.disk.next_report()) is not None:
            token, reads, fault = report
            assert fault is None
            if booted.wal.on_done(token):
                for group in booted.groups.values():
                    group.on_synced()
            elif token in host.disk_of:
                host.disk_of.pop(token).on_disk_done(token, reads)

    def _turns(self, host: Host) -> None:
        booted, residents, agenda = host.booted, host.residents, host.booted.maker.agenda
        turned = {}
        whole = self.mono_ms % 200 == 0
        while agenda.stirred:
            stirred, agenda.stirred = agenda.stirred, []
            for group in stirred:
                group.turn(self.mono_ms, self.wall_ms)
                turned[group] = None
        for number, group in list(residents.all):
            assert not group.failure, group.failure
            for peer, message in group.outgoing:
                self._send(host.number, peer, number, message)
            group.outgoing = []
            if isinstance(group, RaftGroup):
                if whole or group in turned:
                    group.raft.check_invariants()
                assert not group.notes or "defect" not in group.notes[-1], group.notes
            misrouted = list(group.outbox.misrouted)
            group.outbox.misrouted.clear()
            for run in misrouted:
                self.came_across("sent on")
                self.try_again(host, run.waiter)
        for peer, message in host.steward.outgoing:
            self._send(host.number, peer, -1, message)
        host.steward.outgoing = []
        due = [push for at_ms, push in host.retry if at_ms <= self.mono_ms]
        host.retry = [(at_ms, push) for at_ms, push in host.retry if at_ms > self.mono_ms]
        for push in due:
            if not push.outcome:
                push.send()
        booted.front.sharing.look(self.mono_ms)
        if residents.look_at_map(self.mono_ms):
            host.steward.on_map()
            self.map_of(host.number).check_invariants()

    def try_again(self, host: Host, push: Push) -> None:
        """A bit later, by the map of then."""
        host.retry.append((self.mono_ms + 30, push))

    def _send(self, sender: int, to: int, number: int, message) -> None:
        prng, faults = self.prng, self.faults
        if to not in self.hosts or not self.is_linked(sender, to) or prng.chance(faults["drop"]):
            return
        data = _encoder.encode(message if number < 0 else (number, message))
        for _ in range(1 + prng.chance(faults["double"])):
            delay_ms = prng.between(1, 10)
            if prng.chance(faults["late"]):
                delay_ms = prng.between(10, 1000)
            heapq.heappush(self.frames, (self.mono_ms + delay_ms, self.count(), sender, to, number, data))

    def _deliver(self) -> None:
        while self.frames and self.frames[0][0] <= self.mono_ms:
            _, _, sender, to, number, data = heapq.heappop(self.frames)
            host = self.hosts[to]
            if not host.up or not host.booted.wal.open:
                continue
            if number < 0:
                host.steward.on_message(sender, _steward_decoder.decode(data))
                continue
            _, message = _decoder.decode(data)
            outsiders = host.residents.outsiders
            group = outsiders.get(number) if isinstance(message, ToOutsider) else None
            group = group or host.booted.groups.get(number) or outsiders.get(number)
            if group is not None:
                group.on_message(sender, message)

    # -- what tests say

    def word(self, text: str, number: int = 0) -> Word:
        """A word for the map, from some node that is up; not waited for."""
        number = number or next(n for n, host in self.hosts.items() if host.up)
        word = Word()
        word.run = Run(word, True, patient=True)
        word.run.add((0, [b"MAP", *text.encode().split()]), 60)
        self.hosts[number].booted.groups[0].write(word.run, self.mono_ms)
        return word

    def say(self, text: str):
        word = self.word(text)
        self.until(lambda: word.reply is not None)
        return word.reply

    def ask(self, group: RaftGroup, args: list[bytes]):
        """A call in the log of a group that leads, whatever the map says; its reply."""
        word = Word()
        word.run = Run(word, True)
        word.run.epoch = self.newest().epoch
        word.run.add((DB, args), 60)
        group.write(word.run, self.mono_ms)
        self.until(lambda: word.reply is not None)
        return word.reply

    def push(self, number: int, key: str) -> Push:
        push = Push(self, number, key, f"{number}-{self.count()}")
        self.pushes.append(push)
        push.send()
        return push

    def fill(self, keys: int) -> None:
        """Lists under ``k0``, ``k1``…"""
        for place in range(keys):
            self.push(1 + place % len(self.hosts), f"k{place}")
            if place % 50 == 49:
                self.run(100)
        self.until(lambda: all(push.outcome for push in self.pushes))
        assert all(push.outcome == "ok" for push in self.pushes)

    def is_at_rest(self) -> bool:
        """The map has no move, every group has the members that it shall have, and they have told so."""
        cluster = self.newest()
        system = cluster.groups[0]
        if sorted([*system.members, *system.learners]) != sorted(cluster.members):
            return False
        for row in cluster.groups.values():
            leader = self.leader_of(row.id)
            if leader is None or leader.raft.changing or sorted(row.members) != sorted(row.target):
                return False
            if list(leader.raft.membership.voters) != sorted(row.target):
                return False
            ownership = leader.machine.ownership
            if ownership.garbage_count() or ownership.imports or ownership.exports:
                return False
            if any(not one.epoch for one in ownership.withheld.values()):
                return False
        return not cluster.moves and not cluster.claims

    def heal(self, ms_max: int = 90_000) -> None:
        """No fault from now on; everything comes to its end."""
        self.faults = dict(CALM)
        self.until(lambda: not self.cuts and all(host.up for host in self.hosts.values()))
        self.until(self.is_at_rest, ms_max)
        self.until(lambda: all(push.outcome for push in self.pushes))
        self.run(1_000)  # what is late has come by then, and may have stirred something up
        self.until(lambda: self.is_at_rest() and self.is_level())

    def is_level(self) -> bool:
        """All maps and all replicas are as far as their leaders."""
        there = self.newest().members
        maps = [self.map_of(number) for number in self.hosts if number in there]
        if None in maps or any(one.epoch != maps[0].epoch for one in maps):
            return False
        return all(
            replica.machine.applied_index == self.leader_of(number).machine.applied_index
            for host in self.hosts.values()
            if host.number in there
            for number, replica in host.booted.groups.items()
            if (leader := self.leader_of(number)) is not None and leader.is_member(host.number)
        )


def prepared(seed: int, keys: int = 150, faults=CALM, policy: Policy | None = None, **more) -> World:
    """Keyspace ``DB`` of one group on three of five nodes, with some lists in it."""
    world = World(seed, **more)
    assert not isinstance(world.say(f"KEYSPACE CREATE {DB} REPLICAS 3"), Error)
    world.until(world.is_at_rest)
    world.fill(keys)
    world.faults = dict(faults)
    return world
