"""One simulated process: a real node, driven as the real driver drives it, and what can befall it.

Inputs are handed to the node as they come; the turn that ends the loop turn follows within
microseconds, so that inputs close together share a turn. A paused process queues its inputs
and gets them all at once. What a crash takes is the disk's business.
"""

# ruff: noqa: D102 (the small protocols say what their names say)

import traceback
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from trivet.core.base.disk import DiskFault
from trivet.core.base.errors import StartError
from trivet.core.base.ids import SYSTEM_GROUP, ConnectionId, GroupId, LinkId, NodeId
from trivet.core.base.prng import Prng
from trivet.core.cluster.map import ClusterMap
from trivet.lab.recording import Recorder
from trivet.lab.seam import (
    MAIN_GROUP,
    NOTHING_STANDS,
    CopyLike,
    EffectsLike,
    Hearing,
    NodeFactory,
    NodeLike,
    ObservationLike,
    RegisterHeldLike,
    RegistersLike,
    Standing,
)
from trivet.lab.world.buggify import Points
from trivet.lab.world.clock import NodeClock
from trivet.lab.world.disk import SimulatedDisk
from trivet.lab.world.network import Network
from trivet.lab.world.options import RunOptions
from trivet.lab.world.sim import Simulation
from trivet.lab.world.sometimes import Sometimes
from trivet.lab.world.trace import Trace

Input = tuple[str, bytes, Callable[[NodeLike], None]]
"""``(kind, bytes for the trace, how to hand it to the node)``."""


_DEFECT: Final = " raised "
"""In what a node logs of a command that failed by a defect of ours."""

WHOLE_TURNS: Final = 16
"""Once in so many turns all replicas of a node are looked at, and not only those that had a turn."""


class ClientSide(Protocol):
    """Where replies go."""

    def reply(self, conn: ConnectionId, data: bytes) -> None: ...
    def server_closes(self, conn: ConnectionId) -> None: ...
    def read(self, conn: ConnectionId, reading: bool) -> None: ...
    def crashed(self, node: NodeId, silent: bool) -> None: ...


EntryAt = Callable[[int], tuple[int, int] | None]
DigestOf = Callable[[bool], object]
HeldOf = Callable[[], Mapping[bytes, RegisterHeldLike]]


class Watcher(Protocol):
    """Who looks at a node after each of its turns, and hears of its end."""

    def booted(self, node: NodeId) -> None: ...
    def observed(
        self, node: NodeId, group: GroupId, seen: ObservationLike, entry: EntryAt, digest: DigestOf
    ) -> None: ...
    def left(self, node: NodeId, group: GroupId, is_dropped: bool) -> None: ...
    def registers_seen(self, node: NodeId, group: GroupId, seen: RegistersLike, held: HeldOf) -> None: ...
    def registers_left(self, node: NodeId, group: GroupId) -> None: ...
    def wiped(self, node: NodeId) -> None: ...
    def lost(self, node: NodeId) -> None: ...
    def complain(self, judge: str, sentence: str, evidence: list[str]) -> None: ...


class World:
    """What all processes of a cluster share."""

    def __init__(
        self,
        simulation: Simulation,
        trace: Trace,
        options: RunOptions,
        factory: NodeFactory,
        network: Network,
    ) -> None:
        self.simulation = simulation
        self.trace = trace
        self.options = options
        self.factory = factory
        self.network = network
        self.recorder: Recorder | None = None
        self.sometimes = Sometimes()
        self.points: Points | None = (
            Points(options.seed, options.buggify_rate) if options.buggify_rate else None
        )
        """None: the nodes run as in service, nothing is asked of buggify."""
        self.clients: ClientSide
        self.watcher: Watcher


