"""What a node needs, beside ``face.Replica``, of a group that nobody leads: mode ``paxos`` or ``eventual``.

Every node has one of each such group, member or not. Who is a member, the cluster map decides; a node that is
none serves its clients through those that are, and holds nothing.

- A message of another mode's groups, or of nobody's, is passed over: a peer may send what it likes.
- ``leader`` is the node itself: any node serves. Slots move in mode ``paxos`` alone.
- ``failure`` is for what can't be survived; a damaged log is no such thing (``doubtful``).
"""

from abc import ABC, abstractmethod
from typing import NamedTuple, Protocol, Self

from trivet.core.base.disk import DiskFault, DiskJob
from trivet.core.base.ids import ConnectionId, Instant, NodeId, WallMs
from trivet.core.cluster.rows import GroupRow, KeyspaceRow
from trivet.core.command.table import Event
from trivet.core.group.agenda import Agenda
from trivet.core.group.changes import Follower
from trivet.core.group.face import FromGroup, Replica
from trivet.core.group.run import Run, Waiter
from trivet.core.group.save_log import SaveLog
from trivet.core.group.settings import GroupSettings
from trivet.core.machine.rights import Denied
from trivet.core.wire.reply import Error


class Standing(NamedTuple):
    """How one member stands to the others while members change (Rule G8)."""

    epoch: int = 0
    """Of the map's row by whose members it goes: ``row.membership + 1``; 0: this is not asked."""
    is_caught_up: bool = False
    """It has what the others had when it came, or when it began to doubt what it has."""
    kept: int = 0
    """Updates that it has, and fewer members that stay are known to have on their disks than have to."""


class LeaderlessLog(Protocol):
    """What the group has on the disk (``save_log.SaveLog``)."""

    notes: list[str]
    """Sentences for the log that people read; the node takes them after every turn."""

    def take_jobs(self) -> list[DiskJob]:
        """The disk jobs of this turn."""
        ...

    def drop(self) -> int:
        """The group is no more: the lsn of the record that says so. Once that is synced, ``remove``."""
        ...

    def remove(self) -> list[DiskJob]:
        """No file of it is needed any more."""
        ...


class LeaderlessReplica(Replica, Protocol):
    """One such group, as its node sees it."""

    mode: str
    """As the keyspace has it (``rows.PAXOS``, ``rows.EVENTUAL``)."""
    call_count: int
    """Calls of this node's clients, since the start."""
    epoch_wanted: int
    """Not 0: somebody is in this later epoch, so the map is behind; the node sets it to 0."""

    @property
    def log(self) -> LeaderlessLog:
        """What it has on the disk."""
        ...

    # -- what it holds ------------------------------------------------------------------------------

    @property
    def keys(self) -> int:
        """Keys that are held here; some of them may be deleted, and not collected yet."""
        ...

    @property
    def deadline_count(self) -> int:
        """How many of them have a deadline."""
        ...

    @property
    def size_bytes(self) -> int:
        """What they cost, about."""
        ...

    @property
    def doubtful(self) -> bool:
        """What it held may be lost, and is not made good yet."""
        ...

    @property
    def left_over(self) -> bool:
        """It is no member, and holds what it had as one, which nobody needs: it begins anew."""
        ...

    def standing(self) -> Standing:
        """How it stands to the other members, where that is asked (mode ``eventual``)."""
        ...

    def describe(self) -> str:
        """A line for ``INFO``: ``mode=…,epoch=…,members=1/2/3,…``."""
        ...

    @property
    def is_spent(self) -> bool:
        """It has no slots, and nobody at this node waits for it: it may be dropped (mode ``paxos``)."""
        ...

    def middle(self) -> int:
        """The slot that begins the upper half of what is held here; 0: not known (mode ``paxos``)."""
        ...

    def watched_by(self, client: ConnectionId) -> bool:
        """Whether what ``client`` watches may be something of this group."""
        ...

    # -- what the node says -------------------------------------------------------------------------

    def follow(self, row: GroupRow) -> None:
        """The cluster map has this row, as ever or with other members; older ones are passed over."""
        ...

    def adopt(self, before: Self) -> None:
        """It stands for the group from now on, instead of ``before``: who waits there waits here."""
        ...

    def heed(self, keyspace: KeyspaceRow) -> None:
        """The cluster map says this of its keyspace."""
        ...

    def bury(self, error: Error) -> None:
        """The group is no more: everybody who waits is answered."""
        ...

    def refuse_growth(self, refuses: bool) -> None:
        """Whether the node's memory is full: nothing is evicted, what would grow is refused."""
        ...

    def on_peer_greets(self, peer: NodeId) -> None:
        """``peer`` has a new link to us: while it had none, it could not answer what it was asked."""
        ...

    def on_peer_silent(self, peer: NodeId) -> None:
        """The node of ``peer`` has not been heard of for an election time-out, though its link is up."""
        ...

    def on_synced(self) -> bool:
        """The log is synced up to ``wal.synced_lsn``: something goes on; whether something waits still."""
        ...

    def on_disk_done(self, token: int, reads: list[bytes]) -> None:
        """A disk job of this group's log is done."""
        ...

    def on_disk_failed(self, token: int, fault: DiskFault, text: str) -> None:
        """A disk job of this group's log failed."""
        ...

    def check_invariants(self) -> None:
        """Assert what must always hold of it."""
        ...


