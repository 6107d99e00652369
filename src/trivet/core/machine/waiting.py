"""Waiting calls as replicated state: who waits for which key, and who was served.

A call such as ``BLPOP`` comes through the log as ``BLOCK client call…``. When there is nothing
for it, it is kept here, on every replica, under all its keys. The entry that brings
something serves it, at once, in order of arrival: so nobody sees the element between the two, as
in Redis. What it was served stays here until its node *claims* it through the log, and only
then does the client get it. So an element is never lost with a node:

- Rule B1: after each command of an entry, a transaction or a script counting as one, the keys that it
  changed are offered to their waiters, in the order in which they began to wait.
- Rule B2: what a call was served is delivered only after a claim. A claim is an entry: it happens once.
- Rule B3: when a client goes away (``RELEASE``), when its node is found dead (``NODEDOWN``) or begins a new
  life, what was served and not claimed goes back to where it was, and the next waiter is offered it.
- Rule B4: a node whose waiting call is not known here any more (it was thought dead) asks again. Its
  place in the queue is lost, nothing else. What a call did for good (``BLMOVE``) can't go back, and asking
  again would do it twice: so it stays to be claimed, until the node claims it or its life is over.
- Rule B5: who waits for keys of several groups is only told (``AWAIT``): it takes nothing here, has
  nothing to claim, and is told once. It is told when a key *changes*; that a lock goes is nothing to tell.
"""

from typing import Final

from trivet.core.base.ids import NodeId
from trivet.core.cluster.slots import slot_of
from trivet.core.command.lookup import find_row, keys_of
from trivet.core.command.table import ROWS, Context, Flag, Row
from trivet.core.machine.entry import Call
from trivet.core.machine.watches import WatchedKey, Watcher
from trivet.core.transaction.locks import Locks
from trivet.core.values.database import Database
from trivet.core.wire.reply import NOT_HERE, OK, Blocked, Error, NotHere, Reply

SERVED: Final = b"served"
WAITS: Final = b"waits"
ENDED: Final = b"ended"
UNKNOWN: Final = b"unknown"
"""How ``CLAIM`` and ``UNBLOCK`` answer: the first with the reply, the others alone in their list."""

BLOCK: Final = b"BLOCK"
RETRY: Final = b"RETRY"
"""``RETRY client call…``: what ``BLOCK`` began is tried again, as a transaction over groups."""
AWAIT: Final = b"AWAIT"
"""``AWAIT client when key…``: the client is told when one of the keys has changed (Rule B5)."""
IF_THERE: Final = b"there"
"""When: only if the key is there after the change."""
WHATEVER: Final = b"whatever"
"""When: also if it has gone, or become something else."""

_MOVES: Final = {b"BLMOVE": 1, b"BRPOPLPUSH": 1}
_WRONG_TYPE: Final = "WRONGTYPE"
DEFECT: Final = Error("ERR internal error: this command failed by a defect, please report it")


def defect(context: Context, args: list[bytes], error: Exception) -> Error:
    """Rule M3: a defect of ours ends the command with the same error everywhere and stops nobody."""
    name = args[0] if args else b""
    context.defects.append(f"command {name!r} raised {type(error).__name__}: {error}")
    return DEFECT


class WaitingCall:
    """One call that waits, or one that was served and is not claimed (``served``)."""

    __slots__ = ("args", "db_index", "is_told", "keys", "kinds", "reply", "served")

    def __init__(self, db_index: int, args: list[bytes], keys: list[bytes]) -> None:
        self.db_index = db_index
        self.args = args
        self.keys = keys
        self.is_told = args[0] == AWAIT
        """It takes nothing here (Rule B5)."""
        self.kinds: dict[bytes, bytes] = {}
        self.served = False
        self.reply: Reply = None

    def kind_at(self, key: bytes) -> bytes:
        """Calls of one kind find nothing at ``key`` together; the name when the row says no more."""
        kind = self.kinds.get(key)
        if kind is None:
            alike = ROWS[self.args[0]].alike
            kind = self.kinds[key] = self.args[0] if alike is None else alike(self.args, key)
        return kind


