"""What a node says in the log, beside commands: transactions, watches, waits, settings, users, slots.

Each special gets the call and whose it is.
"""

from collections.abc import Callable
from typing import Final

import msgspec

import trivet.core.script.rows  # noqa: F401 (fills ROWS)
from trivet.core.base.ids import NodeId
from trivet.core.cluster.map import decode
from trivet.core.command.events import EVICTED
from trivet.core.command.table import ROWS, Context, Flag
from trivet.core.machine.entry import Call, decode_calls
from trivet.core.machine.importing import BAD_CALL, found, import_call
from trivet.core.machine.lessons import LESSON, take_lesson
from trivet.core.machine.ownership import OWNED
from trivet.core.machine.rights import AS, REQUIREPASS, USERS, Rights, change_users
from trivet.core.machine.sealing import disown, purge, seal, unseal
from trivet.core.machine.settings import ACCOUNTED, OVER
from trivet.core.machine.sharing import SHARED, take_copy
from trivet.core.machine.state import State
from trivet.core.machine.transactions import BAD_WORD, txn
from trivet.core.machine.waiting import AWAIT, defect
from trivet.core.machine.withholding import given, lift, withhold
from trivet.core.transaction.words import TXN
from trivet.core.wire.reply import NULL_ARRAY, OK, Error, NotHere, Reply, Simple

UNKNOWN: Final = Error("ERR unknown command in the log")

OUT_OF_MEMORY: Final = Error("OOM command not allowed when used memory > 'maxmemory'.")
NO_MAP: Final = Error("CLUSTERDOWN the cluster is not founded yet: try again; nothing was done")
_ABORTED: Final = Error("EXECABORT Transaction discarded because of: " + OUT_OF_MEMORY.text)

Special = Callable[[Context, NodeId, Call], Reply]
"""What a node says for its clients, beside commands: gets the call and whose it is."""


MOVING: Final[dict[bytes, Callable[[State, Context, list[bytes]], Reply]]] = {
    b"FOUND": found,
    b"IMPORT": import_call,
    b"SEAL": seal,
    b"UNSEAL": unseal,
    b"DISOWN": disown,
    b"PURGE": purge,
    b"WITHHOLD": withhold,
    b"GIVEN": given,
    b"LIFT": lift,
}


