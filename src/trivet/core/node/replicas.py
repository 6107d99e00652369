"""Replicas: made when a node starts, from what its disk has kept, and when a group comes to it.

- Rule B3: an unreadable snapshot is a loss of everything after it: the member must be
  repaired by its peers before it votes.
- Rule B4: with what membership a replica begins is in the log before anything else of it: the founding one
  if this node is a founder, else none, and then it waits until a leader tells it (Raft rule 20).
- Rule B5: a replica that was dropped and comes back begins with its tombstone's term and vote, and knows no
  members. One that was lost begins with those of the founding, if they have not changed: who takes the log
  from its first entry is told of no others. It does not act upon them before it is repaired.
"""

from typing import Final

from trivet.core.base.buggify import Buggify
from trivet.core.base.disk import Storage
from trivet.core.base.errors import CorruptionError
from trivet.core.base.ids import GroupId
from trivet.core.base.prng import Prng
from trivet.core.base.tokens import Tokens
from trivet.core.cluster.map import FIRST_GROUP, ClusterMap
from trivet.core.group.agenda import Agenda
from trivet.core.group.outbox import Outbox
from trivet.core.group.raft_group import GroupSettings, RaftGroup
from trivet.core.group.snapshots import SnapshotFile, Snapshots
from trivet.core.machine.machine import Machine
from trivet.core.machine.snapshot import SnapshotLoad
from trivet.core.node.config import NodeConfig
from trivet.core.raft.config import RaftConfig
from trivet.core.raft.generations import FOUNDING_LINEAGE
from trivet.core.raft.membership import NOBODY, Membership, decode_membership, encode_membership
from trivet.core.raft.raft import Raft
from trivet.core.raft.ready import HardState
from trivet.core.wal.record import FoundRecord
from trivet.core.wal.recovery import Recovery
from trivet.core.wal.replay import RecoveredGroup
from trivet.core.wal.snapshot_file import SnapshotReader
from trivet.core.wal.wal import Wal

QUIET_AFTER_MS: Final = 500
"""A group that has had nothing to do for so long needs no ticks and no heartbeats."""


class ReplicaMaker:
    """What the replicas of a node have in common."""

    def __init__(
        self, config: NodeConfig, wal: Wal, tokens: Tokens, incarnation: int, buggify: Buggify | None
    ) -> None:
        self.incarnation = incarnation
        self.agenda = Agenda()
        self._config = config
        self._wal = wal
        self._tokens = tokens
        self._buggify = buggify

    def settings(self, group: GroupId) -> GroupSettings:
        """What a group is told of its node."""
        config = self._config
        return GroupSettings(
            group, config.node, self.incarnation, config.command_timeout_ms, config.resend_ms, config.limits
        )

    def restore(
        self, found: RecoveredGroup, storage: Storage, recovery: Recovery, cluster: ClusterMap, prng: Prng
    ) -> RaftGroup:
        """A replica as the disk has kept it; of a new node: as it is founded."""
        group = found.group
        founding = decode_membership(found.membership) if found.membership else None
        if founding is None:
            founding = founding_membership(cluster, group, self._config.node)
            self._wal.append(FoundRecord(group, encode_membership(founding)))
        machine = self._machine(group)
        newest = _load_snapshot(storage, recovery, group, machine, encode_membership(founding))
        if newest is None:
            if found.snapshot is not None:
                # Its record was the only one that told, and does not count any more.
                self._wal.append(FoundRecord(group, encode_membership(founding)))
            machine = self._machine(group)
            found = recovery.group(group)
        return self._assemble(group, found, founding, machine, newest, prng)

    def create(self, group: GroupId, founding: Membership, prng: Prng, outbox: Outbox | None) -> RaftGroup:
        """A replica that comes to this node (Rules B4, B5); ``outbox``: of what it was here before."""
        tombstone = self._wal.tombstone(group)
        found = RecoveredGroup(group, 0, 0, 0, None, 1, [])
        if tombstone is not None:
            if not tombstone.suspect:
                founding = NOBODY
            found = RecoveredGroup(
                group, tombstone.term, tombstone.vote, 0, None, 1, [], tombstone.missing_to, tombstone.suspect
            )
        self._wal.append(FoundRecord(group, encode_membership(founding)))
        machine = self._machine(group)
        replica = self._assemble(group, found, founding, machine, None, prng)
        if outbox is not None:
            replica.adopt(outbox)
        return replica

    def _machine(self, group: GroupId) -> Machine:
        """Empty. Only the groups of the beginning know what they own before their log says it."""
        machine = Machine(self._config.limits.expire_per_entry_max)
        if group > FIRST_GROUP:
            machine.await_founding()
        return machine

    def _assemble(
        self, group: GroupId, found: RecoveredGroup, founding: Membership, machine: Machine,
        newest: SnapshotFile | None, prng: Prng,
    ) -> RaftGroup:  # fmt: skip
        limits = self._config.limits
        raft = _raft(self._config, founding, found, prng.fork(), newest, self._buggify)
        snapshots = Snapshots(group, raft, self._wal, self._tokens, limits, newest, self._buggify)
        return RaftGroup(
            self.settings(group), self.agenda, raft, machine, self._wal, snapshots, prng.fork(), self._buggify
        )


