"""Residents: which groups have a replica on this node, as the cluster map wants it.

On the path: nowhere; each change of the map is followed here, once. A group of which this node is
no member is served through a ``RemoteGroup``; while a replica is new, and has not caught up,
clients are still served through the remote one.

- Rule F1: the batches of this node's clients go over from one face to the other with their numbers.
- Rule F2: a founder begins with the founding membership only if the map says that the group has never
  reported another. Any other replica waits to be told.
- Rule F3: a replica is dropped when the map names this node nowhere in the group, and the map's membership
  is at least as new as the replica's own, or that names it nowhere either, and is committed: it can no longer
  count for anything. (A replica that began with a snapshot knows of its membership only that it is no newer.)
- Rule F4: after a start the map goes once more through what it was. No replica comes or goes before it is
  as new as it was before the start.
- Rule F5: when a group is gone, its slots are others' by now: what waits for it goes there. Of a batch that
  has left nobody can tell any more whether it was applied.
"""

from typing import Final

from trivet.core.base.disk import DiskJob
from trivet.core.base.ids import SYSTEM_GROUP, GroupId, Instant, NodeId, WallMs
from trivet.core.base.prng import Prng
from trivet.core.cluster.map import ClusterMap
from trivet.core.cluster.rows import GroupRow
from trivet.core.group.face import Replica
from trivet.core.group.leaderless import LeaderlessLog
from trivet.core.group.outbox import TIMEOUT_ERROR
from trivet.core.group.raft_group import RaftGroup
from trivet.core.group.remote_group import RemoteGroup
from trivet.core.group.remote_service import RemoteReader
from trivet.core.group.run import Run
from trivet.core.group.snapshots import Snapshots
from trivet.core.node.config import NodeConfig
from trivet.core.node.front import Front
from trivet.core.node.leaderless_makers import Makers
from trivet.core.node.leaderless_residents import LeaderlessResidents
from trivet.core.node.peers import Peers
from trivet.core.node.primary_residents import PrimaryResidents
from trivet.core.node.replicas import ReplicaMaker, founding_membership
from trivet.core.node.router import NO_DATABASE
from trivet.core.raft.state import Role
from trivet.core.wal.wal import Wal
from trivet.core.wire.reply import NOT_HERE

WAKE_MS: Final = 1_000
"""Sleeping groups that keep the oldest segment of the log are woken so often: a snapshot may be due."""


