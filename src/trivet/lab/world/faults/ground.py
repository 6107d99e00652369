"""The ground on which faults act: the cluster as they see it, their own chance, and what they share.

Each kind of fault has a ground of its own, with a generator of its own, so that a draw more in one kind
changes nothing in another. What lasts is undone by ``later``, which does nothing once all is quiet.
"""

# ruff: noqa: D102 (the small protocol says what its names say)

from collections.abc import Callable
from typing import Protocol

from trivet.core.base.ids import NodeId
from trivet.core.base.prng import Prng
from trivet.core.cluster.map import ClusterMap
from trivet.lab.recording import Recorder
from trivet.lab.seam import NodeFactory
from trivet.lab.world.admin import Orders
from trivet.lab.world.client import Client
from trivet.lab.world.network import Network
from trivet.lab.world.options import RunOptions
from trivet.lab.world.process import Process
from trivet.lab.world.sim import Simulation
from trivet.lab.world.sometimes import Sometimes
from trivet.lab.world.trace import Trace

Pairs = list[tuple[NodeId, NodeId]]
"""Directed: (source, target)."""


class KeysUsed(Protocol):
    """The workloads, as far as faults ask them."""

    def used_keys(self) -> list[tuple[int, bytes]]:
        """(database, key) of all of them."""
        ...


class Victims(Protocol):
    """The cluster as faults see it."""

    simulation: Simulation
    trace: Trace
    options: RunOptions
    factory: NodeFactory
    processes: dict[NodeId, Process]
    network: Network
    clients: list[Client]
    recorder: Recorder | None
    sometimes: Sometimes
    orders: Orders

    @property
    def mix(self) -> KeysUsed:
        """The workloads."""
        ...

    def join(self, node: NodeId, birth: int, known: list[NodeId]) -> None: ...


class Shared:
    """What all kinds of faults of one run have in common."""

    def __init__(self) -> None:
        self.quiet = False
        """Nothing strikes any more."""
        self.rotten: NodeId = 0
        """The one node whose disk loses what it synced; 0: none so far (the budget of storage faults)."""
        self.hung_leader: NodeId = 0
        """A leader of the main group whose disk began to hang; 0: none, or replaced since."""
        self.walls = 0
        self.counts: dict[str, int] = {}


class Ground:
    """Where one kind of fault acts."""

    def __init__(self, victims: Victims, prng: Prng, shared: Shared) -> None:
        self.victims = victims
        self.prng = prng
        self.shared = shared
        self.options = victims.options
        self.network = victims.network

    @property
    def now_us(self) -> int:
        """Virtual time."""
        return self.victims.simulation.now_us

    @property
    def nodes(self) -> list[NodeId]:
        """All nodes, in order."""
        return list(self.victims.processes)

    def say(self, text: str) -> None:
        """A line of the trace."""
        self.victims.trace.say(self.now_us, 0, text)

    def count(self, what: str) -> None:
        """A fault struck."""
        self.shared.counts[what] = self.shared.counts.get(what, 0) + 1

    def choose(self) -> Process:
        """A victim: a leader when chance prefers it and one is known."""
        processes = list(self.victims.processes.values())
        if self.prng.chance(self.options.leader_preference):
            leaders = [p for p in processes if p.leads()]
            if leaders:
                return leaders[self.prng.below(len(leaders))]
        return processes[self.prng.below(len(processes))]

    def loses_synced(self) -> bool:
        """Whether in this run a disk may lose what it has synced: then no copy may be the only one."""
        options = self.options
        rates = (options.bit_rot_every_ms, options.misdirect_every_ms, options.sync_failure_every_ms)
        return any(rates) or options.wipe_every_ms > 0

    def all_up(self) -> bool:
        """Whether every node runs: a group that is founded now has all the members that it shall have."""
        return all(process.is_up() and not process.paused for process in self.victims.processes.values())

    def cluster(self) -> ClusterMap | None:
        """The newest map that any running node knows."""
        maps = [process.cluster() for process in self.victims.processes.values()]
        return max([m for m in maps if m is not None], key=lambda m: m.epoch, default=None)

    def span_us(self) -> int:
        """How long a fault that lasts shall last."""
        return 1000 * self.prng.between(1, self.options.fault_ms_max)

    def later(self, delay_us: int, action: Callable[[], None]) -> None:
        """Let ``action`` happen, unless all is quiet by then."""

        def act() -> None:
            if not self.shared.quiet:
                action()

        self.victims.simulation.after(delay_us, act)

    def wall(self, pairs: Pairs, text: str, span_us: int) -> None:
        """Nothing passes between ``pairs`` for ``span_us``."""
        victims = self.victims
        self.say(text)
        for source, target in pairs:
            self.network.block(source, target)
        self.shared.walls += 1
        number = self.shared.walls
        if victims.recorder is not None:
            victims.recorder.wall(self.now_us, number, pairs, text)

        def fall() -> None:
            self.say(f"healed: {text}")
            if victims.recorder is not None:
                victims.recorder.wall_falls(self.now_us, number)
            for source, target in pairs:
                self.network.unblock(source, target)

        self.later(span_us, fall)

    def rotten(self) -> Process | None:
        """The node whose disk may lose what it synced; None in clusters too small to have a copy left."""
        if len(self.victims.processes) < 3:
            return None
        if not self.shared.rotten:
            self.shared.rotten = self.nodes[self.prng.below(len(self.nodes))]
        return self.victims.processes.get(self.shared.rotten)
