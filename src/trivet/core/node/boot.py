"""Start: from the files of a node to a node that may take part.

- Rule B1: every life has an incarnation higher than all before, and says so in the log; so
  batches of an earlier life are recognised (Rule S3). Where a damaged log may have lost who said so last,
  it is higher, too, than whatever else the log tells of this node's lives (``lives``).
- Rule B2: a log of another cluster or another node is refused, never adopted.
- Rule B3: an unreadable snapshot is a loss of everything after it: the member must be
  repaired by its peers before it votes.
- Rule B4: who takes part is what the snapshot and the log say; the configuration counts only for a
  group whose log does not say.
- Rule B6: of a damaged log every replica that it still knows starts, with its doubts; one that it may have
  lost begins, when the map brings it back, as one that does not know what it promised (Rule W15).
- Rule B7: which mode a group has stands where a replica's membership does. Where that is lost, and the rest
  does not tell, what is left is dropped: it begins, when the map brings it back, as one that does not know
  what it promised.
"""

from typing import Final

from trivet.core.base.buggify import Buggify
from trivet.core.base.disk import Storage
from trivet.core.base.errors import StartError
from trivet.core.base.ids import NO_NODE, SYSTEM_GROUP, GroupId, Instant, WallMs
from trivet.core.base.prng import Prng
from trivet.core.base.tokens import Tokens
from trivet.core.cluster.map import ClusterMap
from trivet.core.group.face import Replica
from trivet.core.group.raft_group import RaftGroup
from trivet.core.node.config import NodeConfig
from trivet.core.node.effects import INFO, WARNING
from trivet.core.node.front import Front
from trivet.core.node.leaderless_makers import LeaderlessMaker, Makers, makers_of
from trivet.core.node.lives import newest_told
from trivet.core.node.making import Making
from trivet.core.node.replicas import ReplicaMaker
from trivet.core.node.transacting import Transactions
from trivet.core.wal.record import BootRecord
from trivet.core.wal.recovery import Recovery, recover
from trivet.core.wal.replay import RecoveredGroup
from trivet.core.wal.wal import Wal

_SUSPECT_MARGIN_MS: Final = 86_400_000
"""So far the incarnation jumps, at least, where a boot record may be lost: a day of restarts, 1 per ms.

At most twice as far, by chance: two lives that know equally little must not be taken for one.
"""


class Booted:
    """The parts of a node that has started."""

    def __init__(
        self,
        cluster: ClusterMap,
        groups: dict[GroupId, RaftGroup],
        front: Front,
        wal: Wal,
        maker: ReplicaMaker,
        makers: Makers,
        birth: int,
        prng: Prng,
        log: list[tuple[int, str]],
    ) -> None:
        self.cluster = cluster
        self.groups = groups
        self.front = front
        self.wal = wal
        self.maker = maker
        self.makers = makers
        self.birth = birth
        self.prng = prng
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
    recovery = recover(storage, tokens, config.limits.segment_bytes, prng.u64(), buggify)
    _check_owner(config, recovery)
    cluster = ClusterMap(config.cluster, config.members)
    told = newest_told(config.node, recovery, storage) if recovery.boot_suspect else 0
    margin_ms = _SUSPECT_MARGIN_MS + prng.below(_SUSPECT_MARGIN_MS) if recovery.boot_suspect else 0
    incarnation = _next_incarnation(recovery, told, wall_ms, margin_ms)
    maker = ReplicaMaker(config, recovery.wal, tokens, incarnation, buggify)
    log: list[tuple[int, str]] = []
    groups: dict[GroupId, RaftGroup] = {}
    birth = _birth(config, recovery, prng)
    known = {} if recovery.boot is None else recovery.boot.births
    recovery.wal.append(
        BootRecord(
            config.cluster, config.node, incarnation, birth=birth, unknown_below=recovery.unknown_below,
            births=known,
        )
    )  # fmt: skip
    makers = makers_of(Making(config, recovery.wal, tokens, incarnation, maker.agenda, buggify))
    for number in _groups_to_start(config, cluster, recovery, makers):
        found = recovery.group(number)
        replica = maker.restore(found, storage, recovery, cluster, prng)
        groups[number] = replica
        log.append(
            (
                INFO,
                f"node {config.node} starts group {number}: term {found.term}, "
                f"snapshot at {replica.snapshots.index}, "
                f"log to {replica.raft.last_index}, incarnation {incarnation}",
            )
        )
    replicas: dict[GroupId, Replica] = {**groups}
    front = Front(config, cluster, groups, replicas, prng.fork(), mono_ms, wall_ms)
    front.asides.find(storage)
    log += _start_leaderless(front, makers, storage, recovery, prng)
    transactor = front.transactor = front.rerouting.transactor = Transactions(front)
    front.blocked.awaiting.transactor = transactor
    notes = [(WARNING, note) for note in recovery.notes]
    return Booted(cluster, groups, front, recovery.wal, maker, makers, birth, prng.fork(), notes + log)


