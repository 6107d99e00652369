"""``CLIENT TRACKING``: which clients of this node have read what, so that they hear when it changes.

Every node applies every entry, so each node sees every change of every key: nothing about
tracking passes between nodes. A read is remembered when it runs at this node's machine; a
change is noted just before it happens, and told at the end of the turn.

- Rule T1: a read is remembered in the step in which it runs: no change falls in between.
- Rule T2: an invalidation leaves after the replies of all commands that the client sent
  before, so a client never hears of a change before it has the old value.
- Rule T3: what can't be followed (a flush, a state that came as a snapshot, a read inside a
  transaction that writes) is invalidated, never passed over: once too often is harmless.
"""

from typing import Final

from trivet.core.base.ids import ConnectionId
from trivet.core.group.raft_group import RaftGroup
from trivet.core.group.run import Run
from trivet.core.machine.entry import Call
from trivet.core.machine.keys_read import keys_read
from trivet.core.node.session import CHOOSING, SUBSCRIBED, Session, Tracked
from trivet.core.values.database import Database
from trivet.core.wire.encode import encode
from trivet.core.wire.reply import Push, Reply

CHANNEL: Final = b"__redis__:invalidate"
_READERS_SPARE: Final = 16
_NOT_CHOSEN: Final = (b"MULTI", b"CLIENT")


