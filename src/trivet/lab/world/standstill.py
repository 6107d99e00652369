"""Whether the members of a group stay who they are, if nobody asks for anything else.

A majority of the present members may be none of those that shall be: where members change, or are about to, a
core of whole nodes owes nobody anything. Nor for a group that an order under way has made elsewhere since.
"""

from collections.abc import Container, Sequence

from trivet.core.base.ids import SYSTEM_GROUP, GroupId, NodeId
from trivet.core.cluster.map import ClusterMap
from trivet.core.cluster.rows import GroupRow
from trivet.lab.seam import ObservationLike


def has_majority(row: GroupRow, core: Sequence[NodeId]) -> bool:
    """Whether most members are in ``core``."""
    return 2 * len([node for node in row.members if node in core]) > len(row.members)


def stays_as_it_is(row: GroupRow, cluster: ClusterMap, looks: Sequence[ObservationLike]) -> bool:
    """Whether no change is under way, wished for or sure to be planned; ``looks``: at its replicas."""
    if row.incoming or sorted(row.target) != sorted(row.members):
        return False
    if any(look.membership.outgoing for look in looks):
        return False  # a step that is in somebody's log only
    return row.id == SYSTEM_GROUP or len(row.members) <= cluster.keyspaces[row.keyspace].replicas


def came_elsewhere(known: Container[GroupId], now: ClusterMap | None, core: Sequence[NodeId]) -> bool:
    """Whether there is a group that is none of the ``known``, and has no majority in ``core``."""
    return now is not None and any(
        row.id not in known and not has_majority(row, core) for row in now.groups.values()
    )