def _groups_to_start(
    config: NodeConfig, cluster: ClusterMap, recovery: Recovery, makers: Makers
) -> list[GroupId]:
    """The system group, and all others of which the log knows a replica; at first those that are founded.

    A log that was damaged may know replicas and not whose it is: what is left of them counts (Rule B6).
    """
    found = {SYSTEM_GROUP: True}
    if recovery.boot is None:
        found |= {row.id: True for row in cluster.groups.values() if config.node in row.founders}
    found |= {number: not group.dropped for number, group in recovery.groups.items()}
    for number, _ in _leaderless_to_start(recovery, makers):
        del found[number]
    for number in [number for number in found if number in recovery.groups]:
        if number not in cluster.groups and _is_of_no_kind(recovery.groups[number]):
            _forget(recovery, number)
            found[number] = False
    return sorted([number for number, is_here in found.items() if is_here or number == SYSTEM_GROUP])


def _start_leaderless(
    front: Front, makers: Makers, storage: Storage, recovery: Recovery, prng: Prng
) -> list[tuple[int, str]]:
    """The groups that nobody leads, as the disk has kept them."""
    log: list[tuple[int, str]] = []
    for number, maker in _leaderless_to_start(recovery, makers):
        found = recovery.group(number)
        group = maker.restore(found, storage, recovery, front.machine_of_system, prng)
        front.leaderless[number] = front.replicas[number] = group
        doubts = ", with doubts" if group.doubtful else ""
        held = f"{group.keys} keys of mode {group.mode}{doubts}"
        log.append((INFO, f"node {front.config.node} starts group {number}: {held}"))
    return log


def _leaderless_to_start(recovery: Recovery, makers: Makers) -> list[tuple[GroupId, LeaderlessMaker]]:
    """The groups of which the log knows that nobody leads them, and who makes them (Rule B7)."""
    by_kind = {maker.kind: maker for maker in makers.values()}
    return [
        (number, by_kind[group.membership])
        for number, group in sorted(recovery.groups.items(), key=_number)
        if group.membership in by_kind and not group.dropped
    ]


def _number(numbered: tuple[GroupId, RecoveredGroup]) -> GroupId:
    return numbered[0]


def _is_of_no_kind(found: RecoveredGroup) -> bool:
    """Rule B7."""
    is_known = found.dropped or found.membership or found.snapshot is not None
    return not is_known and found.term <= 1 and found.vote == NO_NODE


def _forget(recovery: Recovery, number: GroupId) -> None:
    found = recovery.groups[number]
    recovery.wal.drop(number, found.term, found.vote, max(1, found.last_index, found.missing_to))
    recovery.notes.append(f"group {number}: whose it is, is lost; it begins again when the map tells")


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


def _birth(config: NodeConfig, recovery: Recovery, prng: Prng) -> int:
    """The number of the data directory; 0: a damaged log does not tell, and its doubts do (Rule P4)."""
    if recovery.boot is not None:
        return recovery.boot.birth
    return (config.birth or prng.u64() >> 1 or 1) if recovery.fresh else 0


def _next_incarnation(recovery: Recovery, told: int, wall_ms: WallMs, margin_ms: int) -> int:
    """Rule B1. The clock covers a directory that was lost; the log covers a clock that went back."""
    before = max(told, recovery.boot.incarnation if recovery.boot is not None else 0)
    return max(before + 1, wall_ms) + margin_ms
