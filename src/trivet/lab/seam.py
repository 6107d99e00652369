"""What the lab needs of a node: the contract of a driver, and what judges may look at.

The real node has all of this; so have the small stand-ins of the lab's own tests.
"""

# ruff: noqa: D102 (the small protocols say what their names say)

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, Protocol

from trivet.core.base.buggify import Buggify
from trivet.core.base.disk import DiskFault, DiskJob, Storage
from trivet.core.base.ids import ConnectionId, GroupId, LinkId, NodeId
from trivet.core.cluster.map import ClusterMap

MAIN_GROUP: Final[GroupId] = 1
"""The group that most views show: the one in which every cluster begins."""


class EffectsLike(Protocol):
    """What one turn of a node asks of its driver."""

    disk: list[DiskJob]
    sends: list[tuple[NodeId, bytes]]
    replies: list[tuple[ConnectionId, bytes]]
    closes: list[ConnectionId]
    kills: list[ConnectionId]
    link_closes: list[LinkId]
    redials: list[NodeId]
    dials: list[tuple[NodeId, str, int]] | None
    pauses: list[ConnectionId]
    resumes: list[ConnectionId]
    log: list[tuple[int, str]]
    again: bool
    calm: bool
    fatal: str
    finished: bool


class MembershipLike(Protocol):
    """Who takes part in a group; compared as a whole."""

    @property
    def voters(self) -> tuple[NodeId, ...]: ...
    @property
    def outgoing(self) -> tuple[NodeId, ...]: ...
    @property
    def learners(self) -> tuple[NodeId, ...]: ...
    @property
    def lineage(self) -> tuple[tuple[int, int], ...]: ...
    def members(self) -> tuple[NodeId, ...]: ...
    def is_voter(self, node: NodeId) -> bool: ...


class ObservationLike(Protocol):
    """One look at a replica, taken after every turn. Equal looks say that nothing happened."""

    @property
    def term(self) -> int: ...
    @property
    def role(self) -> str: ...
    @property
    def leader(self) -> int: ...
    @property
    def commit(self) -> int: ...
    @property
    def applied(self) -> int: ...
    @property
    def first_index(self) -> int: ...
    @property
    def last_index(self) -> int: ...
    @property
    def matches(self) -> tuple[tuple[int, int], ...]: ...
    @property
    def incomplete(self) -> bool: ...
    @property
    def last_term(self) -> int: ...
    @property
    def membership_index(self) -> int: ...
    @property
    def membership(self) -> MembershipLike: ...
    @property
    def suspect(self) -> bool: ...
    @property
    def losses(self) -> tuple[tuple[int, int, int], ...]: ...


class RegistersLike(Protocol):
    """One look at a node's part in a group of registers. Equal looks say that nothing happened."""

    @property
    def epoch(self) -> int: ...
    @property
    def epoch_kept(self) -> int: ...
    @property
    def joined(self) -> int: ...
    @property
    def doubtful(self) -> bool: ...
    @property
    def members(self) -> tuple[NodeId, ...]: ...
    @property
    def incoming(self) -> tuple[NodeId, ...]: ...
    @property
    def floor(self) -> tuple[int, int]: ...
    @property
    def floor_version(self) -> int: ...
    @property
    def spans(self) -> tuple[tuple[int, int, int, int], ...] | None: ...
    @property
    def under_way(self) -> int: ...
    @property
    def saves(self) -> int: ...
    @property
    def saved(self) -> int: ...


class RegisterHeldLike(Protocol):
    """One register as an acceptor holds it."""

    @property
    def promised(self) -> tuple[int, int]: ...
    @property
    def accepted(self) -> tuple[int, int]: ...
    @property
    def crc(self) -> int: ...
    @property
    def version(self) -> int: ...
    @property
    def is_tombstone(self) -> bool: ...
    @property
    def is_hearsay(self) -> bool: ...


class CopyLike(Protocol):
    """One node's part in a group of mode ``eventual``."""

    @property
    def epoch(self) -> int: ...
    @property
    def is_caught_up(self) -> bool: ...
    @property
    def doubtful(self) -> bool: ...
    @property
    def digests(self) -> Mapping[bytes, int]: ...
    @property
    def clock(self) -> bytes: ...
    @property
    def shown(self) -> bytes: ...


class NodeLike(Protocol):
    """A node as its driver sees it."""

    def on_client_connected(self, conn: ConnectionId, address: str) -> None: ...
    def on_client_bytes(self, conn: ConnectionId, data: bytes) -> None: ...
    def on_client_closed(self, conn: ConnectionId) -> None: ...
    def on_peer_dialed(self, peer: NodeId) -> None: ...
    def on_peer_lost(self, peer: NodeId) -> None: ...
    def on_link_accepted(self, link: LinkId, address: str) -> None: ...
    def on_link_bytes(self, link: LinkId, data: bytes) -> None: ...
    def on_link_closed(self, link: LinkId) -> None: ...
    def on_disk_done(self, token: int, reads: list[bytes]) -> None: ...
    def on_disk_failed(self, token: int, fault: DiskFault, text: str) -> None: ...
    def on_tick(self, mono_ms: int, wall_ms: int) -> None: ...
    def stop(self) -> None: ...
    def turn(self, mono_ms: int, wall_ms: int) -> EffectsLike: ...
    def check_invariants(self, whole: bool) -> None: ...
    def group_numbers(self) -> list[GroupId]: ...
    def turned(self) -> list[GroupId]: ...
    def observe(self, group: GroupId) -> ObservationLike: ...
    def log_entry(self, index: int, group: GroupId) -> tuple[int, int] | None: ...
    def register_numbers(self) -> list[GroupId]: ...
    def registers(self, group: GroupId) -> RegistersLike: ...


