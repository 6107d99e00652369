"""Recovery as a program calls it, once or as a loop in a thread of its own.

``trivet txn recover`` is this.
"""

# ruff: noqa: ANN401 (connections are those of drivers)

import importlib
import logging
import threading
import time
from collections.abc import Sequence
from typing import Any, Final, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

from trivet.transactions.asking import Replies, Work, call
from trivet.transactions.branch import Kind
from trivet.transactions.drivers import Database, PsycopgDatabase, SilentDatabase, database
from trivet.transactions.driving import OnStep, drive, no_step
from trivet.transactions.errors import SetupError
from trivet.transactions.mariadb import MariaDB
from trivet.transactions.names import is_transaction_id
from trivet.transactions.postgres import Postgres
from trivet.transactions.records import forgetting, unindexing
from trivet.transactions.recovery import Entry, Place, Report, listing
from trivet.transactions.recovery import recover as recover_once
from trivet.transactions.store import Store, addresses

_LOG: Final = logging.getLogger("trivet.transactions")
OPEN_S: Final = 60.0
"""How long an undecided transaction is left to its program."""
PATIENCE_S: Final = 5.0
"""How long recovery goes on while a session that is about to end holds a branch."""
_AGAIN_S: Final = 0.2
TIMEOUT_S: Final = 10.0
"""How long a database may take for a connection, and for an answer."""

_T = TypeVar("_T")
Named = object
"""A connection, or text that names a database.

For PostgreSQL what libpq takes, ``mariadb://user:password@host:port/database``.
"""


