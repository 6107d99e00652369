"""Start: from the files of a node to a node that may take part.

- Rule B1: every life has an incarnation higher than all before, and says so in the log; so
  batches of an earlier life are recognised (Rule S3).
- Rule B2: a log of another cluster or another node is refused, never adopted.
- Rule B3: an unreadable snapshot is a loss of everything after it: the member must be
  repaired by its peers before it votes.
- Rule B4: who takes part is what the snapshot and the log say; the configuration counts only for a
  group whose log does not say.
"""

from typing import Final

from trivet.core.base.buggify import Buggify
from trivet.core.base.disk import Storage
from trivet.core.base.errors import CorruptionError, StartError
from trivet.core.base.ids import Instant, WallMs
from trivet.core.base.prng import Prng
from trivet.core.base.tokens import Tokens
from trivet.core.cluster.map import FIRST_GROUP, ClusterMap
from trivet.core.group.raft_group import GroupSettings, RaftGroup
from trivet.core.group.snapshots import SnapshotFile, Snapshots
from trivet.core.machine.machine import Machine
from trivet.core.machine.snapshot import SnapshotLoad
from trivet.core.node.config import NodeConfig
from trivet.core.node.effects import INFO, WARNING
from trivet.core.node.front import Front
from trivet.core.raft.config import RaftConfig
from trivet.core.raft.membership import Membership, decode_membership, encode_membership
from trivet.core.raft.raft import Raft
from trivet.core.raft.ready import HardState
from trivet.core.wal.record import BootRecord
from trivet.core.wal.recovery import Recovery, recover
from trivet.core.wal.snapshot_file import SnapshotReader
from trivet.core.wal.wal import Wal

_SUSPECT_MARGIN_MS: Final = 86_400_000
"""How far the incarnation jumps when a later boot record may be lost: a day of restarts at 1 per ms."""


class Booted:
    """The parts of a node that has started."""

    def __init__(
        self,
        cluster: ClusterMap,
        group: RaftGroup,
        front: Front,
        wal: Wal,
        tokens: Tokens,
        log: list[tuple[int, str]],
    ) -> None:
        self.cluster = cluster
        self.group = group
        self.front = front
        self.wal = wal
        self.tokens = tokens
        self.log = log


def boot(
    config: NodeConfig,
    storage: Storage,
    prng: Prng,
    mono_ms: Instant,
    wall_ms: WallMs,
    buggify: Buggify | None = None,
) -> Booted:
    """Recover and put the parts together; raises ``StartError``."""
    problem = config.problem()
    if problem:
        raise StartError(problem)
    tokens = Tokens()
    limits = config.limits
    recovery = recover(storage, tokens, limits.segment_bytes, prng.u64(), buggify)
    _check_owner(config, recovery)
    cluster = ClusterMap(config.cluster, config.members)
    machine = Machine(limits.expire_per_entry_max)
    founding = Membership(cluster.voters)
    newest = _load_snapshot(storage, recovery, machine, encode_membership(founding))
    if newest is None:
        machine = Machine(limits.expire_per_entry_max)
    raft = _raft(config, founding, recovery, prng.fork(), newest, buggify)
    wal = recovery.wal
    incarnation = _next_incarnation(recovery, wall_ms)
    wal.append(BootRecord(config.cluster, config.node, incarnation))
    settings = GroupSettings(
        FIRST_GROUP, config.node, incarnation, config.command_timeout_ms, config.resend_ms, limits
    )
    snapshots = Snapshots(FIRST_GROUP, raft, wal, tokens, limits, newest, buggify)
    group = RaftGroup(settings, raft, machine, wal, snapshots, prng.fork(), buggify)
    front = Front(config, cluster, group, prng.fork(), mono_ms, wall_ms)
    log = [(WARNING, note) for note in recovery.notes]
    found = recovery.group(FIRST_GROUP)
    log.append(
        (
            INFO,
            f"node {config.node} starts: term {found.term}, snapshot at {newest.index if newest else 0}, "
            f"log to {found.last_index}, incarnation {incarnation}",
        )
    )
    return Booted(cluster, group, front, wal, tokens, log)


def _check_owner(config: NodeConfig, recovery: Recovery) -> None:
    """Rule B2."""
    owner = recovery.boot
    if owner is None:
        return
    if owner.cluster != config.cluster or owner.node != config.node:
        raise StartError(
            f"the data directory belongs to node {owner.node} of cluster {owner.cluster}, not to node "
            f"{config.node} of cluster {config.cluster}: check the configuration, "
            "or give this node an empty directory"
        )


def _next_incarnation(recovery: Recovery, wall_ms: WallMs) -> int:
    """Rule B1. The clock covers a directory that was lost; the log covers a clock that went back."""
    before = recovery.boot.incarnation if recovery.boot is not None else 0
    if recovery.boot_suspect:
        before += _SUSPECT_MARGIN_MS
    return max(before + 1, wall_ms)


def _load_snapshot(
    storage: Storage, recovery: Recovery, machine: Machine, founding: bytes
) -> SnapshotFile | None:
    """Fill ``machine`` from the group's snapshot, if it has one; Rule B3 when it is unreadable."""
    record = recovery.group(FIRST_GROUP).snapshot
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
        recovery.lose_snapshot(FIRST_GROUP)
        return None
    size_bytes = storage.size_bytes(record.file)
    return SnapshotFile(record.file, record.index, record.term, size_bytes, record.membership or founding)


def _raft(
    config: NodeConfig,
    founding: Membership,
    recovery: Recovery,
    prng: Prng,
    newest: SnapshotFile | None,
    buggify: Buggify | None,
) -> Raft:
    found = recovery.group(FIRST_GROUP)
    limits = config.limits
    settings = RaftConfig(
        node=config.node,
        election_ticks=max(3, config.election_ms // config.tick_ms),
        heartbeat_ticks=max(1, config.heartbeat_ms // config.tick_ms),
        campaign_ticks=max(1, config.election_ms // 5 // config.tick_ms),
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
        decode_membership(found.membership) or founding,
        found.missing_to,
        found.hard_state_suspect,
        buggify,
    )
