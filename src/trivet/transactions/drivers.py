"""Drivers of databases as participants: statements go in, answers come out, errors as values.

psycopg (3) and PyMySQL for programs without a loop; psycopg's async connections, asyncpg and asyncmy for
those with one. No driver is imported here before a connection of it is used.
"""

# ruff: noqa: ANN401 (drivers are none of our dependencies)

import contextlib
import importlib
import os
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any, Final, Protocol

from trivet.transactions.asking import Answer, Fault, Rows, Statement
from trivet.transactions.branch import Kind
from trivet.transactions.errors import SetupError
from trivet.transactions.mariadb import MariaDB
from trivet.transactions.postgres import Postgres

_LOST_NUMBERS: Final = (0, 2000, 2003, 2006, 2013, 2014, 2055)
"""Of MySQL's clients: the connection is gone."""
_OURS: Final = (
    "commit",
    "rollback",
    "begin",
    "close",
    "cancel",
    "tpc_begin",
    "tpc_commit",
    "tpc_prepare",
    "tpc_rollback",
    "tpc_recover",
    "set_autocommit",
    "autocommit",
)
"""What a program may not do with a connection while its transaction is ours."""


_IN_TRANSACTION: Final = Statement("SELECT @@in_transaction", rows=True)


class Database(Protocol):
    """A database of a blocking program."""

    kind: Kind
    session: "Session"

    def take(self) -> None:
        """Take the connection over. Raises ``SetupError`` when it is in a transaction."""
        ...

    def retake(self) -> None:
        """Look whether it is still ours, and free. Raises ``SetupError`` when it has other work."""
        ...

    def perform(self, statement: Statement) -> Answer:
        """Execute."""
        ...

    def release(self) -> None:
        """Give the connection back as it was."""
        ...


class AsyncDatabase(Protocol):
    """A database of a program with a loop."""

    kind: Kind
    session: "Session"

    async def take(self) -> None:
        """Take the connection over. Raises ``SetupError`` when it is in a transaction."""
        ...

    async def retake(self) -> None:
        """Look whether it is still ours, and free. Raises ``SetupError`` when it has other work."""
        ...

    async def perform(self, statement: Statement) -> Answer:
        """Execute."""
        ...

    async def release(self) -> None:
        """Give the connection back as it was."""
        ...


class Session:
    """The driver's connection, without what would end the transaction.

    And with ``execute``, if it has none.
    """

    def __init__(self, name: str, connection: Any, execute: Callable[..., Any] | None = None) -> None:
        self._name = name
        self._connection = connection
        self._execute = execute

    def __getattr__(self, attribute: str) -> Any:
        """The connection's own."""
        if attribute in _OURS:
            raise SetupError(f"{self._name}.{attribute}: the transaction begins and ends its branches itself")
        if attribute == "execute" and self._execute is not None:
            return self._execute
        return getattr(self._connection, attribute)


def _fault(error: Exception, lost: bool) -> Fault:
    """An exception of PostgreSQL's drivers as a value."""
    return Fault(getattr(error, "sqlstate", None) or "", _line(error), lost, error)


def _mysql_fault(connection: Any, error: Exception) -> Fault:
    """An exception of MySQL's drivers as a value: its first argument is a number, its second a text."""
    number = error.args[0] if error.args and isinstance(error.args[0], int) else None
    lost = isinstance(error, OSError) or number in _LOST_NUMBERS or not getattr(connection, "open", True)
    text = str(error.args[1]) if len(error.args) > 1 else ""
    return Fault("" if number is None else str(number), text or _line(error), lost, error)


def _line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


class PsycopgDatabase:
    """A connection of psycopg."""

    limit_s: float | None = None
    """How long a statement may take before its connection is cut: libpq itself waits for ever."""

    def __init__(self, name: str, connection: Any) -> None:
        self.kind: Kind = Postgres()
        self.session = Session(name, connection)
        self._name = name
        self._connection = connection
        self._rows = importlib.import_module("psycopg.rows").tuple_row
        self._autocommit: bool | None = None

    def take(self) -> None:
        """Take it over, in autocommit: ``BEGIN`` is ours."""
        _check_psycopg(self._name, self._connection)
        self._autocommit = self._connection.autocommit
        self._connection.autocommit = True

    def retake(self) -> None:
        """A prepared branch does not occupy it."""
        _check_psycopg(self._name, self._connection)

    def perform(self, statement: Statement) -> Answer:
        """Execute."""
        try:
            with (
                _limited(self._connection, self.limit_s),
                self._connection.cursor(row_factory=self._rows) as cursor,
            ):
                cursor.execute(statement.sql)
                return Rows(cursor.statusmessage or "", cursor.fetchall() if statement.rows else [])
        except Exception as error:
            return _fault(error, bool(self._connection.closed))

    def release(self) -> None:
        """Give it back."""
        connection = self._connection
        if self._autocommit is not None and not connection.closed and _is_idle(connection):
            connection.autocommit = self._autocommit
        self._autocommit = None