class Recovery:
    """Finishes what crashed programs left, in the databases that it is given.

    ``db`` as in ``transaction``; ``postgres`` and ``mariadb``: a connection or a text, or several.
    Connections that were given stay open, and are ours while a pass runs. ``open_s``: an undecided
    transaction younger than this is left to its program (this is politeness: one that is aborted too early
    is aborted everywhere, and its program told).
    """

    def __init__(
        self,
        db: object,
        *,
        postgres: Named | Sequence[Named] = (),
        mariadb: Named | Sequence[Named] = (),
        open_s: float = OPEN_S,
        patience_s: float = PATIENCE_S,
        timeout_s: float = TIMEOUT_S,
        on_step: OnStep | None = None,
    ) -> None:
        self._nodes, self._db = addresses(db)
        self._named: list[tuple[str, Kind, Named]] = []
        for kind, named in ((Postgres(), postgres), (MariaDB(), mariadb)):
            several = list(named) if isinstance(named, list | tuple) else [named]
            for at, one in enumerate(several, 1):
                label = kind.kind if len(several) == 1 else f"{kind.kind}-{at}"
                self._named.append((label, kind, one))
        self._open_ms = int(open_s * 1000)
        self._patience_s = patience_s
        self._timeout_s = timeout_s
        self._on_step = on_step or no_step
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def once(self, dry: bool = False) -> Report:
        """One recovery; again for a while when sessions hold branches.

        Raises ``SetupError`` when Trivet does not answer.
        """
        give_up_s = time.monotonic() + self._patience_s
        settled: dict[str, Any] = {}
        while True:
            report = self._pass(dry)
            settled |= {one.id: one for one in report.settled}
            if dry or not report.busy or time.monotonic() > give_up_s or self._stop.wait(_AGAIN_S):
                others = [one for one in report.outcomes if not one.settled]
                report.outcomes = [*settled.values(), *others]
                return report

    def _pass(self, dry: bool) -> Report:
        databases: dict[str, Database] = {}
        opened: list[Any] = []
        store = Store(self._nodes)
        try:
            for to, kind, named in self._named:
                databases[to] = self._reach(to, kind, named, opened)
            places = [Place(to, kind) for to, kind, _ in self._named]
            return drive(recover_once(places, self._db, self._open_ms, dry), store, databases, self._on_step)
        finally:
            for one in databases.values():
                one.release()
            for connection in opened:
                _close(connection)
            store.close()

    def _reach(self, to: str, kind: Kind, named: Named, opened: list[Any]) -> Database:
        try:
            if isinstance(named, str):
                connect = connect_postgres if isinstance(kind, Postgres) else connect_mariadb
                connection = connect(named, self._timeout_s)
                opened.append(connection)
            else:
                connection = named
            found = database(to, connection)
            if isinstance(found, PsycopgDatabase):
                found.limit_s = self._timeout_s
            found.take()
        except SetupError as error:
            return SilentDatabase(to, kind, str(error).removeprefix(f"{to}: "))
        return found

    def listed(self) -> list[Entry]:
        """The transactions that have a record. Raises ``SetupError``."""
        return self._ask(listing(self._db))

    def forget(self, transaction_id: str) -> bool:
        """Remove the record of a transaction whose damage was repaired by hand; whether there was one."""
        if not is_transaction_id(transaction_id):
            raise SetupError(f"{transaction_id!r} is no id of a transaction: `trivet txn list` shows them")
        calls = forgetting(transaction_id), unindexing(transaction_id)

        def work() -> Work[bool]:
            answer = yield from call("forget", self._db, *calls, anywhere=True)
            if not isinstance(answer, Replies):
                raise SetupError(f"trivet: {answer.text}")
            return 1 in answer.replies

        return self._ask(work())

    def _ask(self, work: Work[_T]) -> _T:
        store = Store(self._nodes)
        try:
            return drive(work, store, {}, self._on_step)
        finally:
            store.close()

    # -- the loop --------------------------------------------------------------------------------

    def start(self, every_s: float = 30.0) -> "Recovery":
        """Recover every ``every_s`` seconds, in a thread, until ``stop``.

        What it does goes to the log ``trivet.transactions``.
        It makes its own connections: give it texts, not connections that others use.
        """
        self._thread = threading.Thread(
            target=self._run, args=(every_s,), name="trivet-recovery", daemon=True
        )
        self._thread.start()
        return self

    def stop(self) -> None:
        """End the loop; a pass that runs is finished first."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self, every_s: float) -> None:
        while not self._stop.is_set():
            try:
                report = self.once()
            except SetupError as error:
                _LOG.warning("recovery: %s", error)
            else:
                for sentence in sentences(report):
                    _LOG.warning("recovery: %s", sentence)
            self._stop.wait(every_s)


def recover(db: object, **words: Any) -> Report:
    """One recovery; ``words`` as in ``Recovery``."""
    return Recovery(db, **words).once()


def sentences(report: Report) -> list[str]:
    """What was done and what is left, for people."""
    said = [
        f"{one.id}: {one.decision} carried out in {', '.join(one.branches) or 'no database'}"
        for one in report.settled
    ]
    for one in report.left:
        told = "; ".join(
            f"{name} {verdict.end.value}{': ' if verdict.text else ''}{verdict.text}"
            for name, verdict in one.branches.items()
        )
        said.append(f"{one.id}: {one.decision} is not finished: {told}")
    return said + report.troubles


def _close(connection: Any) -> None:
    try:
        connection.close()
    except Exception as error:  # it is given up in any case
        _LOG.debug("closing a connection: %s", error)


def _driver(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise SetupError(f"{module} is not installed: pip install 'trivet[transactions]'") from error


def connect_postgres(text: str, timeout_s: float = TIMEOUT_S) -> Any:
    """A connection of psycopg. Raises ``SetupError``."""
    psycopg = _driver("psycopg")
    try:
        return psycopg.connect(text, connect_timeout=max(2, int(timeout_s)))
    except psycopg.Error as error:
        raise SetupError(_line(error)) from error


def connect_mariadb(url: str, timeout_s: float = TIMEOUT_S) -> Any:
    """A connection of PyMySQL to ``mariadb://user:password@host:port/database[?unix_socket=path]``.

    Raises ``SetupError``.
    """
    pymysql = _driver("pymysql")
    try:
        parts = urlsplit(url)
        port = parts.port or 3306
    except ValueError as error:
        raise SetupError(f"the address can't be read: {error}") from error
    if parts.scheme not in ("mariadb", "mysql") or not parts.path.strip("/"):
        raise SetupError("name it as mariadb://user:password@host:port/database")
    words = {name: values[-1] for name, values in parse_qs(parts.query).items() if name == "unix_socket"}
    try:
        return pymysql.connect(
            host=parts.hostname or "localhost",
            port=port,
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            database=unquote(parts.path.strip("/")),
            connect_timeout=timeout_s,
            read_timeout=timeout_s,
            write_timeout=timeout_s,
            **words,
        )
    except pymysql.Error as error:
        raise SetupError(str(error.args[-1]) if error.args else str(error)) from error


def _line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
