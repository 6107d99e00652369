"""``trivet.transaction``: what a program writes.

One class for ``with``, one for ``async with``, one protocol below.
"""

# ruff: noqa: ANN401 (connections and sessions are those of drivers)

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any, Final, TypeVar

from trivet.client.resp import ErrorReply, Reply
from trivet.transactions.asking import TRIVET, Fault, Replies, Work, call
from trivet.transactions.branch import Branch
from trivet.transactions.commands import Word, Writes, encoded, reading
from trivet.transactions.drivers import (
    AsyncDatabase,
    AsyncSilentDatabase,
    Database,
    SilentDatabase,
    async_database,
    database,
)
from trivet.transactions.driving import OnStep, drive, drive_async, drive_through, no_step
from trivet.transactions.errors import Aborted, InDoubt, SetupError
from trivet.transactions.mariadb import RETRYABLE as MARIADB_RETRYABLE
from trivet.transactions.names import is_branch_name
from trivet.transactions.postgres import RETRYABLE as POSTGRES_RETRYABLE
from trivet.transactions.protocol import Plan, abandon, begin, commit, settle
from trivet.transactions.records import BranchRow
from trivet.transactions.store import PATIENCE_S, TIMEOUT_S, AsyncStore, Store, addresses

_LOG: Final = logging.getLogger("trivet.transactions")
TRIES: Final = 10
BACKOFF_FIRST_S: Final = 0.01
BACKOFF_MAX_S: Final = 1.0
BRANCHES_MAX: Final = 16

_T = TypeVar("_T")


class Options:
    """What ``transaction`` was called with."""

    def __init__(
        self,
        db: object,
        branches: Mapping[str, Any],
        near: Word | None,
        timeout_s: float,
        on_step: OnStep | None,
    ) -> None:
        if not branches:
            raise SetupError(
                "name at least one database, such as postgres=connection: Trivet alone needs only MULTI"
            )
        if len(branches) > BRANCHES_MAX:
            raise SetupError(f"a transaction spans at most {BRANCHES_MAX} databases")
        for name in branches:
            if (
                not is_branch_name(name)
                or name == TRIVET
                or hasattr(Writes, name)
                or hasattr(Transaction, name)
            ):
                raise SetupError(
                    f"{name!r} is no name for a database: 32 letters, digits and _ at most, none of ours"
                )
        self.nodes, self.db = addresses(db)
        self.branches = dict(branches)
        self.near = None if near is None else encoded((near,))[0]
        self.timeout_s = timeout_s
        self.on_step = on_step or no_step

    def plan(self, kinds: Mapping[str, Any]) -> Plan:
        """A new transaction."""
        rows = [Branch(BranchRow(name, one.kind.kind, ""), one.kind) for name, one in kinds.items()]
        return Plan(self.db, rows, self.near)


class _Common(Writes):
    """What both forms have."""

    def __init__(self, plan: Plan, databases: Mapping[str, Database] | Mapping[str, AsyncDatabase]) -> None:
        super().__init__(plan)
        self._sessions = {name: one.session for name, one in databases.items()}

    def __getattr__(self, name: str) -> Any:
        """A database by its name."""
        sessions = self.__dict__.get("_sessions", {})
        if name in sessions:
            return sessions[name]
        raise AttributeError(
            f"the transaction has no database and no command {name!r}: any command goes by queue()"
        )

    @property
    def id(self) -> str:
        """Its id, as ``trivet txn list`` shows it."""
        return self._plan.name.id

    @property
    def unfinished(self) -> dict[str, str]:
        """After the commit: databases that have not yet carried it out, and why.

        Recovery will see to them.
        """
        return self._plan.unfinished


class Transaction(_Common):
    """What ``with`` gives: ``tx.postgres.execute(…)``, ``tx.get(…)``, ``tx.incrby(…)``."""

    def __init__(self, plan: Plan, databases: Mapping[str, Database], ask: "_Ask") -> None:
        super().__init__(plan, databases)
        self._ask = ask

    def read(self, *words: Word) -> Reply:
        """A read of Trivet, as the keys are now; a change of them by others aborts the transaction."""
        return self._ask(_watched(self._plan, words))

    def get(self, key: Word) -> bytes | None:
        """``GET``, watched."""
        return _bulk(self.read("GET", key))

    def hget(self, key: Word, field: Word) -> bytes | None:
        """``HGET``, watched."""
        return _bulk(self.read("HGET", key, field))


