"""One group of mode ``paxos`` on one node: between the node and the room ``core/paxos``.

Skeleton: the public interface.
"""

from collections.abc import Callable
from typing import Protocol

from trivet.core.base.buggify import Buggify
from trivet.core.base.disk import DiskFault, DiskJob
from trivet.core.base.ids import ConnectionId, Instant, NodeId, WallMs
from trivet.core.base.prng import Prng
from trivet.core.command.table import Event
from trivet.core.group.agenda import Agenda
from trivet.core.group.changes import Follower
from trivet.core.group.messages import GroupMessage
from trivet.core.group.register_messages import RegisterMessage
from trivet.core.group.run import Run, Waiter
from trivet.core.group.settings import GroupSettings
from trivet.core.machine.machine import Machine
from trivet.core.machine.register import Registers
from trivet.core.machine.rights import Denied
from trivet.core.paxos.config import GroupConfig
from trivet.core.paxos.paxos import Paxos
from trivet.core.script.scripts import Scripts
from trivet.core.wire.reply import Error


class Log(Protocol):
    """Stands for ``RegisterLog``."""

    full: bool

    def take_jobs(self) -> list[DiskJob]:
        """For the disk."""
        ...


class PaxosGroup:
    """Every node has one of each group of mode ``paxos``, member or not."""

    def __init__(
        self, settings: GroupSettings, agenda: Agenda, paxos: Paxos, log: Log, system: Callable[[], Machine],
        prng: Prng, buggify: Buggify | None = None,
    ) -> None:  # fmt: skip
        """``system``: the machine of the system group, as it is now."""
        self.settings = settings
        self._agenda = agenda
        self.paxos = paxos
        self.log = log
        self.registers = Registers(system().users, Scripts())
        self.config: GroupConfig | None = None
        self.outgoing: list[tuple[NodeId, RegisterMessage]] = []
        self.rescanned = 0
        """Not 0: under this epoch a rescan has ended; the steward takes it and sets it to 0."""
        self.epoch_wanted = 0
        """Not 0: somebody is in this later epoch: look at the map; the node takes it and sets it to 0."""
        self.failure = ""
        self.notes: list[str] = []
        self.wants_turn = False
        self.stirred = False
        self.asleep = True
        self.misrouted: list[Run] = []
        self.woken: list[ConnectionId] = []
        self.jumped = False
        self.events: list[Event] = []
        self.published: list[tuple[bool, bytes, bytes]] = []
        self.denied: list[Denied] = []

    def stir(self) -> None:
        """Something happens: the group is to have a turn (Rules A1, A2)."""
        if not self.stirred:
            self.stirred = True
            self._agenda.stirred.append(self)
            if self.asleep:
                self._agenda.rouse(self)

    # -- what the node asks ----------------------------------------------------------------------

    @property
    def keys(self) -> int:
        """Registers that are held here."""
        return len(self.paxos.acceptor.registers)

    @property
    def size_bytes(self) -> int:
        """What they cost, about."""
        return self.paxos.bytes_in_memory

    @property
    def doubtful(self) -> bool:
        """It may have forgotten something."""
        return self.paxos.doubtful

    def learn(self, config: GroupConfig) -> None:
        """The cluster map has this config; older ones are passed over."""
        self.config = config

    def on_synced(self) -> bool:
        """The log is synced up to ``wal.synced_lsn``; whether something waits still."""
        return False

    def on_disk_done(self, token: int, reads: list[bytes]) -> None:
        """A disk job of its snapshots is done."""

    def on_disk_failed(self, token: int, fault: DiskFault, text: str) -> None:
        """A disk job of its snapshots failed."""

    def bury(self, error: Error) -> None:
        """The group is no more: everybody is answered."""

    # -- the face ----------------------------------------------------------------------------------

    def sent(self) -> None:
        """What is ``outgoing`` has been taken."""
        self.outgoing = []

    def write(self, run: Run, now_ms: Instant) -> None:
        """As ``face``."""

    def read(self, run: Run, now_ms: Instant) -> None:
        """As ``face``."""

    def read_stale(self, run: Run) -> None:
        """As ``face``."""

    def follow_changes(self, follower: Follower | None) -> None:
        """As ``face``."""

    def who_changes(self) -> Waiter | None:
        """As ``face``."""
        return None

    def replicas_of_last_write(self) -> int:
        """As ``face``."""
        return 0 if self.config is None else len(self.config.voters) // 2

    @property
    def has_writes(self) -> bool:
        """As ``face``."""
        return False

    @property
    def pending_bytes(self) -> int:
        """As ``face``."""
        return 0

    @property
    def disk_full(self) -> bool:
        """As ``face``."""
        return self.log.full and self.is_member(self.settings.node)

    @property
    def leader(self) -> NodeId:
        """Any node serves."""
        return self.settings.node

    def is_member(self, node: NodeId) -> bool:
        """As ``face``."""
        config = self.config
        return config is not None and (node in config.voters or node in config.incoming)

    def check_rest(self) -> None:
        """As ``face``."""

    def on_peer_up(self, peer: NodeId) -> None:
        """As ``face``."""

    def on_peer_lost(self, peer: NodeId) -> None:
        """As ``face``."""

    def on_message(self, sender: NodeId, message: GroupMessage | RegisterMessage) -> None:
        """As ``face``."""

    def on_tick(self, now_ms: Instant) -> None:
        """As ``face``."""

    def turn(self, now_ms: Instant, wall_ms: WallMs) -> None:
        """As ``face``."""
        self.stirred = False
