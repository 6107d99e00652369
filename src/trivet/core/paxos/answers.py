"""The answers of one turn, gathered per asker.

On the path: the acceptor puts in an item per register, the end of the turn makes messages of them. Promises,
acceptances and reads leave in messages of their own: a read must not wait for the saves of others.
"""

from trivet.core.base.ids import NodeId
from trivet.core.paxos.content import Sealed, size_bytes
from trivet.core.paxos.messages import (
    Accepted,
    AcceptedItem,
    Message,
    PromiseItem,
    Promises,
    ReadReply,
    ReadReplyItem,
    Standing,
)
from trivet.core.paxos.saves import SaveQueue

Out = list[tuple[NodeId, Message]]


class Answers:
    """For one asker: a node, in one life, by its messages of one epoch."""

    __slots__ = (
        "_accepted", "_accepted_id", "_bytes", "_promise_id", "_promises", "_reads", "_reads_id", "epoch",
        "proposer", "to",
    )  # fmt: skip

    def __init__(self, to: NodeId, proposer: int, epoch: int) -> None:
        self.to = to
        self.proposer = proposer
        self.epoch = epoch
        self._promises: list[PromiseItem] = []
        self._promise_id = 0
        self._accepted: list[AcceptedItem] = []
        self._accepted_id = 0
        self._reads: list[ReadReplyItem] = []
        self._reads_id = 0
        self._bytes = 0

    def promise(self, item: PromiseItem, save_id: int) -> None:
        """One answer to a prepare, which tells of what ``save_id`` makes durable."""
        self._promises.append(item)
        self._count(item.content)
        if save_id > self._promise_id:
            self._promise_id = save_id

    def accepted(self, item: AcceptedItem, save_id: int) -> None:
        """One answer to an accept."""
        self._accepted.append(item)
        if save_id > self._accepted_id:
            self._accepted_id = save_id

    def read(self, item: ReadReplyItem, save_id: int) -> None:
        """One answer to a read."""
        self._reads.append(item)
        self._count(item.content)
        if save_id > self._reads_id:
            self._reads_id = save_id

    def _count(self, content: Sealed | None) -> None:
        if content is not None:
            self._bytes += size_bytes(content)

    def is_long(self, bytes_max: int) -> bool:
        """Time to send it and begin another."""
        return self._bytes >= bytes_max

    def send(self, standing: Standing, standing_id: int, saves: SaveQueue, out: Out) -> None:
        """Make messages of everything. ``standing`` is durable with ``standing_id``."""
        if self._promises:
            promises = Promises(self.proposer, self.epoch, standing, self._promises)
            saves.send(max(self._promise_id, standing_id), self.to, promises, out)
        if self._accepted:
            accepted = Accepted(self.proposer, self.epoch, standing, self._accepted)
            saves.send(max(self._accepted_id, standing_id), self.to, accepted, out)
        if self._reads:
            reads = ReadReply(self.proposer, self.epoch, standing, self._reads)
            saves.send(max(self._reads_id, standing_id), self.to, reads, out)
