"""What nodes without a copy have read here, so that they hear when it changes.

Such a node sees no entries, so a member remembers for it what its tracking clients read there, per
node and not per client, and tells it of changes at the end of the turn.

- Rule F7: a read that is tracked is remembered in the step in which it runs. What can't be followed (too
  many keys, a flush, a state that came as a snapshot, a link that broke) is told as "any may have
  changed": once too often is harmless, never is not.
"""

from typing import Final

from trivet.core.base.ids import NodeId
from trivet.core.group.messages import KEYS_MAX, GroupMessage, Invalidate
from trivet.core.group.run import Run
from trivet.core.machine.keys_read import keys_read
from trivet.core.values.database import Database

ALL: Final = Invalidate([], True)


class RemoteTracks:
    """The keys read, by node, and the news for each."""

    def __init__(self, keys_max: int) -> None:
        self._keys_max = keys_max
        self._read: dict[NodeId, dict[bytes, None]] = {}
        """Databases are not told apart, as in Redis."""
        self._everything: dict[NodeId, None] = {}
        """Nodes that want to hear of every change."""
        self.news: dict[NodeId, dict[bytes, None]] = {}
        self.all: dict[NodeId, None] = {}
        """Nodes for which any key may have changed."""
        self._away: dict[NodeId, None] = {}
        """Nodes whose link is down: they are told "all" when it is up again."""

    @property
    def active(self) -> bool:
        """Whether changes matter to anybody."""
        return bool(self._read or self._everything)

    # -- who follows what -----------------------------------------------------------------------

    def follow(self, node: NodeId, everything: bool) -> None:
        """The node wants to hear of everything from now on, and is told so; or of nothing any more."""
        if everything:
            self._everything[node] = None
            self.all[node] = None
        else:
            self._everything.pop(node, None)
            self._read.pop(node, None)
            self.news.pop(node, None)

    def remember(self, node: NodeId, run: Run) -> None:
        """A run of that node's reads runs now."""
        keys = self._read.setdefault(node, {})
        for _, key in keys_read(run.calls):
            if key not in keys and len(keys) >= self._keys_max:
                oldest = next(iter(keys))
                del keys[oldest]
                self._note(node, oldest)
            keys[key] = None

    def passed(self, node: NodeId, run: Run) -> None:
        """A run of that node's reads has run elsewhere: changes since then may have passed here."""
        for _, key in keys_read(run.calls):
            self._note(node, key)

    def lost(self, node: NodeId) -> None:
        """Our link to the node broke: what we said last may not have come."""
        if node in self._read or node in self._everything or node in self.all:
            self._read.pop(node, None)
            self.news.pop(node, None)
            self._away[node] = None

    def back(self, node: NodeId) -> None:
        """Our link to the node is up."""
        if self._away.pop(node, 0) is None:
            self.all[node] = None

    # -- changes ----------------------------------------------------------------------------------

    def changed(self, key: bytes) -> None:
        """``key`` is about to change."""
        for node, keys in self._read.items():
            if keys.pop(key, 0) is None:
                self._note(node, key)
        for node in self._everything:
            self._note(node, key)

    def before_change(self, database: Database, key: bytes) -> None:
        """As ``ChangeHook``."""
        self.changed(key)

    def before_flush(self, database: Database) -> None:
        """As ``ChangeHook``."""
        self.all_changed()

    def all_changed(self) -> None:
        """Nobody knows which keys have changed."""
        for node in [*self._read, *self._everything]:
            self.all[node] = None
        self._read.clear()

    def _note(self, node: NodeId, key: bytes) -> None:
        if node not in self.all and node not in self._away:
            news = self.news.setdefault(node, {})
            news[key] = None
            if len(news) > KEYS_MAX:
                self.all[node] = None

    # -- telling ----------------------------------------------------------------------------------

    def tell(self, outgoing: list[tuple[NodeId, GroupMessage]]) -> None:
        """Whoever has news is told."""
        for node in self.all:
            if node not in self._away:
                self.news.pop(node, None)
                self._read.pop(node, None)
                outgoing.append((node, ALL))
        self.all = {}
        for node, keys in self.news.items():
            outgoing.append((node, Invalidate(list(keys))))
        self.news = {}
