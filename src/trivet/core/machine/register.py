"""Calls upon one register: what they make of its value, and what they answer.

Where a keyspace has no log, each key is a register of its own (``core/paxos``), and a proposer runs the calls
of a client that concern one key upon the value that it has found. This is that computation: a scratch
machine that holds one key at a time. What comes out is a function of the value, the calls, the time and
the seed (and of the users and scripts known here), the same bytes everywhere.

- Rule R1: which register calls concern is told before they run (``register_of``). What comes to another key
  on its way, in a script or by a pattern of ``SORT``, is refused that. Should a command of ours change
  another key all the same, nothing of the run counts.
- Rule R2: a value past its deadline is not there. Where calls may write, it goes before they run: then it is
  gone for everybody, whatever the clocks of others say. Who only reads changes nothing, and says that the
  value was late. Late fields of a hash go with the next change.
- Rule R3: a change is one whatever the value is afterwards; but from nothing to nothing is none, and where
  each call is answered by an error and the value is as before, there was none.
- Rule R4: what can go wrong is a reply, and stops none of the other calls.
- Rule R5: tasks of several clients may run as one, one after the other. Whoever watches the key and comes
  after one that has changed it is broken off, although no version lies between the two.
- Rule R6: a fencing number (``FENCE``) is 512 times the version, and, once the key has changed in this
  operation, the place of the task among those that come after the first change. The version that the
  operation makes is higher, so numbers of later ones are; and no two tasks of one operation get the same.
"""

from typing import Final

import msgspec

from trivet.core.access.users import Users
from trivet.core.base.ids import ConnectionId
from trivet.core.base.prng import Prng
from trivet.core.command.events import EXPIRED, NEW_KEY
from trivet.core.command.lookup import keys_of, other_databases
from trivet.core.command.table import ROWS, Context, Event, Row
from trivet.core.machine.checking import WHOLE
from trivet.core.machine.entry import Call
from trivet.core.machine.register_place import WHOLE_DATABASE
from trivet.core.machine.rights import Denied
from trivet.core.machine.specials import ROWS_WITHOUT_GROWTH
from trivet.core.machine.waiting import DEFECT, defect
from trivet.core.machine.workspace import run_call
from trivet.core.script.scripts import Scripts
from trivet.core.values.codec import decode_value, encode_value
from trivet.core.values.database import Database
from trivet.core.values.databases import Databases
from trivet.core.values.hash_value import MortalHash
from trivet.core.values.types import Value
from trivet.core.wire.reply import NULL_ARRAY, Error, Reply

UNREADABLE: Final = Error("ERR internal error: the value of this key can't be read, please report it")
OTHER_KEY: Final = Error(
    "CROSSSLOT this call came to another key than the one that it names: each key stands for itself in a "
    "keyspace of mode paxos"
)
UNKNOWN_VERSION: Final = -1
"""Of a value that no register has had yet (Rule R5)."""
_PLACE_BITS: Final = 9
"""Of a fencing number; more tasks than fit come to one number."""
_DUE_FIELDS_MAX: Final = 10_000
"""Fields past their deadline that a change takes along; the others stay, unseen."""


class Task(msgspec.Struct, array_like=True, frozen=True):
    """Calls of one client that concern one register; it may travel to the node that runs it."""

    db: int
    key: bytes | None
    """None: the calls concern no key, and come to none."""
    calls: list[Call]
    """Commands, ``EXEC``, or either on behalf of a user: all of them concern this register."""
    client: ConnectionId = 0
    watched: tuple[int, bool] | None = None
    """The version at which the client watches the key, and whether the key was there: if that is not so any
    more, nothing is run, and each call is answered as an ``EXEC`` that was broken off."""
    reads_only: bool = False
    """Nothing may change; else also a value goes that is late."""


_NO_EVENTS: Final[list[Event]] = []
_NOTHING_PUBLISHED: Final[list[tuple[bool, bytes, bytes]]] = []
_NOBODY_DENIED: Final[list[Denied]] = []
"""Of most runs; nothing is ever put in."""


