"""The map's verbs about nodes.

``JOIN``, ``ADDRESS``, ``BIRTH``, ``DRAIN``, ``UNDRAIN``, ``REPLACE``, ``LEFT``, ``LABEL``, ``ZONE``.
Each checks everything before it changes anything. ``args[0]`` is the verb.
"""

from collections.abc import Callable

from trivet.core.cluster import fields
from trivet.core.cluster.rows import (
    DRAINING,
    GONE,
    GONE_KEPT_MAX,
    ID_MAX,
    JOINING,
    NODES_MAX,
    SYSTEM_GROUP,
    UP,
    NodeRow,
)
from trivet.core.cluster.state import MapState
from trivet.core.wire.reply import OK, Error, Reply

Node = Callable[[MapState, NodeRow, list[bytes]], Reply]


def join(state: MapState, args: list[bytes]) -> Reply:
    """``JOIN host client-port peer-port zone labels birth [replaces]``: the new node's id.

    Rule N2: the same birth gives the same id, however often it asks.
    """
    if len(args) not in (7, 8):
        return fields.SYNTAX
    row = _joining(args)
    if isinstance(row, Error):
        return row
    known = state.born(row.birth)
    if known is not None:
        if known.state == GONE:
            return Error(f"ERR node {known.id} has left the cluster: join with an empty data directory")
        return known.id
    replaced = state.members.get(row.replaces)
    if row.replaces and replaced is None:
        return _unknown(state, row.replaces)
    clash = _clash(state, row, row.replaces)
    if clash is not None:
        return clash
    if len(state.members) >= NODES_MAX:
        return Error(f"ERR the cluster has {NODES_MAX} nodes already")
    state.advance()
    row.id = state.next_node
    state.next_node += 1
    state.nodes[row.id] = row
    if replaced is not None:
        replaced.state = DRAINING
    state.settle_nodes()
    return row.id


def _joining(args: list[bytes]) -> NodeRow | Error:
    host, client_port, peer_port = fields.host(args[1]), fields.port(args[2]), fields.port(args[3])
    zone, labels, birth = fields.zone(args[4]), fields.labels(args[5]), fields.identity(args[6])
    replaces = fields.number(args[7], 0, ID_MAX) if len(args) == 8 else 0
    if isinstance(host, Error):
        return host
    if isinstance(client_port, Error):
        return client_port
    if isinstance(peer_port, Error):
        return peer_port
    if isinstance(zone, Error):
        return zone
    if isinstance(labels, Error):
        return labels
    if isinstance(birth, Error):
        return birth
    if isinstance(replaces, Error):
        return replaces
    return NodeRow(0, host, client_port, peer_port, zone, labels, JOINING, birth, replaces)


def _clash(state: MapState, row: NodeRow, besides: int) -> Error | None:
    """Rule N3: no two nodes have one address, but a node and the one whose place it takes."""
    replaced = dict.fromkeys(other.replaces for other in state.members.values())
    for other in state.members.values():
        if other.id in (row.id, besides) or other.id in replaced:
            continue
        if other.host == row.host and (
            other.peer_port == row.peer_port or other.client_port == row.client_port
        ):
            return Error(
                f"ERR node {other.id} has the address {row.host}, port {row.client_port} or {row.peer_port}: "
                f"take another one, or join in its place"
            )
    return None


def _unknown(state: MapState, node: int) -> Error:
    if state.has_left(node):
        return Error(f"ERR node {node} has left the cluster")
    return Error(f"ERR no such node: {node}")


def _address(state: MapState, row: NodeRow, args: list[bytes]) -> Reply:
    """``ADDRESS id host client-port peer-port``."""
    host, client_port, peer_port = fields.host(args[2]), fields.port(args[3]), fields.port(args[4])
    if isinstance(host, Error):
        return host
    if isinstance(client_port, Error):
        return client_port
    if isinstance(peer_port, Error):
        return peer_port
    if (row.host, row.client_port, row.peer_port) == (host, client_port, peer_port):
        return OK
    clash = _clash(state, NodeRow(row.id, host, client_port, peer_port), row.replaces)
    if clash is not None:
        return clash
    state.advance()
    row.host, row.client_port, row.peer_port = host, client_port, peer_port
    return OK


def _birth(state: MapState, row: NodeRow, args: list[bytes]) -> Reply:
    """``BIRTH id birth``. Rule N4: the first wins; another is a data directory that is not that node's."""
    birth = fields.identity(args[2])
    if isinstance(birth, Error):
        return birth
    if row.birth == birth:
        return OK
    if row.birth:
        return Error(
            f"ERR node {row.id} was born with another data directory: if that is lost, "
            f"join as a new node in its place"
        )
    known = state.born(birth)
    if known is not None:
        return Error(f"ERR this data directory belongs to node {known.id}")
    state.advance()
    row.birth = birth
    state.settle_nodes()
    return OK


