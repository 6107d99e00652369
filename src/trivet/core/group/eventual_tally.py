"""What the members of a group of mode ``eventual`` have, as far as its quorums go by it (``WRITE QUORUM``).

Between ``eventual_quorums``, who waits for so many members, and ``core/gossip``, which hears what they have.

- Rule X17: while members change there are two sets, and both are asked; who goes by other members than this
  one counts in neither.
"""

from trivet.core.base.ids import Instant, NodeId
from trivet.core.cluster.rows import GroupRow, KeyspaceRow
from trivet.core.gossip.gossip import Gossip
from trivet.core.group.eventual_quorums import Sides, WriteQuorum
from trivet.core.group.settings import GroupSettings
from trivet.core.lattice.clock import Dot
from trivet.core.wire.reply import Error


class Tally:
    """Of one group."""

    def __init__(self, settings: GroupSettings, gossip: Gossip) -> None:
        self.write = WriteQuorum(settings.command_timeout_ms)
        self._own = settings.node
        self._gossip = gossip
        self._sides = Sides((), (), ())

    @property
    def busy(self) -> bool:
        """Whether some run waits."""
        return bool(self.write)

    def follow(self, row: GroupRow) -> None:
        """The cluster map has these members."""
        self._sides = Sides(row.members, row.before or row.members, row.incoming)

    def heed(self, keyspace: KeyspaceRow) -> bool:
        """The cluster map says this of the keyspace; whether that is news."""
        if keyspace.write_quorum == self.write.count:
            return False
        self.write.count = keyspace.write_quorum
        return True

    def kept(self, staying: tuple[NodeId, ...]) -> int:
        """Rule X17: updates here that fewer of those that stay have than a write asks for."""
        return self._gossip.kept_from(staying, self.write.count)

    def look(self) -> None:
        """Rule X16: writes that so many have are answered."""
        write = self.write
        while write and self._held_by(write.first) >= write.count:
            write.finish_first()

    def expire(self, now_ms: Instant) -> None:
        """Who has waited for too long is told."""
        if self.write:
            self.write.expire(now_ms, self._held_by(self.write.first))

    def _held_by(self, dot: Dot) -> int:
        """On so many members' disks is this own update, and all before it."""
        return self._sides.fewest([self._own, *self._gossip.holders(dot, of_epoch=True)])

    def fail_all(self, error: Error) -> None:
        """The group is no more."""
        self.write.fail_all(error)
