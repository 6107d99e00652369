"""The map in the words of ``KEYSPACE LIST`` and ``KEYSPACE INFO``: for people and programs to read."""

from trivet.core.base.ids import NodeId
from trivet.core.cluster.ranges import show
from trivet.core.cluster.rows import EVENTUAL, GroupRow, KeyspaceRow, MoveRow
from trivet.core.cluster.state import MapState
from trivet.core.wire.reply import Reply


def keyspaces(state: MapState) -> Reply:
    """All of them, in the order of their numbers, without their groups."""
    groups = dict.fromkeys(state.keyspaces, 0)
    for row in state.groups.values():
        if row.keyspace in groups:
            groups[row.keyspace] += 1
    return [_facts(row, groups[number]) for number, row in sorted(state.keyspaces.items())]


def keyspace(state: MapState, row: KeyspaceRow) -> Reply:
    """One of them, with its databases, groups and moves."""
    groups = state.groups_in(row.number)
    moves = [move for move in state.moves.values() if state.groups[move.source].keyspace == row.number]
    facts = _facts(row, len(groups))
    facts[b"databases"] = [*state.databases_of(row)]
    facts[b"placement"] = [_group(group) for group in groups]
    facts[b"moves"] = [_move(move) for move in moves]
    return facts


def _facts(row: KeyspaceRow, groups: int) -> dict[bytes, Reply]:
    facts: dict[bytes, Reply] = {
        b"number": row.number,
        b"name": row.name.encode(),
        b"mode": row.mode.encode(),
        b"replicas": row.replicas,
        b"shards": row.shards or b"auto",
        b"together": int(row.together),
        b"groups": groups,
    }
    if row.mode == EVENTUAL:
        facts[b"write-quorum"] = row.write_quorum
        facts[b"read-quorum"] = row.read_quorum
    return facts


def _group(row: GroupRow) -> Reply:
    facts: dict[bytes, Reply] = {
        b"group": row.id,
        b"slots": show(row.ranges).encode(),
        b"epoch": row.epoch,
        b"leader": row.leader_hint,
        b"voters": _ids(row.members),
        b"learners": _ids(row.learners),
        b"target": _ids(row.target),
    }
    return facts


def _move(row: MoveRow) -> Reply:
    facts: dict[bytes, Reply] = {
        b"move": row.id,
        b"from": row.source,
        b"to": row.target_group,
        b"slots": show(row.ranges).encode(),
        b"phase": row.phase.encode(),
        b"started-ms": row.started_ms,
        b"reason": row.reason.encode(),
    }
    return facts


def _ids(nodes: list[NodeId]) -> Reply:
    return [*nodes]