class Residents:
    """The replicas of this node, and what stands for those that it has not."""

    def __init__(
        self, config: NodeConfig, front: Front, wal: Wal, maker: ReplicaMaker, prng: Prng, peers: Peers,
        makers: Makers,
    ) -> None:  # fmt: skip
        self.outsiders: dict[GroupId, RemoteGroup] = {}
        """Groups that are served through other nodes."""
        self.jobs: list[DiskJob] = []
        """Files of replicas that are gone; the node takes them."""
        self._going: list[tuple[int, Snapshots | LeaderlessLog]] = []
        """Files to remove once the log's record of it is synced."""
        self.notes: list[str] = []
        self.all: list[tuple[GroupId, Replica]] = []
        """Everything that may have turns and ticks: what is not here is not on the agenda."""
        self.coming: list[GroupId] = []
        """Groups with a replica here that is not ready: clients are still served through others."""
        self._config = config
        self._node = config.node
        self._front = front
        self._agenda = maker.agenda
        self._groups = front.groups
        self._wal = wal
        self._maker = maker
        self._prng = prng
        self._peers = peers
        own = config.address()
        peers.place = (own.host, own.peer_port)
        peers.remember(wal.births())
        self._now_ms: Instant = 0
        self._wake_ms: Instant = 0
        self._seen: tuple[ClusterMap | None, int] = (None, -1)
        """The map that was followed last, and its epoch then."""
        self._left: dict[GroupId, None] = {}
        """Groups whose replica was set aside in this tick: another one comes, but not in the same moment."""
        self._is_news = False
        """The map is not older than the one that this node knew in its last life (Rule F4)."""
        self._primaries = PrimaryResidents(config.node, front)
        self._leaderless = LeaderlessResidents(front, makers, prng, self._greet)
        self._list()

    def _list(self) -> None:
        before = self.all
        self.all = [*self._groups.items(), *self.outsiders.items(), *self._front.leaderless.items()]
        here = {group: None for _, group in self.all}
        for _, group in before:
            if group not in here:
                self._agenda.remove(group)
        self._front.sharing.open = True
        self.coming = [number for number in self.outsiders if number in self._groups]
        for number in self.coming:
            self._groups[number].stands_by = True

    # -- the map ------------------------------------------------------------------------------------

    def look_at_map(self, now_ms: Instant) -> bool:
        """Once per turn: whether the map has changed, so who is who, and who holds what."""
        front = self._front
        cluster = front.system.machine.cluster  # a snapshot may have brought another
        seen, epoch = self._seen
        if self._peers.introduced:
            self._greet_again()
        if self._peers.has_news:
            self._dial(cluster)
        if cluster is None:
            return False
        if cluster is seen and cluster.epoch == epoch and (self._is_news or not self._is_as_before()):
            return False
        self._now_ms = now_ms
        self._seen = (cluster, cluster.epoch)
        if not self._is_news and self._is_as_before():
            self._is_news = True
            self._wal.knows_groups_from(cluster.next_group)
        self._follow(cluster)
        front.follow_map(cluster)
        self._peers.know({node: row.birth for node, row in cluster.members.items()}, cluster.next_node)
        self._dial(cluster)
        front.unparked = True
        return True

    def _is_as_before(self) -> bool:
        """Rule F4. Nothing tells how far a damaged log went: as far as its leader has written counts."""
        system = self._front.system
        raft = system.raft
        if not raft.missing_to:
            return system.is_as_before
        applied = system.machine.applied_index
        return raft.leader != 0 and applied == raft.commit and raft.term_at(applied) == raft.term

    def _dial(self, cluster: ClusterMap | None) -> None:
        """Whom the map names, and who says that it came later (Rule P5)."""
        peers = self._peers
        peers.has_news = False
        self._wal.remember_births(peers.births())
        dials = whom_to_dial(self._config, cluster)
        self._front.effects.dials = [*dials, *[(peer, *place) for peer, place in peers.newcomers.items()]]

    def _follow(self, cluster: ClusterMap) -> None:
        for number in [number for number in self._groups if number != SYSTEM_GROUP]:
            row = cluster.groups.get(number)
            if row is None:
                if cluster.is_dropped(number):
                    self._bury(number)
            elif self._is_news and self._is_out(row, self._groups[number]):
                self._leave(row)
        for number in [number for number in self.outsiders if cluster.is_dropped(number)]:
            self._forget(self.outsiders.pop(number))
            self._front.replicas.pop(number, None)
        leaderless = self._leaderless
        for row in cluster.groups.values():
            if cluster.is_leaderless(row):
                leaderless.follow(row, cluster.mode_of(row), self._is_news)
            elif row.id != SYSTEM_GROUP:
                self._follow_group(cluster, row)
        leaderless.heed(cluster)
        leaderless.settle(cluster)
        leaderless.bury_dropped(cluster)
        self._primaries.follow(cluster)
        self._going += leaderless.going
        self.notes += leaderless.notes
        leaderless.going = []
        leaderless.notes = []
        self._list()

    def _follow_group(self, cluster: ClusterMap, row: GroupRow) -> None:
        members = tuple(node for node in [*row.members, *row.learners] if node != self._node)
        if self._is_news and row.id not in self._groups and self._is_wanted(row) and row.id not in self._left:
            self._come(cluster, row)
        outsider = self.outsiders.get(row.id)
        if outsider is not None:
            outsider.has_primary = bool(row.primary)
            outsider.set_members(members, row.leader_hint)
        elif row.id not in self._front.replicas:
            # Also while a replica that has just come has yet to catch up.
            outsider = RemoteGroup(self._maker.settings(row.id), self._agenda, members, row.leader_hint)
            self._greet(outsider)
            self.outsiders[row.id] = outsider
            self._front.replicas[row.id] = outsider

    def _is_wanted(self, row: GroupRow) -> bool:
        if row.membership == 0:
            return self._node in row.founders or self._node in row.learners
        return self._node in row.target or self._node in row.members or self._node in row.learners

    def _is_out(self, row: GroupRow, replica: RaftGroup) -> bool:
        """Rule F3."""
        raft = replica.raft
        if self._is_wanted(row) or not self._primaries.may_leave(row, replica):
            return False
        if row.primary:
            return row.membership >= raft.stamp
        own = raft.membership_index
        return row.membership >= own or (raft.commit >= own and self._node not in raft.membership.members())

    # -- time ---------------------------------------------------------------------------------------

    def tick(self, now_ms: Instant, wall_ms: WallMs) -> None:
        """Most of many groups are asleep; what the log wants of them is looked at here."""
        if self._wal.full or now_ms >= self._wake_ms:
            self._wake_ms = now_ms + WAKE_MS
            full = self._wal.full
            for number in [*self._groups, *self._front.leaderless] if full else self._wal.holders():
                group = self._groups.get(number) or self._front.leaderless.get(number)
                if group is not None and group.asleep:
                    self._agenda.rouse(group)
        self._agenda.tick(now_ms, wall_ms)

    def on_peer_silent(self, peer: NodeId) -> None:
        """Its link is up, and nothing comes, not even beats."""
        for group in self._groups.values():
            group.on_peer_silent(peer)
        for leaderless in self._front.leaderless.values():
            leaderless.on_peer_silent(peer)

    def _greet_again(self) -> None:
        """Peers have new links to us: while they had none, they could not answer what they were asked.

        Nor may they know that we are there: who lost a leader that had fallen silent waits for its word.
        """
        introduced, self._peers.introduced = self._peers.introduced, {}
        for peer in introduced:
            for group in self._groups.values():
                group.on_peer_greets(peer)
            for leaderless in self._front.leaderless.values():
                leaderless.on_peer_greets(peer)

    # -- coming and going ---------------------------------------------------------------------------

    def _come(self, cluster: ClusterMap, row: GroupRow) -> None:
        """A replica, new or come back (Rule F2). A founder's serves at once: nobody else has more."""
        founding = founding_membership(cluster, row.id, self._node if row.membership == 0 else 0)
        founds = self._node in founding.voters
        outsider = self.outsiders.pop(row.id, None) if founds else self.outsiders.get(row.id)
        replica = self._maker.create(row.id, founding, self._prng, None)
        self._groups[row.id] = replica
        self._greet(replica)
        self.notes.append(f"group {row.id} comes to this node")
        if not founds:
            return
        self._front.replicas[row.id] = replica
        if outsider is not None:
            self._hand_over(outsider, replica)

    def look(self, now_ms: Instant) -> None:
        """Once per tick: files of replicas that are gone, and replicas that have caught up."""
        while self._going and self._going[0][0] <= self._wal.synced_lsn:
            self.jobs.extend(self._going.pop(0)[1].remove())
        if self._left:
            self._left = {}
            self._seen = (None, -1)
        for row in self._primaries.look():
            self._leave_to_come(row)
        if self.coming:
            self.take_over(now_ms)

    def take_over(self, now_ms: Instant) -> None:
        """Replicas that are ready take over from what stood for them."""
        self._now_ms = now_ms
        ready = [number for number in self.coming if self._is_ready(number)]
        for number in ready:
            outsider = self.outsiders.pop(number)
            replica = self._groups[number]
            self._front.replicas[number] = replica
            self._hand_over(outsider, replica)
        if ready:
            self._list()
            self._front.homes_changed()

    def _is_ready(self, number: GroupId) -> bool:
        """A leader in any case: what it says of its own accord goes through the same outbox (Rule F1)."""
        replica = self._groups[number]
        raft = replica.raft
        return raft.role is Role.LEADER or (
            raft.leader != 0
            and (raft.membership.is_voter(self._node) or self._primaries.is_backup(number))
            and raft.commit > 0
            and replica.machine.applied_index == raft.commit
        )

    def _hand_over(self, outsider: RemoteGroup, replica: RaftGroup) -> None:
        """Rule F1."""
        outbox, runs = outsider.hand_over()
        replica.adopt(outbox)
        self._go_on(outsider, replica, runs)

    def _go_on(self, before: Replica, after: Replica, runs: list[Run]) -> None:
        for run in runs:
            if not isinstance(run.waiter, RemoteReader):  # that node asks another member
                after.read(run, self._now_ms)
        self._front.changed_face(before, after)

    def _leave(self, row: GroupRow) -> None:
        """The replica goes; this node's clients are served through the members."""
        replica = self._groups.pop(row.id)
        self._drop(replica)
        outsider = self.outsiders.get(row.id)
        if outsider is not None:
            return  # its clients were never served by the replica
        members = tuple(row.members)
        settings = self._maker.settings(row.id)
        outsider = RemoteGroup(settings, self._agenda, members, row.leader_hint, replica.outbox)
        self._greet(outsider)
        self.outsiders[row.id] = outsider
        self._front.replicas[row.id] = outsider
        self._go_on(replica, outsider, replica.reads.drain())
        if self._front.tracking.clients:
            self._front.tracking.jumped()  # nobody else knows what was read here

    def _leave_to_come(self, row: GroupRow) -> None:
        """What the present primary has not is in its file (Rule Z1): with the next tick it comes anew."""
        self._leave(row)
        self._list()
        self._front.homes_changed()
        self._left[row.id] = None

    def _bury(self, number: GroupId) -> None:
        """The group is no more."""
        replica = self._groups.pop(number)
        self._drop(replica)
        outsider = self.outsiders.pop(number, None)
        self._front.replicas.pop(number, None)
        self._forget(replica if outsider is None else outsider)

    def _forget(self, replica: RaftGroup | RemoteGroup) -> None:
        """Rule F4."""
        front = self._front
        left, staged = replica.outbox.drain_apart()
        for run in left:
            run.fail(NO_DATABASE if run.patient else TIMEOUT_ERROR, whoever=True)
        for run in staged + replica.reads.drain():
            if run.patient:
                run.fail(NO_DATABASE, whoever=True)
            elif run.finish_in_part([NOT_HERE] * run.count):
                front.rerouting.take(run, front.map_epoch, self._now_ms)
        self._front.group_is_gone(replica)

    def _drop(self, replica: RaftGroup) -> None:
        replica.scripts.abandon()
        number = replica.settings.group
        raft = replica.raft
        lsn = self._wal.drop(number, raft.term, raft.vote, raft.last_index)
        self._going.append((lsn, replica.snapshots))
        self.notes.append(f"group {number} leaves this node")

    def _greet(self, replica: Replica) -> None:
        for peer in self._peers.up:
            replica.on_peer_up(peer)
        if self._front.tracking.clients:
            replica.follow_changes(self._front.tracking)


def whom_to_dial(config: NodeConfig, cluster: ClusterMap | None) -> list[tuple[NodeId, str, int]]:
    """(id, host, peer port) of every other node. Until one has said where it is, the configuration counts."""
    told = {member.id: member for member in config.known + config.members}
    found: list[tuple[NodeId, str, int]] = []
    if cluster is None:
        return [(peer, at.host, at.peer_port) for peer, at in told.items() if peer != config.node]
    for row in cluster.members.values():
        if row.id != config.node:
            place = row if row.birth or row.id not in told else told[row.id]
            found.append((row.id, place.host, place.peer_port))
    return found
