"""Groups that nobody leads, as the cluster map wants them on this node: made, told of their members, buried.

On the path: nowhere; with ``residents``, which follows the map for all groups.

- Rule F6: every node has each group of mode ``paxos`` or ``eventual``, and serves its clients by it. Only as
  a member it holds something. So none comes or goes with the membership, and what a node has promised stays
  on its disk until the group is no more.
- Rule F7: of mode ``eventual`` nothing is promised: who is no member any more, or was none meanwhile, holds
  nothing, and comes back, if at all, as one that has yet to get what the others have.
- Rule F8: slots of mode ``paxos`` go from group to group by the map. Calls that had begun, and what clients
  watch, go along in the moment in which this node hears of it, before anything else is sent after them.
"""

from collections.abc import Callable

from trivet.core.base.ids import GroupId
from trivet.core.base.prng import Prng
from trivet.core.cluster.map import ClusterMap
from trivet.core.cluster.rows import GroupRow
from trivet.core.group.leaderless import LeaderlessLog, LeaderlessReplica
from trivet.core.group.paxos_group import PaxosGroup
from trivet.core.group.register_keys import db_of, slot_of_place
from trivet.core.node.front import Front
from trivet.core.node.leaderless_makers import Makers
from trivet.core.node.router import NO_DATABASE


class LeaderlessResidents:
    """See the module."""

    def __init__(
        self, front: Front, makers: Makers, prng: Prng, greet: Callable[[LeaderlessReplica], None]
    ) -> None:
        self.going: list[tuple[int, LeaderlessLog]] = []
        """Whose files are to go once the log's record of it is synced; ``residents`` takes them."""
        self.notes: list[str] = []
        self._front = front
        self._node = front.config.node
        self._makers = makers
        self._prng = prng
        self._greet = greet

    def follow(self, row: GroupRow, mode: str, is_news: bool) -> None:
        """The map tells of the group. Nothing is held here for the first time by an old map (Rule F4)."""
        front = self._front
        group = front.leaderless.get(row.id)
        if group is None:
            if not is_news and (self._node in row.members or self._node in row.incoming):
                return
            group = self._makers[mode].create(row.id, front.machine_of_system, self._prng)
            front.leaderless[row.id] = group
            self._greet(group)
            self.notes.append(f"group {row.id} comes to this node")
        front.replicas[row.id] = group
        group.follow(row)
        if is_news and group.left_over:
            self._renew(row, group)

    def heed(self, cluster: ClusterMap) -> None:
        """What the map says of keyspaces."""
        for number, group in self._front.leaderless.items():
            row = cluster.groups.get(number)
            keyspace = None if row is None else cluster.keyspaces.get(row.keyspace)
            if keyspace is not None:
                group.heed(keyspace)

    def _renew(self, row: GroupRow, before: LeaderlessReplica) -> None:
        """What this node held as a member goes (Rule F7); its clients are served through the members."""
        front = self._front
        self.going.append((before.log.drop(), before.log))
        group = self._makers[before.mode].create(row.id, front.machine_of_system, self._prng)
        group.adopt(before)
        front.leaderless[row.id] = front.replicas[row.id] = group
        self._greet(group)
        group.follow(row)
        front.changed_face(before, group)
        self.notes.append(f"group {row.id} is held here no more")

    def settle(self, cluster: ClusterMap) -> None:
        """After all have followed: what clients wait for, and watch, goes with its slots (Rule F8)."""
        for group in list(self._front.leaderless.values()):
            if isinstance(group, PaxosGroup):
                if group.errands.stranded:
                    group.pass_on(lambda place: self._heir(cluster, place))
                if len(group.watches):
                    self._move_watches(cluster, group)

    def _heir(self, cluster: ClusterMap, place: bytes) -> PaxosGroup | None:
        """Whose the register is by the map."""
        number = cluster.group_of(db_of(place), slot_of_place(place))
        group = self._front.leaderless.get(number)
        return group if isinstance(group, PaxosGroup) else None

    def _move_watches(self, cluster: ClusterMap, group: PaxosGroup) -> None:
        for client, place in group.watches.leaving(lambda place: self._heir(cluster, place) is group):
            heir = self._heir(cluster, place)
            if heir is None:
                continue
            group.watches.hand_over(client, heir.watches)
            session = self._front.sessions.get(client)
            if session is not None:
                session.watching_in.pop(group.settings.group, None)
                session.watching_in[heir.settings.group] = None

    def bury_dropped(self, cluster: ClusterMap) -> None:
        """Groups that are no more."""
        for number in [number for number in self._front.leaderless if cluster.is_dropped(number)]:
            self._bury(number)

    def _bury(self, number: GroupId) -> None:
        front = self._front
        group = front.leaderless.pop(number)
        front.replicas.pop(number, None)
        self.going.append((group.log.drop(), group.log))
        group.bury(NO_DATABASE)
        for run in group.misrouted:
            front.rerouting.take(run, front.map_epoch, front.now_ms)
        front.group_is_gone(group)
        self.notes.append(f"group {number} leaves this node")
