"""A group of real replicas, and nodes without one, between links that lose, double, delay and reorder.

Nothing is mocked: replicas boot from their disks, everything travels as encoded frames. Chance comes from one seed.
The clients of remote nodes append unique elements to lists and read whole lists: a list that only grows shows
the order of all writes, so ``judge`` needs no search to tell whether a history is linearizable.
"""

import heapq

from tests.core.node.bench import CLUSTER, START_WALL_MS
from tests.core.node.bench_disk import Disk
from trivet.core.base.limits import Limits
from trivet.core.base.prng import Prng
from trivet.core.cluster.map import ClusterMap, Member
from trivet.core.group.agenda import Agenda
from trivet.core.group.outbox import NO_LEADER_ERROR, TIMEOUT_ERROR
from trivet.core.group.raft_group import GroupSettings, RaftGroup
from trivet.core.group.remote_group import RemoteGroup
from trivet.core.group.run import Run
from trivet.core.node.blocking import BlockedClients
from trivet.core.node.boot import boot
from trivet.core.node.config import NodeConfig
from trivet.core.node.peers import decode_message, encode_message
from trivet.core.node.router import Router
from trivet.core.raft.state import Role
from trivet.core.wire.peer import FrameParser
from trivet.core.wire.reply import Blocked, Error

LIMITS = Limits(segment_bytes=64 * 1024, batches_in_flight_max=8, remote_reads_max=4)
FAULTS = {"drop": 0.02, "double": 0.05, "late": 0.1, "crash": 0.004, "cut": 0.004, "remote_crash": 0.001}
CALM = dict.fromkeys(FAULTS, 0.0)
STEP_MS = 5
TICK_MS = 20


