"""``WATCH`` as replicated state: who watches which key, and whose keys have changed.

A watch is registered through the log, so every replica knows it and ``EXEC`` gives the
same verdict everywhere, also after a leader change or a restore. The cost of a watch is
one write; a database without watches pays nothing.

Rule W1: a watcher becomes dirty when a watched key is about to change, by whomever.
Rule W2: a key that existed at ``WATCH`` and not at ``EXEC``, or the other way round, counts as
changed: its deadline may have passed, or its database may have been exchanged.
Rule W3: a watcher that is not known has lost its ``WATCH``: nothing is known to be unchanged.
"""

from trivet.core.base.ids import ConnectionId, NodeId
from trivet.core.values.database import Database
from trivet.core.values.databases import Databases

Watcher = tuple[NodeId, ConnectionId]
WatchedKey = tuple[int, bytes]
"""(database, key)"""


class Watches:
    """All watchers and watched keys."""

    def __init__(self) -> None:
        self.keys: dict[WatchedKey, dict[Watcher, None]] = {}
        self.watchers: dict[Watcher, dict[WatchedKey, bool]] = {}
        """Per watcher, the keys and whether each existed when it was watched."""
        self.dirty: dict[Watcher, None] = {}

    def watch(self, watcher: Watcher, key: WatchedKey, existed: bool) -> None:
        """Register; watching a key twice changes nothing."""
        keys = self.watchers.setdefault(watcher, {})
        if key not in keys:
            keys[key] = existed
            self.keys.setdefault(key, {})[watcher] = None

    def touched(self, key: WatchedKey) -> None:
        """Rule W1."""
        watchers = self.keys.get(key)
        if watchers is not None:
            for watcher in watchers:
                self.dirty[watcher] = None

    def touched_all(self, database: Database) -> None:
        """A whole database is about to be emptied or exchanged: the keys that it has change."""
        for watched in self.keys:
            if watched[0] == database.index and watched[1] in database.values:
                self.touched(watched)

    def forget(self, watcher: Watcher) -> None:
        """``UNWATCH``, ``EXEC``, ``DISCARD``, or the client is gone."""
        for key in self.watchers.pop(watcher, {}):
            watchers = self.keys[key]
            del watchers[watcher]
            if not watchers:
                del self.keys[key]
        self.dirty.pop(watcher, None)

    def forget_node(self, node: NodeId) -> None:
        """The node's earlier life ended, and with it all its clients."""
        for watcher in [w for w in self.watchers if w[0] == node]:
            self.forget(watcher)

    def is_clean(self, watcher: Watcher, databases: Databases) -> bool:
        """Whether nothing that the watcher watches has changed (Rules W1, W2, W3)."""
        keys = self.watchers.get(watcher)
        if keys is None or watcher in self.dirty:
            return False
        for (db_index, key), existed in keys.items():
            if databases.open(db_index).exists(key) is not existed:
                return False
        return True