class WaitingCalls:
    """All of them, by client and by key."""

    def __init__(self, locks: Locks) -> None:
        self._locks = locks
        self.by_client: dict[Watcher, WaitingCall] = {}
        self.by_key: dict[WatchedKey, dict[Watcher, None]] = {}
        """Only those that wait, in order of arrival."""
        self.ready: dict[WatchedKey, bool] = {}
        """Keys with waiters that are to be offered: they have changed, or (False) are not locked any more."""
        self.woken: list[Watcher] = []
        """Clients that were served, or forgotten, since somebody last looked."""
        self.put_off: list[WaitingCall] = []
        """Served, and to be given back when no key of theirs is locked any more (Rule L13)."""
        self._serving: WatchedKey | None = None

    # -- what comes through the log -----------------------------------------------------------

    def block(self, context: Context, node: NodeId, call: Call) -> Reply:
        """``BLOCK client call…``: run the call; ``Blocked`` when it waits from now on."""
        client: Watcher = (node, int(call[1][1]))
        args = call[1][2:]
        row = ROWS[args[0]]
        assert row.run is not None
        self._forget(client)
        context.may_block = True
        try:
            reply = row.run(context, args)
        finally:
            context.may_block = False
        if isinstance(reply, Blocked):
            self.put(client, WaitingCall(call[0], reply.args, keys_of(row, reply.args)))
        return reply

    def await_change(self, node: NodeId, call: Call) -> Reply:
        """``AWAIT client when key…`` (Rule B5)."""
        client: Watcher = (node, int(call[1][1]))
        self._forget(client)
        self.put(client, WaitingCall(call[0], [AWAIT, call[1][2]], call[1][3:]))
        return OK

    def put(self, client: Watcher, call: WaitingCall) -> None:
        """The call waits from now on, behind all others (a served one only for its claim)."""
        self.by_client[client] = call
        if not call.served:
            for key in call.keys:
                self.by_key.setdefault((call.db_index, key), {})[client] = None

    def claim(self, context: Context, node: NodeId, call: Call) -> Reply:
        """``CLAIM client``: what it was served, once (Rule B2)."""
        client: Watcher = (node, int(call[1][1]))
        waiting = self.by_client.get(client)
        if waiting is None:
            return [UNKNOWN]
        if not waiting.served:
            return [WAITS]
        if isinstance(waiting.reply, NotHere):
            del self.by_client[client]
            return NOT_HERE
        del self.by_client[client]
        return [SERVED, waiting.reply]

    def unblock(self, context: Context, node: NodeId, call: Call) -> Reply:
        """``UNBLOCK client``: it waits no longer; if it was served, that is its answer."""
        client: Watcher = (node, int(call[1][1]))
        waiting = self.by_client.get(client)
        if waiting is None:
            return [UNKNOWN]
        self._forget(client)
        found = waiting.served and not isinstance(waiting.reply, NotHere)
        return [SERVED, waiting.reply] if found else [ENDED]

    def release(self, context: Context, node: NodeId, call: Call) -> Reply:
        """``RELEASE client``: the client is gone (Rule B3)."""
        self._give_back(context, (node, int(call[1][1])))
        return OK

    def forget_node(self, context: Context, node: NodeId) -> None:
        """The node's life is over (Rule B3)."""
        for client in [client for client in self.by_client if client[0] == node]:
            self._give_back(context, client)
            self.woken.append(client)

    def give_up(self, context: Context, node: NodeId) -> None:
        """The node's life is thought to be over; should it live, it asks again where it can (Rule B4)."""
        for client in self._given_up_with(node):
            self._give_back(context, client)
            self.woken.append(client)

    def would_give_up(self, node: NodeId) -> bool:
        """Whether ``give_up`` has anything to do."""
        return bool(self._given_up_with(node))

    def _given_up_with(self, node: NodeId) -> list[Watcher]:
        return [
            client
            for client, waiting in self.by_client.items()
            if client[0] == node and _can_be_made_anew(waiting)
        ]

    def leave(self, context: Context, leaving: bytearray) -> None:
        """The keys of some slots go to another group, and who waits for them has to follow (Rule X2)."""
        self._send_after(
            context,
            [
                client
                for client, waiting in self.by_client.items()
                if _can_be_made_anew(waiting) and any(leaving[slot_of(key)] for key in waiting.keys)
            ],
        )

    def leave_database(self, context: Context, db: int) -> None:
        """The same for all calls of a database (Rule D3)."""
        self._send_after(
            context,
            [
                client
                for client, waiting in self.by_client.items()
                if _can_be_made_anew(waiting) and waiting.db_index == db
            ],
        )

    def unclaimed_in(self, db: int) -> int:
        """How many calls of a database were served what would be put back if nobody claimed it."""
        count = 0
        for waiting in self.by_client.values():
            if waiting.db_index == db and waiting.served and not isinstance(waiting.reply, Error | NotHere):
                count += ROWS[waiting.args[0]].give_back is not None
        return count

    def _send_after(self, context: Context, clients: list[Watcher]) -> None:
        calls = [self.by_client[client] for client in clients]
        for client, waiting in zip(clients, calls, strict=True):
            if not waiting.served:
                self._forget(client)  # before anything is put back, or it would be served
        for client in reversed(clients):
            self._give_back(context, client)
        for client, waiting in zip(clients, calls, strict=True):
            self.woken.append(client)
            if waiting.is_told:
                continue
            follows = WaitingCall(waiting.db_index, waiting.args, waiting.keys)
            follows.served = True
            follows.reply = NOT_HERE
            self.put(client, follows)

    # -- changes of keys ------------------------------------------------------------------------

    def touched(self, key: WatchedKey) -> None:
        """``key`` is about to change."""
        if key in self.by_key and key != self._serving:
            self.ready[key] = True

    def touched_all(self, database: Database) -> None:
        """A whole database is about to be emptied or exchanged."""
        for key in self.by_key:
            if key[0] == database.index:
                self.ready[key] = True

    def serve(self, context: Context) -> None:
        """Offer all keys that have changed to their waiters (Rule B1)."""
        db_index = context.db_index
        while self.ready:
            key = next(iter(self.ready))
            has_changed = self.ready.pop(key)
            self._serving = key
            self._offer(context, key)
            self._serving = None
            if has_changed:
                self._tell(context, key)
        context.only_key = None
        context.may_block = False
        context.db_index = db_index
        context.db = context.databases.open(db_index)

    def _offer(self, context: Context, key: WatchedKey) -> None:
        """Try the calls that wait for ``key``; those that find nothing stand for all of their kind."""
        db_index, name = key
        context.db_index = db_index
        context.db = context.databases.open(db_index)
        context.only_key = name
        in_vain: dict[bytes, None] = {}
        for client in list(self.by_key.get(key, ())):
            waiting = self.by_client[client]
            if waiting.is_told:
                continue
            if self._locks.held and self._is_locked(waiting):
                continue
            kind = waiting.kind_at(name)
            if kind in in_vain:
                continue
            row = ROWS[waiting.args[0]]
            reply = self._try(context, row, waiting)
            if isinstance(reply, Blocked) or is_of_another_type(reply, row):
                in_vain[kind] = None
                continue
            self._unlist(client, waiting)
            waiting.served = True
            waiting.reply = reply
            self.woken.append(client)

    def _tell(self, context: Context, key: WatchedKey) -> None:
        """Those who take nothing here hear that ``key`` has changed (Rule B5)."""
        is_there = context.db.exists(key[1])
        for client in list(self.by_key.get(key, ())):
            waiting = self.by_client[client]
            if waiting.is_told and (is_there or waiting.args[1] == WHATEVER):
                self._unlist(client, waiting)
                waiting.served = True  # it stays until it waits anew: its node may have to be told again
                waiting.reply = NOT_HERE
                self.woken.append(client)

    def _try(self, context: Context, row: Row, waiting: WaitingCall) -> Reply:
        assert row.run is not None
        context.may_block = True
        try:
            return row.run(context, waiting.args)
        except Exception as error:
            return defect(context, waiting.args, error)

    # -- ends -------------------------------------------------------------------------------------

    def _give_back(self, context: Context, client: Watcher) -> None:
        waiting = self.by_client.get(client)
        if waiting is None:
            return
        self._forget(client)
        if waiting.served and not isinstance(waiting.reply, Error | NotHere):
            if self._locks.held and self._is_locked(waiting):
                self.put_off.append(waiting)
            else:
                _put_back(context, waiting)

    def _is_locked(self, waiting: WaitingCall) -> bool:
        held = self._locks.held
        return any((waiting.db_index, key) in held for key in waiting.keys)

    def released(self, context: Context, freed: list[WatchedKey]) -> None:
        """Nobody locks these keys any more (Rule L13)."""
        if self.put_off:
            put_off, self.put_off = self.put_off, []
            for waiting in put_off:
                if self._is_locked(waiting):
                    self.put_off.append(waiting)
                else:
                    _put_back(context, waiting)
        for place in freed if self.by_key else ():
            for client in self.by_key.get(place, ()):
                waiting = self.by_client[client]
                for key in () if waiting.is_told else waiting.keys:
                    self.ready.setdefault((waiting.db_index, key), False)

    def _forget(self, client: Watcher) -> None:
        waiting = self.by_client.pop(client, None)
        if waiting is not None and not waiting.served:
            self._unlist(client, waiting)

    def _unlist(self, client: Watcher, waiting: WaitingCall) -> None:
        for key in waiting.keys:
            place = (waiting.db_index, key)
            clients = self.by_key.get(place)
            if clients is not None:
                clients.pop(client, None)
                if not clients:
                    del self.by_key[place]
                    self.ready.pop(place, None)


