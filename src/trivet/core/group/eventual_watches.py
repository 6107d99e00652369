"""``WATCH`` and ``EXEC`` in mode ``eventual``: of the keys as this node holds them.

- Rule X7: what a client watches is compared with what is here when its ``EXEC`` comes: a change that came
  from elsewhere breaks it off too. Who has watched and is not known here gets no ``EXEC`` done.
"""

from typing import Final

from trivet.core.base.ids import ConnectionId
from trivet.core.lattice.delta import Delta
from trivet.core.machine.convergent import Convergent
from trivet.core.machine.entry import Call
from trivet.core.machine.rights import AS
from trivet.core.wire.reply import NULL_ARRAY, OK, Reply

CLIENTS_MAX: Final = 100_000
"""Clients that watch; of more, those who came first are forgotten: their ``EXEC`` is not done."""


class EventualWatches:
    """By client: the keys that it watches, and their versions then."""

    __slots__ = ("_executor", "_seen")

    def __init__(self, executor: Convergent) -> None:
        self._executor = executor
        self._seen: dict[ConnectionId, dict[bytes, int]] = {}

    def __len__(self) -> int:
        return len(self._seen)

    def run(self, calls: list[Call], now_ms: int, seed: int, made: list[Delta]) -> list[Reply]:
        """Run the calls of one client in order; updates that they make are added to ``made``."""
        executor = self._executor
        for call in calls:
            if call[1][0] in _SPECIAL:
                break
        else:
            return executor.run(calls, now_ms, seed, made)
        replies: list[Reply] = []
        for call in calls:
            reply = self._special(call)
            replies.extend(executor.run([call], now_ms, seed, made) if reply is None else [reply])
            seed = (seed * 6364136223846793005 + 1442695040888963407) & ((1 << 63) - 1)
        return replies

    def _special(self, call: Call) -> Reply:
        """The reply, if the call is about watches and nothing is to be run."""
        args = call[1]
        name = args[0]
        if name == b"WATCH":
            self._watch(int(args[1]), args[2:])
            return OK
        if name == b"UNWATCH":
            self._seen.pop(int(args[1]), None)
            return OK
        watcher = b""
        if name == b"EXEC":
            watcher = args[2]
        elif name == AS and args[3] == b"EXEC":
            watcher = args[5]
        if watcher and not self._is_clean(int(watcher)):
            return NULL_ARRAY
        return None

    def _watch(self, client: ConnectionId, keys: list[bytes]) -> None:
        seen = self._seen.get(client)
        if seen is None:
            if len(self._seen) >= CLIENTS_MAX:
                del self._seen[next(iter(self._seen))]
            seen = self._seen[client] = {}
        for key in keys:
            seen.setdefault(key, self._executor.version(key))

    def _is_clean(self, client: ConnectionId) -> bool:
        """``EXEC`` ends it."""
        seen = self._seen.pop(client, None)
        if seen is None:
            return False
        return all(self._executor.version(key) == version for key, version in seen.items())


_SPECIAL: Final = {b"WATCH": 1, b"UNWATCH": 1, b"EXEC": 1, AS: 1}
