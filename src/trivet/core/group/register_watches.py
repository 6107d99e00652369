"""``WATCH`` on registers: what this node's clients have seen of the keys that they watch."""

from trivet.core.base.ids import ConnectionId
from trivet.core.machine.register_place import SEVERAL
from trivet.core.wire.reply import Error


class RegisterWatches:
    """By client: the register, its version, and whether the key was there."""

    __slots__ = ("_by_client",)

    def __init__(self) -> None:
        self._by_client: dict[ConnectionId, tuple[bytes, int, bool]] = {}

    def __len__(self) -> int:
        return len(self._by_client)

    def note(self, client: ConnectionId, place: bytes, version: int, there: bool) -> Error | None:
        """A client watches; the first look at a key counts."""
        seen = self._by_client.setdefault(client, (place, version, there))
        return None if seen[0] == place else SEVERAL

    def take(self, client: ConnectionId) -> tuple[bytes, int, bool] | None:
        """For ``EXEC``, which ends it."""
        return self._by_client.pop(client, None)

    def forget(self, client: ConnectionId) -> None:
        """``UNWATCH``, or the client is gone."""
        self._by_client.pop(client, None)
