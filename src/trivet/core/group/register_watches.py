"""``WATCH`` on registers: what this node's clients have seen of the key that each of them watches.

On the path: ``WATCH`` is a read; what it has seen goes with the client's ``EXEC`` to whoever runs that, and
is compared with what is there (``Task.watched``). Nothing of it is in a register, or on another node.

- Rule W1: a client watches one register at a time: its transaction could not concern a second one.
- Rule W2: who has watched and is not known here gets no ``EXEC`` done.
- Rule W3: a version is told of a whole operation, so a write behind a look goes in a later one. Where a
  client sends both in one run, the look goes as a write: a read would run beside that write.
"""

from collections.abc import Callable

from trivet.core.base.ids import ConnectionId
from trivet.core.machine.register_place import SEVERAL
from trivet.core.wire.reply import Error

Seen = tuple[bytes, int, bool]
"""The register, its version, and whether the key was there."""


class RegisterWatches:
    """By client. Who is gone is forgotten (``UNWATCH``), also if its look has not come back yet."""

    __slots__ = ("_looking", "_seen")

    def __init__(self) -> None:
        self._looking: dict[ConnectionId, bytes] = {}
        """Clients that watch, and what."""
        self._seen: dict[ConnectionId, Seen] = {}

    def __len__(self) -> int:
        return len(self._looking)

    def begin(self, client: ConnectionId, place: bytes) -> Error | None:
        """A client is to watch a register (Rule W1); a look at it is to follow."""
        return None if self._looking.setdefault(client, place) == place else SEVERAL

    def note(self, client: ConnectionId, place: bytes, version: int, there: bool) -> None:
        """What a look has shown. The first one counts."""
        if self._looking.get(client) == place:
            self._seen.setdefault(client, (place, version, there))

    def give_up(self, client: ConnectionId) -> None:
        """Its look has not taken place."""
        if client not in self._seen:
            self._looking.pop(client, None)

    def knows(self, client: ConnectionId) -> bool:
        """Whether it watches something here."""
        return client in self._looking

    def leaving(self, stays: Callable[[bytes], bool]) -> list[tuple[ConnectionId, bytes]]:
        """Who watches a register that does not stay, and which; only what has been seen."""
        return [(client, seen[0]) for client, seen in self._seen.items() if not stays(seen[0])]

    def hand_over(self, client: ConnectionId, other: "RegisterWatches") -> None:
        """The register has gone to another group, with its version: so what was seen counts there."""
        seen = self.take(client)
        if seen is not None and client not in other._looking:
            other._looking[client] = seen[0]
            other._seen[client] = seen

    def take(self, client: ConnectionId) -> Seen | None:
        """For ``EXEC``, which ends it; None: nothing is known (Rule W2)."""
        self._looking.pop(client, None)
        return self._seen.pop(client, None)

    def forget(self, client: ConnectionId) -> None:
        """``UNWATCH``, or the client is gone."""
        self.take(client)
