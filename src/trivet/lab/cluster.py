"""SimulatedCluster: N nodes, their machines, network and clients under one virtual time; and a run's phases.

1. *Safety*: clients work while the nemesis does.
2. *Liveness*: often, only a majority is healed at first, and must serve alone. Then everything is healed
   and restarted; clients must succeed again within bounded time.
3. *Final reads* of every key through every node; then all replicas must reach one applied index and state.
"""

from collections.abc import Callable

from trivet.core.base.ids import SYSTEM_GROUP, GroupId, NodeId
from trivet.core.base.prng import Prng
from trivet.core.cluster.map import ClusterMap
from trivet.core.cluster.rows import HANDED
from trivet.lab.history import FOREVER_US, Operation, Outcome
from trivet.lab.judges.complaint import Complaint
from trivet.lab.judges.copies import unlike
from trivet.lab.judges.groups import GroupJudges
from trivet.lab.judges.hearing import HearingJudge
from trivet.lab.judges.invariants import DigestOf, EntryAt
from trivet.lab.judges.quorums import members_text
from trivet.lab.judges.registers import RegisterJudge, unsettled
from trivet.lab.judges.slots import SlotJudge, disagreement
from trivet.lab.judges.standing import StandingJudge
from trivet.lab.recording import Recorder, Recording, recorded
from trivet.lab.seam import NodeFactory, ObservationLike, RegistersLike
from trivet.lab.workloads import Mix
from trivet.lab.workloads.mix import has_copies
from trivet.lab.world import wishes
from trivet.lab.world.admin import Orders
from trivet.lab.world.client import Client, Once, Source
from trivet.lab.world.clock import NodeClock
from trivet.lab.world.disk import SimulatedDisk
from trivet.lab.world.nemesis import Nemesis
from trivet.lab.world.network import Network
from trivet.lab.world.options import RunOptions
from trivet.lab.world.process import HeldOf, Process, World
from trivet.lab.world.sim import Simulation
from trivet.lab.world.standstill import came_elsewhere, has_majority, stays_as_it_is
from trivet.lab.world.trace import Trace
from trivet.lab.world.wires import Wires

MS = 1000
SWEEPS, SWEEP_MS = 30, 200
"""So often, and so far apart, what moves have left behind is looked for."""
LINKS_SPEAK_US = 1_000_000
"""So long after a link came, at most, each end has heard what the other has to say first."""
LEADS_HANGING_US = 3_000_000
"""So long, at most, a leader whose disk hangs goes on leading: Raft's ``disk_patience_ticks``."""
LOOK_US = 100_000
"""So often it is asked what stands too long."""
LEAVES_US = 500_000
"""After so long a process is ended whose node has left."""
GRACE_CALLS = 3
"""So many calls must succeed per client once everything is healed."""


JUMPS_MAX = 10
"""So many jumps of one clock may add up; updates from too far ahead wait until the others are there."""