class TaskResult:
    """What a run came to."""

    __slots__ = ("changed", "denied", "events", "published", "replies", "there", "value", "was_late")

    def __init__(self) -> None:
        self.changed = False
        self.value: bytes | None = None
        """If it has changed: what it is now; None: it is gone."""
        self.replies: list[Reply] = []
        """One per call."""
        self.there = False
        """Whether the key was there before, as of the time of the run."""
        self.was_late = False
        """The value that was found is past its deadline."""
        self.events: list[Event] = _NO_EVENTS
        self.published: list[tuple[bool, bytes, bytes]] = _NOTHING_PUBLISHED
        self.denied: list[Denied] = _NOBODY_DENIED


class Registers:
    """The scratch machine of a group's proposer.

    Between two runs it holds nothing but what is known of users and scripts.
    """

    def __init__(self, users: Users, scripts: Scripts) -> None:
        self.users = users
        self.scripts = scripts
        """Its own: what ``EVAL`` brings is remembered in it."""
        self.notifies = 0
        """Classes of keyspace events that somebody wants."""
        self.refuses_growth = False
        """Memory is short."""
        self.defects: list[str] = []
        """Exceptions that commands raised; whoever takes them clears it."""
        self._databases = Databases()
        self._context = Context(self._databases)
        self._context.defects = self.defects
        self._changes = _Changes()
        self._owner = _OneKey(self._context)
        self._context.owner = self._owner
        self._fences = _Fences(self._changes)
        self._context.fences = self._fences
        self._databases.set_hook(self._changes)
        self._listens = False

    def run(self, task: Task, data: bytes | None, version: int, now_ms: int, seed: int) -> TaskResult:
        """Run the calls of ``task`` once, upon the register's value ``data`` of this version.

        Of a task that came from another node it is asked first whether ``register_of`` says so too.
        """
        result = TaskResult()
        databases, changes = self._databases, self._changes
        key = b"" if task.key is None else task.key
        changes.key = self._owner.key = task.key
        changes.db = self._owner.db = task.db
        self._fences.begin(version)
        if databases.now_ms != now_ms:
            databases.set_now(now_ms)
        database = databases.open(task.db)
        if data is not None:
            try:
                value, deadline_ms = decode_value(data)
            except ValueError:
                result.replies = [UNREADABLE] * len(task.calls)
                return result
            if deadline_ms == -1 and type(value) is bytes:
                database.values.put(key, value)
                result.there = True
            else:
                _put(database, key, value, deadline_ms)
                is_mortal = deadline_ms != -1 or isinstance(value, MortalHash)
                result.there = not is_mortal or database.get(key) is not None
                result.was_late = not result.there
        context = self._context
        if context.notifies != self.notifies:
            self._listen()
        if result.was_late and not task.reads_only:
            database.remove(key)
        if task.watched is not None and task.watched != (version, result.there):
            result.replies = [NULL_ARRAY] * len(task.calls)
        else:
            self._run_calls(task, database, now_ms, seed, result)
        if changes.happened and not changes.strayed:
            _settle(result, database, key, data)
        if context.events:
            result.events, context.events = context.events, []
        if context.published:
            result.published, context.published = context.published, []
        if changes.strayed:
            _void(result, len(task.calls))
        changes.happened = changes.strayed = False
        _clear(database, key)
        return result

    def run_all(
        self, tasks: list[Task], data: bytes | None, version: int, now_ms: int, seed: int
    ) -> tuple[list[TaskResult], bool, bytes | None]:
        """Run tasks of one register one after the other: their results, whether it has changed, to what."""
        results: list[TaskResult] = []
        prng = Prng(seed)
        changed = False
        for task in tasks:
            result = self.run(task, data, UNKNOWN_VERSION if changed else version, now_ms, prng.u64())
            results.append(result)
            if result.changed:
                changed, data = True, result.value
        return results, changed, data

    def _run_calls(self, task: Task, database: Database, now_ms: int, seed: int, result: TaskResult) -> None:
        context = self._context
        context.now_ms = now_ms
        context.prng = Prng(seed)
        context.scripts = self.scripts
        context.refuses_growth = self.refuses_growth
        context.db = database
        context.db_index = task.db
        rows = ROWS_WITHOUT_GROWTH if self.refuses_growth else ROWS
        replies = result.replies
        for call in task.calls:
            args = call[1]
            try:
                row = rows.get(args[0])
                if row is not None and row.run is not None:
                    replies.append(row.run(context, args))
                    continue
                if result.denied is _NOBODY_DENIED:
                    result.denied = []
                replies.append(run_call(context, call, task.client, self.users, result.denied))
            except Exception as error:
                replies.append(defect(context, args, error))
            context.access = None
            context.db = database
            context.db_index = task.db

    def _listen(self) -> None:
        """Somebody wants other events than before."""
        self._context.notifies = self.notifies
        listens = bool(self.notifies & (EXPIRED | NEW_KEY))
        if listens is not self._listens:
            self._listens = listens
            self._databases.set_listener(self._context if listens else None)


