"""Residents of mode ``primary``: who is the primary as the map has it, and replicas that have to begin anew.

On the path: nowhere. The map names a primary by force (Rule G9); the node that it names takes over, all
others stop serving what they lead. What a replica has that the named one has not goes into a file, and the
replica begins anew from that one.
"""

from trivet.core.base.ids import GroupId, NodeId
from trivet.core.cluster.map import ClusterMap
from trivet.core.cluster.rows import GroupRow
from trivet.core.group.raft_group import RaftGroup
from trivet.core.group.set_aside import Asides
from trivet.core.node.front import Front


class PrimaryResidents:
    """See the module."""

    def __init__(self, node: NodeId, front: Front) -> None:
        self._node = node
        self._front = front
        self._rows: dict[GroupId, GroupRow] = {}
        """Groups of this mode with a replica here."""

    @property
    def asides(self) -> Asides:
        """What stands in files."""
        return self._front.asides

    def follow(self, cluster: ClusterMap) -> None:
        """The map has changed."""
        groups = self._front.groups
        self._rows = {
            number: row
            for number, row in cluster.groups.items()
            if row.primary and number in groups and cluster.is_of_primary(row)
        }
        for number, row in self._rows.items():
            if row.generation:
                self._name(row, groups[number])

    def _name(self, row: GroupRow, group: RaftGroup) -> None:
        raft = group.raft
        if raft.log_generation >= row.generation:
            return
        if row.primary == self._node:
            is_news = raft.take_over(row.generation, tuple(row.members))
        else:
            is_news = raft.depose(row.generation)
        if is_news:
            group.stir()

    def is_backup(self, number: GroupId) -> bool:
        """Whether a replica here serves though it is no voter."""
        return number in self._rows and self._node in self._front.groups[number].raft.membership.learners

    def look(self) -> list[GroupRow]:
        """Once per tick: groups whose replica here is set aside, for it to begin anew."""
        found: list[GroupRow] = []
        for number, row in self._rows.items():
            group = self._front.groups.get(number)
            if group is not None and group.raft.fork and self._is_set_aside(group):
                found.append(row)
        return found

    def may_leave(self, row: GroupRow, group: RaftGroup) -> bool:
        """Whether a replica that is wanted no more may go: nothing is only here, as far as is known."""
        raft = group.raft
        if not row.primary or raft.log_generation >= row.generation or not raft.last_index:
            return True
        return raft.fork != 0 and self._is_set_aside(group)

    def _is_set_aside(self, group: RaftGroup) -> bool:
        aside = group.snapshots.aside
        if aside is None or not aside.done:
            return False
        if aside.file not in self.asides.files:
            self.asides.note(aside.file, aside.head)
            group.notes.append(aside.sentence())
        return True
