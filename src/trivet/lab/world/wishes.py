"""What a map wants of the groups that nobody leads, as their judges are told it."""

from trivet.core.base.ids import GroupId
from trivet.core.cluster.map import ClusterMap
from trivet.core.cluster.rows import EVENTUAL, GroupRow
from trivet.lab.judges import copies, registers


def of_registers(cluster: ClusterMap) -> dict[GroupId, registers.Wanted]:
    """The groups of mode ``paxos``."""
    return {
        row.id: registers.Wanted(row.membership + 1, row.members, _is_changing(row))
        for row in cluster.groups.values() if cluster.is_of_registers(row)
    }  # fmt: skip


def of_copies(cluster: ClusterMap) -> dict[GroupId, copies.Wanted]:
    """The groups of mode ``eventual``."""
    return {
        row.id: copies.Wanted(row.membership + 1, row.members, _is_changing(row))
        for row in cluster.groups.values() if cluster.mode_of(row) == EVENTUAL
    }  # fmt: skip


def _is_changing(row: GroupRow) -> bool:
    return bool(row.incoming) or sorted(row.target) != sorted(row.members)
