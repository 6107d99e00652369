"""What a map wants of the groups that nobody leads, as their judges are told it."""

from collections.abc import Container

from trivet.core.base.ids import GroupId, NodeId
from trivet.core.cluster.map import ClusterMap
from trivet.core.cluster.rows import EVENTUAL, GroupRow
from trivet.lab.judges import copies, registers

_ALL = range(1, 1 << 32)


def of_registers(cluster: ClusterMap) -> dict[GroupId, registers.Wanted]:
    """The groups of mode ``paxos``."""
    return {
        row.id: registers.Wanted(row.membership + 1, row.members, _is_changing(row))
        for row in cluster.groups.values() if cluster.is_of_registers(row)
    }  # fmt: skip


def of_copies(cluster: ClusterMap, up: Container[NodeId] = _ALL) -> dict[GroupId, copies.Wanted]:
    """The groups of mode ``eventual``, with their members that are ``up``."""
    return {
        row.id: copies.Wanted(row.membership + 1, [n for n in row.members if n in up], _is_changing(row))
        for row in cluster.groups.values() if cluster.mode_of(row) == EVENTUAL
    }  # fmt: skip


def _is_changing(row: GroupRow) -> bool:
    return bool(row.incoming) or sorted(row.target) != sorted(row.members)