def founding_membership(cluster: ClusterMap, group: GroupId, node: int) -> Membership:
    """The members at the beginning of a group's log, if ``node`` is one of them."""
    row = cluster.groups.get(group)
    if row is None or (node not in row.founders and node not in row.learners):
        return NOBODY
    if not cluster.is_of_primary(row):
        return Membership(tuple(row.founders), (), tuple(row.learners))
    if row.generation:
        return NOBODY  # whom the map named since then tells who is there
    others = tuple([one for one in row.founders if one != row.primary])
    return Membership((row.primary,), (), others, FOUNDING_LINEAGE)


def _load_snapshot(
    storage: Storage, recovery: Recovery, group: GroupId, machine: Machine, founding: bytes
) -> SnapshotFile | None:
    """Fill ``machine`` from the group's snapshot, if it has one; Rule B3 when it is unreadable."""
    record = recovery.group(group).snapshot
    if record is None:
        return None
    reader = SnapshotReader(storage, record.file)
    load = SnapshotLoad(machine)
    problem = ""
    try:
        for chunk in reader.chunks():
            load.feed(chunk)
        problem = reader.error
    except CorruptionError as error:
        problem = str(error)
    if not problem and machine.applied_index != record.index:
        problem = f"it holds index {machine.applied_index}, not {record.index}"
    if problem:
        recovery.notes.append(f"snapshot {record.file}: {problem}")
        recovery.lose_snapshot(group)
        return None
    size_bytes = storage.size_bytes(record.file)
    return SnapshotFile(record.file, record.index, record.term, size_bytes, record.membership or founding)


def _raft(
    config: NodeConfig,
    founding: Membership,
    found: RecoveredGroup,
    prng: Prng,
    newest: SnapshotFile | None,
    buggify: Buggify | None,
) -> Raft:
    limits = config.limits
    settings = RaftConfig(
        node=config.node,
        election_ticks=max(3, config.election_ms // config.tick_ms),
        heartbeat_ticks=max(1, config.heartbeat_ms // config.tick_ms),
        campaign_ticks=max(1, config.election_ms // 5 // config.tick_ms),
        quiet_ticks=max(1, QUIET_AFTER_MS // config.tick_ms),
        append_bytes_max=limits.append_bytes_max,
        committed_bytes_max=limits.apply_bytes_max,
        uncommitted_bytes_max=limits.uncommitted_bytes_max,
    )
    return Raft(
        settings,
        prng,
        HardState(found.term, found.vote, found.commit),
        newest.index if newest is not None else 0,
        newest.term if newest is not None else 0,
        found.entries,
        founding,
        found.missing_to,
        found.hard_state_suspect,
        buggify,
    )
