"""``CLIENT PAUSE``: this node holds the commands of its clients for a while, or their writes.

What is held stays in its session, parked. It is about one node: the others go on.
"""

from typing import Final

from trivet.core.base.ids import Instant
from trivet.core.node.routes import Route
from trivet.core.node.session import Session

_LIKE_WRITES: Final = {b"PUBLISH": 1, b"SPUBLISH": 1, b"EVAL": 1, b"EVALSHA": 1, b"FCALL": 1, b"PFCOUNT": 1}
"""What may change something, whatever its row says."""


class Pause:
    """Until when, and what."""

    def __init__(self) -> None:
        self.until_ms: Instant = 0
        """0: nothing is held."""
        self.writes_only = False

    def begin(self, now_ms: Instant, until_ms: Instant, writes_only: bool) -> None:
        """Hold; a second call makes a pause longer and stricter, never shorter or weaker."""
        if self.until_ms > now_ms:
            writes_only = writes_only and self.writes_only
        self.writes_only = writes_only
        self.until_ms = max(self.until_ms, until_ms)

    def end(self) -> None:
        """Hold nothing any more."""
        self.until_ms = 0

    def holds(self, session: Session, route: Route) -> bool:
        """Whether a command has to wait. ``CLIENT`` passes, so that a pause can be ended."""
        if route.name == b"CLIENT":
            return False
        if not self.writes_only:
            return True
        transaction = session.transaction
        if transaction is not None:
            return route.name == b"EXEC" and not transaction.only_reads
        return route.writes or route.name in _LIKE_WRITES