class AsyncTransaction(_Common):
    """What ``async with`` gives: as ``Transaction``; reads and databases are awaited."""

    def __init__(self, plan: Plan, databases: Mapping[str, AsyncDatabase], ask: "_AskAsync") -> None:
        super().__init__(plan, databases)
        self._ask = ask

    async def read(self, *words: Word) -> Reply:
        """A read of Trivet, as the keys are now; a change of them by others aborts the transaction."""
        return await self._ask(_watched(self._plan, words))

    async def get(self, key: Word) -> bytes | None:
        """``GET``, watched."""
        return _bulk(await self.read("GET", key))

    async def hget(self, key: Word, field: Word) -> bytes | None:
        """``HGET``, watched."""
        return _bulk(await self.read("HGET", key, field))


_Ask = Callable[[Work[Reply]], Reply]
_AskAsync = Callable[[Work[Reply]], Awaitable[Reply]]


def _bulk(reply: Reply) -> bytes | None:
    assert reply is None or isinstance(reply, bytes)
    return reply


def _watched(plan: Plan, words: tuple[Word, ...]) -> Work[Reply]:
    """Watch, then read. Raises ``Aborted`` when Trivet does not answer, ``SetupError`` when it refuses."""
    read, keys = reading(words)
    answer = yield from call("read", plan.db, (b"WATCH", *keys), read)
    if isinstance(answer, Fault):
        raise Aborted(f"trivet: {answer.text}; nothing happened, in no database", retryable=True)
    assert isinstance(answer, Replies)
    for reply in answer.replies:
        if isinstance(reply, ErrorReply):
            raise SetupError(f"trivet: {reply.text}")
    return answer.replies[1]


