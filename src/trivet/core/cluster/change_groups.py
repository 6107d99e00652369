"""The map's verbs about groups: ``GROUP TARGET``, ``GROUP DROP``, ``MEMBERS``, ``LEAD``."""

from trivet.core.base.ids import NodeId
from trivet.core.cluster import fields
from trivet.core.cluster.rows import (
    EVENTUAL,
    ID_MAX,
    INDEX_BITS,
    JOINING,
    REPLICAS_MAX,
    SYSTEM_GROUP,
    UP,
    GroupRow,
)
from trivet.core.cluster.state import MapState
from trivet.core.wire.reply import OK, Error, Reply


def group(state: MapState, args: list[bytes]) -> Reply:
    """``GROUP TARGET group node …`` or ``GROUP DROP group``."""
    if len(args) < 3:
        return fields.SYNTAX
    action = args[1].upper()
    row = find(state, args[2])
    if action == b"DROP" and len(args) == 3:
        if isinstance(row, Error):
            number = fields.identity(args[2])
            return OK if isinstance(number, int) and state.is_dropped(number) else row
        return _drop(state, row)
    if action != b"TARGET" or len(args) < 4:
        return fields.SYNTAX
    nodes = fields.identities(args[3:])
    if isinstance(row, Error):
        return row
    return nodes if isinstance(nodes, Error) else _target(state, row, sorted(nodes))


def claimed(keyspace: int) -> Error:
    """Rule D3."""
    return Error(f"TRYAGAIN a database of keyspace {keyspace} is changing hands")


def find(state: MapState, word: bytes) -> GroupRow | Error:
    """The group of that number."""
    number = fields.number(word, 0, ID_MAX)
    if isinstance(number, Error):
        return number
    row = state.groups.get(number)
    return Error(f"ERR no such group: {number}") if row is None else row


def _target(state: MapState, row: GroupRow, nodes: list[NodeId]) -> Reply:
    """Rule G2: known nodes, new ones only when they are up. Rule G3: one node at a time."""
    if nodes == sorted(row.target):
        return OK
    most = state.members_max(row)
    if len(nodes) > most:
        return Error(f"ERR group {row.id} has at most {most} members")
    for node in nodes:
        known = state.members.get(node)
        if known is None:
            return Error(f"ERR no such node: {node}")
        if known.state != UP and node not in row.members:
            return Error(f"ERR node {node} is {known.state}: it takes no new members")
    added = [node for node in nodes if node not in row.members]
    removed = [node for node in row.members if node not in nodes]
    if len(added) > 1 or len(removed) > 1:
        return Error(
            f"ERR group {row.id} changes by one node at a time: its members are "
            f"{', '.join(str(node) for node in row.members)}"
        )
    if added and row.incoming and state.mode_of(row) == EVENTUAL:
        return Error(f"ERR the members of group {row.id} are changing already")
    state.advance()
    row.target = nodes
    return OK


def _drop(state: MapState, row: GroupRow) -> Reply:
    """Rule G4: only what owns nothing and has no move."""
    if row.id == SYSTEM_GROUP:
        return Error("ERR the system group stays")
    if row.ranges:
        return Error(f"ERR group {row.id} owns slots: move them to another group first")
    moves = state.moves_of(row.id)
    if moves:
        return Error(f"ERR group {row.id} has move {moves[0].id}")
    if state.claims_of(row.keyspace):
        return claimed(row.keyspace)
    state.advance()
    del state.groups[row.id]
    return OK


def members(state: MapState, args: list[bytes]) -> Reply:
    """``MEMBERS group index voter … / learner …``: what its leader says that is so.

    ``index`` is that of the membership in the group's log, so that of two reports the later
    one stands (Rule G6). A joining node that the system group has is up.
    """
    if len(args) < 5 or args.count(b"/") != 1:
        return fields.SYNTAX
    row = find(state, args[1])
    index = fields.number(args[2], 0, ID_MAX)
    cut = args.index(b"/")
    if cut < 3:
        return fields.SYNTAX
    voters, learners = fields.identities(args[3:cut]), fields.identities(args[cut + 1 :])
    if isinstance(row, Error):
        return row
    if isinstance(index, Error):
        return index
    if isinstance(voters, Error):
        return voters
    if isinstance(learners, Error):
        return learners
    if state.is_leaderless(row):
        return Error(f"ERR group {row.id} has no log by which it could change its members")
    if state.is_of_primary(row):
        return _take_primary(state, row, index, voters, learners)
    if not 1 <= len(voters) <= REPLICAS_MAX:
        return Error(f"ERR a group has 1 to {REPLICAS_MAX} voters")
    for node in [*voters, *learners]:
        if node >= state.next_node:
            return Error(f"ERR no such node: {node}")
    if any(node in voters for node in learners):
        return Error("ERR a node is a voter or a learner, not both")
    _take_report(state, row, index, sorted(voters), sorted(learners))
    return OK


def _take_report(
    state: MapState, row: GroupRow, index: int, voters: list[NodeId], learners: list[NodeId]
) -> None:
    if index < row.membership or (index, voters, learners) == (row.membership, row.members, row.learners):
        return
    state.advance()
    row.membership, row.members, row.learners = index, voters, learners
    if row.id == SYSTEM_GROUP:
        for node in [*voters, *learners]:
            known = state.members.get(node)
            if known is not None and known.state == JOINING:
                known.state = UP


def _take_primary(
    state: MapState, row: GroupRow, stamp: int, members: list[NodeId], learners: list[NodeId]
) -> Reply:
    """The primary, all others that have the data, and those that are to come to it (Rule G9).

    What a primary of an earlier generation says is over: it has not heard of the later one.
    """
    if not 1 <= len(members) <= REPLICAS_MAX + 1 or any(node in members for node in learners):
        return Error(f"ERR group {row.id} has a primary and at most {REPLICAS_MAX} others")
    if any(node >= state.next_node for node in [*members, *learners]):
        return Error(f"ERR group {row.id} has a member that no node is")
    if stamp >> INDEX_BITS != row.generation or stamp < row.membership:
        return OK
    told = (stamp, members[0], sorted(members), sorted(learners))
    if told == (row.membership, row.primary, row.members, row.learners):
        return OK
    state.advance()
    row.membership, row.primary, row.members, row.learners = told
    return OK


def lead(state: MapState, args: list[bytes]) -> Reply:
    """``LEAD group term node [group term node …]``: who led last; a hint.

    Groups that are no more, or have no leader, are passed over.
    """
    if len(args) < 4 or len(args) % 3 != 1:
        return fields.SYNTAX
    found: list[tuple[GroupRow, int, NodeId]] = []
    for at in range(1, len(args), 3):
        number = fields.number(args[at], 0, ID_MAX)
        term, node = fields.identity(args[at + 1]), fields.identity(args[at + 2])
        if isinstance(number, Error):
            return number
        if isinstance(term, Error):
            return term
        if isinstance(node, Error):
            return node
        row = state.groups.get(number)
        if row is None or state.is_leaderless(row):
            continue
        if node in state.members and term > row.leader_term:
            found.append((row, term, node))
    if found:
        state.advance()
    for row, term, node in found:
        row.leader_term, row.leader_hint = term, node
    return OK
