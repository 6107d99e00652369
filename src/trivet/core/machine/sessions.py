"""Node sessions: why a batch that arrives twice is applied once (Ongaro §6.3).

A session is one life of one node: ``(node, incarnation)``. Its batches carry rising
sequence numbers without gaps, and the machine applies each at its turn only:

- Rule S1: a batch whose number is not the next one is not applied. A lower one is a
  duplicate; a higher one has lost its predecessor, and its node sends both again.
- Rule S5: a batch that says that all before it were answered is the next one, also where nothing is known of
  those: they were lost with the primary of a group of mode ``primary``.
- Rule S2: the replies of applied batches are remembered until their node acknowledges
  them, because that node may have received the state by snapshot instead of applying.
- Rule S4: of a node that has left the cluster for ever (``FORGET``) nothing is remembered but that; no batch
  of it is applied any more, however late it comes.
- Rule S3: a batch of a higher incarnation ends the node's earlier session; one of a lower
  incarnation comes from a dead process and is never applied.
"""

from trivet.core.base.ids import NodeId
from trivet.core.machine.entry import Batch
from trivet.core.wire.reply import Reply


class NodeSession:
    """What is remembered of the newest life of one node."""

    __slots__ = ("incarnation", "last_sequence", "replies")

    def __init__(self, incarnation: int) -> None:
        self.incarnation = incarnation
        self.last_sequence = 0
        self.replies: dict[int, list[Reply]] = {}
        """By batch sequence, rising; only those not acknowledged (Rule S2)."""

    def applied(self, sequence: int, replies: list[Reply]) -> None:
        """A batch has been applied: from now on it is a duplicate, and its replies are known.

        Not before: while an entry has paused (Rule V1), whoever looks must not take its batch for done.
        """
        self.last_sequence = sequence
        self.replies[sequence] = replies


class NodeSessions:
    """The sessions of all nodes; part of the replicated state."""

    def __init__(self) -> None:
        self.by_node: dict[NodeId, NodeSession] = {}
        self.gone: dict[NodeId, None] = {}
        """Nodes that have left for ever (Rule S4)."""

    def forget(self, node: NodeId) -> None:
        """Rule S4."""
        self.by_node.pop(node, None)
        self.gone[node] = None

    def admit(self, batch: Batch) -> NodeSession | None:
        """The session in which ``batch`` is to be applied now, or None (Rules S1, S3)."""
        session = self.by_node.get(batch.node)
        if session is None or session.incarnation < batch.incarnation:
            if batch.node in self.gone or not _may_follow(batch, 0):
                return None
            session = NodeSession(batch.incarnation)
            self.by_node[batch.node] = session
        if batch.incarnation != session.incarnation or not _may_follow(batch, session.last_sequence):
            return None
        replies = session.replies
        while replies:
            oldest = next(iter(replies))
            if oldest > batch.acknowledged:
                break
            del replies[oldest]
        return session


def _may_follow(batch: Batch, last: int) -> bool:
    """Rules S1 and S5."""
    number = batch.sequence
    return number == last + 1 or (number > last and batch.acknowledged == number - 1)