class Process:
    """A node's process and machine: boots, runs turns, crashes, pauses."""

    def __init__(self, node: NodeId, world: World, disk: SimulatedDisk, clock: NodeClock, prng: Prng) -> None:
        self.node = node
        self.disk = disk
        self.clock = clock
        self.incarnation = 0
        self.paused = False
        self.slow_us = 0
        """Each turn takes up to so much longer."""
        self.ruined = False
        """Cannot be started again in this run: a judge has spoken about it already, or it is not wanted."""
        self.wiped = False
        """Its disk was replaced by an empty one: the others must refuse it."""
        self.looks: dict[GroupId, ObservationLike] = {}
        """What its replicas looked like after the last turn."""
        self.registers: dict[GroupId, RegistersLike] = {}
        """The same of its groups of registers."""
        self._readers: dict[GroupId, tuple[EntryAt, DigestOf]] = {}
        self._world = world
        self._prng = prng
        self._slowness = Prng(prng.u64())
        self._buggify = None if world.points is None else world.points.of(node)
        self._running: NodeLike | None = None
        self._inbox: list[Input] = []
        self._turn_due = False
        self._turns = 0
        self._calm = False
        """The node needs but few ticks, until it says otherwise."""
        self._tick_number = 0
        """Of the next tick; any other is not wanted any more."""
        self._tick_at_us = 0
        self._excused = False
        """A disk failure was injected into this life: stopping is right."""
        self._stopping = False

    @property
    def seen(self) -> ObservationLike | None:
        """What its replica of the main group looks like; None while it has none, or is down."""
        return self.looks.get(MAIN_GROUP)

    def leads(self) -> bool:
        """Whether it takes itself for the leader of some group."""
        return any(look.role == "leader" for look in self.looks.values())

    def cluster(self) -> ClusterMap | None:
        """The map as this node knows it."""
        return None if self._running is None else self._world.factory.cluster(self._running)

    def hearing(self) -> Hearing | None:
        """Whom it knows and hears; None while it is down, or something keeps it from answering in time."""
        if self._running is None or self.paused or self.slow_us or self.wiped or self._stopping:
            return None
        return self._world.factory.hearing(self._running)

    def inner(self) -> NodeLike | None:
        """The node itself, for stories that look into it; None while it is down."""
        return self._running

    # -- life and death

    def is_up(self) -> bool:
        """Whether the process exists (it may be paused)."""
        return self._running is not None

    def start(self) -> None:
        """Boot a node from what the disk still holds."""
        if self._running is not None or self.ruined:
            return
        world = self._world
        self.incarnation += 1
        self.clock.reboot(self._prng.below(1_000_000_000))
        self._say("starts")
        self._mark("start", f"start {self.incarnation}")
        self._excused = self._stopping = self._turn_due = self.paused = self._calm = False
        self._inbox = []
        life = self.incarnation
        self.disk.attach(lambda token, reads, fault: self._disk_report(life, token, reads, fault))
        try:
            booted = world.factory.boot(
                self.node,
                self.disk,
                self._prng.u64(),
                self.clock.mono_ms(),
                self.clock.wall_ms(),
                self._buggify,
            )
        except StartError as error:
            self._ruin("boot", f"node {self.node} refuses to start: {error}")
            return
        except Exception:
            self._ruin(
                "crash", f"node {self.node} failed while booting: {_last_line()}", traceback.format_exc()
            )
            return
        self._running = booted
        world.sometimes.started(self.node)
        world.watcher.booted(self.node)
        world.network.started(self.node)
        self._schedule_tick()
        self._schedule_turn()

    def wipe(self) -> None:
        """An empty disk is put in place of its own; it does not run now."""
        self.disk.wipe()
        self.wiped = True
        self._world.factory.wiped(self.node)
        self._world.watcher.wiped(self.node)

    def crash(self, power_cut: bool, silent: bool) -> None:
        """End the process at once. ``silent``: the others' connections are not told."""
        if self._running is None:
            return
        text = ("power cut" if power_cut else "killed") + (", silently" if silent else "")
        self._say(text)
        self._mark("crash", text)
        self._end(power_cut, silent)

    def _mark(self, kind: str, text: str) -> None:
        if self._world.recorder is not None:
            self._world.recorder.point(self._world.simulation.now_us, self.node, kind, text)

    def _note_state(self, role: str, term: int) -> None:
        if self._world.recorder is not None:
            self._world.recorder.state(self._world.simulation.now_us, self.node, role, term)

    def _end(self, power_cut: bool, silent: bool) -> None:
        self._note_state("down", 0)
        world = self._world
        moving = [] if self._running is None or self.ruined else world.factory.moving(self._running)
        self._tell_transactions()
        world.sometimes.ended(self.node, moving)
        if self._running is not None:
            world.factory.ended(self._running)
        self._running = None
        self.looks = {}
        self.registers = {}
        self._readers = {}
        self._inbox = []
        self.disk.crash(power_cut)
        self._world.network.crashed(self.node, silent)
        self._world.clients.crashed(self.node, silent)

    def _tell_transactions(self) -> None:
        """A life is over: amid which transactions, and what it counted of them."""
        if self._running is not None and not self.ruined:
            for amid in self._world.factory.transacting(self._running):
                self._world.sometimes.count(amid)
            self.count_transactions()

    def count_transactions(self) -> None:
        """What this life has counted of transactions; once per life."""
        if self._running is not None:
            factory = self._world.factory
            counts = [*factory.transacted(self._running).items(), *factory.registered(self._running).items()]
            for what, count in counts:
                self._world.sometimes.count(what, count)

    def standing(self, group: GroupId) -> Standing:
        """What of transactions over groups is not over in the replica."""
        return NOTHING_STANDS if self._running is None else self._world.factory.standing(self._running, group)

    def _ruin(self, judge: str, sentence: str, text: str = "") -> None:
        self.ruined = True
        self._world.watcher.complain(judge, sentence, text.splitlines()[-40:])
        self._end(False, False)

    def retire(self) -> None:
        """The node has left the cluster: its process is ended, and not started again."""
        self.crash(False, False)
        self.ruined = True

    def pause(self) -> None:
        """SIGSTOP: inputs queue up, ticks are skipped."""
        if self._running is not None and not self.paused:
            self.paused = True
            self._world.sometimes.paused(self.node, True)
            self._say("paused")
            self._mark("pause", "paused")
            self._note_state("paused", 0)

    def resume(self) -> None:
        """SIGCONT: everything that queued up arrives at once."""
        if self._running is None or not self.paused:
            return
        self.paused = False
        self._world.sometimes.paused(self.node, False)
        self._say("resumed")
        self._mark("resume", "resumed")
        inbox, self._inbox = self._inbox, []
        for kind, data, action in inbox:
            self._take(kind, data, action)
        self._schedule_turn()

    def stop(self) -> None:
        """SIGTERM: a graceful stop begins."""
        self._say("told to stop")
        self._mark("stop", "told to stop")
        self._stopping = True
        self._give(self.incarnation, "stop", b"", lambda node: node.stop())

    def _say(self, text: str) -> None:
        self._world.trace.say(self._world.simulation.now_us, self.node, text)

    # -- inputs

    def _give(self, life: int, kind: str, data: bytes, action: Callable[[NodeLike], None]) -> None:
        if self._running is None or life != self.incarnation:
            return
        if self.paused:
            self._inbox.append((kind, data, action))
        else:
            self._take(kind, data, action)

    def _take(self, kind: str, data: bytes, action: Callable[[NodeLike], None]) -> None:
        if self._running is None:
            return
        self._world.trace.event(self._world.simulation.now_us, self.node, kind, data)
        try:
            action(self._running)
        except Exception:
            self._ruin("crash", f"node {self.node} raised in {kind}: {_last_line()}", traceback.format_exc())
            return
        self._schedule_turn()

    def peer_dialed(self, incarnation: int, peer: NodeId) -> None:
        """Our link to ``peer`` is up."""
        self._give(incarnation, "dialed", b"%d" % peer, lambda node: node.on_peer_dialed(peer))

    def peer_lost(self, incarnation: int, peer: NodeId) -> None:
        """Our link to ``peer`` is gone."""
        self._give(incarnation, "lost", b"%d" % peer, lambda node: node.on_peer_lost(peer))

    def link_accepted(self, incarnation: int, link: LinkId, address: str) -> None:
        """A peer connected."""
        self._give(incarnation, "accepted", b"%d" % link, lambda node: node.on_link_accepted(link, address))

    def link_bytes(self, incarnation: int, link: LinkId, data: bytes) -> None:
        """Bytes on a link that a peer dialed."""
        self._give(incarnation, "peer", data, lambda node: node.on_link_bytes(link, data))

    def link_closed(self, incarnation: int, link: LinkId) -> None:
        """A link that a peer dialed is gone."""
        self._give(incarnation, "unlinked", b"%d" % link, lambda node: node.on_link_closed(link))

    def client_connected(self, incarnation: int, conn: ConnectionId, address: str) -> None:
        """A client connected."""
        self._give(incarnation, "client", b"%d" % conn, lambda node: node.on_client_connected(conn, address))

    def client_bytes(self, incarnation: int, conn: ConnectionId, data: bytes) -> None:
        """Bytes from a client."""
        self._give(incarnation, "request", data, lambda node: node.on_client_bytes(conn, data))

    def client_closed(self, incarnation: int, conn: ConnectionId) -> None:
        """A client hung up."""
        self._give(incarnation, "unclient", b"%d" % conn, lambda node: node.on_client_closed(conn))

    def _disk_report(self, life: int, token: int, reads: list[bytes], fault: DiskFault | None) -> None:
        if fault is None:
            self._give(life, "disk", b"%d" % token, lambda node: node.on_disk_done(token, reads))
            return
        if fault is DiskFault.FAILED:
            self._excused = True
            self._world.sometimes.count("failed sync reported")
        self._say(f"disk job fails: {fault.name}")
        self._mark("disk", f"disk: {fault.name.lower()}")
        text = "simulated: " + fault.name
        self._give(life, "fault", b"%d" % token, lambda node: node.on_disk_failed(token, fault, text))

    def _schedule_tick(self) -> None:
        world, life = self._world, self.incarnation
        own_ms = world.factory.calm_tick_ms if self._calm else world.factory.tick_ms
        self._tick_number += 1
        number = self._tick_number
        self._tick_at_us = world.simulation.now_us + self.clock.real_us(own_ms)
        world.simulation.at(self._tick_at_us, lambda: self._tick(life, number))

    def _become_calm(self, calm: bool) -> None:
        """As the real driver does: after the next tick ticks are rare; or else the next is near."""
        world = self._world
        self._calm = calm
        if calm:
            world.sometimes.count("node calm")
        elif self._tick_at_us > world.simulation.now_us + self.clock.real_us(world.factory.tick_ms):
            self._schedule_tick()

    def _tick(self, life: int, number: int) -> None:
        if self._running is None or life != self.incarnation or number != self._tick_number:
            return
        if not self.paused:
            mono_ms, wall_ms = self.clock.mono_ms(), self.clock.wall_ms()
            self._take("tick", b"%d %d" % (mono_ms, wall_ms), lambda node: node.on_tick(mono_ms, wall_ms))
        if self._running is not None:
            self._schedule_tick()

    # -- turns

    def _schedule_turn(self) -> None:
        if not self._turn_due:
            self._turn_due = True
            life = self.incarnation
            delay_us = self._prng.between(0, self._world.options.turn_us_max)
            if self.slow_us:
                delay_us += self._slowness.between(self.slow_us // 4, self.slow_us)
            self._world.simulation.after(delay_us, lambda: self._turn(life))

    def _turn(self, life: int) -> None:
        if self._running is None or life != self.incarnation:
            return
        self._turn_due = False
        if self.paused:
            return
        node = self._running
        try:
            effects = node.turn(self.clock.mono_ms(), self.clock.wall_ms())
            self._turns += 1
            whole = self._turns % WHOLE_TURNS == 0
            node.check_invariants(whole)
            news = self._look(node, whole)
        except Exception:
            self._ruin(
                "crash", f"node {self.node} raised in its turn: {_last_line()}", traceback.format_exc()
            )
            return
        if news and not effects.fatal:  # of a node that stops here nothing is seen any more
            self._tell(node, news)
        if not effects.fatal:
            self._look_at_registers(node)
        if effects.calm is not self._calm and self._world.options.rare_ticks:
            self._become_calm(effects.calm)
        self._perform(effects)

    def _look(self, node: NodeLike, whole: bool) -> list[GroupId]:
        """Look at the replicas that had a turn, now and then at all; those of which there are news."""
        looks = self.looks
        numbers = node.group_numbers()
        turned = node.turned()
        news = []
        for group in numbers:
            if group in turned or whole or group not in looks:
                seen = node.observe(group)
                if looks.get(group) != seen:
                    assert group in turned or group not in looks, f"group {group} is another without a turn"
                    looks[group] = seen
                    news.append(group)
        if len(looks) > len(numbers):
            news += [group for group in looks if group not in numbers]
        return news

    def _tell(self, node: NodeLike, news: list[GroupId]) -> None:
        world = self._world
        numbers = node.group_numbers()
        for group in news:
            if group not in numbers:
                del self.looks[group]
                self._readers.pop(group, None)
                world.watcher.left(self.node, group, world.factory.is_dropped(node, group))
                world.sometimes.left(self.node, group)
                continue
            seen = self.looks[group]
            if group == MAIN_GROUP:
                self._note_state(seen.role, seen.term)
            readers = self._readers.get(group)
            if readers is None:
                readers = self._readers[group] = self._readers_of(node, group)
            world.sometimes.observed(self.node, group, seen, readers[0], world.simulation.now_us)
            world.watcher.observed(self.node, group, seen, *readers)

    def _look_at_registers(self, node: NodeLike) -> None:
        """The same of groups of registers: what there is new is told at once."""
        numbers = node.register_numbers()
        looks, factory, watcher = self.registers, self._world.factory, self._world.watcher
        for group in numbers:
            seen = node.registers(group)
            if looks.get(group) != seen:
                self._world.sometimes.registers_seen(self.node, group, looks.get(group), seen)
                looks[group] = seen
                watcher.registers_seen(
                    self.node,
                    group,
                    seen,
                    lambda group=group: factory.registers_held(node, group),  # type: ignore[misc]
                )
        if len(looks) > len(numbers):
            for group in [group for group in looks if group not in numbers]:
                del looks[group]
                watcher.registers_left(self.node, group)

    def registers_held(self, group: GroupId) -> Mapping[bytes, RegisterHeldLike]:
        """All that its acceptor holds of a group of registers."""
        return {} if self._running is None else self._world.factory.registers_held(self._running, group)

    def copies(self) -> Mapping[GroupId, CopyLike]:
        """All that it holds of groups of mode ``eventual``."""
        return {} if self._running is None else self._world.factory.copies(self._running)

    def _readers_of(self, node: NodeLike, group: GroupId) -> tuple[EntryAt, DigestOf]:
        factory = self._world.factory
        return (
            lambda index: node.log_entry(index, group),
            lambda whole: factory.digest(node, group, whole),
        )

    def slots_stand(self, group: GroupId) -> tuple[object, Callable[[], bytes], dict[int, int]]:
        """Something that is another when the replica serves other slots, which these are, and what comes."""
        node, factory = self._running, self._world.factory
        assert node is not None
        return factory.stand(node, group), lambda: factory.served(node, group), factory.coming(node, group)

    def knows_functions(self) -> bool:
        """Whether all groups here know the functions that the system group knows."""
        node, taught = self._running, self._world.factory.taught
        if node is None or SYSTEM_GROUP not in self.looks:
            return True
        wanted = taught(node, SYSTEM_GROUP)
        return all(taught(node, group) == wanted for group in self.looks)

    def remains_of(self, group: GroupId) -> str:
        """What moves that are over have left in the replica."""
        node = self._running
        return "" if node is None else self._world.factory.remains(node, group)

    def whole_digest(self, group: GroupId) -> object:
        """The digest of a replica's whole state; None while it is not there."""
        if self._running is None or group not in self.looks:
            return None
        return self._world.factory.digest(self._running, group, True)

    def set_aside_calls(self) -> int | None:
        """What ``INFO`` counts of calls that were set aside; None while the process is not there."""
        return None if self._running is None else self._world.factory.set_aside_calls(self._running)

    def _perform(self, effects: EffectsLike) -> None:
        world = self._world
        for level, text in effects.log:
            self._say(f"log {level}: {text}")
            world.sometimes.logged(self.node, text)
            if _DEFECT in text:
                world.watcher.complain("defect", f"node {self.node}: {text}", [])
        if effects.fatal:
            self._say(f"fatal: {effects.fatal}")
            self._mark("fatal", effects.fatal)
            if self.wiped:
                world.sometimes.count("wiped disk refused")
                self.ruined = True
                self._end(False, False)
                world.watcher.lost(self.node)
            elif not self._excused:
                self._ruin("crash", f"node {self.node} stopped without a disk failure: {effects.fatal}")
            else:
                self._end(False, False)
                world.simulation.after(self._prng.between(100_000, 2_000_000), self.start)
            return
        for job in effects.disk:
            self.disk.submit(job)
        for peer, frame in effects.sends:
            world.trace.event(world.simulation.now_us, self.node, "send", frame)
            world.network.send(self.node, peer, frame)
        for conn, data in effects.replies:
            world.trace.event(world.simulation.now_us, self.node, "reply", data)
            world.clients.reply(conn, data)
        for conn in effects.closes + effects.kills:
            world.clients.server_closes(conn)
        for link in effects.link_closes:
            world.network.close_accepted(self.node, link)
        if effects.dials is not None:
            world.network.dials(self.node, [peer for peer, _, _ in effects.dials])
        for peer in effects.redials:
            world.network.redial(self.node, peer)
        for conn in effects.pauses:
            world.clients.read(conn, False)
        for conn in effects.resumes:
            world.clients.read(conn, True)
        if effects.finished:
            self._say("stopped")
            self._end(False, False)
        elif effects.again:
            self._schedule_turn()


def _last_line() -> str:
    return traceback.format_exc().strip().splitlines()[-1]
