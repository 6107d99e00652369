"""The machine: what one replica does with committed entries (station 7 of a write).

Strategy: one entry carries the writes of one turn; decoding, time and expiry are paid per
entry, sessions and digest per batch, and only the command itself per command. Everything
here is a function of the entries alone, so that replicas with equal applied index are equal.

- Rule M1: time and chance come from the entry (see ``entry``); time never goes back.
- Rule M2: keys whose deadline has passed are removed at the start of an entry, a bounded
  number of them, earliest first; the others are already invisible.
- Rule M3: a command that fails, even by a defect of ours, fails with the same reply on
  every replica and stops nobody.
- Rule M4: every ``DIGEST_INTERVAL`` entries the rolling digest is published; it covers all
  entries, all replies and, in turn, the buckets of the data.
"""

from collections.abc import Callable
from typing import Final, Protocol

import msgspec

import trivet.core.script.rows  # noqa: F401 (fills ROWS)
from trivet.core.access.users import Users
from trivet.core.base.checksum import crc32
from trivet.core.base.ids import NodeId
from trivet.core.base.prng import Prng
from trivet.core.command.events import EVICTED, EXPIRED, NEW_KEY
from trivet.core.command.table import ROWS, Context, Event, Flag
from trivet.core.machine.buckets import bucket_items
from trivet.core.machine.entry import Batch, Call, decode_batch, decode_body, decode_calls
from trivet.core.machine.memory import Memory
from trivet.core.machine.rights import (
    AS,
    REQUIREPASS,
    USERS,
    Denied,
    Rights,
    answer_about_users,
    change_users,
)
from trivet.core.machine.sessions import NodeSessions
from trivet.core.machine.settings import ACCOUNTED, OVER, Settings
from trivet.core.machine.waiting import WaitingCalls, defect
from trivet.core.machine.watches import Watcher, Watches
from trivet.core.script.scripts import Scripts
from trivet.core.values.codec import encode_items
from trivet.core.values.database import ChangeHook, Database
from trivet.core.values.databases import Databases
from trivet.core.wire.reply import NULL_ARRAY, OK, Error, Reply, Simple

DIGEST_INTERVAL: Final = 64
"""In entries. Part of the format: all replicas must use the same."""

UNKNOWN: Final = Error("ERR unknown command in the log")

OUT_OF_MEMORY: Final = Error("OOM command not allowed when used memory > 'maxmemory'.")
_ABORTED: Final = Error("EXECABORT Transaction discarded because of: " + OUT_OF_MEMORY.text)

_encoder = msgspec.msgpack.Encoder()

_WRITE: Final = int(Flag.WRITE)
"""As a plain integer: ``&`` of flags costs more than a GET."""


class SnapshotHook(Protocol):
    """What a snapshot walk wants to be told, before it happens."""

    def before_change(self, database: Database, key: bytes) -> None:
        """``key`` of ``database`` is about to change."""
        ...

    def before_flush(self, database: Database) -> None:
        """``database`` is about to be emptied."""
        ...


class Applied:
    """The outcome of one batch: its replies, in the order of its calls."""

    __slots__ = ("incarnation", "node", "replies", "sequence")

    def __init__(self, node: NodeId, incarnation: int, sequence: int, replies: list[Reply]) -> None:
        self.node = node
        self.incarnation = incarnation
        self.sequence = sequence
        self.replies = replies


Special = Callable[[Context, NodeId, Call], Reply]
"""What a node says for its clients, beside commands: gets the call and whose it is."""


