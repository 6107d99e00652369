"""``CLUSTER NODES``, ``SLOTS``, ``SHARDS`` and others: the topology in the words of Redis Cluster clients.

Told of the keyspace that the connection has selected: those clients know database 0 only. A group shows as a
shard, its leader as the primary of its slots. Answered from what this node knows, so also without a majority.
"""

from trivet.core.base.ids import NodeId
from trivet.core.cluster.rows import GroupRow, NodeRow
from trivet.core.cluster.slots import SLOTS
from trivet.core.node.front import Front
from trivet.core.node.keyspace_command import leader_of
from trivet.core.node.session import Session
from trivet.core.wire.reply import Error, Reply


def groups_shown(front: Front, session: Session) -> list[GroupRow]:
    """The groups that own slots of the session's keyspace, in the order of their lowest slots."""
    cluster = front.cluster
    return sorted([cluster.groups[number] for number in cluster.groups_of(session.db)], key=_lowest)


def _lowest(row: GroupRow) -> int:
    return row.ranges[0][0]


def leader_first(front: Front, row: GroupRow) -> list[NodeRow]:
    """The members of a group, its leader at the head."""
    members = front.cluster.members
    nodes = [node for node in [*row.members, *row.learners] if node in members]
    leader = leader_of(front, row)
    if leader in nodes:
        nodes.remove(leader)
        nodes.insert(0, leader)
    return [members[node] for node in nodes]


def term_of(front: Front, row: GroupRow) -> int:
    """The newest term of a group that this node has heard of; of one that nobody leads the epoch."""
    if row.id in front.leaderless:
        return row.membership + 1
    replica = front.groups.get(row.id)
    return row.leader_term if replica is None else replica.raft.term


def info(front: Front, session: Session) -> bytes:
    """``CLUSTER INFO``."""
    cluster = front.cluster
    rows = groups_shown(front, session)
    served = sum([last - first + 1 for row in rows if leader_of(front, row) for first, last in row.ranges])
    epoch = max([term_of(front, row) for row in rows], default=0)
    lines = [
        "cluster_enabled:1",
        f"cluster_state:{'ok' if served == SLOTS else 'fail'}",
        f"cluster_slots_assigned:{SLOTS}",
        f"cluster_slots_ok:{served}",
        "cluster_slots_pfail:0",
        f"cluster_slots_fail:{SLOTS - served}",
        f"cluster_known_nodes:{len(cluster.members)}",
        f"cluster_size:{len(rows)}",
        f"cluster_current_epoch:{epoch}",
        f"cluster_my_epoch:{epoch}",
        f"trivet_map_epoch:{cluster.epoch}",
        f"trivet_keyspaces:{len(cluster.keyspaces)}",
        f"trivet_groups:{len(cluster.groups)}",
        f"trivet_moves:{len(cluster.moves)}",
    ]
    return ("\r\n".join(lines) + "\r\n").encode()


class _Seat:
    """What a node is to Redis Cluster clients."""

    __slots__ = ("epoch", "node", "of", "slots")

    def __init__(self, node: NodeRow) -> None:
        self.node = node
        self.of: NodeId = 0
        """The primary that it follows; 0: it is one."""
        self.slots: list[tuple[int, int]] = []
        self.epoch = 0


def _seats(front: Front, session: Session) -> list[_Seat]:
    """Primaries with slots first, then who follows, then who has nothing to do with the keyspace.

    A node that leads one group and follows in others is a primary.
    """
    seats: dict[NodeId, _Seat] = {}
    rows = groups_shown(front, session)
    orders = [leader_first(front, row) for row in rows]
    for row, order in zip(rows, orders, strict=True):
        if order:
            seat = seats.setdefault(order[0].id, _Seat(order[0]))
            seat.slots += row.ranges
            seat.epoch = max(seat.epoch, term_of(front, row))
    for row, order in zip(rows, orders, strict=True):
        for node in order[1:]:
            if node.id not in seats:
                seats[node.id] = seat = _Seat(node)
                seat.of = order[0].id
                seat.epoch = term_of(front, row)
    for node in front.cluster.members.values():
        seats.setdefault(node.id, _Seat(node))
    return list(seats.values())


def _line(front: Front, seat: _Seat) -> str:
    cluster = front.cluster
    node = seat.node
    flags = "slave" if seat.of else "master"
    if node.id == front.config.node:
        flags = "myself," + flags
    of = cluster.node_name(seat.of) if seat.of else "-"
    link = "connected" if front.alive(node.id) else "disconnected"
    slots = "".join(
        [f" {first}" if first == last else f" {first}-{last}" for first, last in sorted(seat.slots)]
    )
    return (
        f"{cluster.node_name(node.id)} {node.host}:{node.client_port}@{node.peer_port} "
        f"{flags} {of} 0 0 {seat.epoch} {link}{slots}"
    )


def nodes(front: Front, session: Session) -> bytes:
    """``CLUSTER NODES``: one line per node."""
    return "".join([_line(front, seat) + "\n" for seat in _seats(front, session)]).encode()


def replicas(front: Front, session: Session, node: NodeId) -> Reply:
    """``CLUSTER REPLICAS``: the lines of the nodes that follow ``node``."""
    seats = _seats(front, session)
    if any(seat.node.id == node and seat.of for seat in seats):
        return Error("ERR The specified node is not a master")
    return [_line(front, seat).encode() for seat in seats if seat.of == node]


def slots(front: Front, session: Session) -> Reply:
    """``CLUSTER SLOTS``: one row per range, in the order of the slots."""
    cluster = front.cluster
    found: list[tuple[int, Reply]] = []
    for row in groups_shown(front, session):
        served: list[Reply] = [
            [node.host.encode(), node.client_port, cluster.node_name(node.id).encode(), []]
            for node in leader_first(front, row)
        ]
        found += [(first, [first, last, *served]) for first, last in row.ranges]
    return [row for _, row in sorted(found, key=_first)]


def _first(numbered: tuple[int, Reply]) -> int:
    return numbered[0]


def shards(front: Front, session: Session) -> Reply:
    """``CLUSTER SHARDS``: one per group."""
    found: list[Reply] = []
    for row in groups_shown(front, session):
        order = leader_first(front, row)
        replica = front.groups.get(row.id)
        described: list[Reply] = []
        for node in order:
            facts: dict[bytes, Reply] = {
                b"id": front.cluster.node_name(node.id).encode(),
                b"port": node.client_port,
                b"ip": node.host.encode(),
                b"endpoint": node.host.encode(),
                b"role": b"master" if node is order[0] else b"replica",
                b"replication-offset": 0 if replica is None else replica.raft.commit,
                b"health": b"online" if front.alive(node.id) else b"fail",
            }
            described.append(facts)
        bounds: list[Reply] = [bound for pair in row.ranges for bound in pair]
        shard: dict[bytes, Reply] = {b"slots": bounds, b"nodes": described}
        found.append(shard)
    return found


def links(front: Front) -> Reply:
    """``CLUSTER LINKS``: to each node that is in touch one that it dialed, and one that we did."""
    found: list[Reply] = []
    for node in front.cluster.members:
        if node == front.config.node or not front.alive(node):
            continue
        for direction in (b"to", b"from"):
            link: dict[bytes, Reply] = {
                b"direction": direction,
                b"node": front.cluster.node_name(node).encode(),
                b"create-time": front.touch.since(node),
                b"events": b"rw" if direction == b"to" else b"r",
                b"send-buffer-allocated": 0,
                b"send-buffer-used": 0,
            }
            found.append(link)
    return found