class Opening:
    """A transaction that is about to begin: ``with`` and ``async with`` begin it. Used once."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._plan: Plan
        self._store: Store
        self._databases: dict[str, Database] = {}
        self._async_store: AsyncStore
        self._async_databases: dict[str, AsyncDatabase] = {}

    # -- with ------------------------------------------------------------------------------------

    def __enter__(self) -> Transaction:
        """Begin everywhere. Raises ``SetupError``, ``Aborted``."""
        options = self._options
        databases = {name: database(name, one) for name, one in options.branches.items()}
        self._store = Store(options.nodes, options.timeout_s, min(options.timeout_s, PATIENCE_S))
        self._plan = options.plan(databases)
        try:
            for name, one in databases.items():
                one.take()
                self._databases[name] = one
            self._drive(begin(self._plan))
        except BaseException:
            self._end()
            raise
        return Transaction(self._plan, self._databases, self._drive)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Commit, or roll back after an exception.

        Raises ``Aborted``, ``InDoubt``, ``BranchLost``, ``Heuristic``.
        """
        try:
            if error is not None:
                self._drive(abandon(self._plan))
            else:
                self._drive(commit(self._plan))
                _tell_unfinished(self._plan)
        except InDoubt as doubt:
            self._keep(doubt)
            raise
        except BaseException:
            self._end()
            raise
        self._end()

    def _keep(self, doubt: InDoubt) -> None:
        """The branches are still prepared: the connections stay ours until it is resolved."""
        self._store.close()
        doubt.resolve = self._resolve

    def _resolve(self) -> None:
        """Ask again. A connection that has other work by now is left alone: recovery finishes its branch."""
        for name, one in self._databases.items():
            try:
                one.retake()
            except SetupError as error:
                self._databases[name] = SilentDatabase(name, one.kind, str(error))
        try:
            self._drive(settle(self._plan, "the outcome was asked for later"))
        except InDoubt as doubt:
            self._keep(doubt)
            raise
        except BaseException:
            self._end()
            raise
        self._end()

    def _drive(self, work: Work[_T]) -> _T:
        return drive(work, self._store, self._databases, self._options.on_step)

    def _end(self) -> None:
        for one in self._databases.values():
            one.release()
        self._store.close()

    # -- async with ------------------------------------------------------------------------------

    async def __aenter__(self) -> AsyncTransaction:
        """Begin everywhere. Raises ``SetupError``, ``Aborted``."""
        options = self._options
        databases = {name: async_database(name, one) for name, one in options.branches.items()}
        self._async_store = AsyncStore(options.nodes, options.timeout_s, min(options.timeout_s, PATIENCE_S))
        self._plan = options.plan(databases)
        try:
            for name, one in databases.items():
                await one.take()
                self._async_databases[name] = one
            await self._drive_through(begin(self._plan))
        except BaseException:
            await self._end_async()
            raise
        return AsyncTransaction(self._plan, self._async_databases, self._drive_async)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Commit, or roll back after an exception.

        Raises ``Aborted``, ``InDoubt``, ``BranchLost``, ``Heuristic``.
        """
        try:
            if error is not None:
                await self._drive_through(abandon(self._plan))
            else:
                await self._drive_through(commit(self._plan))
                _tell_unfinished(self._plan)
        except InDoubt as doubt:
            self._keep_async(doubt)
            raise
        except BaseException:
            await self._end_async()
            raise
        await self._end_async()

    def _keep_async(self, doubt: InDoubt) -> None:
        """The branches are still prepared: the connections stay ours until it is resolved."""
        self._async_store.close()
        doubt.resolve = self._resolve_async

    async def _resolve_async(self) -> None:
        """Ask again. A connection that has other work by now is left alone: recovery finishes its branch."""
        for name, one in self._async_databases.items():
            try:
                await one.retake()
            except SetupError as error:
                self._async_databases[name] = AsyncSilentDatabase(name, one.kind, str(error))
        try:
            await self._drive_through(settle(self._plan, "the outcome was asked for later"))
        except InDoubt as doubt:
            self._keep_async(doubt)
            raise
        except BaseException:
            await self._end_async()
            raise
        await self._end_async()

    async def _drive_async(self, work: Work[_T]) -> _T:
        return await drive_async(work, self._async_store, self._async_databases, self._options.on_step)

    async def _drive_through(self, work: Work[_T]) -> _T:
        return await drive_through(work, self._async_store, self._async_databases, self._options.on_step)

    async def _end_async(self) -> None:
        for one in self._async_databases.values():
            await one.release()
        self._async_store.close()


def _tell_unfinished(plan: Plan) -> None:
    for name, text in plan.unfinished.items():
        _LOG.warning("transaction %s is committed; %s carries it out later: %s", plan.name.id, name, text)


def transaction(
    db: object,
    *,
    near: Word | None = None,
    timeout_s: float = TIMEOUT_S,
    on_step: OnStep | None = None,
    **databases: Any,
) -> Opening:
    """One transaction over keys of Trivet and other databases, for ``with`` or ``async with``.

    ``db``: a URL of a node (``redis://127.0.0.1:7001/0``), several, or a client of redis-py. ``databases``:
    connections by name, which are ours until the block ends: ``postgres=psycopg.connect(…)``,
    ``mariadb=pymysql.connect(…)``; any name will do, and several of a kind. ``near``: a key; the decision
    lies in its slot, which matters when the keyspace has several shards. ``timeout_s``: how long a node may
    take for an answer. ``on_step`` hears of every step. Raises ``SetupError``.
    """
    return Opening(Options(db, databases, near, timeout_s, on_step))


def run(work: Callable[[Transaction], _T], db: object, *, tries: int = TRIES, **words: Any) -> _T:
    """``work(tx)`` in a transaction, and again, up to ``tries`` times, while it is aborted by others.

    ``words`` are those of ``transaction``. Returns what ``work`` returned. What ``work`` does outside the
    transaction is done again too. Raises what ``transaction`` does, and what ``work`` raises.
    """
    for attempt in range(1, tries + 1):
        try:
            with transaction(db, **words) as tx:
                return work(tx)
        except Exception as error:
            if attempt == tries or not is_retryable(error):
                raise
        time.sleep(_backoff_s(attempt))
    raise AssertionError("tries is at least 1")


async def run_async(
    work: Callable[[AsyncTransaction], Awaitable[_T]], db: object, *, tries: int = TRIES, **words: Any
) -> _T:
    """As ``run``, for a program with a loop."""
    for attempt in range(1, tries + 1):
        try:
            async with transaction(db, **words) as tx:
                return await work(tx)
        except Exception as error:
            if attempt == tries or not is_retryable(error):
                raise
        await asyncio.sleep(_backoff_s(attempt))
    raise AssertionError("tries is at least 1")


def is_retryable(error: Exception) -> bool:
    """Whether the transaction did not happen, and may succeed when run again.

    An ``Aborted``, or a deadlock in a database.
    """
    if isinstance(error, Aborted):
        return error.retryable
    if type(error).__module__.startswith(("pymysql", "asyncmy")):
        return bool(error.args) and str(error.args[0]) in MARIADB_RETRYABLE
    return getattr(error, "sqlstate", None) in POSTGRES_RETRYABLE


def _backoff_s(attempt: int) -> float:
    return min(BACKOFF_FIRST_S * 2.0**attempt, BACKOFF_MAX_S) * (1 + random.random()) / 2
