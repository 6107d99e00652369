"""Which transactions are over here: so that a word of one that comes late does nothing.

- Rule L7: what is over stays over. After a transaction has ended here, or was said to be aborted before
  anything was heard of it, it gets no lock and no decision (``STALE``, ``ABORTED``).
- Rule L8: no clock decides how long that is remembered. A node says with its words below which of its
  numbers (``low``) nothing is under way anywhere; what is below is over without a mark. A later life of the
  node ends all earlier ones.
"""

from trivet.core.base.ids import NodeId
from trivet.core.transaction.words import TransactionId


class Life:
    """One life of one coordinating node."""

    __slots__ = ("incarnation", "low", "over")

    def __init__(self, incarnation: int) -> None:
        self.incarnation = incarnation
        self.low = 0
        self.over: dict[int, bool] = {}
        """By number, in the order of their ends: whether it was committed."""


class Lives:
    """The newest life of each node."""

    def __init__(self) -> None:
        self.by_node: dict[NodeId, Life] = {}

    def hear(self, transaction: TransactionId, low: int = 0) -> None:
        """A word of this transaction has come, with its node's ``low``."""
        life = self.by_node.get(transaction.node)
        if life is None or life.incarnation < transaction.incarnation:
            life = self.by_node[transaction.node] = Life(transaction.incarnation)
        if life.incarnation == transaction.incarnation and life.low < low:
            life.low = low
            over = life.over
            while over and (first := next(iter(over))) < low:
                del over[first]

    def end(self, transaction: TransactionId, committed: bool) -> None:
        """It is over; the first word on that counts."""
        self.hear(transaction)
        life = self.by_node[transaction.node]
        if life.incarnation == transaction.incarnation and transaction.number >= life.low:
            life.over.setdefault(transaction.number, committed)

    def is_over(self, transaction: TransactionId) -> bool:
        """Rule L7."""
        life = self.by_node.get(transaction.node)
        if life is None or life.incarnation < transaction.incarnation:
            return False
        if life.incarnation > transaction.incarnation:
            return True
        return transaction.number < life.low or transaction.number in life.over

    def has_committed(self, transaction: TransactionId) -> bool:
        """Whether it is known to have ended so."""
        life = self.by_node.get(transaction.node)
        if life is None or life.incarnation != transaction.incarnation:
            return False
        return life.over.get(transaction.number, False)

    def lacks(self, transaction: TransactionId) -> bool:
        """Whether nothing is known of it, or that it was aborted. What has no mark is not asked for."""
        life = self.by_node.get(transaction.node)
        if life is None or life.incarnation < transaction.incarnation:
            return True
        if life.incarnation > transaction.incarnation or transaction.number < life.low:
            return False
        return not life.over.get(transaction.number, False)
