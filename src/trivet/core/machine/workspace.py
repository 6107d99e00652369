"""The workspace: a scratch machine in which the coordinator of a transaction runs its calls.

It holds nothing but the keys that are locked, with the values that came with the locks. What is changed
here reaches the groups as values (``Effects``), so nothing can fail after the decision.

- Rule Y1: what a run touches is locked, in the mode that the use needs; else the run counts for nothing,
  and the coordinator locks what is missing and runs the calls again. Such a run goes on to its end, so
  that it finds all that is missing on its way.
- Rule Y2: whether a key exists is decided by its own group's time, which came with its lock; how long, by the
  latest of the times. No group's time is before that once it has the effects.
"""

from typing import Final

from trivet.core.access.users import Users
from trivet.core.base.ids import ConnectionId, GroupId
from trivet.core.base.prng import Prng
from trivet.core.command.events import EXPIRED, NEW_KEY
from trivet.core.command.table import ROWS, Context, Event, Row
from trivet.core.machine.checking import WHOLE
from trivet.core.machine.entry import Call, decode_calls
from trivet.core.machine.lock_modes import add_lock, locks_of_row
from trivet.core.machine.packets import Parcel, unpack
from trivet.core.machine.rights import AS, Denied, Rights
from trivet.core.machine.specials import ROWS_WITHOUT_GROWTH, UNKNOWN, aborted_exec, run_calls
from trivet.core.machine.waiting import BLOCK, RETRY, defect, try_again
from trivet.core.script.scripts import Scripts
from trivet.core.transaction.words import BLIND, EXCLUSIVE, KEYS_MAX, SHARED, Effects, LockKey
from trivet.core.values.codec import load_items
from trivet.core.values.database import Database
from trivet.core.values.databases import NUMBERS_MAX, Databases
from trivet.core.values.list_value import List
from trivet.core.wire.reply import Error, Reply

_NOT_LOCKED: Final = Error("TXNRETRY this key was not declared: the script runs again with it")
_WHOLE_DATABASE: Final = Error(
    "CROSSSLOT commands about whole databases (DBSIZE, KEYS, ...) can't be part of what runs over several "
    "groups: say them outside of it"
)


class Job:
    """What is to be run, and what the locks have brought."""

    __slots__ = ("call", "client", "grants", "home", "locks", "notifies", "now_ms", "prng", "refuses_growth")

    def __init__(self, call: Call, client: ConnectionId, home: GroupId) -> None:
        self.call = call
        """One command, ``EXEC``, or either on behalf of a user; or a call that may wait."""
        self.client = client
        self.home = home
        """Gets what belongs to no key: messages to publish."""
        self.locks: dict[LockKey, tuple[GroupId, int]] = {}
        """Of each locked key its group and the mode."""
        self.grants: list[tuple[int, bytes]] = []
        """(the group's time, items) as they came with the locks."""
        self.now_ms = 0
        """At least that of every group."""
        self.prng = Prng(0)
        self.notifies = 0
        self.refuses_growth = False


class Ran:
    """The outcome of a run."""

    __slots__ = ("denied", "effects", "missing", "reply")

    def __init__(self) -> None:
        self.reply: Reply = None
        self.effects: dict[GroupId, Effects] = {}
        """Of the groups in which something changes or is told."""
        self.missing: dict[LockKey, int] = {}
        """Locks that the run would have needed; if there are any, nothing else counts (Rule Y1)."""
        self.denied: list[Denied] = []


class Workspace:
    """The scratch machine of a node. Nothing but scripts stays from run to run."""

    def __init__(self) -> None:
        self.scripts = Scripts()
        self.defects: list[str] = []
        """Exceptions that commands raised; whoever takes them clears it."""
        self._scripts_seen = 0

    def know_scripts(self, scripts: Scripts) -> None:
        """What the system group was taught is known here, and what was evaluated here since it last was."""
        if scripts.digest != self._scripts_seen:
            self._scripts_seen = scripts.digest
            self.scripts = Scripts()
            self.scripts.restore(scripts.state())

    def run(self, job: Job, users: Users) -> Ran:
        """Run the calls once, on the locked values."""
        ran = Ran()
        databases = Databases()
        visible_ms = min([time_ms for time_ms, _ in job.grants], default=job.now_ms)
        databases.set_now(visible_ms)
        placeholder = List()
        for _, items in job.grants:
            if items:
                _load(databases, items, job.locks, placeholder)
        context = Context(databases)
        context.defects = self.defects
        context.scripts = self.scripts
        context.now_ms = job.now_ms
        context.prng = job.prng
        context.notifies = job.notifies
        context.refuses_growth = job.refuses_growth
        if job.notifies & (EXPIRED | NEW_KEY):
            databases.set_listener(context)
        touched = _Touched(job, ran, context)
        context.owner = touched
        databases.set_hook(touched)
        ran.reply = run_call(context, job.call, job.client, users, ran.denied)
        databases.set_hook(None)
        if not ran.missing:
            _collect(ran, job, context, touched.changed, placeholder)
        return ran