def _drain(state: MapState, row: NodeRow, args: list[bytes]) -> Reply:
    """``DRAIN id``: it shall be emptied."""
    if row.state == DRAINING:
        return OK
    others = sum(1 for other in state.members.values() if other.state == UP and other is not row)
    if not others:
        return Error(f"ERR node {row.id} cannot be drained: no other node is up")
    for keyspace in state.keyspaces.values():
        if row.state == UP and keyspace.quorum_max == others + 1:  # Rule P12
            return Error(
                f"ERR node {row.id} cannot be drained: {others} would be left, and keyspace {keyspace.name} "
                f"asks for a quorum of {others + 1}: add a node first, or lower it with KEYSPACE ALTER"
            )
    state.advance()
    row.state = DRAINING
    return OK


def _undrain(state: MapState, row: NodeRow, args: list[bytes]) -> Reply:
    """``UNDRAIN id``: it stays after all."""
    if row.state != DRAINING:
        return OK
    for other in state.members.values():
        if other.replaces == row.id:
            return Error(f"ERR node {row.id} has been replaced by node {other.id}")
    system = state.groups[SYSTEM_GROUP]
    state.advance()
    row.state = UP if row.id in system.members or row.id in system.learners else JOINING
    return OK


def _replace(state: MapState, row: NodeRow, args: list[bytes]) -> Reply:
    """``REPLACE id new``: a node that came later takes its place, as if it had joined so."""
    node = fields.identity(args[2])
    if isinstance(node, Error):
        return node
    new = state.members.get(node)
    if new is None:
        return _unknown(state, node)
    if new.replaces == row.id:
        return OK
    if new.replaces:
        return Error(f"ERR node {node} replaces node {new.replaces} already")
    if new.id < row.id or new.state == DRAINING:
        return Error(f"ERR node {node} is no new node")
    state.advance()
    new.replaces = row.id
    row.state = DRAINING
    return OK


def _left(state: MapState, row: NodeRow, args: list[bytes]) -> Reply:
    """``LEFT id``. Rule N5: only when no group counts on it; it never comes back.

    A node that shall stay after all is up again, and a word about it that comes late is refused.
    """
    for group in state.groups.values():
        counted_on = [*group.members, *group.target, *group.incoming]
        if row.id in counted_on or (group.id and row.id in group.learners):
            return Error(f"ERR node {row.id} is still a member of group {group.id}: drain it first")
    if row.state == UP:
        return Error(f"ERR node {row.id} is up: drain it first")
    state.advance()
    row.state = GONE
    gone = [node for node, other in state.nodes.items() if other.state == GONE and node != row.id]
    for node in gone[: max(0, len(gone) + 1 - GONE_KEPT_MAX)]:
        del state.nodes[node]
    state.settle_nodes()
    return OK


def _label(state: MapState, row: NodeRow, args: list[bytes]) -> Reply:
    """``LABEL id labels``: these and no others."""
    labels = fields.labels(args[2])
    if isinstance(labels, Error):
        return labels
    if labels != row.labels:
        state.advance()
        row.labels = labels
    return OK


def _zone(state: MapState, row: NodeRow, args: list[bytes]) -> Reply:
    """``ZONE id zone``."""
    zone = fields.zone(args[2])
    if isinstance(zone, Error):
        return zone
    if zone != row.zone:
        state.advance()
        row.zone = zone
    return OK


_NODE_VERBS: dict[bytes, tuple[int, Node]] = {
    b"ADDRESS": (5, _address),
    b"BIRTH": (3, _birth),
    b"DRAIN": (2, _drain),
    b"UNDRAIN": (2, _undrain),
    b"REPLACE": (3, _replace),
    b"LEFT": (2, _left),
    b"LABEL": (3, _label),
    b"ZONE": (3, _zone),
}


def of_node(state: MapState, args: list[bytes]) -> Reply:
    """One of the verbs about a node that is there."""
    count, verb = _NODE_VERBS[args[0]]
    if len(args) != count:
        return fields.SYNTAX
    node = fields.identity(args[1])
    if isinstance(node, Error):
        return node
    row = state.members.get(node)
    if row is None:
        if args[0] == b"LEFT" and state.has_left(node):
            return OK
        return _unknown(state, node)
    return verb(state, row, args)


NODE_VERBS = tuple(_NODE_VERBS)