class Standing(NamedTuple):
    """Transactions over groups in one replica."""

    undecided: tuple[tuple[int, int, int], ...] = ()
    """Those that hold locks: an intent each."""
    decided: tuple[tuple[int, int, int], ...] = ()
    """Those with a record, since some group may not have heard of it."""
    keeps_move: bool = False
    """Slots are sealed for a move that has to wait for locks."""


NOTHING_STANDS = Standing()


class Hearing(NamedTuple):
    """Whom a node knows, and what it holds of those that it does not hear."""

    nodes: tuple[NodeId, ...] = ()
    """Those of its map."""
    leads: bool = False
    """It leads the system group; else it holds nothing of anybody."""
    dead_ms: Mapping[NodeId, int] = {}
    """Who is dead to it, and for how long."""
    unreachable: tuple[NodeId, ...] = ()
    """Who is not dead, since others hear it."""


class NodeFactory(Protocol):
    """Boots one node from its storage."""

    @property
    def tick_ms(self) -> int: ...
    @property
    def calm_tick_ms(self) -> int:
        """How far ticks of a node are apart that has said that it is calm."""
        ...

    def boot(
        self,
        node: NodeId,
        storage: Storage,
        seed: int,
        mono_ms: int,
        wall_ms: int,
        buggify: Buggify | None,
    ) -> NodeLike: ...
    def join(self, node: NodeId, birth: int, known: list[NodeId]) -> None:
        """From now on ``boot`` knows a node that joined with a data directory of that number.

        ``known``: the nodes of which it was told.
        """
        ...

    def wiped(self, node: NodeId) -> None:
        """Its data directory is gone, and with it that number: it will start in another one."""
        ...

    def ended(self, node: NodeLike) -> None:
        """Its process is no more: it gets no turn any more."""
        ...

    def digest(self, node: NodeLike, group: GroupId, whole: bool) -> object:
        """Equal on all replicas of equal applied index: cheap and rolling, or over the whole state.

        None: an entry is applied by half.
        """
        ...

    def cluster(self, node: NodeLike) -> ClusterMap | None:
        """The map as ``node`` knows it; None while it knows none."""
        ...

    def stand(self, node: NodeLike, group: GroupId) -> object:
        """Another whenever the slots that the replica serves are others; cheap."""
        ...

    def served(self, node: NodeLike, group: GroupId) -> bytes:
        """A byte per slot: 1 where the replica's group serves it, and it is not sealed."""
        ...

    def coming(self, node: NodeLike, group: GroupId) -> dict[int, int]:
        """The moves that bring slots to the replica's group, and which generation is there; 0: none."""
        ...

    def taught(self, node: NodeLike, group: GroupId) -> bytes:
        """Which functions the replica's group knows: in the end all know the same."""
        ...

    def set_aside_calls(self, node: NodeLike) -> int:
        """How many calls the node says are in files of what its replicas of mode ``primary`` set aside."""
        ...

    def remains(self, node: NodeLike, group: GroupId) -> str:
        """What moves that are over have left in the replica, and must not; empty: nothing. Dear."""
        ...

    def moving(self, node: NodeLike) -> list[tuple[str, bool, str]]:
        """Each side of a move of which the node has a replica: source or target; does it lead; how far."""
        ...

    def standing(self, node: NodeLike, group: GroupId) -> "Standing":
        """What of transactions over groups is not over in the replica."""
        ...

    def transacting(self, node: NodeLike) -> list[str]:
        """Amid what a node is that coordinates transactions over groups, or leads groups of them."""
        ...

    def transacted(self, node: NodeLike) -> dict[str, int]:
        """What happened to the transactions of this life of the node, counted."""
        ...

    def registers_held(self, node: NodeLike, group: GroupId) -> Mapping[bytes, RegisterHeldLike]:
        """All that the node's acceptor holds of a group of registers, by place. Dear."""
        ...

    def copies(self, node: NodeLike) -> Mapping[GroupId, CopyLike]:
        """All that the node holds of groups of mode ``eventual``. Dear."""
        ...

    def registered(self, node: NodeLike) -> dict[str, int]:
        """What happened to operations on registers in this life of the node, counted."""
        ...

    def hearing(self, node: NodeLike) -> Hearing | None:
        """Whom the node knows and hears; None: it has yet to come up."""
        ...

    def is_dropped(self, node: NodeLike, group: GroupId) -> bool:
        """Whether ``node`` knows that the group is no more, anywhere."""
        ...

    def rot_spot(self, storage: Storage, draw: Callable[[int], int], what: str) -> tuple[str, int] | None:
        """A byte (file, offset) whose loss the node must notice; None when there is none yet.

        ``what``: log, or snapshot.
        """
        ...
