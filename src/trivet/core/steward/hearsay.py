"""Hearsay: what the node knows of other nodes by way of others (``core/node/liveness``).

On the path: nowhere; whoever plans asks it about nodes of which nothing is heard here.
"""

from typing import Protocol

from trivet.core.base.ids import Instant, NodeId


class Hearsay(Protocol):
    """What all nodes together hold of a node."""

    def is_dead(self, node: NodeId) -> bool:
        """Whether nobody hears it."""
        ...

    def alive_ms(self, node: NodeId, now_ms: Instant) -> Instant:
        """Until when somebody heard it: now, if somebody still does; before any time that counts: never."""
        ...


class OwnEars:
    """Nobody is asked: whoever is not heard here is dead."""

    def is_dead(self, node: NodeId) -> bool:
        """See ``Hearsay``."""
        return True

    def alive_ms(self, node: NodeId, now_ms: Instant) -> Instant:
        """See ``Hearsay``."""
        return 0