@contextlib.contextmanager
def _limited(connection: Any, limit_s: float | None) -> Iterator[None]:
    """Cut a connection whose server does not answer in time; the driver then says that it is lost."""
    if limit_s is None:
        yield
        return
    descriptor = os.dup(connection.fileno())
    timer = threading.Timer(limit_s, _cut, (descriptor,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        os.close(descriptor)


def _cut(descriptor: int) -> None:
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as cut:
        cut.shutdown(socket.SHUT_RDWR)


def _is_idle(connection: Any) -> bool:
    return bool(connection.info.transaction_status.name == "IDLE")


def _check_psycopg(name: str, connection: Any) -> None:
    if connection.closed:
        raise SetupError(f"{name}: its connection is closed")
    if not _is_idle(connection):
        raise SetupError(f"{name}: its connection is in a transaction: commit or roll it back before")


class AsyncPsycopgDatabase(PsycopgDatabase):
    """An async connection of psycopg."""

    async def take(self) -> None:  # type: ignore[override]
        """Take it over, in autocommit."""
        _check_psycopg(self._name, self._connection)
        self._autocommit = self._connection.autocommit
        await self._connection.set_autocommit(True)

    async def retake(self) -> None:  # type: ignore[override]
        """A prepared branch does not occupy it."""
        _check_psycopg(self._name, self._connection)

    async def perform(self, statement: Statement) -> Answer:  # type: ignore[override]
        """Execute."""
        try:
            async with self._connection.cursor(row_factory=self._rows) as cursor:
                await cursor.execute(statement.sql)
                return Rows(cursor.statusmessage or "", await cursor.fetchall() if statement.rows else [])
        except Exception as error:
            return _fault(error, bool(self._connection.closed))

    async def release(self) -> None:  # type: ignore[override]
        """Give it back."""
        connection = self._connection
        if self._autocommit is not None and not connection.closed and _is_idle(connection):
            await connection.set_autocommit(self._autocommit)
        self._autocommit = None


class AsyncpgDatabase:
    """A connection of asyncpg."""

    def __init__(self, name: str, connection: Any) -> None:
        self.kind: Kind = Postgres()
        self.session = Session(name, connection)
        self._name = name
        self._connection = connection

    async def take(self) -> None:
        """Look whether it can be used."""
        if self._connection.is_closed():
            raise SetupError(f"{self._name}: its connection is closed")
        if self._connection.is_in_transaction():
            raise SetupError(
                f"{self._name}: its connection is in a transaction: commit or roll it back before"
            )

    async def retake(self) -> None:
        """As at first: a prepared branch does not occupy it."""
        await self.take()

    async def perform(self, statement: Statement) -> Answer:
        """Execute."""
        try:
            if statement.rows:
                return Rows("", [tuple(row) for row in await self._connection.fetch(statement.sql)])
            return Rows(await self._connection.execute(statement.sql))
        except Exception as error:
            return _fault(error, self._connection.is_closed() or isinstance(error, OSError))

    async def release(self) -> None:
        """Nothing was changed."""


class MysqlDatabase:
    """A connection of PyMySQL."""

    def __init__(self, name: str, connection: Any) -> None:
        self.kind: Kind = MariaDB()
        self.session = Session(name, connection, self._execute)
        self._name = name
        self._connection = connection
        self._cursor = importlib.import_module(type(connection).__module__.split(".")[0] + ".cursors").Cursor
        self._autocommit: bool | None = None

    def _execute(self, sql: str, args: Any = None) -> Any:
        """What the program's ``execute`` does: a cursor with the result."""
        cursor = self._connection.cursor()
        cursor.execute(sql, args)
        return cursor

    def take(self) -> None:
        """Take it over, in autocommit: ``XA START`` is ours."""
        if self._connection.get_autocommit():
            self._autocommit = True
            return
        _check_mysql(self._name, self.perform(_IN_TRANSACTION))  # autocommit would commit what is under way
        self._autocommit = False
        _quietly(lambda: self._connection.autocommit(True))

    def retake(self) -> None:
        """A prepared branch occupies it: nothing else can have been done with it."""

    def perform(self, statement: Statement) -> Answer:
        """Execute."""
        try:
            with self._connection.cursor(self._cursor) as cursor:
                cursor.execute(statement.sql)
                return Rows("", list(cursor.fetchall()) if statement.rows else [])
        except Exception as error:
            return _mysql_fault(self._connection, error)

    def release(self) -> None:
        """Give it back."""
        if self._autocommit is False:
            _quietly(lambda: self._connection.autocommit(False))
        self._autocommit = None


def _check_mysql(name: str, answer: Answer) -> None:
    if isinstance(answer, Rows) and int(str(answer.rows[0][0])):
        raise SetupError(f"{name}: its connection is in a transaction: commit or roll it back before")


def _quietly(deed: Callable[[], object]) -> None:
    """A connection that is gone will say so at the next statement."""
    try:
        deed()
    except Exception:
        return


class AsyncMysqlDatabase:
    """A connection of asyncmy."""

    def __init__(self, name: str, connection: Any) -> None:
        self.kind: Kind = MariaDB()
        self.session = Session(name, connection, self._execute)
        self._name = name
        self._connection = connection
        self._cursor = importlib.import_module(type(connection).__module__.split(".")[0] + ".cursors").Cursor
        self._autocommit: bool | None = None

    async def _execute(self, sql: str, args: Any = None) -> Any:
        """What the program's ``execute`` does: a cursor with the result."""
        async with self._connection.cursor() as cursor:
            await cursor.execute(sql, args)
            return cursor

    async def take(self) -> None:
        """Take it over, in autocommit."""
        if self._connection.get_autocommit():
            self._autocommit = True
            return
        _check_mysql(self._name, await self.perform(_IN_TRANSACTION))
        self._autocommit = False
        await self._set(True)

    async def _set(self, autocommit: bool) -> None:
        try:
            await self._connection.autocommit(autocommit)
        except Exception:  # a connection that is gone will say so at the next statement
            return

    async def retake(self) -> None:
        """A prepared branch occupies it: nothing else can have been done with it."""

    async def perform(self, statement: Statement) -> Answer:
        """Execute."""
        try:
            async with self._connection.cursor(self._cursor) as cursor:
                await cursor.execute(statement.sql)
                return Rows("", list(await cursor.fetchall()) if statement.rows else [])
        except Exception as error:
            return _mysql_fault(self._connection, error)

    async def release(self) -> None:
        """Give it back."""
        if self._autocommit is False:
            await self._set(False)
        self._autocommit = None


class SilentDatabase:
    """A database that can't be used: it says so whenever it is asked."""

    def __init__(self, name: str, kind: Kind, text: str) -> None:
        self.kind = kind
        self.session = Session(name, None)
        self._fault = Fault("", text, lost=True)

    def take(self) -> None:
        """There is nothing to take."""

    def retake(self) -> None:
        """There is nothing to take."""

    def perform(self, statement: Statement) -> Answer:
        """Nothing is executed."""
        return self._fault

    def release(self) -> None:
        """There is nothing to give back."""


class AsyncSilentDatabase(SilentDatabase):
    """The same, for a loop."""

    async def take(self) -> None:  # type: ignore[override]
        """There is nothing to take."""

    async def retake(self) -> None:  # type: ignore[override]
        """There is nothing to take."""

    async def perform(self, statement: Statement) -> Answer:  # type: ignore[override]
        """Nothing is executed."""
        return self._fault

    async def release(self) -> None:  # type: ignore[override]
        """There is nothing to give back."""


_DATABASES: Final[dict[tuple[str, str], Callable[[str, Any], Database]]] = {
    ("psycopg", "Connection"): PsycopgDatabase,
    ("pymysql", "Connection"): MysqlDatabase,
}
_ASYNC_DATABASES: Final[dict[tuple[str, str], Callable[[str, Any], AsyncDatabase]]] = {
    ("psycopg", "AsyncConnection"): AsyncPsycopgDatabase,
    ("asyncpg", "Connection"): AsyncpgDatabase,
    ("asyncpg", "PoolConnectionProxy"): AsyncpgDatabase,
    ("asyncmy", "Connection"): AsyncMysqlDatabase,
}


def _kinds(connection: object) -> list[tuple[str, str]]:
    """The connection's class and those that it is made from, by package and name."""
    return [(one.__module__.split(".")[0], one.__name__) for one in type(connection).__mro__]


def database(name: str, connection: object) -> Database:
    """A connection as a participant. Raises ``SetupError``."""
    for kind in _kinds(connection):
        if kind in _DATABASES:
            return _DATABASES[kind](name, connection)
        if kind in _ASYNC_DATABASES:
            raise SetupError(f"{name}: a connection of {kind[0]} that needs a loop: use `async with`")
    raise SetupError(_unknown(name, connection))


def async_database(name: str, connection: object) -> AsyncDatabase:
    """A connection as a participant in a program with a loop. Raises ``SetupError``."""
    for kind in _kinds(connection):
        if kind in _ASYNC_DATABASES:
            return _ASYNC_DATABASES[kind](name, connection)
        if kind in _DATABASES:
            raise SetupError(
                f"{name}: a connection of {kind[0]} that blocks the loop: use `with`, outside a loop"
            )
    raise SetupError(_unknown(name, connection))


def _unknown(name: str, connection: object) -> str:
    kind = f"{type(connection).__module__}.{type(connection).__name__}"
    return (
        f"{name}: {kind} is no connection that can take part: psycopg and PyMySQL can, and with a loop "
        "psycopg, asyncpg and asyncmy"
    )
