"""What a node needs, beside ``face.Replica``, of a group that nobody leads: mode ``paxos`` or ``eventual``.

Every node has one of each such group, member or not. Who is a member, the cluster map decides; a node that is
none serves its clients through those that are, and holds nothing.

- A message of another mode's groups, or of nobody's, is passed over: a peer may send what it likes.
- ``leader`` is the node itself, and ``misrouted`` stays empty: any node serves, and slots do not move.
- ``failure`` is for what can't be survived; a damaged log is no such thing (``doubtful``).
"""

from typing import NamedTuple, Protocol

from trivet.core.base.disk import DiskFault, DiskJob
from trivet.core.base.ids import NodeId
from trivet.core.cluster.rows import GroupRow
from trivet.core.group.face import Replica
from trivet.core.wire.reply import Error


class Standing(NamedTuple):
    """How one member stands to the others while members change (Rule G8)."""

    epoch: int = 0
    """Of the map's row by whose members it goes: ``row.membership + 1``; 0: this is not asked."""
    is_caught_up: bool = False
    """It has what the others had when it came, or when it began to doubt what it has."""
    kept: int = 0
    """Updates that it has, and no other member that stays is known to have on its disk."""


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

    # -- what the node says -------------------------------------------------------------------------

    def follow(self, row: GroupRow) -> None:
        """The cluster map has this row, as ever or with other members; older ones are passed over."""
        ...

    def bury(self, error: Error) -> None:
        """The group is no more: everybody who waits is answered."""
        ...

    def refuse_growth(self, refuses: bool) -> None:
        """Whether the node's memory is full: nothing is evicted, what would grow is refused."""
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