class Host:
    """One node: a replica with its disk, or a remote group."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.lives = 0
        self.group: RaftGroup | RemoteGroup | None = None
        self.down_until_ms = 0


class MemberHost(Host):
    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.disk = Disk()
        self.booted = None


class RemoteHost(Host):
    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.blocked: BlockedClients | None = None
        self.served: list[tuple[int, object]] = []


class Op:
    """What one client did, and what came of it."""

    def __init__(self, kind: str, key: str, value: str, began_ms: int, order: int) -> None:
        self.kind = kind
        self.key = key
        self.value = value
        self.began = (began_ms, order)
        self.ended: tuple[int, int] | None = None
        self.reply: object = None
        self.outcome = ""
        """ok, not done (definite), or unknown; "" while under way."""
        self.run: Run | None = None
        self.world: World | None = None

    def run_done(self) -> None:
        assert self.run is not None and self.world is not None and self.run.replies is not None
        (self.reply,) = self.run.replies
        self.world.order += 1
        self.ended = (self.world.mono_ms, self.world.order)
        self.outcome = "ok"
        if isinstance(self.reply, Error):
            assert self.reply.text.startswith(("CLUSTERDOWN", "TIMEOUT")), self.reply
            self.outcome = "not done" if self.reply.text.startswith("CLUSTERDOWN") else "unknown"
            if self.kind == "push":
                assert self.reply in (NO_LEADER_ERROR, TIMEOUT_ERROR)


class World:
    """Members 1 to 3 and remote nodes 8 and 9."""

    def __init__(self, seed: int, faults: dict[str, float] = CALM, limits: Limits = LIMITS) -> None:
        self.prng = Prng(seed)
        self.faults = dict(faults)
        self.limits = limits
        self.mono_ms = 1_000
        self.order = 0
        self.frames: list[tuple[int, int, int, int, bytes]] = []
        self.cuts: dict[tuple[int, int], int] = {}
        self.ops: list[Op] = []
        self.members = {n: MemberHost(n) for n in (1, 2, 3)}
        self.remotes = {n: RemoteHost(n) for n in (8, 9)}
        self.hosts: dict[int, Host] = {**self.members, **self.remotes}
        self.failures: list[str] = []
        self.value = 0
        for number in self.hosts:
            self.start(number)

    @property
    def wall_ms(self) -> int:
        return START_WALL_MS + self.mono_ms

    # -- nodes and links

    def start(self, number: int) -> None:
        host = self.hosts[number]
        host.lives += 1
        if isinstance(host, MemberHost):
            members = [Member(id=n, host="h", client_port=1, peer_port=n) for n in self.members]
            config = NodeConfig(node=number, cluster=CLUSTER, members=members, limits=self.limits)
            seed = Prng(number * 1000 + host.lives)
            host.booted = boot(config, host.disk, seed, self.mono_ms, self.wall_ms)
            host.group = host.booted.groups[1]
        else:
            assert isinstance(host, RemoteHost)
            settings = GroupSettings(1, number, self.wall_ms * 10 + host.lives, 5000, 500, self.limits)
            host.group = RemoteGroup(settings, Agenda(), tuple(self.members), self.prng.between(0, 3))
            host.blocked = BlockedClients(5000, Router({}, ClusterMap("", [])))
        for other in self.hosts.values():
            if other is not host and other.group is not None and self.is_linked(number, other.number):
                host.group.on_peer_up(other.number)
                other.group.on_peer_up(number)

    def crash(self, number: int, for_ms: int) -> None:
        host = self.hosts[number]
        host.group = None
        host.down_until_ms = self.mono_ms + for_ms
        if isinstance(host, MemberHost):
            host.booted = None
            host.disk.stop(True)
        for op in self.ops:
            if op.run is not None and op.outcome == "" and op.value.startswith(f"{number}-"):
                op.outcome = "unknown"
        for other in self.hosts.values():
            if other.group is not None:
                other.group.on_peer_lost(number)

    def cut(self, one: int, other: int, for_ms: int) -> None:
        """The link breaks, both ways, and comes up again after a while."""
        pair = (min(one, other), max(one, other))
        self.cuts[pair] = self.mono_ms + for_ms
        for end, peer in (pair, pair[::-1]):
            if (group := self.hosts[end].group) is not None:
                group.on_peer_lost(peer)

    def is_linked(self, one: int, other: int) -> bool:
        return (min(one, other), max(one, other)) not in self.cuts

    def _repair(self) -> None:
        for pair in [pair for pair, until_ms in self.cuts.items() if until_ms <= self.mono_ms]:
            del self.cuts[pair]
            if all(self.hosts[end].group is not None for end in pair):
                for end, peer in (pair, pair[::-1]):
                    self.hosts[end].group.on_peer_up(peer)
        for host in self.hosts.values():
            if host.group is None and host.down_until_ms <= self.mono_ms:
                self.start(host.number)

    def _break(self) -> None:
        prng, faults = self.prng, self.faults
        if prng.chance(faults["crash"]):
            self.crash(prng.between(1, 3), prng.between(20, 1500))
        if prng.chance(faults["remote_crash"]):
            self.crash(prng.between(8, 9), prng.between(20, 200))
        if prng.chance(faults["cut"]):
            one = prng.between(1, 3)
            self.cut(one, prng.below(2) + 8 if prng.chance(0.5) else one % 3 + 1, prng.between(20, 1500))

    # -- time

    def run(self, for_ms: int) -> None:
        until_ms = self.mono_ms + for_ms
        while self.mono_ms < until_ms:
            self.mono_ms += STEP_MS
            self._repair()
            self._break()
            self._deliver()
            for host in self.hosts.values():
                if host.group is not None:
                    self._step(host)

    def until(self, condition, ms_max: int = 20_000) -> None:
        end_ms = self.mono_ms + ms_max
        while not condition():
            assert self.mono_ms < end_ms, "it does not come true"
            self.run(STEP_MS)

    def _step(self, host: Host) -> None:
        ticks = self.mono_ms % TICK_MS == 0
        if isinstance(host, MemberHost):
            self._step_member(host, ticks)
        else:
            assert isinstance(host, RemoteHost)
            self._step_remote(host, ticks)
        group = host.group
        assert group is not None
        for peer, message in group.outgoing:
            self._send(host.number, peer, encode_message(1, message))
        group.outgoing = []
        if group.failure:
            self.failures.append(group.failure)

    def _step_member(self, host: MemberHost, ticks: bool) -> None:
        booted, group = host.booted, host.group
        assert booted is not None and isinstance(group, RaftGroup)
        if booted.wal.open:
            if ticks:
                booted.wal.tick(self.mono_ms)
                group.on_tick(self.mono_ms)
            group.turn(self.mono_ms, self.wall_ms)
            while group.wants_turn:
                group.turn(self.mono_ms, self.wall_ms)
            group.raft.check_invariants()
        for job in booted.wal.flush() + group.snapshots.take_jobs():
            host.disk.lanes[job.channel].append(job)
        while self.prng.chance(0.9) and (report := host.disk.next_report()) is not None:
            token, reads, fault = report
            if fault is not None:
                assert booted.wal.on_failed(token, fault, "full") or not group.snapshots.building
            elif booted.wal.on_done(token):
                group.on_synced()
            else:
                group.snapshots.on_done(token, reads)

    def _step_remote(self, host: RemoteHost, ticks: bool) -> None:
        group, blocked = host.group, host.blocked
        assert isinstance(group, RemoteGroup) and blocked is not None
        if ticks:
            group.on_tick(self.mono_ms)
            blocked.tick(self.mono_ms)
        group.turn(self.mono_ms, self.wall_ms)
        if group.jumped:
            group.jumped = False
            blocked.jumped(host.group)
        woken, group.woken = group.woken, []
        for conn in woken:
            blocked.woken(conn, host.group)
        blocked.settle()
        host.served += blocked.answers
        blocked.answers = []

    def _send(self, sender: int, to: int, data: bytes) -> None:
        prng, faults = self.prng, self.faults
        if to not in self.hosts or not self.is_linked(sender, to) or prng.chance(faults["drop"]):
            return
        for _ in range(1 + prng.chance(faults["double"])):
            delay_ms = prng.between(1, 10)
            if prng.chance(faults["late"]):
                delay_ms = prng.between(10, 1000)
            self.order += 1
            heapq.heappush(self.frames, (self.mono_ms + delay_ms, self.order, sender, to, data))

    def _deliver(self) -> None:
        while self.frames and self.frames[0][0] <= self.mono_ms:
            _, _, sender, to, data = heapq.heappop(self.frames)
            host = self.hosts[to]
            ready = not isinstance(host, MemberHost) or (host.booted is not None and host.booted.wal.open)
            if host.group is not None and ready:
                (body,) = FrameParser(1 << 30).feed(data)
                host.group.on_message(sender, decode_message(body)[1])

    # -- clients of remote nodes

    def _ask(self, number: int, op: Op, args: list[str], how: str, tracks: bool = False) -> Op:
        group = self.hosts[number].group
        assert group is not None
        op.world = self
        op.run = Run(op, how == "write")
        op.run.tracks = tracks
        op.run.add((0, [arg.encode() for arg in args]), 20)
        self.ops.append(op)
        if how == "write":
            group.write(op.run, self.mono_ms)
        elif how == "read":
            group.read(op.run, self.mono_ms)
        else:
            group.read_stale(op.run)
        return op

    def _op(self, kind: str, number: int, key: str) -> Op:
        self.order += 1
        self.value += 1
        return Op(kind, key, f"{number}-{self.value}", self.mono_ms, self.order)

    def push(self, number: int, key: str) -> Op:
        op = self._op("push", number, key)
        return self._ask(number, op, ["RPUSH", key, op.value], "write")

    def read(self, number: int, key: str, stale: bool = False, tracks: bool = False) -> Op:
        op = self._op("stale" if stale else "read", number, key)
        return self._ask(number, op, ["LRANGE", key, "0", "-1"], op.kind, tracks)

    def block(self, number: int, conn: int, key: str) -> None:
        """``BLPOP key 0`` of a client of a remote node, as ``Front.block`` has it."""
        host = self.remotes[number]
        assert host.blocked is not None and host.group is not None
        blocked, now_ms = host.blocked, self.mono_ms
        args = blocked.begin(conn, 0, [b"BLPOP", key.encode(), b"0"], host.group)

        class First:
            def run_done(self) -> None:
                (reply,) = run.replies
                if isinstance(reply, Blocked):
                    blocked.waits(conn, reply, now_ms)
                else:
                    blocked.found(conn, reply is TIMEOUT_ERROR)
                    host.served.append((conn, reply))

        run = Run(First(), True)
        run.add((0, args), 20)
        host.group.write(run, now_ms)

    def leader(self) -> RaftGroup:
        """The member that leads and has applied all that it knows to be committed."""
        groups = [host.group for host in self.members.values() if isinstance(host.group, RaftGroup)]
        return next(group for group in groups if group.raft.role is Role.LEADER)

    def heal(self) -> None:
        """No fault from now on; everything under way comes to its end."""
        self.faults = dict(CALM)
        self.run(3_000)
        self.until(lambda: all(op.outcome for op in self.ops))
        for number in self.remotes:
            last = self.push(number, "last")
            self.until(lambda last=last: bool(last.outcome))
            assert last.outcome == "ok"
        self.run(1_000)

    def final(self, key: str) -> list[str]:
        """The list at the end, the same at all members."""
        found = []
        for host in self.members.values():
            assert isinstance(host.group, RaftGroup)
            replies = host.group.machine.read([(0, [b"LRANGE", key.encode(), b"0", b"-1"])], 0, Prng(1))
            found.append([value.decode() for value in replies[0]])
        assert found[0] == found[1] == found[2]
        return found[0]


def judge(ops: list[Op], final: dict[str, list[str]]) -> list[str]:
    """What is wrong with a history, in sentences; ``final`` are the lists at the end."""
    wrong: list[str] = []
    for key, values in final.items():
        if len(set(values)) != len(values):
            wrong.append(f"{key}: something was applied twice")
            continue
        place = {value: at for at, value in enumerate(values, 1)}
        timeline: list[tuple[tuple[int, int], int, int, str]] = []
        for op in [op for op in ops if op.key == key]:
            seen = 0
            if op.kind == "push":
                seen = place.get(op.value, 0)
                if op.outcome == "ok" and op.reply != seen:
                    wrong.append(f"{key}: {op.value} was answered {op.reply}, it is at {seen}")
                if op.outcome == "not done" and seen:
                    wrong.append(f"{key}: {op.value} was said not to be done, and is")
                if not seen:
                    continue
            elif op.outcome == "ok":
                assert isinstance(op.reply, list)
                seen = len(op.reply)
                if [value.decode() for value in op.reply] != values[:seen]:
                    wrong.append(f"{key}: a read saw what was never there")
                if op.kind == "stale":
                    continue
            else:
                continue
            # In the order of time: whoever begins after an end must see as much at least.
            timeline.append((op.began, 1, seen, op.kind))
            if op.ended is not None and op.outcome == "ok":
                timeline.append((op.ended, 0, seen, op.kind))
        floor = 0
        for _, begins, seen, kind in sorted(timeline):
            if not begins:
                floor = max(floor, seen)
            elif seen < floor or (kind == "push" and seen == floor):
                wrong.append(f"{key}: a {kind} came to {seen} after others had ended at {floor}")
    return wrong


def play(seed: int, faults: dict[str, float] = FAULTS, ops_count: int = 120) -> World:
    """Clients of both remote nodes write and read under faults; then all heals."""
    world = World(seed, faults)
    world.run(100)
    for _ in range(ops_count):
        number = 8 + world.prng.below(2)
        if world.hosts[number].group is not None:
            key = f"k{world.prng.below(2)}"
            kind = world.prng.below(8)
            if kind < 4:
                world.push(number, key)
            else:
                world.read(number, key, stale=kind == 4)
        world.run(world.prng.between(0, 80))
    world.heal()
    return world


def verdict(world: World) -> list[str]:
    """Everything that is wrong with a run."""
    keys = dict.fromkeys(op.key for op in world.ops)
    return world.failures + judge(world.ops, {key: world.final(key) for key in keys})


def play_queue(seed: int, faults: dict[str, float], ops_count: int = 60) -> tuple[World, list[str]]:
    """Clients of both remote nodes wait at a queue, others fill it; the world, and what was served."""
    world = World(seed, faults | {"remote_crash": 0.0})
    world.run(100)
    conns = {8: 0, 9: 100_000}
    for _ in range(ops_count):
        number = 8 + world.prng.below(2)
        if world.prng.chance(0.5):
            conns[number] += 1
            world.block(number, conns[number], "q")
        else:
            world.push(number, "q")
        world.run(world.prng.between(0, 60))
    world.heal()
    # Not a state but a wait: whoever was served claims it.
    world.run(3_000)
    answers = [reply for host in world.remotes.values() for _, reply in host.served]
    return world, [reply[1].decode() for reply in answers if isinstance(reply, list)]
