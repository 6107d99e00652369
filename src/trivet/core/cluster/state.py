"""The map's data and the questions that the way of a command asks of it.

On the path: (database, slot) -> group, one look-up in a dictionary and one in a list. The lists
are made anew for a keyspace when the owners of its slots change.
"""

from typing import Final

from trivet.core.base.ids import GroupId, NodeId
from trivet.core.cluster.rows import (
    DEFAULT_DATABASES,
    DEFAULT_KEYSPACE,
    FIRST_GROUP,
    GONE,
    LEADERLESS,
    NO_GROUP,
    PAXOS,
    PRIMARY,
    RAFT,
    SETTLED_MAX,
    SYSTEM_GROUP,
    SYSTEM_VOTERS_MAX,
    ClaimRow,
    GroupRow,
    KeyspaceRow,
    MoveRow,
    NodeRow,
    replicas_max,
)
from trivet.core.cluster.slots import SLOTS

_SEVERAL: Final = 0


class Route:
    """Who owns the slots of one keyspace."""

    __slots__ = ("groups", "keyspace", "only", "slots")

    def __init__(self, keyspace: int) -> None:
        self.keyspace = keyspace
        self.only: GroupId = _SEVERAL
        """The group that owns all; 0 when there are several."""
        self.slots: list[GroupId] = []
        """The owner of each slot, when there are several."""
        self.groups: list[GroupId] = []
        """The owners, in the order of their ids."""