class SimulatedCluster:
    """A whole world, determined by its options. ``run`` it once."""

    def __init__(
        self,
        options: RunOptions,
        factory: NodeFactory,
        verbose: bool = False,
        recorder: Recorder | None = None,
    ) -> None:
        chance = Prng(options.seed)
        self.options = options
        self.factory = factory
        self.simulation = Simulation()
        self.trace = Trace(verbose)
        self.history: list[Operation] = []
        self.complaints: list[Complaint] = []
        self.invariants = GroupJudges()
        self.slots = SlotJudge(self.invariants.complaints)
        self.standing = StandingJudge(self.invariants.complaints, options.primary_rate > 0)
        self.registers = RegisterJudge(self.invariants.complaints)
        self.network = Network(self.simulation, chance.fork(), options)
        self.processes: dict[NodeId, Process] = {}
        self.world = World(self.simulation, self.trace, options, factory, self.network)
        self.recorder = self.network.recorder = self.world.recorder = recorder
        self.sometimes = self.world.sometimes
        self._hearing = HearingJudge(options.grace_ms, self.invariants.complaints, self.sometimes.count)
        self.sometimes.walls_stand = self.network.walls_stand
        machines = chance.fork()
        for node in range(1, options.nodes + 1):
            self._add(node, machines, list(range(1, options.nodes + 1)))
        self.serving = list(self.processes)
        """The nodes that clients know; one list for all of them."""
        self._joined: dict[NodeId, None] = {}
        """Every node that ever joined."""
        self._leaving: dict[NodeId, None] = {}
        """Every node that ever left."""
        self.wires = Wires(self.simulation, chance.fork(), options, self.processes)
        self.world.clients = self.wires
        self.world.watcher = self
        self.mix = Mix(options)
        self._callers = chance.fork()
        self.orders = Orders(self.sometimes)
        self.clients = [self._client(i + 1, self.mix) for i in range(options.clients)]
        self._last_led: dict[tuple[NodeId, GroupId], int] = {}
        """The last term that each replica led."""
        self._last_commit: dict[tuple[NodeId, GroupId], int] = {}
        self._healed_us = FOREVER_US
        self.nemesis = Nemesis(self, chance.fork())
        self._core_chance = chance.fork()
        self._joiners = chance.fork()
        self.orders.client = self._client(2000, self.orders)

    def _add(self, node: NodeId, machines: Prng, known: list[NodeId]) -> Process:
        process = self.processes[node] = self._machine(node, machines)
        self.network.add(node, process, known)
        if self.recorder is not None:
            self.recorder.lane(node, f"node {node}")
        return process

    def join(self, node: NodeId, birth: int, known: list[NodeId]) -> None:
        """The cluster has told a new node its number and who is there: its process starts, its disk empty."""
        if node in self._joined:
            return
        self._joined[node] = None
        self.factory.join(node, birth, known)
        self._add(node, self._joiners, known).start()
        self.serving.append(node)
        self.sometimes.count("node joined")

    def lost(self, node: NodeId) -> None:
        """A node is there no more, for good."""
        process = self.processes.pop(node, None)
        if process is not None:
            process.retire()
            self.serving.remove(node)

    def _look_at_nodes(self, cluster: ClusterMap) -> None:
        """Whoever has left is stopped by its administrator, some time later."""
        for node in self.processes:
            if node not in cluster.members and node not in self._leaving:
                self._leaving[node] = None
                self.sometimes.count("node left")
                self.simulation.after(LEAVES_US, lambda node=node: self.lost(node))  # type: ignore[misc]

    def _machine(self, node: NodeId, machines: Prng) -> Process:
        options = self.options
        disk = SimulatedDisk(self.simulation, machines.fork(), options)
        drift_ppm = machines.between(-options.drift_ppm_max, options.drift_ppm_max)
        offset_ms = machines.between(-options.wall_offset_ms_max, options.wall_offset_ms_max)
        return Process(
            node, self.world, disk, NodeClock(self.simulation, drift_ppm, offset_ms), machines.fork()
        )

    def _client(self, number: int, source: Source) -> Client:
        client = Client(
            number,
            self.simulation,
            self.wires,
            source,
            self.options,
            self._callers.fork(),
            self.history,
            self.complain,
        )
        client.among = self.serving
        return client

    # -- what processes tell

    def booted(self, node: NodeId) -> None:
        """A node is up."""
        self.invariants.booted(node)
        self.registers.booted(node)

    def wiped(self, node: NodeId) -> None:
        """Its disk is empty: whatever starts there is nobody's member."""
        self.invariants.wiped(node)

    def observed(
        self, node: NodeId, group: GroupId, seen: ObservationLike, entry: EntryAt, digest: DigestOf
    ) -> None:
        """A turn of a node has changed one of its replicas."""
        self.invariants.observed(node, group, seen, entry, digest)
        if group == SYSTEM_GROUP:
            cluster = self.processes[node].cluster()
            if cluster is not None and self.sometimes.movement.map_seen(cluster):
                keyspaces = {row.id: row.keyspace for row in cluster.groups.values()}
                moves = cluster.moves.values()
                handed = {m.id: (m.target_group, m.generation) for m in moves if m.phase == HANDED}
                self.slots.map_seen(keyspaces, handed)
                self.standing.groups_seen(keyspaces)
                self._look_at_nodes(cluster)
        else:
            self.slots.observed(group, seen.applied, *self.processes[node].slots_stand(group))
            self._look_at_transactions(node, group, seen)
        replica = (node, group)
        if seen.role == "leader":
            if self._last_led.get(replica) != seen.term:
                self._last_led[replica] = seen.term
                self.nemesis.elected(node, group)
                self.standing.elected(self.simulation.now_us)
            if seen.commit > self._last_commit.get(replica, 0):
                self.nemesis.committed(node)
        self._last_commit[replica] = seen.commit

    def _look_at_transactions(self, node: NodeId, group: GroupId, seen: ObservationLike) -> None:
        standing = self.processes[node].standing(group)
        self.standing.observed(group, seen.applied, standing, self.simulation.now_us)
        if standing.keeps_move and seen.role == "leader":
            self.sometimes.count("move waits for locks")

    def _look_at_clock(self) -> None:
        """Whatever stands too long is noticed soon."""
        self.standing.look(self.simulation.now_us)
        hearings = {node: process.hearing() for node, process in self.processes.items()}
        heard = {node: hearing for node, hearing in hearings.items() if hearing is not None}
        self._hearing.look(self.simulation.now_us, heard, self.network.whole_links())
        self.simulation.after(LOOK_US, self._look_at_clock)

    def left(self, node: NodeId, group: GroupId, is_dropped: bool) -> None:
        """A replica is gone from a running node."""
        self.invariants.left(node, group, is_dropped)
        self._last_led.pop((node, group), None)
        self._last_commit.pop((node, group), None)

    def registers_seen(self, node: NodeId, group: GroupId, seen: RegistersLike, held: HeldOf) -> None:
        """A turn of a node has changed its part in a group of registers."""
        self.registers.observed(node, group, seen, held)

    def registers_left(self, node: NodeId, group: GroupId) -> None:
        """A group of registers is gone from a running node."""
        self.registers.left(node, group)

    def complain(self, judge: str, sentence: str, evidence: list[str]) -> None:
        """Something happened that must not."""
        self.trace.say(self.simulation.now_us, 0, f"{judge} complains: {sentence}")
        self.complaints.append(Complaint(judge, sentence, evidence))

    def faults(self) -> dict[str, int]:
        """How often each kind of fault struck."""
        counts = dict(sorted(self.nemesis.counts.items())) | self.network.counts()
        misdirected = sum(process.disk.misdirected for process in self.processes.values())
        counts |= {"misdirect": misdirected, "buggify": sum(self._points().values())}
        return {name: count for name, count in counts.items() if count}

    def quiet_since_us(self) -> int:
        """From then on all links between nodes were whole, to the end of the run."""
        since_us = self.network.changed_us + LINKS_SPEAK_US
        return max(since_us, self._healed_us) if self.faults() else since_us

    def reached(self) -> dict[str, int]:
        """How often each state worth reaching was reached; call it once, when the run is over."""
        self.sometimes.look_back(self.history)
        for process in self.processes.values():
            process.count_transactions()
        rare = {f"buggify {point}": count for point, count in sorted(self._points().items())}
        chosen = (
            {"registers: a majority holds a version": self.registers.chosen} if self.registers.chosen else {}
        )
        return self.invariants.reached | self.sometimes.reached | chosen | rare

    def _points(self) -> dict[str, int]:
        return {} if self.world.points is None else self.world.points.counts

    def spoken(self) -> bool:
        """Whether a judge that watches the run has complained: no use to go on."""
        return bool(self.complaints or self.invariants.complaints)

    # -- phases

    def run(self) -> None:
        """All phases, as far as they get."""
        for process in self.processes.values():
            process.start()
        self.simulation.after(LOOK_US, self._look_at_clock)
        if not self._prepare():
            return
        for client in self.clients:
            client.start(self.simulation.now_us + 1)
        if self._safety() and self._liveness() and self._converge() and self._final_reads():
            self._agreement()

    def _prepare(self) -> bool:
        """What workloads need to begin is there before the first fault."""
        preparation = self.mix.preparation()
        if preparation is None:
            return True
        client = self._client(0, preparation)
        client.hasty = True
        client.start(1)
        if not self._run_for(self.options.liveness_ms, lambda: client.finished) and not self.spoken():
            self.complain("liveness", "the workloads cannot be prepared", self._state())
        return not self.spoken()

    def _safety(self) -> bool:
        self.nemesis.start()
        self._run_for(self.options.safety_ms_max, self.mix.done)
        self.mix.abandon()
        self.orders.abandon()
        return not self.spoken()

    def _liveness(self) -> bool:
        """First, often, a majority that is whole must serve alone, then everyone, within bounded time."""
        if self.world.points is not None:
            self.world.points.calm = True
        for client in self.clients:
            client.hasty = True
        if len(self.processes) > 2 and self._core_chance.chance(self.options.core_rate):
            core = self.nemesis.choose_core()
            if self._is_whole(core):
                if not self._core_serves(core):
                    return False
                self.sometimes.count("core served while others were broken")
        self.standing.broken()
        self.nemesis.calm()
        self.simulation.after(LINKS_SPEAK_US, lambda: self.standing.whole(self.simulation.now_us))
        self._settle(list(self.processes))
        self._healed_us = self.simulation.now_us
        return self._demand("after healing")

    def _is_whole(self, core: list[NodeId]) -> bool:
        """Whether each group has a majority in ``core``, and will have it when nothing else is asked for."""
        cluster = self.newest_map()
        looks = [process.looks for process in self.processes.values()]
        return cluster is None or all(
            has_majority(row, core)
            and self.invariants.voters_of(row.id, row.members) == sorted(row.members)
            and stays_as_it_is(row, cluster, [look[row.id] for look in looks if row.id in look])
            for row in cluster.groups.values()
        )

    def newest_map(self) -> ClusterMap | None:
        """The newest map that any running node knows."""
        maps = [process.cluster() for process in self.processes.values()]
        return max([m for m in maps if m is not None], key=lambda m: m.epoch, default=None)

    def _core_serves(self, core: list[NodeId]) -> bool:
        """Nodes outside ``core`` are broken in ways that a whole majority must not mind."""
        cluster = self.newest_map()
        known = {} if cluster is None else dict.fromkeys(cluster.groups)
        hangs = self.nemesis.heal_core(core)
        for client in self.clients:
            client.among = core
            if client.node not in core:
                client.drop()
        self._settle(core)
        self.standing.whole(self.simulation.now_us + (LEADS_HANGING_US if hangs else 0))
        good = self._demand(
            f"while nodes {core} are whole and the others are not",
            lambda: came_elsewhere(known, self.newest_map(), core),
        )
        for client in self.clients:
            client.among = self.serving
        return good

    def _demand(self, when: str, excused: Callable[[], bool] = lambda: False) -> bool:
        """Every client must get answers again, so the cluster a leader; or it turns out why not."""
        self.mix.add(GRACE_CALLS * len(self.clients) * 4)
        goals = {client.number: client.succeeded + GRACE_CALLS for client in self.clients}
        for client in self.clients:
            client.start(1)

        def served() -> bool:
            return all(client.succeeded >= goals[client.number] or client.finished for client in self.clients)

        finished = self._run_for(self.options.liveness_ms, lambda: served() and self._idle())
        self.mix.abandon()
        if not self.spoken() and not finished and not excused():
            self.complain(
                "liveness",
                f"clients get no answers within {self.options.liveness_ms} ms {when}",
                self._state(),
            )
        starved = [c.number for c in self.clients if c.succeeded < goals[c.number]]
        if not self.spoken() and len(starved) == len(self.clients) and not excused():
            self.complain("liveness", f"no client's calls succeed {when}", self._state())
        self._run_for(self.options.client_timeout_ms, self._idle)
        return not self.spoken()

    def _settle(self, nodes: list[NodeId]) -> None:
        """Let the cluster find a leader, restarting those of ``nodes`` that stop."""
        end_us = self.simulation.now_us + self.options.settle_ms * MS
        while self.simulation.now_us < end_us and not self.spoken():
            self.simulation.run_until(self.simulation.now_us + 200 * MS)
            self.nemesis.keep_up(nodes)

    def _converge(self) -> bool:
        """Copies that serve alone come to hold the same, as soon as all hear each other."""
        if not has_copies(self.options):
            return True
        options = self.options
        ahead_ms = options.clock_jump_ms_max * JUMPS_MAX if options.clock_jump_every_ms else 0
        most_ms = options.liveness_ms + 2 * options.wall_offset_ms_max + ahead_ms
        for _ in range(most_ms // SWEEP_MS):
            if self.spoken() or not self._unlike():
                return not self.spoken()
            self.simulation.run_until(self.simulation.now_us + SWEEP_MS * MS, self.spoken)
            self.nemesis.keep_up(list(self.processes))
        self.complain("copies", f"they do not converge: {self._unlike()}", self._state())
        return False

    def _unlike(self) -> str:
        """What is not as it must be of copies."""
        cluster = self.newest_map()
        if cluster is None:
            return ""
        up = {node: process for node, process in self.processes.items() if process.is_up()}
        held = {(node, group): copy for node, p in up.items() for group, copy in p.copies().items()}
        return unlike(wishes.of_copies(cluster, up), held)

    def _final_reads(self) -> bool:
        """Every key is read through every node, and so is every register that nobody meant to touch."""
        readers = []
        looks = [p.registers_held(group) for p in self.processes.values() for group in p.registers]
        calls = self.mix.final_calls() + self.mix.stray_calls(
            dict.fromkeys(place for one in looks for place in one)
        )
        for node in self.processes:
            reader = self._client(1000 + node, Once(list(calls)))
            reader.home = node
            reader.hasty = True
            readers.append(reader)
            reader.start(1)
        limit_ms = self.options.liveness_ms + len(calls) * 200

        def read() -> bool:
            return all(reader.finished or reader.home not in self.processes for reader in readers)

        finished = self._run_for(limit_ms, read)
        if not self.spoken() and not finished:
            self.complain("liveness", "final reads do not end", self._state())
        failed = [
            o.text() for o in self.history
            if o.final and o.outcome is not Outcome.OK and o.node not in self._leaving
        ]  # fmt: skip
        if not self.spoken() and failed:
            self.complain("liveness", "final reads fail in a healthy cluster", failed[:5])
        return not self.spoken()

    def _agreement(self) -> None:
        """In each group all replicas reach one applied index, and hold one state there."""

        def equal() -> bool:
            return self._is_at_rest() and all(self._is_level(group) for group in self._groups())

        if not self._is_swept():
            return
        if not self._run_for(self.options.liveness_ms, self._know_functions) and not self.spoken():
            self.complain("functions", "some group does not learn what the system group knows", self._state())
            return
        if not self._run_for(self.options.liveness_ms, equal) and not self.spoken():
            self.complain(
                "replicas", "the replicas do not reach one applied index, or one membership", self._state()
            )
            return
        for group in self._groups():
            digests = {
                repr(process.whole_digest(group))
                for process in self.processes.values() if group in process.looks
            }  # fmt: skip
            if len(digests) > 1:
                self.complain(
                    "replicas", f"final states differ at one applied index (group {group})", self._state()
                )
        self._slots_agree()
        for _ in range(self.options.liveness_ms // SWEEP_MS):
            if not self._unsettled() or self.spoken():
                self._clear_registers()
                return
            self.simulation.run_until(self.simulation.now_us + SWEEP_MS * MS, self.spoken)
        self.complain("registers", f"in the end: {self._unsettled()}", self._state())

    def _clear_registers(self) -> None:
        """Their keyspace is dropped: nobody holds anything of it any more."""
        clearance = self.mix.clearance()
        if clearance is None or self.spoken():
            return
        client = self._client(3000, clearance)
        client.hasty = True
        client.start(1)

        def gone() -> bool:
            left = [process.registers or process.copies() for process in self.processes.values()]
            return clearance.done() and not any(left)

        if not self._run_for(self.options.liveness_ms, gone) and not self.spoken():
            self.complain("registers", "a keyspace that was dropped leaves something behind", self._state())

    def _unsettled(self) -> str:
        """What is not as it must be of registers."""
        looks = {
            (node, group): (seen, process.registers_held(group))
            for node, process in self.processes.items() for group, seen in process.registers.items()
        }  # fmt: skip
        cluster = self.newest_map()
        return "" if cluster is None else unsettled(wishes.of_registers(cluster), looks, list(self.processes))

    def _is_swept(self) -> bool:
        """Moves come to their ends, and soon after that nothing is left of them."""
        if not self._run_for(self.options.liveness_ms, self._is_at_rest):
            return not self.spoken()  # what comes to no end is said by others
        for _ in range(SWEEPS):
            if not self._remains():
                return True
            self.simulation.run_until(self.simulation.now_us + SWEEP_MS * MS, self.spoken)
        if not self.spoken():
            self.complain("slots", f"what moves have left behind stays: {self._remains()[0]}", self._state())
        return False

    def _remains(self) -> list[str]:
        """What moves that are over have left behind, and where."""
        found = []
        for node, process in self.processes.items():
            for group in process.looks:
                remains = process.remains_of(group) if group != SYSTEM_GROUP else ""
                if remains:
                    found.append(f"node {node}, group {group}: {remains}")
        return found

    def _slots_agree(self) -> None:
        """Each group serves what the map says, by its own log."""
        cluster = self.newest_map()
        for row in [] if cluster is None else cluster.groups.values():
            process = self.processes.get(row.members[0]) if row.members else None
            if row.id == SYSTEM_GROUP or process is None or row.id not in process.looks:
                continue
            problem = disagreement(row.id, row.ranges, process.slots_stand(row.id)[1]())
            if problem:
                self.complain("slots", problem, self._state())

    def _know_functions(self) -> bool:
        return all(process.knows_functions() for process in self.processes.values())

    def _groups(self) -> list[GroupId]:
        """All groups of which some node has a replica."""
        found: dict[GroupId, None] = {}
        for process in self.processes.values():
            found.update(dict.fromkeys(process.looks))
        return list(found)

    def _is_at_rest(self) -> bool:
        """Whether the newest map wants no more: no slots on their way, all members where they belong."""
        cluster = self.newest_map()
        if cluster is None:
            return True
        up = [node for node, process in self.processes.items() if process.is_up()]
        registers, copies = wishes.of_registers(cluster), wishes.of_copies(cluster, up)
        led = [row for row in cluster.groups.values() if row.id not in (*registers, *copies)]
        rows = [row for row in led if row.id != SYSTEM_GROUP]
        return (
            not cluster.moves
            and not any(wanted.is_changing for wanted in registers.values())
            and not any(wanted.is_changing for wanted in copies.values())
            and all(sorted(self.invariants.members_of(row.id, ())) == sorted(row.target) for row in rows)
        )

    def _is_level(self, group: GroupId) -> bool:
        """Whether just the members of a group have replicas, at one applied index, and know each other."""
        members = [
            node for node in self.invariants.members_of(group, self.processes) if node in self.processes
        ]
        looks = {node: p.looks[group] for node, p in self.processes.items() if group in p.looks}
        states = {(look.applied, members_text(look.membership)) for look in looks.values()}
        return sorted(looks) == sorted(members) and len(states) == 1

    def recording(self) -> Recording:
        """What the recorder has seen, with the clients' operations and the judges' sayings so far."""
        assert self.recorder is not None
        recording = self.recorder.end(self.simulation.now_us)
        recording.operations = [recorded(operation) for operation in self.history]
        return recording

    def _idle(self) -> bool:
        return all(client.idle for client in self.clients)

    def _run_for(self, most_ms: int, done: Callable[[], bool]) -> bool:
        return self.simulation.run_until(
            self.simulation.now_us + most_ms * MS, lambda: done() or self.spoken()
        )

    def _state(self) -> list[str]:
        lines = []
        for node, process in self.processes.items():
            if not process.is_up():
                lines.append(f"node {node}: down")
            lines += [
                f"node {node}, group {group}: {seen.role} term {seen.term} leader {seen.leader} commit "
                f"{seen.commit} applied {seen.applied} log {seen.first_index}..{seen.last_index} "
                f"{members_text(seen.membership)} since {seen.membership_index}"
                for group, seen in process.looks.items()
            ]
            lines += [f"node {node}, group {group}: {seen}" for group, seen in process.registers.items()]
        waiting = [o.text() for o in self.history if o.outcome is Outcome.PENDING]
        return lines + waiting[:10]