class Specials(State):
    """The state, and the calls that are no commands."""

    def __init__(self, expire_per_entry_max: int) -> None:
        super().__init__(expire_per_entry_max)
        self._specials: dict[bytes, Special] = {
            b"EXEC": self._exec,
            b"WATCH": self._watch,
            b"UNWATCH": self._unwatch,
            b"BLOCK": self._block,
            AWAIT: self._await,
            b"CLAIM": self._claim,
            b"UNBLOCK": self._unblock,
            b"RELEASE": self._release,
            b"NODEDOWN": self._node_down,
            b"FORGET": self._forget_node,
            b"SETTING": self._setting,
            USERS: self._users,
            AS: self._as,
            b"EVICT": self._evict,
            b"MAP": self._map,
            SHARED: self._copy,
            LESSON: self._lesson,
            TXN: self._txn,
            **dict.fromkeys(MOVING, self._moving),
        }

    # -- transactions of one group: MULTI/EXEC/WATCH -----------------------------------------

    def _exec(self, context: Context, node: NodeId, call: Call) -> Reply:
        """``EXEC packed-calls client`` (empty: no watches)."""
        args = call[1]
        calls = decode_calls(args[1])
        if self.settings.refuses_growth and (refusal := aborted_exec(calls)) is not None:
            self.watches.forget((node, int(args[2] or b"-1")))
            self._watch_hooks()
            return refusal
        if args[2]:
            watcher = (node, int(args[2]))
            clean = self.watches.is_clean(watcher, self.databases)
            self.watches.forget(watcher)
            self._watch_hooks()
            if not clean:
                return NULL_ARRAY
        return run_calls(context, calls)

    def _watch(self, context: Context, node: NodeId, call: Call) -> Reply:
        """``WATCH client key…``."""
        db_index, args = call
        watcher = (node, int(args[1]))
        for key in args[2:]:
            self.watches.watch(watcher, (db_index, key), context.db.exists(key))
        self._watch_hooks()
        return OK

    def _unwatch(self, context: Context, node: NodeId, call: Call) -> Reply:
        """``UNWATCH client``."""
        self.watches.forget((node, int(call[1][1])))
        self._watch_hooks()
        return OK

    # -- calls that wait ------------------------------------------------------------------------

    def _block(self, context: Context, node: NodeId, call: Call) -> Reply:
        if self.settings.refuses_growth and _grows((call[0], call[1][2:])):
            return OUT_OF_MEMORY
        reply = self.waiting.block(context, node, call)
        self._watch_hooks()
        return reply

    def _await(self, context: Context, node: NodeId, call: Call) -> Reply:
        reply = self.waiting.await_change(node, call)
        self._watch_hooks()
        return reply

    def _claim(self, context: Context, node: NodeId, call: Call) -> Reply:
        reply = self.waiting.claim(context, node, call)
        if isinstance(reply, NotHere):
            self.turned_away += 1
        return reply

    def _unblock(self, context: Context, node: NodeId, call: Call) -> Reply:
        reply = self.waiting.unblock(context, node, call)
        self._watch_hooks()
        return reply

    def _release(self, context: Context, node: NodeId, call: Call) -> Reply:
        reply = self.waiting.release(context, node, call)
        self._watch_hooks()
        return reply

    def _node_down(self, context: Context, node: NodeId, call: Call) -> Reply:
        """``NODEDOWN node incarnation``: the leader hears nothing of that life any more (Rule B3)."""
        dead = int(call[1][1])
        session = self.sessions.by_node.get(dead)
        if session is not None and session.incarnation == int(call[1][2]):
            self.waiting.give_up(context, dead)
            self._watch_hooks()
        return OK

    def _forget_node(self, context: Context, node: NodeId, call: Call) -> Reply:
        """``FORGET node``: it has left the cluster for ever (Rule S4), and its clients with it (Rule B3)."""
        gone = int(call[1][1])
        if gone == node or gone in self.sessions.gone:
            return OK  # its own batch is being applied; or it was said before
        self._life_ended(context, gone)
        self.sessions.forget(gone)
        return OK

    # -- settings -------------------------------------------------------------------------------

    def _setting(self, context: Context, node: NodeId, call: Call) -> Reply:
        """``SETTING name value …``."""
        args = call[1]
        self.shared_index = self.entry_index
        for at in range(1, len(args) - 1, 2):
            if args[at] == REQUIREPASS:
                self.users.require_password(args[at + 1])
            else:
                self.settings.put(args[at], args[at + 1])
        self._listen(context)
        if any(name in ACCOUNTED for name in args[1::2]):
            self.keep_account()
        return OK

    def _evict(self, context: Context, node: NodeId, call: Call) -> Reply:
        """``EVICT refuses database key …``: the leader's decision about memory (Rules E1, E2)."""
        args = call[1]
        refuses = args[1] == b"1" and self.settings.maxmemory_bytes > 0
        if refuses is not self.settings.refuses_growth:
            self.settings.put(OVER, b"yes" if refuses else b"no")
            context.refuses_growth = refuses
        for at in range(2, len(args) - 1, 2):
            context.db_index = int(args[at])
            context.db = self.databases.open(context.db_index)
            if self.ownership.is_partial and self.ownership.place(args[at + 1]) != OWNED:
                continue
            if (context.db_index, args[at + 1]) in self.intents.locks.held:
                continue
            if context.db.remove(args[at + 1]):
                self.evicted_count += 1
                if context.notifies:
                    context.notify(EVICTED, b"evicted", args[at + 1])
        return OK

    # -- the cluster map ------------------------------------------------------------------------

    def _map(self, context: Context, node: NodeId, call: Call) -> Reply:
        """``MAP FOUND map``, once, as the first word of the system group; then ``MAP verb …``."""
        args = call[1]
        if args[1] == b"FOUND":
            if self.cluster is None:
                self.cluster = decode(args[2])
            return OK
        return NO_MAP if self.cluster is None else self.cluster.change(args, self.now_ms)

    def _copy(self, context: Context, node: NodeId, call: Call) -> Reply:
        """``SHARED copy``: what the system group has decided (see ``sharing``)."""
        reply = take_copy(self, call[1])
        self._listen(context)
        return reply

    def _lesson(self, context: Context, node: NodeId, call: Call) -> Reply:
        """``LESSON known difference``: what the group has missed of functions (see ``lessons``)."""
        return take_lesson(self, call[1])

    # -- slots ----------------------------------------------------------------------------------

    def _moving(self, context: Context, node: NodeId, call: Call) -> Reply:
        """What stewards say about slots and databases."""
        try:
            return MOVING[call[1][0]](self, context, call[1])
        except (ValueError, IndexError):
            return BAD_CALL

    # -- transactions over groups -----------------------------------------------------------------

    def _txn(self, context: Context, node: NodeId, call: Call) -> Reply:
        """``TXN verb packed``."""
        try:
            reply = txn(self, context, node, call[1])
            if isinstance(reply, NotHere):
                self.turned_away += 1
            return reply
        except (ValueError, IndexError):
            return BAD_WORD
        finally:
            self.locks_otherwise()

    # -- users ----------------------------------------------------------------------------------

    def _users(self, context: Context, node: NodeId, call: Call) -> Reply:
        """``USERS …``: a change of users."""
        self.shared_index = self.entry_index
        return change_users(self.users, call[1])

    def _as(self, context: Context, node: NodeId, call: Call) -> Reply:
        """``AS user client call…``: the rights of that user, as they are now, bound what is in the call."""
        db_index, args = call
        inner = args[3:]
        context.access = Rights(self.users, args[1], node, int(args[2]), self.denied)
        try:
            row = ROWS.get(inner[0])
            if row is not None and row.run is not None:
                return row.run(context, inner)
            special = self._specials.get(inner[0])
            return UNKNOWN if special is None else special(context, node, (db_index, inner))
        finally:
            context.access = None


