"""The real node for the lab, with limits so small that rare paths are taken all the time."""

from collections.abc import Callable, Mapping

import msgspec

from trivet.core.base.buggify import Buggify
from trivet.core.base.disk import Storage
from trivet.core.base.ids import GroupId, NodeId
from trivet.core.base.limits import Limits
from trivet.core.cluster.facts import Policy
from trivet.core.cluster.map import ClusterMap, Member
from trivet.core.cluster.rows import COPY, MoveRow
from trivet.core.cluster.slots import SLOTS
from trivet.core.group.paxos_group import PaxosGroup
from trivet.core.machine.ownership import Ownership
from trivet.core.node.config import NodeConfig
from trivet.core.node.node import Node
from trivet.core.node.observe import copies_held, digest_of_state, registers_held
from trivet.core.raft.state import Role
from trivet.core.steward.settings import StewardSettings
from trivet.core.wal.describe import FrameView, SnapshotView, describe
from trivet.lab.seam import CopyLike, Hearing, NodeLike, RegisterHeldLike, Standing
from trivet.lab.world import crossing
from trivet.lab.world.options import RunOptions


def small_limits(options: RunOptions) -> Limits:
    """The limits that the options name; the others as in service."""
    return Limits(
        segment_bytes=options.segment_bytes,
        snapshot_log_bytes=options.snapshot_log_bytes,
        snapshot_chunk_bytes=options.snapshot_chunk_bytes,
        log_memory_bytes=options.log_memory_bytes,
        append_bytes_max=options.append_bytes_max,
        batch_bytes_max=options.batch_bytes_max,
        batches_in_flight_max=options.batches_in_flight_max,
        expire_per_entry_max=options.expire_per_entry_max,
        emptied_per_turn_max=options.emptied_per_turn_max,
    )


def small_steward(options: RunOptions) -> StewardSettings:
    """As hasty as the options want it."""
    return StewardSettings(
        plans=options.plans,
        policy=Policy(grace_ms=options.grace_ms),
        plan_ms=500,
        warm_ms=2_000,
        report_ms=500,
        silent_ms=2_000,
        rest_ms=1_000,
        lead_ms=200,
        retry_ms=200,
        move_window_bytes=4 * options.move_slice_bytes,
        move_slice_bytes=options.move_slice_bytes,
        seal_lag_keys=options.seal_lag_keys,
        catch_up_ms=options.catch_up_ms,
        pause_ms_max=options.pause_ms_max,
        failover_ms=2_500,
    )


def address(node: NodeId) -> Member:
    """Where a node is: nobody really dials it."""
    return Member(id=node, host="127.0.0.1", client_port=7000 + node, peer_port=17000 + node)


def _given(move: MoveRow, ownership: Ownership) -> str:
    """How far a move is at its source."""
    if move.phase == COPY:
        return "sealed" if move.id in ownership.exports else "copying"
    if not move.taken:
        return "handed over"
    if move.id in ownership.exports:
        return "taken by the other"
    return "purging" if ownership.garbage_count() else "purged"


def _taken(move: MoveRow, ownership: Ownership) -> str:
    """How far a move is at its target."""
    coming = ownership.imports.get(move.id)
    if coming is None:
        return "taken" if move.id in ownership.done else "not begun"
    if move.phase != COPY:
        return "handed over"
    return "ready" if coming.ready else "importing"