class Machine:
    """The replicated state of one group and the rules by which entries change it."""

    def __init__(self, expire_per_entry_max: int) -> None:
        self.databases = Databases()
        self.sessions = NodeSessions()
        self.watches = Watches()
        self.waiting = WaitingCalls()
        self.settings = Settings()
        self.users = Users()
        self.denied: list[Denied] = []
        """Calls inside of others that were refused, since somebody last looked."""
        self.scripts = Scripts()
        self.applied_index = 0
        self.now_ms = 0
        """Unix time of the newest entry, in ms; the only clock that data sees."""
        self.digest = 0
        self.digests: dict[int, int] = {}
        """The last published digests by index (Rule M4); the newest 16."""
        self._expire_max = expire_per_entry_max
        self._writes = Context(self.databases)
        self._reads = Context(self.databases)
        self._writes.scripts = self._reads.scripts = self.scripts
        self.defects = self._reads.defects = self._writes.defects
        """Exceptions that commands raised (Rule M3), to be logged; whoever takes them clears it."""
        self.snapshot_hook: SnapshotHook | None = None
        self.memory: Memory | None = None
        """The account of memory, while there is a limit."""
        self.evicted_count = 0
        """Keys evicted since this replica started."""
        self.follower: ChangeHook | None = None
        """Somebody of this node who wants to hear of every change."""
        self.running: Batch | None = None
        """The batch whose calls are being run, for the same."""
        self.running_replies: list[Reply] = []
        """The replies of its calls until now."""
        self._hook = MachineHook(self)
        self._specials: dict[bytes, Special] = {
            b"EXEC": self._exec,
            b"WATCH": self._watch,
            b"UNWATCH": self._unwatch,
            b"BLOCK": self._block,
            b"CLAIM": self.waiting.claim,
            b"UNBLOCK": self._unblock,
            b"RELEASE": self._release,
            b"NODEDOWN": self._node_down,
            b"SETTING": self._setting,
            USERS: self._users,
            AS: self._as,
            b"EVICT": self._evict,
        }

    # -- entries ---------------------------------------------------------------------------

    def apply(self, index: int, payload: bytes) -> list[Applied]:
        """Apply the committed entry at ``index``; the outcome of every batch applied by it."""
        assert index == self.applied_index + 1, (index, self.applied_index)
        self.applied_index = index
        outcome: list[Applied] = []
        if payload:
            self.digest = crc32(payload, self.digest)
            self._apply_body(payload, outcome)
        if index % DIGEST_INTERVAL == 0:
            self._publish_digest(index)
        return outcome

    def _apply_body(self, payload: bytes, outcome: list[Applied]) -> None:
        try:
            body = decode_body(payload)
        except msgspec.DecodeError as error:
            # It is in the log of every replica: whoever stopped here would stop at every start.
            self.defects.append(f"entry {self.applied_index} does not decode: {error}")
            return
        if body.time_ms > self.now_ms:
            self.now_ms = body.time_ms
            self.databases.set_now(body.time_ms)
        context = self._writes
        context.refuses_growth = self.settings.refuses_growth
        if context.notifies != self.settings.notifies:
            self._listen(context)
        self.databases.expire_due(self._expire_max)
        context.now_ms = self.now_ms
        context.prng = Prng(body.seed)
        if self.waiting.ready:
            self._serve(context)
        for raw in body.batches:
            try:
                batch = decode_batch(raw)
            except msgspec.DecodeError as error:
                self.defects.append(f"a batch in entry {self.applied_index} does not decode: {error}")
                continue
            known = self.sessions.by_node.get(batch.node)
            if known is not None and known.incarnation < batch.incarnation:
                self._life_ended(context, batch.node)
            session = self.sessions.admit(batch)
            if session is None:
                continue
            replies = self._run_batch(context, batch)
            session.replies[batch.sequence] = replies
            self.digest = crc32(_encoder.encode(replies), self.digest)
            outcome.append(Applied(batch.node, batch.incarnation, batch.sequence, replies))
        if self.memory is not None:
            self.memory.settle()

    def _run_batch(self, context: Context, batch: Batch) -> list[Reply]:
        replies: list[Reply] = []
        self.running = batch
        self.running_replies = replies
        waiting = self.waiting
        open_db = self.databases.open
        rows = _ROWS_WITHOUT_GROWTH if self.settings.refuses_growth else ROWS
        db_index = _NO_DATABASE
        for call in batch.calls:
            args = call[1]
            try:
                if call[0] != db_index:
                    context.db = open_db(call[0])
                    context.db_index = db_index = call[0]
                row = rows.get(args[0])
                run = row.run if row is not None else None
                if run is not None:
                    replies.append(run(context, args))
                else:
                    special = self._specials.get(args[0])
                    replies.append(UNKNOWN if special is None else special(context, batch.node, call))
                    db_index = _NO_DATABASE
            except Exception as error:
                replies.append(defect(context, args, error))
                db_index = _NO_DATABASE
            if waiting.ready:
                self._serve(context)
        self.running = None
        return replies

    # -- transactions of one group: MULTI/EXEC/WATCH -----------------------------------------

    def _exec(self, context: Context, node: NodeId, call: Call) -> Reply:
        """``EXEC packed-calls client`` (empty: no watches)."""
        args = call[1]
        calls = decode_calls(args[1])
        if self.settings.refuses_growth and any(_grows(call) for call in calls):
            self.watches.forget((node, int(args[2] or b"-1")))
            self._watch_hooks()
            return _ABORTED
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

    def _serve(self, context: Context) -> None:
        running, self.running = self.running, None
        self.waiting.serve(context)
        self.running = running
        self._watch_hooks()

    def _life_ended(self, context: Context, node: NodeId) -> None:
        """Rule S3: what the node's clients of that life watched and waited for is over."""
        if self.watches.watchers or self.waiting.by_client:
            self.watches.forget_node(node)
            self.waiting.forget_node(context, node)
            self._serve(context)

    # -- settings -------------------------------------------------------------------------------

    def _setting(self, context: Context, node: NodeId, call: Call) -> Reply:
        """``SETTING name value …``."""
        args = call[1]
        for at in range(1, len(args) - 1, 2):
            if args[at] == REQUIREPASS:
                self.users.require_password(args[at + 1])
            else:
                self.settings.put(args[at], args[at + 1])
        self._listen(context)
        if any(name in ACCOUNTED for name in args[1::2]):
            self.keep_account()
        return OK

    def keep_account(self) -> None:
        """Memory is counted while a limit is set; a change of the policy begins anew."""
        settings = self.settings
        policy = settings.get(b"maxmemory-policy")
        factors = settings.number(b"lfu-log-factor"), settings.number(b"lfu-decay-time")
        if not settings.maxmemory_bytes:
            self.memory = None
        elif self.memory is None or not self.memory.is_for(policy, *factors):
            self.memory = Memory(self.databases, policy, *factors)
        self._watch_hooks()

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
            if context.db.remove(args[at + 1]):
                self.evicted_count += 1
                if context.notifies:
                    context.notify(EVICTED, b"evicted", args[at + 1])
        return OK

    def _listen(self, context: Context) -> None:
        """Other keyspace events are wanted from now on."""
        context.notifies = self.settings.notifies
        self.databases.set_listener(context if context.notifies & (EXPIRED | NEW_KEY) else None)

    # -- users ----------------------------------------------------------------------------------

    def _users(self, context: Context, node: NodeId, call: Call) -> Reply:
        """``USERS …``: a change of users."""
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

    def take_denied(self) -> list[Denied]:
        """Calls inside of others that were refused since the last time."""
        denied = self.denied
        if denied:
            self.denied = []
        return denied

    # -- what an entry said to others -----------------------------------------------------------

    def has_news(self) -> bool:
        """Whether one of the ``take_…`` methods has something."""
        context = self._writes
        return bool(context.events or context.published or self.waiting.woken or self.denied)

    def take_woken(self) -> list[Watcher]:
        """Clients whose waiting calls were served or forgotten since the last time."""
        woken = self.waiting.woken
        if woken:
            self.waiting.woken = []
        return woken

    def take_events(self) -> list[Event]:
        """Keyspace events since the last time."""
        events = self._writes.events
        if events:
            self._writes.events = []
        return events

    def take_published(self) -> list[tuple[bool, bytes, bytes]]:
        """(to a sharded channel, channel, message) of transactions and scripts since the last time."""
        published = self._writes.published
        if published:
            self._writes.published = []
        return published

    def _watch_hooks(self) -> None:
        """The databases tell us of changes only while somebody wants to know."""
        wanted = (
            bool(self.watches.keys)
            or bool(self.waiting.by_key)
            or self.snapshot_hook is not None
            or self.follower is not None
        )
        self.databases.set_hook(self._hook if wanted else self.memory)

    def follow_changes(self, follower: ChangeHook | None) -> None:
        """``follower`` hears of every change from now on."""
        self.follower = follower
        self._watch_hooks()

    def hooks_changed(self) -> None:
        """A snapshot walk began or ended."""
        self._watch_hooks()

    # -- reads -----------------------------------------------------------------------------

    def read(self, calls: list[Call], now_ms: int, prng: Prng) -> list[Reply]:
        """Run read-only calls on the present state.

        ``now_ms`` is the reader's Unix time: it answers ``TIME`` and ``TTL``. Whether a key
        exists is decided by the machine's own time only (Rule M1).
        """
        context = self._reads
        context.now_ms = max(now_ms, self.now_ms)
        context.prng = prng
        context.uses = self.memory
        replies: list[Reply] = []
        open_db = self.databases.open
        for call in calls:
            args = call[1]
            try:
                context.db = open_db(call[0])
                context.db_index = call[0]
                row = ROWS.get(args[0])
                if row is not None and row.run is not None:
                    assert int(row.flags) & _WRITE == 0
                    replies.append(row.run(context, args))
                else:
                    replies.append(self._read_special(context, args))
            except Exception as error:
                replies.append(defect(context, args, error))
        return replies

    def _read_special(self, context: Context, args: list[bytes]) -> Reply:
        """A read that is no command: a transaction, on behalf of a user, about users."""
        if args[0] == b"EXEC":
            return run_calls(context, decode_calls(args[1]))
        if args[0] == USERS:
            return answer_about_users(self.users, args)
        assert args[0] == AS
        context.access = Rights(self.users, args[1], 0, int(args[2]), self.denied)
        try:
            row = ROWS.get(args[3])
            if row is None or row.run is None:
                return self._read_special(context, args[3:])
            assert row.flags & Flag.WRITE == 0
            return row.run(context, args[3:])
        finally:
            context.access = None

    # -- digest ----------------------------------------------------------------------------

    def _publish_digest(self, index: int) -> None:
        """Rule M4: fold one bucket of each database into the digest and publish it."""
        turn = index // DIGEST_INTERVAL
        for db_index, database in self.databases.items():
            table = database.values
            if not len(table):
                continue  # whether an empty database is open depends on reads, which differ between replicas
            items = bucket_items(table, database.deadlines, turn % table.bucket_count)
            self.digest = crc32(encode_items(items), crc32(b"%d" % db_index, self.digest))
        if self.scripts.digest:
            self.digest = crc32(b"%d" % self.scripts.digest, self.digest)
        self.digests[index] = self.digest
        if len(self.digests) > 16:
            del self.digests[next(iter(self.digests))]