class _Changes:
    """Hears of every change."""

    __slots__ = ("db", "happened", "key", "strayed")

    def __init__(self) -> None:
        self.db = 0
        self.key: bytes | None = None
        self.happened = False
        self.strayed = False
        """Something else than the register was about to change (Rule R1)."""

    def before_change(self, database: Database, key: bytes) -> None:
        """A change hook."""
        self.happened = True
        if key != self.key or database.index != self.db:
            self.strayed = True

    def before_flush(self, database: Database) -> None:
        """Refused before it comes to that."""
        self.strayed = True


class _Fences:
    """A ``Fencing``: of one operation after the other (Rule R6)."""

    __slots__ = ("_changes", "_place", "_version")

    def __init__(self, changes: _Changes) -> None:
        self._changes = changes
        self._version = 0
        self._place = 1

    def begin(self, version: int) -> None:
        """The next task, upon this version, or after one of the same operation that has changed it."""
        if version != UNKNOWN_VERSION:
            self._version = version
            self._place = 1
        else:
            self._place += 1

    def tell(self) -> int:
        """See ``Fencing``."""
        has_changed = self._place > 1 or self._changes.happened
        place = min(self._place, (1 << _PLACE_BITS) - 1) if has_changed else 0
        return (self._version << _PLACE_BITS) + place


class _OneKey:
    """An ``Owner``: all that there is, is one key (Rule R1)."""

    __slots__ = ("_context", "db", "key")

    def __init__(self, context: Context) -> None:
        self._context = context
        self.db = 0
        self.key: bytes | None = None

    def refuses_database(self, db: int) -> Error | None:
        """See ``Owner``."""
        return None if db == self.db else OTHER_KEY

    def refuses_in_script(self, row: Row, db: int, args: list[bytes]) -> Error | None:
        """See ``Owner``."""
        name = row.name.upper().encode()
        if name in WHOLE:
            return WHOLE_DATABASE
        if db != self.db or any(other != db for other in other_databases([name, *args[1:]])):
            return OTHER_KEY
        return None if all(key == self.key for key in keys_of(row, args)) else OTHER_KEY

    def refuses_key(self, key: bytes) -> Error | None:
        """See ``Owner``."""
        return None if key == self.key and self._context.db_index == self.db else OTHER_KEY


def _put(database: Database, key: bytes, value: Value, deadline_ms: int) -> None:
    """As the register has it: no change, and nothing to be told."""
    database.values.put(key, value)
    if deadline_ms != -1:
        database.deadlines.put(key, deadline_ms)
    if isinstance(value, MortalHash):
        database.adopt(key, value)


def _settle(result: TaskResult, database: Database, key: bytes, data: bytes | None) -> None:
    """What has become of the value (Rules R2, R3)."""
    if database.deadlines.count or database.field_deadlines.count:
        database.expire_due(_DUE_FIELDS_MAX)
    value = database.values.get(key)
    if value is None:
        result.changed = data is not None
        return
    encoded = encode_value(value, database.deadline_ms(key) if database.deadlines.count else -1)
    if encoded == data and _are_errors(result.replies):
        return
    result.changed = True
    result.value = encoded


def _are_errors(replies: list[Reply]) -> bool:
    for reply in replies:  # noqa: SIM110 (a generator costs a tenth of a run)
        if type(reply) is not Error:
            return False
    return True


def _clear(database: Database, key: bytes) -> None:
    values = database.values
    values.pop(key)
    if database.deadlines.count:
        database.deadlines.drop(key)
    if database.field_deadlines.count:
        database.field_deadlines.drop(key)
    if len(values):
        database.hook, hook = None, database.hook
        database.flush()
        database.hook = hook


def _void(result: TaskResult, count: int) -> None:
    """Nothing of the run counts (Rule R1)."""
    result.replies = [DEFECT] * count
    result.events, result.published = [], []