class RealNodes:
    """Boots ``core.node.Node``s of one simulated cluster."""

    def __init__(self, options: RunOptions) -> None:
        members = [address(node) for node in range(1, options.nodes + 1)]
        limits = small_limits(options)
        self._configs = {
            member.id: NodeConfig(
                node=member.id,
                cluster="1ab",
                members=members,
                limits=limits,
                steward=small_steward(options),
                election_ms=options.election_ms,
                heartbeat_ms=options.election_ms // 10,
            )
            for member in members
        }
        self.tick_ms = self._configs[1].tick_ms
        self.calm_tick_ms = max(self.tick_ms, self._configs[1].heartbeat_ms)

    def join(self, node: NodeId, birth: int, known: list[NodeId]) -> None:
        """A node without members of its own."""
        own = address(node)
        self._configs[node] = msgspec.structs.replace(
            self._configs[1],
            node=node,
            members=[],
            known=[address(peer) for peer in known if peer != node],
            host=own.host,
            client_port=own.client_port,
            peer_port=own.peer_port,
            birth=birth,
        )

    def wiped(self, node: NodeId) -> None:
        """It draws another number when it starts."""
        self._configs[node] = msgspec.structs.replace(self._configs[node], birth=0)

    def boot(
        self,
        node: NodeId,
        storage: Storage,
        seed: int,
        mono_ms: int,
        wall_ms: int,
        buggify: Buggify | None,
    ) -> NodeLike:
        """A node from its storage; raises StartError."""
        return Node(self._configs[node], storage, seed, mono_ms, wall_ms, buggify)

    def ended(self, node: NodeLike) -> None:
        """Scripts that have paused hold what the process was."""
        assert isinstance(node, Node)
        for group in node.groups.values():
            group.scripts.abandon()

    def digest(self, node: NodeLike, group: GroupId, whole: bool) -> object:
        """The rolling digest of the entries and replies, or (dear) of the whole state."""
        assert isinstance(node, Node)
        replica = node.groups[group]
        machine = replica.machine
        if not machine.is_whole:
            return None
        if not whole:
            return machine.digest
        cluster = b"" if machine.cluster is None else machine.cluster.digest()
        state = digest_of_state(replica)[1].hex()
        return state, machine.ownership.digest(0), cluster.hex(), crossing.digest(machine.intents)

    def cluster(self, node: NodeLike) -> ClusterMap | None:
        """The map in the node's replica of the system group."""
        assert isinstance(node, Node)
        return node.system.machine.cluster

    def stand(self, node: NodeLike, group: GroupId) -> object:
        """Slots come and go with an epoch, are sealed for an export, and are none before the founding."""
        assert isinstance(node, Node)
        ownership = node.groups[group].machine.ownership
        return ownership.epoch, tuple(ownership.exports)

    def served(self, node: NodeLike, group: GroupId) -> bytes:
        """By the replica's own log."""
        assert isinstance(node, Node)
        ownership = node.groups[group].machine.ownership
        served = bytearray(SLOTS)
        for low, high in ownership.owned:
            served[low : high + 1] = b"\x01" * (high + 1 - low)
        for export in ownership.exports.values():
            for low, high in export.ranges:
                served[low : high + 1] = bytes(high + 1 - low)
        return bytes(served)

    def coming(self, node: NodeLike, group: GroupId) -> dict[int, int]:
        """By the replica's own log."""
        assert isinstance(node, Node)
        imports = node.groups[group].machine.ownership.imports
        return {number: one.generation if one.ready else 0 for number, one in imports.items()}

    def taught(self, node: NodeLike, group: GroupId) -> bytes:
        """A checksum."""
        assert isinstance(node, Node)
        return node.groups[group].machine.scripts.taught

    def set_aside_calls(self, node: NodeLike) -> int:
        """As ``INFO`` has it."""
        assert isinstance(node, Node)
        return node.front.asides.facts()["set_aside_calls"]

    def remains(self, node: NodeLike, group: GroupId) -> str:
        """Imports, exports, and keys of slots that are not the group's."""
        assert isinstance(node, Node)
        ownership = node.groups[group].machine.ownership
        if ownership.imports or ownership.exports:
            return f"moves {[*ownership.imports, *ownership.exports]}"
        count = ownership.garbage_count()
        if count:
            return f"{count} keys of slots that are not its own"
        try:
            ownership.check_invariants()
        except AssertionError as error:
            return f"counts of foreign keys that are wrong: {error}"
        return ""

    def moving(self, node: NodeLike) -> list[tuple[str, bool, str]]:
        """By the node's own map and its own replicas, each as far as it is."""
        assert isinstance(node, Node)
        found: list[tuple[str, bool, str]] = []
        cluster = node.system.machine.cluster
        for move in [] if cluster is None else cluster.moves.values():
            for side, number in (("source", move.source), ("target", move.target_group)):
                replica = node.groups.get(number)
                if replica is not None:
                    how_far = _given if side == "source" else _taken
                    leads = replica.raft.role is Role.LEADER
                    found.append((side, leads, how_far(move, replica.machine.ownership)))
        return found

    def standing(self, node: NodeLike, group: GroupId) -> Standing:
        """See ``crossing``."""
        assert isinstance(node, Node)
        return crossing.standing(node, group)

    def transacting(self, node: NodeLike) -> list[str]:
        """See ``crossing``."""
        assert isinstance(node, Node)
        return crossing.transacting(node)

    def transacted(self, node: NodeLike) -> dict[str, int]:
        """See ``crossing``."""
        assert isinstance(node, Node)
        return crossing.transacted(node)

    def registers_held(self, node: NodeLike, group: GroupId) -> Mapping[bytes, RegisterHeldLike]:
        """What is in its memory."""
        assert isinstance(node, Node)
        found = node.front.leaderless[group]
        assert isinstance(found, PaxosGroup)
        return registers_held(found)

    def copies(self, node: NodeLike) -> Mapping[GroupId, CopyLike]:
        """What is in its memory, where it is a member or something is left."""
        assert isinstance(node, Node)
        return copies_held(node.front.leaderless)

    def registered(self, node: NodeLike) -> dict[str, int]:
        """By the errands of the groups that are still there."""
        assert isinstance(node, Node)
        counts = [0, 0, 0]
        for group in node.front.leaderless.values():
            if isinstance(group, PaxosGroup):
                counts = [a + b for a, b in zip(counts, group.errands.counts, strict=True)]
        named = zip(("forwarded", "sent twice", "begun anew"), counts, strict=True)
        return {f"operation on registers {what}": count for what, count in named if count}

    def hearing(self, node: NodeLike) -> Hearing | None:
        """By what its steward would go."""
        assert isinstance(node, Node)
        cluster = node.system.machine.cluster
        if cluster is None or not node.may_speak:
            return None
        facts = node.steward.facts()
        if facts is None:
            return Hearing(tuple(cluster.members))
        return Hearing(tuple(cluster.members), True, facts.dead_ms, tuple(facts.unreachable_ms))

    def is_dropped(self, node: NodeLike, group: GroupId) -> bool:
        """Whether the node's map says that the group is no more."""
        cluster = self.cluster(node)
        return cluster is not None and cluster.is_dropped(group)

    def rot_spot(self, storage: Storage, draw: Callable[[int], int], what: str) -> tuple[str, int] | None:
        """A byte of a finished snapshot, or inside a whole frame of the log that is not the last frame."""
        views = list(describe(storage))
        if what == "snapshot":
            files = [view for view in views if isinstance(view, SnapshotView) and not view.error]
            if not files:
                return None
            file = files[draw(len(files))]
            return file.file, draw(file.size_bytes)
        frames = [view for view in views if isinstance(view, FrameView)]
        if len(frames) < 2:
            return None
        frame = frames[draw(len(frames) - 1)]
        return frame.file, frame.offset + draw(frame.size_bytes)
