"""The command table: one row per command, and nothing about a command elsewhere.

A row is declared where its function stands, in the file of its family. Routing,
arity checks, ``COMMAND``, key extraction and the documentation read the row.
A container (``OBJECT``, ``CLIENT``...) has a row of its own and one per subcommand.
"""

from collections.abc import Callable
from enum import IntEnum, IntFlag
from typing import Protocol

import msgspec

from trivet.core.base.pausable import Wants
from trivet.core.base.prng import Prng
from trivet.core.command.events import EXPIRED, GENERIC, NEW_KEY
from trivet.core.values.database import Database
from trivet.core.values.databases import Databases
from trivet.core.values.types import Value
from trivet.core.wire.reply import Error, Reply


class Flag(IntFlag):
    """What a command does, in the words that ``COMMAND INFO`` uses (lower case)."""

    WRITE = 1
    READONLY = 2
    DENYOOM = 4
    ADMIN = 8
    FAST = 16
    NOSCRIPT = 32
    LOADING = 64
    STALE = 128
    NO_AUTH = 256
    BLOCKING = 512
    MOVABLEKEYS = 1024
    PUBSUB = 2048
    NO_MULTI = 4096
    NO_ASYNC_LOADING = 8192
    ALLOW_BUSY = 16384
    SKIP_SLOWLOG = 32768
    SKIP_MONITOR = 65536
    NO_MANDATORY_KEYS = 131072


class Place(IntEnum):
    """Where a command runs."""

    DATA = 0
    """In the machine of the keys' group: through the log when it writes."""
    SESSION = 1
    """In the node that the client is connected to; the node room holds the function."""


Event = tuple[int, int, bytes, bytes]
"""A keyspace event: (database, class, name, key)."""


class Access(Protocol):
    """What the user may do on whose behalf a call runs that has other calls in it."""

    def refuses_in_exec(self, args: list[bytes]) -> Error | None:
        """The reply to a call of a transaction that the user may not make; None: it may."""
        ...

    def refuses_in_script(self, args: list[bytes]) -> Error | None:
        """The error of a call of a script that the user may not make; None: it may.

        The call's name and arity are checked before.
        """
        ...

    def reads_every_key(self) -> bool:
        """Whether the user may read whatever key there is, as ``SORT`` with patterns does."""


class Owner(Protocol):
    """Whose slots and databases are which, in a group that does not have all of them."""

    def refuses_database(self, db: int) -> Error | None:
        """The error of a script that selects a database of another keyspace; None: it may."""
        ...

    def refuses_in_script(self, row: "Row", db: int, args: list[bytes]) -> Error | None:
        """The error of a call inside a script that names a key of a slot not owned now; None: it may run.

        The call's name and arity are checked before.
        """
        ...

    def refuses_key(self, key: bytes) -> Error | None:
        """The error of a call that meets a key of such a slot, which it did not name; None: it may look."""
        ...


class Uses(Protocol):
    """What this replica knows of the use of keys; another may know other things."""

    def idle_s(self, database: Database, key: bytes, now_ms: int) -> int | None:
        """How long ago ``key`` was used; None when that is not kept."""
        ...

    def frequency(self, database: Database, key: bytes, now_ms: int) -> int | None:
        """How often ``key`` is used, of 255; None when that is not kept."""
        ...


class Fencing(Protocol):
    """Where fencing numbers come from (see ``fencing``)."""

    def tell(self) -> int:
        """The number, as of this moment."""
        ...


class Pauses(Protocol):
    """What an entry runs in that may pause, so that its node goes on meanwhile (see ``pausable``)."""

    has_written: bool
    is_late: bool

    def begin_script(self, call: list[bytes] | None) -> bool:
        """A script begins, or the function that ``call`` names; False: it must not, it is too late."""
        ...

    def pause(self, wants: Wants) -> int:
        """Stop here; what it returns is how to go on."""
        ...


