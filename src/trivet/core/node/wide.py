"""What runs as a transaction over groups: a mark for such calls, and what others ask of whoever runs them.

See ``transacting``.
"""

from typing import Final, Protocol

from trivet.core.base.ids import ConnectionId, GroupId, Index, Instant
from trivet.core.group.face import Replica
from trivet.core.group.run import Run, Waiter
from trivet.core.machine.entry import Call
from trivet.core.node.session import Session
from trivet.core.wire.reply import Error


class Wide:
    """Says of a call that no one group can run it."""


WIDE: Final = Wide()
TOO_MANY: Final = Error("TXNRETRY too many transactions over groups are under way here; nothing was done")


class Transactor(Protocol):
    """Runs transactions over groups."""

    def tick(self, now_ms: Instant) -> None:
        """Once per tick: what others have left is brought to an end."""
        ...

    def take(self, session: Session, call: list[bytes], watched: list[GroupId]) -> bool:
        """Put a call that runs so among the session's; False: it must be parked."""
        ...

    def take_waiting(self, session: Session, call: list[bytes]) -> Run | None:
        """Put the first trial of a call that may wait among the session's, which is idle; None: answered."""
        ...

    def begin(self, waiter: Waiter, call: Call, client: ConnectionId, watched: list[GroupId]) -> Run | None:
        """Run a call; it begins in this turn, after this. None: too many are under way.

        ``watched``: the groups in which ``client`` watches keys.
        """
        ...

    def withdraw(self, run: Run) -> None:
        """Nobody waits for this run of ``begin`` any more: if it is not decided yet, nothing comes of it."""
        ...

    def is_held(self, call: Call, group: Replica | None, locked_at: Index) -> bool | None:
        """Whether transactions hold keys of the call still, as replicas here know; None: they can't tell.

        ``group``: it was sent there, as a part of a call to several.
        """
        ...

    def watches_in(self, client: ConnectionId, group: Replica) -> None:
        """A ``WATCH`` of this client has gone to another group than was thought."""
        ...