class Leaderless(ABC):
    """What the groups of both modes are and do alike: runs wait for the turn, and the turn fills the rest."""

    def __init__(self, mode: str, settings: GroupSettings, agenda: Agenda, files: SaveLog) -> None:
        self.mode = mode
        self.settings = settings
        self.outgoing: list[tuple[NodeId, FromGroup]] = []
        """Messages for peers; the node takes them after every turn. One to several peers is one object."""
        self.epoch_wanted = 0
        """As ``LeaderlessReplica``."""
        self.call_count = 0
        """As ``LeaderlessReplica``."""
        self.failure = ""
        self.notes: list[str] = []
        """Sentences for the log that people read."""
        self.wants_turn = False
        self.stirred = False
        self.asleep = True
        self.misrouted: list[Run] = []
        """Runs with calls whose slots are another group's, or will be; the node takes them every turn."""
        self.woken: list[ConnectionId] = []
        self.jumped = False
        self.events: list[Event] = []
        self.published: list[tuple[bool, bytes, bytes]] = []
        self.denied: list[Denied] = []
        self._agenda = agenda
        self._files = files
        self._staged: list[Run] = []
        """Runs of this node's clients, and what others have sent: for the turn."""
        self._up: dict[NodeId, None] = {}
        """Peers to which our link is up."""
        self._follower: Follower | None = None
        self._wall_ms: WallMs = 0

    @abstractmethod
    def stir(self) -> None:
        """Something happens: the group is to have a turn (Rules A1, A2)."""

    @abstractmethod
    def is_member(self, node: NodeId) -> bool:
        """As ``face``; while members change, of either set."""

    @property
    def is_spent(self) -> bool:
        """Slots do not go."""
        return False

    def middle(self) -> int:
        """Not known."""
        return 0

    def watched_by(self, client: ConnectionId) -> bool:
        """It may be."""
        return True

    def write(self, run: Run, now_ms: Instant) -> None:
        """Take writes of a client; its calls may be added until the turn ends."""
        self.stir()
        self._staged.append(run)

    def read(self, run: Run, now_ms: Instant) -> None:
        """Take reads of a client; its calls may be added until the turn ends."""
        self.stir()
        self._staged.append(run)

    def adopt(self, before: Self) -> None:
        """As ``LeaderlessReplica``. Where members hold for ever what they had, there is nobody to follow."""
        raise AssertionError(f"a group of mode {self.mode} is not made anew")

    def read_stale(self, run: Run) -> None:
        """As ``read``: what it gives is all that may be shown."""
        self.stir()
        self._staged.append(run)

    def who_changes(self) -> Waiter | None:
        """Nobody here knows whose changes are told (see ``face``)."""
        return None

    @property
    def disk_full(self) -> bool:
        """Of a member; a node that is none writes nothing here."""
        return self._files.full and self.is_member(self.settings.node)

    @property
    def leader(self) -> NodeId:
        """Any node serves."""
        return self.settings.node

    def sent(self) -> None:
        """What is ``outgoing`` has been taken."""
        self.outgoing = []

    def on_disk_done(self, token: int, reads: list[bytes]) -> None:
        """As ``LeaderlessReplica``."""
        self.stir()
        self._files.on_done(token, reads)

    def on_disk_failed(self, token: int, fault: DiskFault, text: str) -> None:
        """As ``LeaderlessReplica``."""
        self.stir()
        self._files.on_failed(token, fault, text)

    def _fail_staged(self, error: Error) -> None:
        """The group is no more."""
        staged, self._staged = self._staged, []
        for run in staged:
            run.fail(error, whoever=True)