class Context:
    """What a command function sees of the world. One per machine, reused for every command.

    ``now_ms`` is Unix time in ms: the entry's for a write, at least the last applied
    entry's for a read. ``prng`` is seeded by the entry for a write.
    """

    __slots__ = (
        "access", "databases", "db", "db_index", "defects", "events", "fences", "may_block", "notifies",
        "now_ms", "only_key", "owner", "pauses", "prng", "published", "refuses_growth", "scripts", "uses",
    )  # fmt: skip

    def __init__(self, databases: Databases) -> None:
        self.access: Access | None = None
        """Whose rights bound the calls inside this one; None: everything is allowed."""
        self.databases = databases
        self.fences: Fencing | None = None
        """None: what runs here belongs to several groups."""
        self.db_index = 0
        self.db: Database = databases.open(0)
        self.now_ms = 0
        self.prng = Prng(0)
        self.uses: Uses | None = None
        """Only for reads that run on one replica; it must decide nothing that goes through the log."""
        self.refuses_growth = False
        """Memory is short: what needs more is refused, also inside a script (``maxmemory``)."""
        self.may_block = False
        """Whether the command may answer ``Blocked``: not inside a transaction or a script."""
        self.only_key: bytes | None = None
        """A waiting call is tried again because this key has changed: no other is looked at."""
        self.owner: Owner | None = None
        """Asked for keys that a call did not name beforehand; None: the group has all slots."""
        self.notifies = 0
        """Classes of keyspace events that somebody wants (see ``events``); 0: none."""
        self.events: list[Event] = []
        """Keyspace events of the present entry, in their order."""
        self.published: list[tuple[bool, bytes, bytes]] = []
        """(to a sharded channel, channel, message) that transactions and scripts of the entry published."""
        self.defects: list[str] = []
        """Exceptions that commands raised: to be logged and mended."""
        self.pauses: Pauses | None = None
        """None: what runs must come to its end at once."""
        self.scripts: object = None
        """What the script room remembers; its own business (see ``script.scripts``)."""

    def notify(self, kind: int, event: bytes, key: bytes, db_index: int = -1) -> None:
        """A keyspace event of class ``kind``. To be called when ``notifies`` is not 0 only."""
        if self.notifies & kind:
            self.events.append((self.db_index if db_index < 0 else db_index, kind, event, key))

    def shrunk(self, kind: int, event: bytes, key: bytes, left: int) -> None:
        """Elements were taken from the collection at ``key``: without any ``left`` it goes too (rule C2)."""
        if left == 0:
            self.db.remove(key)
        if self.notifies:
            self.notify(kind, event, key)
            if left == 0:
                self.notify(GENERIC, b"del", key)

    def stored(self, kind: int, event: bytes, key: bytes, value: Value, size: int) -> None:
        """A result of ``size`` elements takes the place of what was there; an empty one only removes it."""
        if size:
            self.db.set(key, value)
            if self.notifies:
                self.notify(kind, event, key)
        elif self.db.remove(key) and self.notifies:
            self.notify(GENERIC, b"del", key)

    # -- what databases say while somebody wants such events ------------------------------------

    def expired(self, database: Database, key: bytes) -> None:
        """``key`` has gone because its deadline had passed."""
        if self.notifies & EXPIRED:
            self.events.append((database.index, EXPIRED, b"expired", key))

    def created(self, database: Database, key: bytes) -> None:
        """``key`` is about to be there, and was not before."""
        if self.notifies & NEW_KEY:
            self.events.append((database.index, NEW_KEY, b"new", key))


Run = Callable[[Context, list[bytes]], Reply]
GiveBack = Callable[[Context, list[bytes], Reply], None]
"""Puts back what a waiting call took for a client that is gone: gets the call and the undelivered reply."""
Alike = Callable[[list[bytes], bytes], bytes]
"""Of a waiting call and one of its keys: calls for which this is equal find nothing at that key together."""
KeyFinder = Callable[[list[bytes]], list[int]]


class Row(msgspec.Struct, frozen=True):
    """One command. ``arity`` counts the name; negative means "at least"."""

    name: str
    arity: int
    flags: Flag
    place: Place
    first_key: int
    last_key: int
    key_step: int
    group: str
    summary: str
    since: str
    complexity: str
    run: Run | None
    """Runs a data command; a session command has it if it may stand in a transaction or a script."""
    key_finder: KeyFinder | None
    """Positions of the keys in the arguments, for rows whose positions depend on arguments."""
    give_back: GiveBack | None = None
    alike: Alike | None = None
    """None: all calls of a waiting command are alike."""
    logged: bool = False
    """It goes through the log although it has no ``WRITE`` flag: what it does is not known beforehand."""


ROWS: dict[bytes, Row] = {}
"""By upper-case name."""

SUBROWS: dict[bytes, dict[bytes, Row]] = {}
"""The subcommands of the containers, by both upper-case names. Their rows are named ``container|name``."""


def command(
    name: str,
    *,
    arity: int,
    flags: Flag,
    keys: tuple[int, int, int] = (0, 0, 0),
    group: str,
    summary: str,
    since: str,
    complexity: str,
    key_finder: KeyFinder | None = None,
    give_back: GiveBack | None = None,
    alike: Alike | None = None,
    logged: bool = False,
) -> Callable[[Run], Run]:
    """Declare a data command; the decorated function ``(context, args)`` runs it.

    ``args[0]`` is the command's name as the client wrote it; arity is already checked.
    The function answers a reply, an ``Error`` included; it raises nothing that a client can cause.
    """

    def declare(run: Run) -> Run:
        first, last, step = keys
        _enter(
            Row(
                name,
                arity,
                flags,
                Place.DATA,
                first,
                last,
                step,
                group,
                summary,
                since,
                complexity,
                run,
                key_finder,
                give_back,
                alike,
                logged,
            )
        )
        return run

    return declare


def session_command(
    name: str,
    *,
    arity: int,
    flags: Flag,
    group: str,
    summary: str,
    since: str,
    complexity: str = "O(1)",
    keys: tuple[int, int, int] = (0, 0, 0),
    run: Run | None = None,
) -> None:
    """Declare a command that the node itself answers.

    ``run`` is what it does inside a transaction or a script, which then counts as one that writes.
    """
    first, last, step = keys
    _enter(
        Row(
            name,
            arity,
            flags,
            Place.SESSION,
            first,
            last,
            step,
            group,
            summary,
            since,
            complexity,
            run,
            None,
        )
    )


def _enter(row: Row) -> None:
    """Put the row where its name says."""
    names = row.name.upper().encode().split(b"|")
    rows = ROWS if len(names) == 1 else SUBROWS.setdefault(names[0], {})
    assert names[-1] not in rows, row.name
    rows[names[-1]] = row
