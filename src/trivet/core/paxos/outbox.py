"""The questions of one turn, gathered per peer.

On the path: rounds put in an item per register, the end of the turn makes messages of them. What goes to
every member is one message object, which the owner encodes once; what is asked again goes to the silent
ones alone.
"""

from trivet.core.base.ids import NodeId
from trivet.core.paxos.content import size_bytes
from trivet.core.paxos.messages import (
    Accept,
    AcceptItem,
    Message,
    Prepare,
    PrepareItem,
    Read,
    ReadItem,
    Remove,
    RemoveItem,
)

ITEM_BYTES = 32


class Outbox:
    """Of one proposer."""

    __slots__ = ("_accepts", "_bytes_max", "_direct", "_prepares", "_reads", "_removes", "proposer")

    def __init__(self, proposer: int, bytes_max: int) -> None:
        self.proposer = proposer
        self._bytes_max = bytes_max
        self._prepares: list[PrepareItem] = []
        self._accepts: list[AcceptItem] = []
        self._reads: list[ReadItem] = []
        self._removes: list[RemoveItem] = []
        self._direct: list[tuple[NodeId, PrepareItem | AcceptItem | ReadItem]] = []

    def prepare(self, item: PrepareItem) -> None:
        """To every member."""
        self._prepares.append(item)

    def accept(self, item: AcceptItem) -> None:
        """To every member."""
        self._accepts.append(item)

    def read(self, item: ReadItem) -> None:
        """To every member."""
        self._reads.append(item)

    def remove(self, item: RemoveItem) -> None:
        """To every member."""
        self._removes.append(item)

    def again(self, to: NodeId, item: PrepareItem | AcceptItem | ReadItem) -> None:
        """To one that has not answered."""
        self._direct.append((to, item))

    def clear(self) -> None:
        """What was gathered for an epoch that is over."""
        self._prepares, self._accepts, self._reads, self._removes, self._direct = [], [], [], [], []

    def flush(self, epoch: int, members: tuple[NodeId, ...], out: list[tuple[NodeId, Message]]) -> None:
        """Make messages of everything."""
        for message in self._messages(epoch, self._prepares, self._accepts, self._reads):
            out.extend([(node, message) for node in members])
        if self._removes:
            remove = Remove(self.proposer, epoch, self._removes)
            out.extend([(node, remove) for node in members])
        if self._direct:
            self._flush_direct(epoch, out)
        self.clear()

    def _flush_direct(self, epoch: int, out: list[tuple[NodeId, Message]]) -> None:
        nodes: dict[NodeId, tuple[list[PrepareItem], list[AcceptItem], list[ReadItem]]] = {}
        for node, item in self._direct:
            lists = nodes.setdefault(node, ([], [], []))
            if isinstance(item, PrepareItem):
                lists[0].append(item)
            elif isinstance(item, AcceptItem):
                lists[1].append(item)
            else:
                lists[2].append(item)
        for node, (prepares, accepts, reads) in nodes.items():
            out.extend([(node, message) for message in self._messages(epoch, prepares, accepts, reads)])

    def _messages(
        self, epoch: int, prepares: list[PrepareItem], accepts: list[AcceptItem], reads: list[ReadItem]
    ) -> list[Message]:
        """In portions of ``bytes_max``."""
        messages: list[Message] = []
        size = 0
        start = 0
        for i, prepare in enumerate(prepares):
            size += ITEM_BYTES + len(prepare.key)
            if size >= self._bytes_max or i == len(prepares) - 1:
                messages.append(Prepare(self.proposer, epoch, prepares[start : i + 1]))
                start, size = i + 1, 0
        start = size = 0
        for i, accept in enumerate(accepts):
            size += ITEM_BYTES + len(accept.key) + size_bytes(accept.content)
            if size >= self._bytes_max or i == len(accepts) - 1:
                messages.append(Accept(self.proposer, epoch, accepts[start : i + 1]))
                start, size = i + 1, 0
        start = size = 0
        for i, read in enumerate(reads):
            size += ITEM_BYTES + len(read.key)
            if size >= self._bytes_max or i == len(reads) - 1:
                messages.append(Read(self.proposer, epoch, reads[start : i + 1]))
                start, size = i + 1, 0
        return messages