def _refuse_growth(context: Context, args: list[bytes]) -> Reply:
    return OUT_OF_MEMORY


ROWS_WITHOUT_GROWTH: Final = {
    name: msgspec.structs.replace(row, run=_refuse_growth) if row.run and row.flags & Flag.DENYOOM else row
    for name, row in ROWS.items()
}
"""The commands while memory is short: those that need some are refused."""


def _grows(call: Call) -> bool:
    """Whether a call needs memory; one of database -1 is a reply (see ``run_calls``)."""
    return call[0] >= 0 and bool(ROWS[call[1][0]].flags & Flag.DENYOOM)


def aborted_exec(calls: list[Call]) -> Error | None:
    """While memory is short: the reply to a transaction in which some call needs more."""
    return _ABORTED if any(_grows(call) for call in calls) else None


def run_calls(context: Context, calls: list[Call]) -> list[Reply]:
    """Run the commands of a transaction one after the other; an error stops none of the others.

    A call of database -1 is the reply of a command that the client's node has answered itself.
    """
    replies: list[Reply] = []
    for db_index, args in calls:
        if db_index < 0:
            replies.append(embedded(args))
            continue
        if context.access is not None and (refusal := context.access.refuses_in_exec(args)) is not None:
            replies.append(refusal)
            continue
        context.db_index = db_index
        context.db = context.databases.open(db_index)
        run = ROWS[args[0]].run
        assert run is not None
        try:
            replies.append(run(context, args))
        except Exception as error:
            replies.append(defect(context, args, error))
    return replies


def embedded(args: list[bytes]) -> Reply:
    """The reply that stands in a transaction instead of a call."""
    kind = args[0]
    if kind == b"+":
        return Simple(args[1].decode())
    if kind == b"-":
        return Error(args[1].decode())

    return args[1]