class _Touched:
    """Hears of every change, and is asked for keys that were not declared (Rule Y1)."""

    def __init__(self, job: Job, ran: Ran, context: Context) -> None:
        self.changed: dict[LockKey, Database] = {}
        self._locks = job.locks
        self._missing = ran.missing
        self._context = context

    def before_change(self, database: Database, key: bytes) -> None:
        """A change hook."""
        place = (database.index, key)
        self.changed[place] = database
        lock = self._locks.get(place)
        if lock is None or lock[1] == SHARED:
            add_lock(self._missing, place, EXCLUSIVE)

    def before_flush(self, database: Database) -> None:
        """Refused before it comes to that."""
        raise AssertionError("a workspace is not flushed")

    def refuses_database(self, db: int) -> Error | None:
        """See ``Owner``. Every database may be looked at: its keys are locked like others."""
        return None

    def refuses_in_script(self, row: Row, db: int, args: list[bytes]) -> Error | None:
        """See ``Owner``. What is not locked seems not to exist, and the run goes on (Rule Y1)."""
        if row.name.upper().encode() in WHOLE:
            return _WHOLE_DATABASE
        for place, mode in locks_of_row(row, db, args):
            lock = self._locks.get(place)
            if lock is None or (lock[1] not in (mode, EXCLUSIVE)):
                add_lock(self._missing, place, mode if lock is None else EXCLUSIVE)
        return None if len(self._missing) <= KEYS_MAX else _NOT_LOCKED

    def refuses_key(self, key: bytes) -> Error | None:
        """See ``Owner``. It may look: all that it misses is found in one run."""
        place = (self._context.db_index, key)
        lock = self._locks.get(place)
        if lock is None or lock[1] == BLIND:
            add_lock(self._missing, place, SHARED if lock is None else EXCLUSIVE)
        return None


def _load(
    databases: Databases, items: bytes, locks: dict[LockKey, tuple[GroupId, int]], placeholder: List
) -> None:
    """Raises ``ValueError`` for bytes that are no packets, or of keys that are not locked."""
    for index, _, found in unpack(items):
        if not 0 <= index < NUMBERS_MAX:
            raise ValueError("no such database")
        database = databases.open(index)
        for key, value, deadline_ms in found:
            lock = locks.get((index, key))
            if lock is None:
                raise ValueError("a key that is not locked")
            load_items(database, [(key, placeholder if lock[1] == BLIND else value, deadline_ms)])


def run_call(context: Context, call: Call, client: ConnectionId, users: Users, denied: list[Denied]) -> Reply:
    """Run a call on what the context holds. The rights of the user whose call it is stay in the context."""
    db, args = call
    if args[0] == AS:
        context.access = Rights(users, args[1], 0, client, denied)
        args = args[3:]
    context.db_index = db
    context.db = context.databases.open(db)
    if args[0] == b"EXEC":
        calls = decode_calls(args[1])
        refusal = aborted_exec(calls) if context.refuses_growth else None
        return refusal if refusal is not None else run_calls(context, calls)
    word = args[0]
    if word in (BLOCK, RETRY):
        args = args[2:]
    row = (ROWS_WITHOUT_GROWTH if context.refuses_growth and word != RETRY else ROWS).get(args[0])
    if row is None or row.run is None:
        return UNKNOWN
    try:
        if word == RETRY:
            return try_again(context, row, args)
        context.may_block = word == BLOCK
        return row.run(context, args)
    except Exception as error:
        return defect(context, args, error)


def _collect(
    ran: Ran, job: Job, context: Context, changed: dict[LockKey, Database], placeholder: List
) -> None:
    """What has changed and what is told, by group."""
    parcels: dict[GroupId, Parcel] = {}
    events: dict[GroupId, list[Event]] = {}
    for (index, key), database in changed.items():
        if database.values.get(key) is placeholder:
            continue  # it was looked at only
        group = job.locks[(index, key)][0]
        parcels.setdefault(group, Parcel()).add(database, key)
    for event in context.events:
        lock = job.locks.get((event[0], event[3]))
        events.setdefault(job.home if lock is None else lock[0], []).append(event)
    groups = dict.fromkeys([*parcels, *events])
    if context.published:
        groups[job.home] = None
    for group in groups:
        parcel = parcels.get(group)
        ran.effects[group] = Effects(
            job.now_ms,
            b"" if parcel is None else parcel.packed(),
            events.get(group, []),
            context.published if group == job.home else [],
        )