class Tracking:
    """Reads of this node's clients, and what has become of the keys."""

    def __init__(self, group: RaftGroup, sessions: dict[ConnectionId, Session]) -> None:
        self.clients: dict[ConnectionId, Session] = {}
        self.by_key: dict[bytes, dict[ConnectionId, None]] = {}
        """Who has read the key; databases are not told apart, as in Redis."""
        self.by_prefix: dict[bytes, dict[ConnectionId, None]] = {}
        """Who wants all changes of keys that start so (``BCAST``)."""
        self._prefix_sizes: dict[int, int] = {}
        """How many prefixes there are of each length: a change asks once per length, not per prefix."""
        self.keys_max = 1_000_000
        self._group = group
        self._sessions = sessions
        self._news: dict[ConnectionId, dict[bytes, None]] = {}
        self._all_gone = False
        """Everything that anybody has read is to be forgotten."""
        self._unfollowed: list[tuple[Run, Session, list[bytes]]] = []
        """Transactions that write, and what they read (Rule T3)."""

    # -- clients ---------------------------------------------------------------------------

    def start(self, session: Session, tracked: Tracked) -> None:
        """Tracking is on for a client, or on in another way than before."""
        self.clients[session.conn] = session
        session.tracked = tracked
        set_tracks(session, not tracked.everything and not tracked.opt_in)
        session.vet = session.vet | CHOOSING if tracked.opt_in or tracked.opt_out else session.vet & ~CHOOSING
        for prefix in tracked.prefixes or ([b""] if tracked.everything else []):
            listeners = self.by_prefix.get(prefix)
            if listeners is None:
                listeners = self.by_prefix[prefix] = {}
                self._prefix_sizes[len(prefix)] = self._prefix_sizes.get(len(prefix), 0) + 1
            listeners[session.conn] = None
        self._group.follow_changes(self)

    def stop(self, session: Session) -> None:
        """Tracking is off for a client. What it has read is forgotten when it changes."""
        tracked = session.tracked
        if self.clients.pop(session.conn, None) is None or tracked is None:
            return
        session.tracked = None
        set_tracks(session, False)
        session.vet &= ~CHOOSING
        for prefix in tracked.prefixes or ([b""] if tracked.everything else []):
            self.by_prefix[prefix].pop(session.conn, None)
            if not self.by_prefix[prefix]:
                del self.by_prefix[prefix]
                self._prefix_sizes[len(prefix)] -= 1
                if not self._prefix_sizes[len(prefix)]:
                    del self._prefix_sizes[len(prefix)]
        self._news.pop(session.conn, None)
        if not self.clients:
            self.by_key.clear()
            self._group.follow_changes(None)

    # -- reads -----------------------------------------------------------------------------

    def on_read(self, run: Run) -> None:
        """A run that is tracked runs now (Rule T1)."""
        session = run.waiter
        if isinstance(session, Session) and session.tracked is not None:
            for _, key in keys_read(run.calls):
                self._remember(session.conn, key)

    def on_read_elsewhere(self, run: Run) -> None:
        """A run that is tracked has run at the leader: changes since then may have passed here (Rule T3)."""
        session = run.waiter
        if isinstance(session, Session) and session.tracked is not None:
            for _, key in keys_read(run.calls):
                self._note(session.conn, key)

    def on_transaction(self, session: Session, run: Run, calls: list[Call]) -> None:
        """A transaction that reads and writes is under way (Rule T3)."""
        if session.tracked is not None and session.tracks:
            keys = [key for _, key in keys_read(calls)]
            if keys:
                self._unfollowed.append((run, session, keys))

    def _remember(self, conn: ConnectionId, key: bytes) -> None:
        readers = self.by_key.get(key)
        if readers is not None:
            if len(readers) > 2 * len(self.clients) + _READERS_SPARE:
                # Clients that have gone are forgotten with the key; here it seems to stay for ever.
                readers = self.by_key[key] = {reader: None for reader in readers if reader in self.clients}
            readers[conn] = None
            return
        if len(self.by_key) >= self.keys_max:
            oldest = next(iter(self.by_key))
            for reader in self.by_key.pop(oldest):
                self._note(reader, oldest)
        self.by_key[key] = {conn: None}

    # -- changes ---------------------------------------------------------------------------

    def before_change(self, database: Database, key: bytes) -> None:
        """``key`` is about to change."""
        self.changed_elsewhere(key)

    def changed_elsewhere(self, key: bytes) -> None:
        """``key`` is about to change, or has changed at a group without a copy here."""
        readers = self.by_key.pop(key, None)
        if readers is not None:
            own = [conn for conn in readers if not self._note(conn, key)]
            if own:
                self.by_key[key] = dict.fromkeys(own)
        for size in self._prefix_sizes:
            if size > len(key):
                continue
            for conn in self.by_prefix.get(key[:size], ()):
                self._note(conn, key)

    def before_flush(self, database: Database) -> None:
        """All keys of a database are about to change (Rule T3)."""
        self._all_gone = True

    def jumped(self) -> None:
        """The state was replaced (Rule T3)."""
        self._all_gone = True

    def hears_all(self) -> bool:
        """Whether somebody wants all changes."""
        return bool(self.by_prefix)

    def _note(self, conn: ConnectionId, key: bytes) -> bool:
        """News for a client; False when it is its own change and it does not want to hear of those."""
        session = self.clients.get(conn)
        if session is None:
            return True
        tracked = session.tracked
        assert tracked is not None
        if tracked.no_loop and self._group.who_changes() is session:
            return False
        self._news.setdefault(conn, {})[key] = None
        return True

    # -- telling ---------------------------------------------------------------------------

    def tell(self) -> None:
        """The end of a turn: whoever has news is told (Rule T2)."""
        if self._unfollowed:
            self._look_at_transactions()
        if self._all_gone:
            self._all_gone = False
            self.by_key.clear()
            self._news.clear()
            for session in list(self.clients.values()):
                self._send(session, None)
        if self._news:
            news, self._news = self._news, {}
            for conn, keys in news.items():
                told = self.clients.get(conn)
                if told is None:
                    continue
                if told.tracked is not None and told.tracked.everything:
                    self._send(told, list(keys))
                else:
                    for key in keys:
                        self._send(told, [key])

    def _look_at_transactions(self) -> None:
        under_way = []
        for run, session, keys in self._unfollowed:
            if run.replies is None:
                under_way.append((run, session, keys))
            elif session.conn in self.clients:
                self._news.setdefault(session.conn, {}).update(dict.fromkeys(keys))
        self._unfollowed = under_way

    def _send(self, session: Session, keys: list[bytes] | None) -> None:
        tracked = session.tracked
        assert tracked is not None
        target = session
        if tracked.redirect:
            found = self._sessions.get(tracked.redirect)
            if found is None:
                if not tracked.broken and session.protocol == 3:
                    lost: list[Reply] = [b"tracking-redir-broken", tracked.redirect]
                    session.push_in_order(encode(Push(lost), 3))
                tracked.broken = True
                return
            target = found
        data = invalidation(target, keys, bool(tracked.redirect))
        if data:
            target.push_in_order(data)


def invalidation(target: Session, keys: list[bytes] | None, redirected: bool) -> bytes:
    """The message about keys (None: about all) for a client; empty when it can't hear it."""
    items: list[Reply] | None = None if keys is None else list(keys)
    if target.protocol == 3:
        return encode(Push([b"invalidate", items]), 3)
    if not redirected or not target.vet & SUBSCRIBED:
        return b""
    return encode([b"message", CHANNEL, items], 2)


def set_tracks(session: Session, tracks: bool) -> None:
    """Whether what comes from now on is tracked: it may not join a run that is tracked otherwise."""
    if session.tracks is not tracks:
        session.tracks = tracks
        session.open_run = None


def choose(session: Session, name: bytes) -> None:
    """A client with ``OPTIN`` or ``OPTOUT`` sends a command: is it the one that ``CACHING`` was about?"""
    tracked = session.tracked
    assert tracked is not None
    if name in _NOT_CHOSEN or (session.transaction is not None and name not in (b"EXEC", b"DISCARD")):
        return
    if tracked.used:
        tracked.used = False
        set_tracks(session, not tracked.opt_in)
    if tracked.caching:
        tracked.caching = False
        tracked.used = True
        set_tracks(session, tracked.opt_in)
