"""Whether the members of a group stay who they are, if nobody asks for anything else.

A majority of the present members may be none of those that shall be: where members change, or are about to, a
core of whole nodes owes nobody anything.
"""

from collections.abc import Sequence

from trivet.core.base.ids import SYSTEM_GROUP, NodeId
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
