"""The rows of the cluster map, its fixed numbers and its limits.

A row is plain data. Only the verbs (``change_*.py``) change one; everybody else reads.
Fields are appended with a default, never moved: rows stand in snapshots.
"""

from typing import Final

import msgspec

from trivet.core.base.ids import GroupId, NodeId, WallMs

SYSTEM_GROUP: Final[GroupId] = 0
"""The group whose state the map is."""
FIRST_GROUP: Final[GroupId] = 1
"""The first group of the default keyspace."""
NO_GROUP: Final[GroupId] = -1
"""Nobody's: a database that does not exist."""
SYSTEM_KEYSPACE: Final = -1
DEFAULT_KEYSPACE: Final = 0
DEFAULT_NAME: Final = "default"
DEFAULT_REPLICAS: Final = 3
DEFAULT_DATABASES: Final = 16
"""Databases below this number belong to the default keyspace until somebody else gets them."""

JOINING: Final = "joining"
UP: Final = "up"
DRAINING: Final = "draining"
GONE: Final = "gone"
STATES: Final = (JOINING, UP, DRAINING, GONE)

RAFT: Final = "raft"
LOCAL: Final = "local"
PAXOS: Final = "paxos"
EVENTUAL: Final = "eventual"
PRIMARY: Final = "primary"
MODES: Final = (RAFT, LOCAL, PAXOS, EVENTUAL, PRIMARY)
LEADERLESS: Final = (PAXOS, EVENTUAL)
"""In which nobody leads, and any node serves; who the members are, the map alone decides (Rules G7, G8)."""
MODES_LATER: Final[tuple[str, ...]] = ()

COPY: Final = "copy"
SEAL: Final = "seal"
"""Of mode ``paxos``: the source's members serve the slots no more, and the target's not yet."""
HANDED: Final = "handed"
PHASES: Final = (COPY, SEAL, HANDED)

NODES_MAX: Final = 1_000
"""Nodes that have not left."""
GONE_KEPT_MAX: Final = 100
"""Rows of nodes that have left; the oldest go first. An id is never given again all the same."""
KEYSPACES_MAX: Final = 1_000
GROUPS_MAX: Final = 10_000
MOVES_MAX: Final = 1_000
CLAIMS_MAX: Final = 32
SETTLED_MAX: Final = 64
"""Claims of which is remembered how they ended: for who asked."""
DATABASE_MAX: Final = 9_999
REPLICAS_MAX: Final = 7
COPIES_MAX: Final = 9
"""Of mode ``eventual``, where more members make no write slower."""
SYSTEM_VOTERS_MAX: Final = 5
SHARDS_MAX: Final = 1_024
RANGES_MAX: Final = 512
"""Ranges of one group, and of one move."""
NAME_BYTES_MAX: Final = 64
HOST_BYTES_MAX: Final = 255
ZONE_BYTES_MAX: Final = 64
REASON_BYTES_MAX: Final = 256
LABELS_MAX: Final = 16
LABELS_BYTES_MAX: Final = 4_096
LABEL_NAME_CHARS_MAX: Final = 64
LABEL_CHARS_MAX: Final = 256
ID_MAX: Final = 2**63 - 1
GENERATION_MAX: Final = 2**22 - 1
INDEX_BITS: Final = 40
"""Of ``membership`` of a group of mode ``primary``: the index in its log. Above them is the generation."""


def replicas_max(mode: str) -> int:
    """How many members a group of that mode may have."""
    if mode == LOCAL:
        return 1
    return COPIES_MAX if mode == EVENTUAL else REPLICAS_MAX


class Member(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One founding node as the configuration names it. Ports are TCP ports."""

    id: NodeId
    host: str
    client_port: int
    peer_port: int


class NodeRow(msgspec.Struct, array_like=True):
    """One node as all others know it."""

    id: NodeId
    host: str
    client_port: int
    peer_port: int
    zone: str = ""
    labels: dict[str, str] = {}
    state: str = JOINING
    birth: int = 0
    """A number that the node's data directory was given when it was made; 0: not yet known."""
    replaces: NodeId = 0
    """The node whose place this one took."""


class KeyspaceRow(msgspec.Struct, array_like=True):
    """One keyspace."""

    number: int
    name: str
    mode: str
    replicas: int
    """How many members its groups shall have."""
    databases: list[int]
    """Its databases; none for the default keyspace, which has all that nobody else has."""
    shards: int = 0
    """How many groups it shall have at least; 0: as many as its size and load ask for."""
    together: bool = False
    """All slots stay in one group."""
    token: int = 0
    """The claim by which it got its database; 0: that was nobody's before."""
    write_quorum: int = 1
    """Of mode ``eventual``: on so many members' disks is a write when it is answered."""
    read_quorum: int = 1
    """Of mode ``eventual``: a read shows all that so many members had on their disks."""

    @property
    def quorum_max(self) -> int:
        """So many members each of its groups needs to serve reads and writes; 1 in other modes."""
        return max(self.write_quorum, self.read_quorum)


class ClaimRow(msgspec.Struct, array_like=True):
    """A database that is to change hands as soon as the groups that have it hold it back."""

    token: int
    """The map's epoch when it was claimed."""
    database: int
    keyspace: int
    """Whose groups have it."""
    words: list[bytes]
    """``KEYSPACE CREATE …`` or ``DROP …``: what is to be done then."""
    force: bool
    """It need not be empty."""
    held: list[GroupId] = []
    """The groups that hold it back, by their own logs."""


class GroupRow(msgspec.Struct, array_like=True):
    """One group. The system group has no ranges."""

    id: GroupId
    keyspace: int
    ranges: list[tuple[int, int]]
    """The slots that it owns, both ends included; sorted, apart from each other."""
    founders: list[NodeId]
    """Its members at the beginning of its log. Who comes later waits to be told of the membership."""
    members: list[NodeId]
    """Its voters, as its leader last reported them; where nobody leads: as the map decides."""
    learners: list[NodeId]
    target: list[NodeId]
    """The voters that it shall have."""
    epoch: int = 0
    """The map's epoch when its ranges changed last."""
    membership: int = 0
    """The index in its log of the membership that was reported; where nobody leads: how often it changed."""
    leader_hint: NodeId = 0
    leader_term: int = 0
    incoming: list[NodeId] = []
    """Of mode ``paxos``: who shall be the members, while a quorum of both is needed (Rule G7); of mode
    ``eventual``: those of the members who shall stay, while the others hand over what they have (Rule G8)."""
    since: list[tuple[NodeId, int]] = []
    """(member, in which of its memberships, counted from 1, it came last), of those who are no founders."""
    primary: NodeId = 0
    """Of mode ``primary``: its voter; ``members`` are all that have the data."""
    generation: int = 0
    """Of mode ``primary``: how often another primary was named by force (Rule G9)."""
    before: list[NodeId] = []
    """Of mode ``eventual``, while members change: who they were before."""
    spans: list[tuple[int, int, int, int]] = []
    """Of mode ``paxos``: (first, last, since, state) of its slots, see ``spans``; none: as the ranges say."""
    floor_version: int = 0
    """Of mode ``paxos``: no register of slots that have come to it had a later version (Rule P24)."""


class MoveRow(msgspec.Struct, array_like=True):
    """One range on its way from a group to another of the same keyspace."""

    id: int
    source: GroupId
    target_group: GroupId
    ranges: list[tuple[int, int]]
    phase: str
    started_ms: WallMs
    reason: str
    epoch: int = 0
    """The map's epoch of the hand-over; 0 before."""
    taken: bool = False
    """The target's log says that it owns the ranges."""
    generation: int = 0
    """How often the copying has begun."""