class MachineHook:
    """Tells watches and a snapshot walk of a change, before it happens."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def before_change(self, database: Database, key: bytes) -> None:
        """``key`` is about to change."""
        machine = self._machine
        if machine.snapshot_hook is not None:
            machine.snapshot_hook.before_change(database, key)
        if machine.watches.keys:
            machine.watches.touched((database.index, key))
        if machine.waiting.by_key:
            machine.waiting.touched((database.index, key))
        if machine.follower is not None:
            machine.follower.before_change(database, key)
        if machine.memory is not None:
            machine.memory.before_change(database, key)

    def before_flush(self, database: Database) -> None:
        """All keys of ``database`` are about to go."""
        machine = self._machine
        if machine.snapshot_hook is not None:
            machine.snapshot_hook.before_flush(database)
        if machine.watches.keys:
            machine.watches.touched_all(database)
        if machine.waiting.by_key:
            machine.waiting.touched_all(database)
        if machine.follower is not None:
            machine.follower.before_flush(database)


def _refuse_growth(context: Context, args: list[bytes]) -> Reply:
    return OUT_OF_MEMORY


_NO_DATABASE: Final = 1 << 64
"""No call can be of this one."""
_ROWS_WITHOUT_GROWTH: Final = {
    name: msgspec.structs.replace(row, run=_refuse_growth) if row.run and row.flags & Flag.DENYOOM else row
    for name, row in ROWS.items()
}
"""The commands while memory is short: those that need some are refused."""


def _grows(call: Call) -> bool:
    """Whether a call needs memory; one of database -1 is a reply (see ``run_calls``)."""
    return call[0] >= 0 and bool(ROWS[call[1][0]].flags & Flag.DENYOOM)


def run_calls(context: Context, calls: list[Call]) -> list[Reply]:
    """Run the commands of a transaction one after the other; an error stops none of the others.

    A call of database -1 is the reply of a command that the client's node has answered itself.
    """
    replies: list[Reply] = []
    for db_index, args in calls:
        if db_index < 0:
            replies.append(_embedded(args))
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


def _embedded(args: list[bytes]) -> Reply:
    kind = args[0]
    if kind == b"+":
        return Simple(args[1].decode())
    if kind == b"-":
        return Error(args[1].decode())

    return args[1]
