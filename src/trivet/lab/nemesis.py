"""The nemesis: does to the cluster what its options say, at times that its seed says.

Every kind of fault has its own clock. A fault that lasts ends by itself within
``fault_ms_max``; ``calm`` ends everything at once, for the liveness phase.
"""

from collections.abc import Callable
from typing import Protocol

from trivet.core.base.ids import NodeId
from trivet.core.base.prng import Prng
from trivet.lab.client import Client
from trivet.lab.network import Network
from trivet.lab.options import RunOptions
from trivet.lab.process import Process
from trivet.lab.recording import Recorder
from trivet.lab.seam import NodeFactory
from trivet.lab.sim import Simulation
from trivet.lab.trace import Trace

LURK_US = 300
LURK_TIMES = 1000
"""How long, at most, a fault waits for a moment when clients wait for answers."""


class Victims(Protocol):
    """The cluster as the nemesis sees it."""

    simulation: Simulation
    trace: Trace
    options: RunOptions
    factory: NodeFactory
    processes: dict[NodeId, Process]
    network: Network
    clients: list[Client]
    recorder: Recorder | None


class Nemesis:
    """Schedules and counts faults."""

    def __init__(self, victims: Victims, prng: Prng) -> None:
        self._victims = victims
        self._prng = prng
        self._quiet = False
        self._rotten: NodeId = 0
        self._walls = 0
        self.counts: dict[str, int] = {}

    def start(self) -> None:
        """Arm every fault whose rate is not zero."""
        options = self._victims.options
        kinds: list[tuple[str, int, Callable[[], bool]]] = [
            ("kill", options.kill_every_ms, lambda: self._crash(False)),
            ("power", options.power_every_ms, lambda: self._crash(True)),
            ("kill-all", options.kill_all_every_ms, self._crash_all),
            ("pause", options.pause_every_ms, self._pause),
            ("stop", options.stop_every_ms, self._stop),
            ("partition", options.partition_every_ms, self._partition),
            ("one-way", options.one_way_every_ms, self._one_way),
            ("link-break", options.link_break_every_ms, self._link_break),
            ("client-drop", options.client_drop_every_ms, self._client_drop),
            ("disk-stall", options.disk_stall_every_ms, self._disk_stall),
            ("disk-slow", options.disk_slow_every_ms, self._disk_slow),
            ("disk-full", options.disk_full_every_ms, self._disk_full),
            ("sync-failure", options.sync_failure_every_ms, self._sync_failure),
            ("clock-jump", options.clock_jump_every_ms, self._clock_jump),
            ("bit-rot", options.bit_rot_every_ms, self._bit_rot),
        ]
        for name, every_ms, act in kinds:
            if every_ms:
                self._arm(name, every_ms, act)

    def _arm(self, name: str, every_ms: int, act: Callable[[], bool]) -> None:
        def strike() -> None:
            if self._quiet:
                return
            if act():
                self.counts[name] = self.counts.get(name, 0) + 1
            self._arm(name, every_ms, act)

        def lurk(patience: int) -> None:
            """Most faults hit while calls are under way: that is when they matter."""
            if patience == 0 or self._quiet or any(not client.idle for client in self._victims.clients):
                strike()
            else:
                self._victims.simulation.after(LURK_US, lambda: lurk(patience - 1))

        patience = LURK_TIMES if self._prng.chance(0.75) else 0
        delay_us = self._prng.between(every_ms * 500, every_ms * 1500)
        self._victims.simulation.after(delay_us, lambda: lurk(patience))

    def calm(self) -> None:
        """End all faults: heal, restart, resume."""
        self._quiet = True
        victims = self._victims
        self._say("calm")
        if victims.recorder is not None:
            victims.recorder.calm(victims.simulation.now_us)
        victims.network.heal()
        for process in victims.processes.values():
            process.resume()
            process.disk.full = False
            process.disk.slow_factor = 1
            process.disk.stalled_until_us = 0
            process.disk.sync_failures_due = 0
            process.start()
        for process in victims.processes.values():
            process.start()

    def keep_up(self) -> None:
        """After ``calm``: start what is not up (a node that stopped itself, or was told to)."""
        for process in self._victims.processes.values():
            process.start()

    # -- helpers

    def _say(self, text: str) -> None:
        self._victims.trace.say(self._victims.simulation.now_us, 0, text)

    def _choose(self) -> Process:
        """A victim: the leader when chance prefers it and one is known."""
        processes = list(self._victims.processes.values())
        if self._prng.chance(self._victims.options.leader_preference):
            leaders = [p for p in processes if p.seen is not None and p.seen.role == "leader"]
            if leaders:
                return leaders[self._prng.below(len(leaders))]
        return processes[self._prng.below(len(processes))]

    def _span_us(self) -> int:
        return 1000 * self._prng.between(1, self._victims.options.fault_ms_max)

    def _later(self, delay_us: int, action: Callable[[], None]) -> None:
        def act() -> None:
            if not self._quiet:
                action()

        self._victims.simulation.after(delay_us, act)

    # -- processes

    def _crash(self, power_cut: bool) -> bool:
        victim = self._choose()
        if not victim.is_up():
            return False
        victim.crash(power_cut, power_cut and self._prng.chance(self._victims.options.silent_crash_rate))
        self._later(self._span_us(), victim.start)
        return True

    def _crash_all(self) -> bool:
        power_cut = self._prng.chance(0.5)
        for process in self._victims.processes.values():
            process.crash(power_cut, False)
            self._later(self._span_us(), process.start)
        return True

    def _pause(self) -> bool:
        victim = self._choose()
        if not victim.is_up() or victim.paused:
            return False
        victim.pause()
        self._later(self._span_us(), victim.resume)
        return True

    def _stop(self) -> bool:
        victim = self._choose()
        if not victim.is_up():
            return False
        victim.stop()
        self._later(3_000_000 + self._span_us(), lambda: self._end_stop(victim, victim.incarnation))
        return True

    def _end_stop(self, victim: Process, life: int) -> None:
        if victim.is_up() and victim.incarnation == life:
            victim.crash(False, False)
        victim.start()

    def elected(self, node: NodeId) -> None:
        """A leader whose fate it is falls soon after its election, its work half done; or a voter does."""
        options = self._victims.options
        if self._quiet or not options.fate_rate or not self._prng.chance(options.fate_rate):
            return
        self.counts["fate"] = self.counts.get("fate", 0) + 1
        nodes = list(self._victims.processes)
        fated = node if self._prng.chance(options.fate_leader_rate) else nodes[self._prng.below(len(nodes))]
        latest_us = options.fate_ms_max * (1000 if self._prng.chance(0.5) else 125)
        self._later(self._prng.between(0, latest_us), lambda: self._fall(fated, node))

    def committed(self, node: NodeId) -> None:
        """A leader is cut off just as it commits: nothing that it sends in this turn arrives."""
        options = self._victims.options
        if self._quiet or not options.commit_fate_rate or not self._prng.chance(options.commit_fate_rate):
            return
        self.counts["commit-fate"] = self.counts.get("commit-fate", 0) + 1
        self._cut_off(node)

    def _cut_off(self, node: NodeId) -> None:
        others = [other for other in self._victims.processes if other != node]
        pairs = [(node, other) for other in others] + [(other, node) for other in others]
        self._wall(pairs, f"partition of {node}")

    def _fall(self, node: NodeId, leader: NodeId) -> None:
        victim = self._victims.processes[node]
        if node != leader and self._prng.chance(0.5):
            # A voter falls, and nobody hears from the leader it voted for.
            self._cut_off(leader)
            victim.crash(True, False)
            self._later(self._span_us() // 4, victim.start)
            return
        if not victim.is_up():
            return
        way = self._prng.below(4)
        if way == 0:
            victim.pause()
            self._later(self._span_us(), victim.resume)
        elif way == 1:
            self._cut_off(node)
        else:
            victim.crash(way == 2, False)
            self._later(self._span_us(), victim.start)

    # -- network

    def _partition(self) -> bool:
        """Split the nodes in two; sometimes the leader alone."""
        nodes = list(self._victims.processes)
        if len(nodes) < 2:
            return False
        if self._prng.chance(0.5):
            side = [self._choose().node]
        else:
            self._prng.shuffle(nodes)
            side = nodes[: self._prng.between(1, len(nodes) - 1)]
        pairs = [
            (a, b)
            for a in self._victims.processes
            for b in self._victims.processes
            if (a in side) != (b in side)
        ]
        self._wall(pairs, f"partition {side}")
        return True

    def _one_way(self) -> bool:
        """Some directed paths are cut."""
        pairs = [(a, b) for a in self._victims.processes for b in self._victims.processes if a != b]
        if not pairs:
            return False
        self._prng.shuffle(pairs)
        cut = pairs[: self._prng.between(1, max(1, len(pairs) // 2))]
        self._wall(cut, f"one-way {cut}")
        return True

    def _wall(self, pairs: list[tuple[NodeId, NodeId]], text: str) -> None:
        network = self._victims.network
        self._say(text)
        for source, target in pairs:
            network.block(source, target)
        victims = self._victims
        self._walls += 1
        number = self._walls
        if victims.recorder is not None:
            victims.recorder.wall(victims.simulation.now_us, number, pairs, text)

        def fall() -> None:
            self._say(f"healed: {text}")
            if victims.recorder is not None:
                victims.recorder.wall_falls(victims.simulation.now_us, number)
            for source, target in pairs:
                network.unblock(source, target)

        self._later(2 * self._span_us(), fall)

    def _link_break(self) -> bool:
        links = self._victims.network.live_links()
        if not links:
            return False
        dialer, acceptor = links[self._prng.below(len(links))]
        self._say(f"link {dialer}->{acceptor} breaks")
        self._victims.network.break_link(dialer, acceptor)
        return True

    def _client_drop(self) -> bool:
        clients = self._victims.clients
        clients[self._prng.below(len(clients))].drop()
        return True

    # -- disks and clocks

    def _disk_stall(self) -> bool:
        disk = self._choose().disk
        disk.stalled_until_us = self._victims.simulation.now_us + self._span_us()
        return True

    def _disk_slow(self) -> bool:
        disk = self._choose().disk
        disk.slow_factor = self._prng.between(2, 50)

        def end() -> None:
            disk.slow_factor = 1

        self._later(self._span_us(), end)
        return True

    def _disk_full(self) -> bool:
        victim = self._choose()
        victim.disk.full = True
        self._say(f"disk of {victim.node} is full")

        def end() -> None:
            victim.disk.full = False

        self._later(2 * self._span_us(), end)
        return True

    def _sync_failure(self) -> bool:
        victim = self._choose()
        if not victim.is_up() or victim.disk.sync_failures_due:
            return False
        victim.disk.sync_failures_due = 1
        self._later(self._span_us() + 1_000_000, victim.start)
        return True

    def _clock_jump(self) -> bool:
        most_ms = self._victims.options.clock_jump_ms_max
        victim = self._choose()
        victim.clock.wall_offset_ms += self._prng.between(-most_ms, most_ms)
        return True

    def _bit_rot(self) -> bool:
        """One bit of a synced log flips while its node is down; one node per run, so that copies remain."""
        processes = list(self._victims.processes.values())
        if len(processes) < 3:
            return False
        if not self._rotten:
            self._rotten = processes[self._prng.below(len(processes))].node
        victim = self._victims.processes[self._rotten]
        victim.crash(
            True, False
        )  # with the power: what is left is durable, and its last frame proves the others
        spot = self._victims.factory.rot_spot(victim.disk, self._prng.below)
        if spot is not None:
            file, offset = spot
            bit = self._prng.below(8)
            victim.disk.flip_bit(file, offset, bit)
            self._say(f"bit {bit} of byte {offset} of {file} of node {victim.node} flips")
        self._later(self._span_us(), victim.start)
        return spot is not None