def try_again(context: Context, row: Row, args: list[bytes]) -> Reply:
    """What one of its keys has for a call that has waited, the first that has something."""
    assert row.run is not None
    reply: Reply = None
    context.may_block = True
    for key in keys_of(row, args):
        context.only_key = key
        reply = row.run(context, args)
        if not (isinstance(reply, Blocked) or is_of_another_type(reply, row)):
            return reply
    return reply if isinstance(reply, Blocked) else Blocked(0, args)


def keys_awaited(args: list[bytes]) -> list[bytes]:
    """The keys in which something may come for a call that waits."""
    row = find_row(args)
    keys = [] if isinstance(row, Error) else keys_of(row, args)
    return keys[:1] if args[0] in _MOVES else keys


def when_told(args: list[bytes]) -> bytes:
    """Of which changes a call that waits wants to hear; a consumer also that its group is no more."""
    return WHATEVER if args[0] == b"XREADGROUP" else IF_THERE


def _put_back(context: Context, waiting: WaitingCall) -> None:
    """What it was served goes back to where it was."""
    give_back = ROWS[waiting.args[0]].give_back
    if give_back is None:
        return
    context.db_index = waiting.db_index
    context.db = context.databases.open(waiting.db_index)
    try:
        give_back(context, waiting.args, waiting.reply)
    except Exception as error:
        defect(context, waiting.args, error)


def _can_be_made_anew(waiting: WaitingCall) -> bool:
    """Whether it has had no effect, or one that can be undone."""
    return (
        not waiting.served
        or isinstance(waiting.reply, NotHere)
        or ROWS[waiting.args[0]].give_back is not None
    )


def is_of_another_type(reply: Reply, row: Row) -> bool:
    """Whether this is the reply of a call that waits for something else to be at the key.

    A key that became something else does not end a wait for a list or a sorted set.
    """
    return (
        isinstance(reply, Error)
        and row.group != "stream"
        and reply.text.startswith(_WRONG_TYPE)
        and bool(row.flags & Flag.WRITE)
    )
