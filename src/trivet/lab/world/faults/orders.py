"""Orders of an administrator: slots to other groups, other leaders, nodes emptied. None of it may be felt."""

from trivet.core.base.ids import NodeId
from trivet.core.cluster.map import ClusterMap
from trivet.core.cluster.rows import DRAINING, SYSTEM_GROUP, UP, GroupRow
from trivet.core.cluster.slots import slot_of
from trivet.lab.resp import Value
from trivet.lab.world.faults.ground import Ground

GROUPS_MAX = 8
"""With more groups nothing is split."""


JOINED_MAX = 3
"""So many nodes beyond the founders are there at a time."""
NODES_MIN = 3
"""With no more nodes none is emptied: what is empty leaves."""


def order(g: Ground) -> bool:
    """One order, whatever the cluster is doing."""
    cluster = g.cluster()
    words = None if cluster is None else _words(g, cluster)
    if words is None:
        return False
    g.say("order " + b" ".join(words).decode())
    g.victims.orders.give(words)
    return True


def join(g: Ground) -> bool:
    """A node comes, with an empty disk. Its birth tells whether it was heard, however often it asks."""
    cluster, orders = g.cluster(), g.victims.orders
    if cluster is None or (not orders.birth and len(g.nodes) >= g.options.nodes + JOINED_MAX):
        return False
    orders.birth = birth = orders.birth or g.prng.u64() >> 1 or 1
    port = 7000 + cluster.next_node

    def joined(reply: Value) -> None:
        if isinstance(reply, tuple) and isinstance(reply[0], int):
            orders.birth = 0
            g.victims.join(reply[0], birth, _numbers(reply[2]))

    place = [b"127.0.0.1", b"%d" % port, b"%d" % (port + 10_000)]
    zone = b"zone%d" % g.prng.below(3)
    orders.give([b"CLUSTER", b"JOIN", *place, zone, b"{}", b"%d" % birth], joined)
    return True


def teach(g: Ground) -> bool:
    """Functions are changed. Whoever was asked may fall before all groups have heard of it."""
    if g.cluster() is None:
        return False
    if g.prng.below(5) == 0:
        words = [b"FUNCTION", b"FLUSH"]
    else:
        answers = b"redis.register_function('which', function() return %d end)" % g.prng.below(1 << 30)
        words = [b"FUNCTION", b"LOAD", b"REPLACE", b"#!lua name=lab\n" + answers]
    g.victims.orders.give(words)
    return True


def _numbers(nodes: Value) -> list[NodeId]:
    """The nodes in an answer to ``CLUSTER JOIN``."""
    assert isinstance(nodes, tuple)
    return [row[0] for row in nodes if isinstance(row, tuple) and isinstance(row[0], int)]


def _words(g: Ground, cluster: ClusterMap) -> list[bytes] | None:
    groups = [row for row in cluster.groups.values() if row.id != SYSTEM_GROUP]
    row = groups[g.prng.below(len(groups))]
    roll = g.prng.below(20)
    of_registers = cluster.is_of_registers(row)
    if cluster.is_leaderless(row) and not of_registers:
        return _alter(g, row) if roll < 10 else _drain(g, cluster)
    may_found = len(groups) < GROUPS_MAX and (not g.loses_synced() or g.all_up())
    if roll < 6:
        return _split(g, row) if may_found else None
    if roll < 12:
        others = [other for other in groups if other.keyspace == row.keyspace and other is not row]
        return _between(g, row, others[g.prng.below(len(others))]) if others else None
    if roll < 15 and not of_registers:
        members = row.members or row.founders
        node = members[g.prng.below(len(members))]
        return [b"CLUSTER", b"LEAD", b"%d" % row.id, b"%d" % node]
    if roll < 18:
        return _drain(g, cluster)
    return _alter(g, row)


def _alter(g: Ground, row: GroupRow) -> list[bytes]:
    """More members, or fewer."""
    least = 3 if g.loses_synced() else 1
    replicas = least + 2 * g.prng.below(2)
    return [b"KEYSPACE", b"ALTER", b"%d" % row.keyspace, b"REPLICAS", b"%d" % replicas]


def _split(g: Ground, row: GroupRow) -> list[bytes]:
    """At a key that is used, or in the middle."""
    words = [b"CLUSTER", b"SPLIT", b"%d" % row.id]
    slots = [slot for slot in _used(g) if any(low < slot <= high for low, high in row.ranges)]
    return [*words, b"%d" % slots[g.prng.below(len(slots))]] if slots else words


def _between(g: Ground, row: GroupRow, other: GroupRow) -> list[bytes]:
    """All of a group into another, or the slots of some keys."""
    slots = [slot for slot in _used(g) if any(low <= slot <= high for low, high in row.ranges)]
    if not slots or g.prng.chance(0.5):
        return [b"CLUSTER", b"MERGE", b"%d" % row.id, b"%d" % other.id]
    slot = slots[g.prng.below(len(slots))]
    ends = [(low, high) for low, high in row.ranges if low <= slot <= high]
    low, high = ends[0]
    text = b"%d-%d" % (g.prng.between(low, slot), g.prng.between(slot, high))
    return [b"CLUSTER", b"MOVE", b"%d" % row.id, text, b"%d" % other.id]


def _used(g: Ground) -> list[int]:
    return [slot_of(key) for _, key in g.victims.mix.used_keys()]


def _drain(g: Ground, cluster: ClusterMap) -> list[bytes]:
    """One node at a time is to be empty, for a while."""
    draining = [row.id for row in cluster.nodes.values() if row.state == DRAINING]
    if draining:
        verb = b"LEAVE" if g.prng.chance(0.7) else b"UNDRAIN"
        return [b"CLUSTER", verb, b"%d" % draining[0]]
    nodes = [row.id for row in cluster.nodes.values() if row.state == UP]
    if len(nodes) <= NODES_MIN:
        return [b"CLUSTER", b"PLAN"]
    return [b"CLUSTER", b"DRAIN", b"%d" % nodes[g.prng.below(len(nodes))]]
