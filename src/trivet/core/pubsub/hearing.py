"""How far peers have heard who listens here, and the clients that wait until they have (Rule H7).

Each turn with news for peers has a number, the *change*; a peer says up to which change it has
heard. A client that subscribes to a name that some peer may not know of yet waits for a *confirmation*: it
listens, and is answered when all of them have heard; what it hears until then stays behind the answer.
"""

from typing import Final

from trivet.core.base.ids import ConnectionId, Instant, NodeId
from trivet.core.wire.reply import Push

_NOTHING: Final = -1


class Confirmation:
    """What one client listens to, and has not been told yet (``Push`` by ``Push``, in order)."""

    __slots__ = ("answers", "change", "conn", "deadline_ms")

    def __init__(self, conn: ConnectionId, deadline_ms: Instant) -> None:
        self.conn = conn
        self.deadline_ms = deadline_ms
        """Then it is answered, whoever has not heard."""
        self.answers: list[Push] = []
        self.change = 0
        """What peers have to hear."""

    def wait_for_nobody(self) -> None:
        """It is answered next, also where a peer has heard nothing yet."""
        self.change = _NOTHING


class Hearing:
    """The peers to which our links are up, and what they say they have heard."""

    def __init__(self) -> None:
        self._heard: dict[NodeId, int] = {}
        self._since: dict[NodeId, int] = {}
        """The first change that was told on the present link: what is said of earlier ones is void."""
        self.late: dict[NodeId, None] = {}
        """Peers that did not answer in time: nobody waits for them until they do."""

    def linked(self, peer: NodeId, next_change: int) -> None:
        """Our link is up and empty: with ``next_change`` the peer is told of everything."""
        self._heard[peer] = _NOTHING
        self._since[peer] = next_change
        self.late.pop(peer, None)

    def unlinked(self, peer: NodeId) -> None:
        """Our link is gone."""
        self._heard.pop(peer, None)
        self._since.pop(peer, None)
        self.late.pop(peer, None)

    def heard(self, peer: NodeId, change: int) -> None:
        """The peer says how far it has heard."""
        if peer in self._heard and change >= self._since[peer]:
            self._heard[peer] = max(self._heard[peer], change)
            self.late.pop(peer, None)

    def too_late(self, peer: NodeId, change: int) -> None:
        """A client can't wait longer for the peer to hear of ``change``."""
        if self._heard.get(peer, change) < change:
            self.late[peer] = None

    def heard_by_all(self, everything: int) -> int:
        """What all peers have heard, the late ones too; ``everything`` if there are none."""
        return min(self._heard.values(), default=everything)

    def reached(self, peers: list[NodeId], everything: int) -> int:
        """What all of ``peers`` have heard that anybody waits for; ``everything`` if there is none."""
        return min(
            [self._heard[peer] for peer in peers if peer in self._heard and peer not in self.late],
            default=everything,
        )