class MapState:
    """Nodes, keyspaces, groups and moves, by id, in the order in which they came."""

    def __init__(self, cluster: str) -> None:
        self.cluster = cluster
        self.epoch = 1
        """Rises by one with each change."""
        self.nodes: dict[NodeId, NodeRow] = {}
        self.keyspaces: dict[int, KeyspaceRow] = {}
        self.groups: dict[GroupId, GroupRow] = {}
        self.moves: dict[int, MoveRow] = {}
        self.claims: dict[int, ClaimRow] = {}
        """By token."""
        self.settled: dict[int, str] = {}
        """How the newest claims ended, by token: with what error; without one they were carried out."""
        self.next_node: NodeId = 1
        self.next_group: GroupId = FIRST_GROUP
        self.next_move = 1
        self.members: dict[NodeId, NodeRow] = {}
        """The nodes that have not left."""
        self._routes: dict[int, Route] = {}
        self._by_database: dict[int, Route] = {}
        self._by_name: dict[str, int] = {}
        self._by_birth: dict[int, NodeId] = {}

    # -- who owns what --------------------------------------------------------------------------

    def group_of(self, db: int, slot: int) -> GroupId:
        """The group that owns ``slot`` of database ``db``; ``NO_GROUP`` when there is no such database."""
        route = self._by_database.get(db)
        if route is None:
            return NO_GROUP
        return route.only or route.slots[slot]

    def groups_of(self, db: int) -> list[GroupId]:
        """The groups that own slots of database ``db``, in the order of their ids."""
        route = self._by_database.get(db)
        return [] if route is None else route.groups

    def keyspace_of(self, db: int) -> KeyspaceRow | None:
        """The keyspace of database ``db``."""
        route = self._by_database.get(db)
        return None if route is None else self.keyspaces[route.keyspace]

    def keyspace_named(self, name: str) -> KeyspaceRow | None:
        """The keyspace of that name."""
        number = self._by_name.get(name)
        return None if number is None else self.keyspaces[number]

    def databases_of(self, row: KeyspaceRow) -> list[int]:
        """All databases of a keyspace, in order."""
        if row.number != DEFAULT_KEYSPACE:
            return row.databases
        return [db for db in range(DEFAULT_DATABASES) if self._by_database[db].keyspace == DEFAULT_KEYSPACE]

    def groups_in(self, keyspace: int) -> list[GroupRow]:
        """The groups of a keyspace, those that own nothing included."""
        return [row for row in self.groups.values() if row.keyspace == keyspace]

    def is_of_registers(self, row: GroupRow) -> bool:
        """Whether the group is of mode ``paxos``: it has neither a log nor a leader."""
        return self.mode_of(row) == PAXOS

    def is_leaderless(self, row: GroupRow) -> bool:
        """Whether nobody leads the group: the map alone says who its members are."""
        return self.mode_of(row) in LEADERLESS

    def members_max(self, row: GroupRow) -> int:
        """How many members the group may have."""
        if row.id == SYSTEM_GROUP:
            return SYSTEM_VOTERS_MAX
        return replicas_max(self.mode_of(row))

    def mode_of(self, row: GroupRow) -> str:
        """The mode of a group's keyspace; of the system group ``raft``."""
        keyspace = self.keyspaces.get(row.keyspace)
        return RAFT if keyspace is None else keyspace.mode

    def is_of_primary(self, row: GroupRow) -> bool:
        """Whether the group has one voter, whom the map may replace: mode ``primary``."""
        return self.mode_of(row) == PRIMARY

    def moves_of(self, group: GroupId) -> list[MoveRow]:
        """The moves from or to a group."""
        return [row for row in self.moves.values() if group in (row.source, row.target_group)]

    def claims_of(self, keyspace: int) -> list[ClaimRow]:
        """The databases of a keyspace that are to change hands."""
        return [row for row in self.claims.values() if row.keyspace == keyspace]

    def is_decided(self, token: int) -> bool:
        """There was such a claim, and it is over (Rule D2)."""
        return 0 < token <= self.epoch and token not in self.claims

    def was_given(self, database: int, token: int) -> bool:
        """A keyspace has the database by that claim."""
        row = self.keyspaces.get(database)
        return row is not None and row.token == token

    # -- who is who -----------------------------------------------------------------------------

    def born(self, birth: int) -> NodeRow | None:
        """The node whose data directory has that number."""
        node = self._by_birth.get(birth)
        return None if node is None else self.nodes[node]

    def has_left(self, node: NodeId) -> bool:
        """There was such a node, and it never comes back."""
        return 0 < node < self.next_node and node not in self.members

    def is_dropped(self, group: GroupId) -> bool:
        """There was such a group: what a replica of it holds is nobody's any more (Rule G5)."""
        return SYSTEM_GROUP < group < self.next_group and group not in self.groups

    def is_over(self, move: int) -> bool:
        """There was such a move: aborted, if its target does not own the ranges by its own log (Rule V6)."""
        return 0 < move < self.next_move and move not in self.moves

    def node_name(self, node: NodeId) -> str:
        """The 40 hex digits by which Redis Cluster clients know a node."""
        return f"{self.cluster[:32]:0<32}{node:08x}"

    @property
    def voters(self) -> tuple[NodeId, ...]:
        """The members of the first group."""
        row = self.groups.get(FIRST_GROUP)
        return () if row is None else tuple(row.members)

    # -- for the verbs --------------------------------------------------------------------------

    def advance(self) -> int:
        """A change begins: its epoch."""
        self.epoch += 1
        return self.epoch

    def settle_claim(self, token: int, text: str) -> None:
        """A claim is over."""
        del self.claims[token]
        self.settled[token] = text
        if len(self.settled) > SETTLED_MAX:
            del self.settled[next(iter(self.settled))]

    def settle_nodes(self) -> None:
        """After a change of a node's state, birth or existence."""
        self.members = {node: row for node, row in self.nodes.items() if row.state != GONE}
        self._by_birth = {row.birth: node for node, row in self.nodes.items() if row.birth}

    def settle_keyspaces(self) -> None:
        """After a change of which keyspaces there are, of their names or databases."""
        self._by_name = {row.name: number for number, row in self.keyspaces.items()}
        kept = {number: route for number, route in self._routes.items() if number in self.keyspaces}
        owners: dict[int, list[GroupRow]] = {number: [] for number in self.keyspaces if number not in kept}
        for row in self.groups.values():
            if row.keyspace in owners:
                owners[row.keyspace].append(row)
        kept.update({number: _route(number, rows) for number, rows in owners.items()})
        self._routes = kept
        self._settle_databases()

    def settle_slots(self, keyspace: int) -> None:
        """After a change of the owners of a keyspace's slots, and nothing else."""
        self._routes[keyspace] = _route(keyspace, self.groups_in(keyspace))
        self._settle_databases()

    def _settle_databases(self) -> None:
        self._by_database = dict.fromkeys(range(DEFAULT_DATABASES), self._routes[DEFAULT_KEYSPACE])
        for row in self.keyspaces.values():
            for db in row.databases:
                self._by_database[db] = self._routes[row.number]


def _route(keyspace: int, rows: list[GroupRow]) -> Route:
    route = Route(keyspace)
    owners = [row for row in rows if row.ranges]
    route.groups = sorted(row.id for row in owners)
    if len(owners) == 1:
        route.only = owners[0].id
        return route
    route.slots = [NO_GROUP] * SLOTS
    for row in owners:
        for first, last in row.ranges:
            route.slots[first : last + 1] = [row.id] * (last - first + 1)
    return route
