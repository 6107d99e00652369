"""Batches into the log: as leader, the batches of a turn become one entry.

On the path: parcels of this node and batches that others have forwarded -> an entry -> ``raft.propose``.

- Rule G1: a leader puts each batch into its log once per term; what arrives out of order is
  left out, its node sends it again. A batch that got into the log without its predecessor is
  passed over there (Rule S1) and counts as never put in.
"""

from typing import Final

import msgspec

from trivet.core.base.buggify import BATCH_ALONE, Buggify
from trivet.core.base.ids import NO_NODE, Index, NodeId, WallMs
from trivet.core.base.prng import Prng
from trivet.core.machine.entry import BatchHead, decode_batch_head, encode_body
from trivet.core.machine.machine import Machine
from trivet.core.raft.raft import Raft

_NOT_YET: Final[Index] = 1 << 62
_SEED_BITS: Final = 0x7FFFFFFFFFFFFFFF


class Proposer:
    """What one replica has put into the log, as leader in this term."""

    def __init__(self, raft: Raft, prng: Prng, batch_bytes_max: int, buggify: Buggify | None) -> None:
        self.forwarded: list[bytes] = []
        """Batches of other nodes, for the next entry."""
        self._raft = raft
        self._prng = prng
        self._batch_bytes_max = batch_bytes_max
        self._buggify = buggify
        self._proposed: dict[NodeId, tuple[int, int, Index]] = {}
        """By node: its session, the number of its last batch in this term's entries, and where (G1)."""
        self._waiting_nodes: dict[NodeId, None] = {}
        """Nodes with batches in the entry being made."""

    def leader_changed(self) -> None:
        """Another leader, or another term: nothing is put in yet."""
        self._proposed.clear()
        self.forwarded.clear()

    def propose(self, own: list[bytes], machine: Machine, wall_ms: WallMs) -> None:
        """One entry for all batches of the turn (more when they are large)."""
        batches: list[bytes] = []
        size_bytes = 0
        entry_bytes_max = self._batch_bytes_max
        if self._buggify is not None and self._buggify.rare(BATCH_ALONE):
            entry_bytes_max = 0
        for data in self.forwarded + own:
            node = self._sender_if_next(data, machine)
            if node == NO_NODE:
                continue
            if batches and size_bytes + len(data) > entry_bytes_max:
                self.propose_entry(batches, wall_ms)
                batches, size_bytes = [], 0
            self._waiting_nodes[node] = None
            batches.append(data)
            size_bytes += len(data)
        self.forwarded = []
        if batches:
            self.propose_entry(batches, wall_ms)

    def _sender_if_next(self, data: bytes, machine: Machine) -> NodeId:
        """Rule G1: whose batch it is; 0 when it is to be left out. Notes it as proposed."""
        try:
            head = decode_batch_head(data)
        except msgspec.DecodeError:
            return NO_NODE
        before = self._proposed.get(head.node)
        if (
            before is not None
            and before[0] == head.incarnation
            and not head.may_follow(before[1])
            and (before[2] > machine.applied_index or not head.may_follow(_last_applied(machine, head)))
        ):
            return NO_NODE
        self._proposed[head.node] = (head.incarnation, head.sequence, _NOT_YET)
        return head.node

    def propose_entry(self, batches: list[bytes], wall_ms: WallMs) -> Index:
        """One entry; without batches it only says the time. Its index; 0: the log takes nothing now."""
        payload = encode_body(wall_ms, self._prng.u64() & _SEED_BITS, batches)
        index = self._raft.propose(payload)
        if index == 0 and batches:
            # Not taken (handing over, or too much without a quorum): nodes send again.
            self._proposed.clear()
        # Their clients wait there for the commit: it must not wait for the next message.
        for node in self._waiting_nodes:
            self._raft.want_commit(node)
            noted = self._proposed.get(node)
            if index and noted is not None:
                self._proposed[node] = (noted[0], noted[1], index)
        self._waiting_nodes.clear()
        return index


def _last_applied(machine: Machine, head: BatchHead) -> int:
    """The number of the batch that the machine has applied last in this session."""
    session = machine.sessions.by_node.get(head.node)
    return 0 if session is None or session.incarnation != head.incarnation else session.last_sequence
