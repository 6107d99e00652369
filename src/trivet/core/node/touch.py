"""With which nodes this one is in touch, and since when: by its own links."""

from trivet.core.base.ids import Instant, NodeId, WallMs


class Touch:
    """Links that are up, and those that are not."""

    def __init__(self, now_ms: Instant) -> None:
        self._started_ms = now_ms
        self._since: dict[NodeId, WallMs] = {}
        self._silent: dict[NodeId, Instant] = {}

    def up(self, peer: NodeId, wall_ms: WallMs) -> None:
        """The link to ``peer`` is up."""
        self._since[peer] = wall_ms
        self._silent.pop(peer, None)

    def lost(self, peer: NodeId, now_ms: Instant) -> None:
        """It is down."""
        if self._since.pop(peer, None) is not None:
            self._silent[peer] = now_ms

    def since(self, peer: NodeId) -> WallMs:
        """Since when the link is up, in Unix time; 0: it is not."""
        return self._since.get(peer, 0)

    def silent_ms(self, peer: NodeId, now_ms: Instant) -> int:
        """For how long it is not; without any link yet, since the start of this node."""
        return 0 if peer in self._since else now_ms - self._silent.get(peer, self._started_ms)
