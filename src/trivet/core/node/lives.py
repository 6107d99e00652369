"""Which lives of a node a damaged log tells of, where it may have lost who said so last (Rule B1).

On the path: nowhere; once, when such a node starts.
"""

import msgspec

from trivet.core.base.disk import Storage
from trivet.core.base.errors import CorruptionError
from trivet.core.base.ids import NodeId
from trivet.core.group.eventual_log import COPIES, SavedActor, SavedUpdates, found_updates
from trivet.core.group.register_log import REGISTERS, found_registers
from trivet.core.machine.entry import Verdict, decode_batch_head, decode_body
from trivet.core.machine.snapshot import lives_in
from trivet.core.paxos.ballot import incarnation_of, node_of
from trivet.core.paxos.ready import Marks, SavedAccepts, SavedPromises, SavedRecord, SavedRegister
from trivet.core.wal.recovery import Recovery
from trivet.core.wal.replay import RecoveredGroup
from trivet.core.wal.snapshot_file import SnapshotReader


def newest_told(node: NodeId, recovery: Recovery, storage: Storage) -> int:
    """The newest incarnation of ``node`` of which its log tells beside the words of its boots; 0: of none.

    Batches in the logs of groups, sessions in their snapshots, what registers have promised, and as whom
    copies were changed.
    """
    newest = 0
    said = len(recovery.notes)
    for number in list(recovery.groups):
        group = recovery.group(number)
        if group.membership == REGISTERS:
            newest = max(newest, life_of_registers(node, found_registers(group, storage, recovery).records))
        elif group.membership == COPIES:
            for record in found_updates(group, storage, recovery).records:
                if isinstance(record, SavedActor):
                    newest = max(newest, _life(node, record.actor))
                elif isinstance(record, SavedUpdates):
                    newest = max([newest, *[_life(node, delta.actor) for delta in record.deltas]])
        else:
            newest = max(newest, _life_of_batches(node, group), _life_in_snapshot(node, group, storage))
        recovery.groups[number] = group  # what can't be read is found, and said, when the group starts
    del recovery.notes[said:]
    return newest


def life_of_registers(node: NodeId, records: list[SavedRecord]) -> int:
    """The newest incarnation of ``node`` of which its acceptor has saved anything; 0: of none."""
    newest = 0
    for record in records:
        lives: list[int] = []
        if isinstance(record, Marks):
            lives = [record.life, *[life for _, life in record.lives]]
        elif isinstance(record, SavedRegister):
            lives = [record.promised[1], record.accepted[1]]
        elif isinstance(record, SavedPromises | SavedAccepts):
            lives = [record.proposer]
        newest = max([newest, *[_life(node, life) for life in lives]])
    return newest


def _life(node: NodeId, proposer: int) -> int:
    return incarnation_of(proposer) if node_of(proposer) == node else 0


def _life_of_batches(node: NodeId, group: RecoveredGroup) -> int:
    newest = 0
    for entry in group.entries:
        try:
            body = decode_body(entry.payload)
            heads = [] if isinstance(body, Verdict) else [decode_batch_head(batch) for batch in body.batches]
        except msgspec.DecodeError:
            continue  # a membership, or nothing at all
        newest = max([newest, *[head.incarnation for head in heads if head.node == node]])
    return newest


def _life_in_snapshot(node: NodeId, group: RecoveredGroup, storage: Storage) -> int:
    """What a snapshot that can't be read says is worth nothing: another life of the node may be newer."""
    if group.snapshot is None:
        return 0
    try:
        for head in SnapshotReader(storage, group.snapshot.file).chunks():
            return lives_in(head).get(node, 0)
    except CorruptionError:
        pass  # it is found, and said, when the group starts
    return 0
