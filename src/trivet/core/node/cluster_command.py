"""``CLUSTER``: the topology, in the words of Redis Cluster clients.

All slots belong to one group; its leader shows as the primary, the others as replicas.
A client that asks for the topology is taken for one that follows redirects.
"""

from trivet.core.base.ids import NodeId
from trivet.core.cluster.slots import SLOTS, slot_of
from trivet.core.node.front import Front
from trivet.core.node.session import Session
from trivet.core.wire.reply import Error, Reply, Simple


def cluster(front: Front, session: Session, args: list[bytes]) -> bool:
    """Answer any ``CLUSTER`` command."""
    action = args[1].upper()
    count = len(args)
    reply: Reply
    if action == b"INFO" and count == 2:
        reply = _info(front)
    elif action == b"MYID" and count == 2:
        reply = front.cluster.node_name(front.config.node).encode()
    elif action == b"KEYSLOT" and count == 3:
        reply = slot_of(args[2])
    elif action == b"NODES" and count == 2:
        session.knows_topology = True
        reply = _nodes(front)
    elif action == b"SLOTS" and count == 2:
        session.knows_topology = True
        reply = _slots(front)
    elif action == b"SHARDS" and count == 2:
        session.knows_topology = True
        reply = _shards(front)
    elif action == b"HELP" and count == 2:
        reply = [
            Simple("CLUSTER INFO | MYID | KEYSLOT <key> | NODES | SLOTS | SHARDS: the topology, read only.")
        ]
    else:
        name = args[1][:128].decode("latin-1")
        reply = Error(f"ERR unknown subcommand or wrong number of arguments for '{name}'. Try CLUSTER HELP.")
    session.answer_reply(reply)
    return True


def _leader_first(front: Front) -> list[NodeId]:
    leader = front.group.raft.leader
    nodes = list(front.cluster.members)
    if leader in front.cluster.members:
        nodes.remove(leader)
        nodes.insert(0, leader)
    return nodes


def _info(front: Front) -> bytes:
    size = len(front.cluster.members)
    state = "ok" if front.group.raft.leader else "fail"
    served = SLOTS if front.group.raft.leader else 0
    lines = [
        "cluster_enabled:1",
        f"cluster_state:{state}",
        f"cluster_slots_assigned:{SLOTS}",
        f"cluster_slots_ok:{served}",
        "cluster_slots_pfail:0",
        f"cluster_slots_fail:{SLOTS - served}",
        f"cluster_known_nodes:{size}",
        "cluster_size:1",
        f"cluster_current_epoch:{front.group.raft.term}",
        f"cluster_my_epoch:{front.group.raft.term}",
    ]
    return ("\r\n".join(lines) + "\r\n").encode()


def _nodes(front: Front) -> bytes:
    lines: list[str] = []
    nodes = _leader_first(front)
    primary = front.cluster.node_name(nodes[0])
    for node in nodes:
        member = front.cluster.members[node]
        flags = "master" if node == nodes[0] else "slave"
        if node == front.config.node:
            flags = "myself," + flags
        of = "-" if node == nodes[0] else primary
        link = "connected" if node == front.config.node or front.group.peer_is_up(node) else "disconnected"
        slots = f" 0-{SLOTS - 1}" if node == nodes[0] else ""
        lines.append(
            f"{front.cluster.node_name(node)} {member.host}:{member.client_port}@{member.peer_port} "
            f"{flags} {of} 0 0 {front.group.raft.term} {link}{slots}\n"
        )
    return "".join(lines).encode()


def _slots(front: Front) -> Reply:
    row: list[Reply] = [0, SLOTS - 1]
    for node in _leader_first(front):
        member = front.cluster.members[node]
        row.append([member.host.encode(), member.client_port, front.cluster.node_name(node).encode(), []])
    return [row]


def _shards(front: Front) -> Reply:
    nodes: list[Reply] = []
    order = _leader_first(front)
    for node in order:
        member = front.cluster.members[node]
        alive = node == front.config.node or front.group.peer_is_up(node)
        facts: dict[bytes, Reply] = {
            b"id": front.cluster.node_name(node).encode(),
            b"port": member.client_port,
            b"ip": member.host.encode(),
            b"endpoint": member.host.encode(),
            b"role": b"master" if node == order[0] else b"replica",
            b"replication-offset": front.group.raft.commit,
            b"health": b"online" if alive else b"fail",
        }
        nodes.append(facts)
    shard: dict[bytes, Reply] = {b"slots": [0, SLOTS - 1], b"nodes": nodes}
    return [shard]
