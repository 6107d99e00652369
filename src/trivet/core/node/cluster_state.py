"""``CLUSTER STATE``: the whole map with what this node knows beside it, for views of the cluster.

Answered at once, also without a majority. Who asks the leader of the system group gets what all nodes report;
what is not known is nil.
"""

from trivet.core.base.ids import GroupId, NodeId
from trivet.core.cluster.facts import Facts, GroupFacts
from trivet.core.cluster.ranges import show
from trivet.core.cluster.rows import GroupRow, MoveRow, NodeRow
from trivet.core.group.raft_group import RaftGroup
from trivet.core.node.cluster_topology import term_of
from trivet.core.node.front import Front
from trivet.core.node.info import bytes_of
from trivet.core.node.keyspace_command import facts_of, leader_of
from trivet.core.node.reach import facts_seen, is_unreachable
from trivet.core.raft.state import Role
from trivet.core.wire.reply import Reply


def facts_known(front: Front) -> Facts:
    """What is reported to this node, or without that what it sees by itself, and hears of others."""
    reported = front.steward.facts() if front.steward is not None else None
    if reported is not None:
        for number, seen in _all_seen(front).items():
            reported.groups.setdefault(number, seen)
        return reported
    found = facts_seen(front)
    found.groups = _all_seen(front)
    return found


def _all_seen(front: Front) -> dict[GroupId, GroupFacts]:
    """Of the groups of which there is something here."""
    found = {number: _seen(front, group) for number, group in front.groups.items()}
    own = front.config.node
    for number, replica in front.leaderless.items():
        if replica.is_member(own):
            doubtful, standing = [own] if replica.doubtful else [], replica.standing()
            found[number] = GroupFacts(
                keys=replica.keys, bytes=replica.size_bytes, doubtful=doubtful,
                copies={own: (standing.is_caught_up, standing.kept)} if standing.epoch else {},
            )  # fmt: skip
    return found


def _seen(front: Front, group: RaftGroup) -> GroupFacts:
    raft = group.raft
    caught_up: list[NodeId] = []
    if raft.role is Role.LEADER:
        caught_up = [front.config.node, *[peer for peer in raft.membership.voters if raft.is_caught_up(peer)]]
    return GroupFacts(
        keys=group.machine.databases.key_count(),
        bytes=bytes_of(group),
        leader=raft.leader,
        caught_up=caught_up,
    )


def state(front: Front) -> Reply:
    """The reply."""
    cluster = front.cluster
    facts = facts_known(front)
    leads: dict[NodeId, int] = {}
    for row in cluster.groups.values():
        leader = leader_of(front, row) if row.id and row.id not in front.leaderless else 0
        leads[leader] = leads.get(leader, 0) + 1
    nodes: list[Reply] = [_node(front, row, facts, leads) for row in cluster.members.values()]
    keyspaces: list[Reply] = [facts_of(front, row) for row in cluster.keyspaces.values()]
    groups: list[Reply] = [_group(front, row, facts) for row in cluster.groups.values()]
    moves: list[Reply] = [_move(front, row) for row in cluster.moves.values()]
    found: dict[bytes, Reply] = {
        b"cluster": cluster.cluster.encode(),
        b"epoch": cluster.epoch,
        b"node": front.config.node,
        b"nodes": nodes,
        b"keyspaces": keyspaces,
        b"groups": groups,
        b"moves": moves,
    }
    return found


def _node(front: Front, row: NodeRow, facts: Facts, leads: dict[NodeId, int]) -> Reply:
    unreachable = is_unreachable(front, facts, row.id)
    silent = facts.dead_ms.get(row.id, facts.unreachable_ms.get(row.id))
    groups = [
        group
        for group in front.cluster.groups.values()
        if row.id in group.members or row.id in group.learners or row.id in group.incoming
    ]
    labels: dict[bytes, Reply] = {name.encode(): value.encode() for name, value in row.labels.items()}
    described: dict[bytes, Reply] = {
        b"id": row.id,
        b"name": front.cluster.node_name(row.id).encode(),
        b"host": row.host.encode(),
        b"client-port": row.client_port,
        b"peer-port": row.peer_port,
        b"zone": row.zone.encode(),
        b"labels": labels,
        b"state": row.state.encode(),
        b"replaces": row.replaces,
        b"alive": int(silent is None or unreachable),
        b"unreachable": int(unreachable),
        b"silent-ms": silent or 0,
        b"groups": len([group for group in groups if group.id]),
        b"leads": leads.get(row.id, 0),
    }
    return described


def _group(front: Front, row: GroupRow, facts: Facts) -> Reply:
    seen = facts.groups.get(row.id)
    described: dict[bytes, Reply] = {
        b"id": row.id,
        b"keyspace": row.keyspace,
        b"slots": show(row.ranges).encode(),
        b"members": list(row.members),
        b"incoming": list(row.incoming),
        b"learners": list(row.learners),
        b"target": list(row.target),
        b"leader": 0 if row.id in front.leaderless else leader_of(front, row),
        b"term": term_of(front, row),
        b"epoch": row.epoch,
        b"keys": None if seen is None else seen.keys,
        b"bytes": None if seen is None else seen.bytes,
        b"ops": None if seen is None or front.steward is None else seen.ops,
        b"doubtful": [] if seen is None else list(seen.doubtful),
        b"behind": list(_behind(seen)),
    }
    return described


def _behind(seen: GroupFacts | None) -> list[NodeId]:
    """Members that lack something that the others had when they came."""
    return [] if seen is None else sorted([node for node, copy in seen.copies.items() if not copy[0]])


def _move(front: Front, row: MoveRow) -> Reply:
    progress = None if front.steward is None else front.steward.progress(row.id)
    described: dict[bytes, Reply] = {
        b"id": row.id,
        b"source": row.source,
        b"target": row.target_group,
        b"slots": show(row.ranges).encode(),
        b"phase": b"taken" if row.taken else row.phase.encode(),
        b"started-ms": row.started_ms,
        b"age-ms": max(0, front.wall_ms - row.started_ms),
        b"reason": row.reason.encode(),
        b"sent": None if progress is None else progress[0],
        b"left": None if progress is None else progress[1],
    }
    return described
