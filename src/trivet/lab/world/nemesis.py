"""The nemesis: does to the cluster what its options say, at times that its seed says.

Every kind of fault has its own clock and its own chance. A fault that lasts ends by itself within a
few ``fault_ms_max``. ``heal_core`` ends everything for a majority and leaves the others broken;
``calm`` ends everything for everyone.
"""

from collections.abc import Callable

from trivet.core.base.checksum import crc32
from trivet.core.base.ids import GroupId, NodeId
from trivet.core.base.prng import Prng
from trivet.lab.seam import MAIN_GROUP
from trivet.lab.world.faults import machines, orders, outsiders, storage, walls
from trivet.lab.world.faults.ground import Ground, Shared, Victims

LURK_US = 300
LURK_TIMES = 1000
"""How long, at most, a fault waits for a moment when clients wait for answers."""

KINDS: dict[str, Callable[[Ground], bool]] = {
    "move": orders.order,
    "join": orders.join,
    "teach": orders.teach,
    "wipe": storage.wipe,
    "kill": machines.kill,
    "power": machines.power,
    "kill-all": machines.kill_all,
    "pause": machines.pause,
    "stop": machines.stop,
    "slow-node": machines.slow_node,
    "clock-jump": machines.clock_jump,
    "clock-rate": machines.clock_rate,
    "partition": walls.partition,
    "one-way": walls.one_way,
    "shape": walls.shape,
    "leader-link": walls.leader_link,
    "slow-link": walls.slow_link,
    "flap": walls.flap,
    "link-break": walls.link_break,
    "client-drop": walls.client_drop,
    "disk-stall": storage.disk_stall,
    "disk-slow": storage.disk_slow,
    "disk-hang": storage.disk_hang,
    "disk-full": storage.disk_full,
    "sync-failure": storage.sync_failure,
    "bit-rot": storage.bit_rot,
    "misdirect": storage.misdirect,
}
"""By name: how the fault strikes. The option ``NAME_every_ms`` says how often."""


class Nemesis:
    """Schedules and counts faults."""

    def __init__(self, victims: Victims, prng: Prng) -> None:
        self._victims = victims
        self._seed = prng.u64()
        self._shared = Shared()
        self._begun = False
        self.counts = self._shared.counts
        """By kind: how often each fault struck."""
        self._fate = self._ground("fate")
        self._commit_fate = self._ground("commit-fate")
        self._core = self._ground("core")

    def _ground(self, kind: str) -> Ground:
        return Ground(self._victims, Prng(self._seed ^ crc32(kind.encode())), self._shared)

    def start(self) -> None:
        """Arm every fault whose rate is not zero."""
        self._begun = True
        for name, strike in KINDS.items():
            every_ms = getattr(self._victims.options, name.replace("-", "_") + "_every_ms")
            if every_ms:
                self._arm(name, self._ground(name), every_ms, strike)

    def _arm(self, name: str, ground: Ground, every_ms: int, strike: Callable[[Ground], bool]) -> None:
        def hit() -> None:
            if self._shared.quiet:
                return
            if strike(ground):
                ground.count(name)
            self._arm(name, ground, every_ms, strike)

        def lurk(patience: int) -> None:
            """Most faults hit while calls are under way: that is when they matter."""
            if (
                patience == 0
                or self._shared.quiet
                or any(not client.idle for client in self._victims.clients)
            ):
                hit()
            else:
                self._victims.simulation.after(LURK_US, lambda: lurk(patience - 1))

        patience = LURK_TIMES if ground.prng.chance(0.75) else 0
        delay_us = ground.prng.between(every_ms * 500, every_ms * 1500)
        self._victims.simulation.after(delay_us, lambda: lurk(patience))

    # -- fates: faults that follow what a node does

    def elected(self, node: NodeId, group: GroupId) -> None:
        """A leader of a group was elected."""
        hung = self._shared.hung_leader
        if hung and hung != node and group == MAIN_GROUP:
            self._shared.hung_leader = 0
            if hung in self._victims.processes and self._victims.processes[hung].disk.hanging:
                self._victims.sometimes.count("leader with a hanging disk replaced")
        if self._begun and not self._shared.quiet and machines.fate(self._fate, node):
            self._fate.count("fate")

    def committed(self, node: NodeId) -> None:
        """A leader commits."""
        if self._begun and not self._shared.quiet and machines.commit_fate(self._commit_fate, node):
            self._commit_fate.count("commit-fate")

    # -- the end of faults

    def choose_core(self) -> list[NodeId]:
        """A majority that must serve alone: without the node whose disk may have lost something."""
        prng = self._core.prng
        able = [node for node in self._victims.processes if node != self._shared.rotten]
        prng.shuffle(able)
        total = len(self._victims.processes)
        most = min(len(able), total - 1)
        return sorted(able[: prng.between(total // 2 + 1, most)])

    def heal_core(self, core: list[NodeId]) -> bool:
        """End all faults; then break the nodes outside ``core`` anew, each in its own way, for good.

        Gives whether a disk hangs.
        """
        self._quiet("core " + " ".join(map(str, core)))
        for process in self._victims.processes.values():
            process.resume()
            process.disk.mend()
            process.slow_us = 0
        for node in core:
            self._victims.processes[node].start()
        for node in self._victims.processes:
            if node not in core:
                outsiders.break_for_good(self._core, node, core)
        return any(process.disk.hanging for process in self._victims.processes.values())

    def calm(self) -> None:
        """End all faults: heal, restart, resume."""
        self._quiet("calm")
        for process in self._victims.processes.values():
            process.resume()
            process.disk.mend()
            process.slow_us = 0
            process.start()
        for process in self._victims.processes.values():
            process.start()

    def _quiet(self, text: str) -> None:
        self._shared.quiet = True
        victims = self._victims
        victims.trace.say(victims.simulation.now_us, 0, text)
        if victims.recorder is not None:
            victims.recorder.calm(victims.simulation.now_us)
        victims.network.heal()

    def keep_up(self, nodes: list[NodeId] | None = None) -> None:
        """After the healing: start what is not up (a node that stopped itself, or was told to)."""
        for node, process in self._victims.processes.items():
            if nodes is None or node in nodes:
                process.start()
