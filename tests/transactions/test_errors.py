"""What a program hears: before anything begins, when a statement or a command fails, with a loop or without."""

import asyncio

import pytest

import trivet
from tests.transactions.bank import KEY
from trivet.transactions import Aborted, Conflict, SetupError, TransactionError, run_async

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("transactions")]

DEBIT = "UPDATE accounts SET balance = balance - 5 WHERE id = 7"


@pytest.fixture
def pg(bank):
    with bank.pg_connection() as connection:
        yield connection


@pytest.fixture
def my(bank):
    with bank.my_connection() as connection:
        yield connection


def test_postgresql_prepares_nothing(bank, pg, my):
    bank.postgres.stop()
    bank.postgres.start("-c", "max_prepared_transactions=0")
    bank.open()
    try:
        with pytest.raises(SetupError, match="max_prepared_transactions is 0.*restart the server"):
            bank.transfer()
        report = bank.recover()
        assert "max_prepared_transactions is 0" in report.troubles[0]
    finally:
        bank.postgres.stop()
        bank.postgres.start()
        bank.open()
    bank.agree(100)


def test_too_many_prepared(bank):
    """The server's limit is reached: aborted, and worth another try."""
    bank.postgres.stop()
    bank.postgres.start("-c", "max_prepared_transactions=1")
    bank.open()
    try:
        bank.pg.execute("BEGIN")
        bank.pg.execute("PREPARE TRANSACTION 'mine'")
        with pytest.raises(Aborted, match="maximum number of prepared transactions") as raised:
            bank.transfer()
        assert raised.value.retryable
        bank.pg.execute("ROLLBACK PREPARED 'mine'")
        bank.transfer()
    finally:
        bank.postgres.stop()
        bank.postgres.start()
        bank.open()
    bank.agree(95)


@pytest.mark.parametrize(
    "words, said",
    [
        ({}, "name at least one database"),
        ({"incrby": "pg"}, "is no name for a database"),
        ({"trivet": "pg"}, "is no name for a database"),
        ({"postgres": object()}, "is no connection that can take part"),
    ],
)
def test_wrong_words(bank, pg, words, said):
    words = {name: pg if value == "pg" else value for name, value in words.items()}
    with pytest.raises(SetupError, match=said), trivet.transaction(bank.db, **words):
        pass


def test_connections_that_can_not_be_used(bank, pg, my):
    pg.execute("SELECT 1")
    with pytest.raises(SetupError, match="postgres: its connection is in a transaction"):
        bank.transfer(pg=pg, my=my)
    pg.rollback()
    with my.cursor() as cursor:
        cursor.execute("BEGIN")
    with pytest.raises(SetupError, match="mariadb: its connection is in a transaction"):
        bank.transfer(pg=pg, my=my)
    my.rollback()
    closed = bank.pg_connection()
    closed.close()
    with pytest.raises(SetupError, match="postgres: its connection is closed"):
        bank.transfer(pg=closed, my=my)
    with (
        pytest.raises(SetupError, match="trivet: .*refused"),
        trivet.transaction("redis://127.0.0.1:1/0", postgres=pg, timeout_s=0.1),
    ):
        pass
    bank.transfer(pg=pg, my=my)
    bank.agree(95)


def test_not_a_node_of_trivets(bank, pg):
    with pytest.raises(SetupError, match="db: "), trivet.transaction("http://somewhere", postgres=pg):
        pass
    with pytest.raises(SetupError, match="db: "), trivet.transaction([], postgres=pg):
        pass


def test_clients_of_redis_py_that_can_not_be_followed(bank, pg):
    import redis

    for client in (redis.Redis(unix_socket_path="/somewhere"), redis.Redis(ssl=True)):
        with pytest.raises(SetupError, match="plain TCP"):
            trivet.transaction(client, postgres=pg)


def test_a_client_of_redis_py_names_the_cluster(bank, pg, my):
    with trivet.transaction(bank.redis, postgres=pg, mariadb=my) as tx:
        tx.postgres.execute(DEBIT)
        tx.mariadb.execute(DEBIT)
        tx.decrby(KEY, 5)
    bank.agree(95)


def test_an_exception_of_the_program_undoes_everything(bank, pg, my):
    with pytest.raises(ZeroDivisionError), trivet.transaction(bank.db, postgres=pg, mariadb=my) as tx:
        tx.postgres.execute(DEBIT)
        tx.mariadb.execute(DEBIT)
        tx.incrby(KEY, 1 // 0)
    bank.agree(100)
    assert not pg.autocommit and not my.get_autocommit()


def test_a_failed_statement_that_was_caught(bank, pg, my):
    """PostgreSQL answers PREPARE TRANSACTION of a failed transaction with a rollback, and no error."""
    import psycopg

    with (
        pytest.raises(Aborted, match="postgres: ") as raised,
        trivet.transaction(bank.db, postgres=pg, mariadb=my) as tx,
    ):
        tx.mariadb.execute(DEBIT)
        with pytest.raises(psycopg.Error):
            tx.postgres.execute("SELECT 1/0")
    assert not raised.value.retryable
    bank.agree(100)


def test_the_program_may_not_end_its_branches(bank, pg, my):
    with (
        pytest.raises(Aborted, match="postgres: "),
        trivet.transaction(bank.db, postgres=pg, mariadb=my) as tx,
    ):
        for session, word in ((tx.postgres, "commit"), (tx.mariadb, "rollback"), (tx.mariadb, "close")):
            with pytest.raises(SetupError, match="begins and ends its branches itself"):
                getattr(session, word)()
        with pytest.raises(Exception, match="XAER_RMFAIL"):
            tx.mariadb.execute("COMMIT")
        tx.mariadb.execute(DEBIT)
        tx.postgres.execute("ROLLBACK")
    bank.agree(100)


def test_what_can_not_be_prepared(bank, pg, my):
    with (
        pytest.raises(Aborted, match="temporary objects"),
        trivet.transaction(bank.db, postgres=pg, mariadb=my) as tx,
    ):
        tx.mariadb.execute(DEBIT)
        tx.postgres.execute("CREATE TEMPORARY TABLE passing (a int)")
    bank.agree(100)


@pytest.mark.parametrize(
    "commands, said",
    [
        ([("SET", "other", "x"), ("HSET", KEY, "f", "v")], "HSET: WRONGTYPE"),
        (
            [("INCRBY", KEY, 5), ("DEL", "other"), ("INCRBY", "text", 1)],
            "INCRBY: ERR value is not an integer",
        ),
        ([("FLUSHALL",)], "FLUSHALL cannot be a part of this"),
        ([("SET", "other", "x"), ("NONSENSE", "a")], "NONSENSE cannot be a part of this"),
        ([("SET", "trivet:txns", "x")], "is not for programs"),
    ],
)
def test_a_failed_command_undoes_everything(bank, pg, my, commands, said):
    """Also what the commands before it did: in Redis' MULTI it would stay."""
    bank.redis.mset({"text": "letters", "other": "before"})
    bank.redis.expire("other", 1000)
    with pytest.raises(Aborted, match=said), trivet.transaction(bank.db, postgres=pg, mariadb=my) as tx:
        tx.postgres.execute(DEBIT)
        tx.mariadb.execute(DEBIT)
        for words in commands:
            tx.queue(*words)
    assert bank.redis.mget("text", "other") == [b"letters", b"before"] and bank.redis.ttl("other") > 900
    bank.agree(100)


def test_replies_and_reads(bank, pg):
    bank.redis.hset("h", "f", "v")
    with trivet.transaction(bank.db, postgres=pg) as tx:
        assert tx.hget("h", "f") == b"v" and tx.read("MGET", KEY, "none") == [b"100", None]
        tx.postgres.execute("SELECT 1")
        replies = [
            tx.incrby(KEY, 1),
            tx.set("k", "v"),
            tx.queue("GET", "none"),
            tx.queue("LRANGE", "l", 0, -1),
        ]
        with pytest.raises(TransactionError):
            replies[0].result()
    assert [reply.result() for reply in replies] == [101, b"OK", None, []]
    with pytest.raises(SetupError, match="none of the reads"), trivet.transaction(bank.db, postgres=pg) as tx:
        tx.read("SET", KEY, 1)


def test_too_large_to_be_undone(bank, pg):
    bank.redis.set("large", b"x" * 5_000_000)
    with pytest.raises(Aborted, match="undo_bytes_max"), trivet.transaction(bank.db, postgres=pg) as tx:
        tx.append("large", "y")
    assert bank.redis.strlen("large") == 5_000_000


def test_two_databases_of_a_kind(bank):
    with bank.pg_connection() as one, bank.pg_connection() as two:
        with trivet.transaction(bank.db, orders=one, billing=two) as tx:
            tx.orders.execute("UPDATE accounts SET balance = 95 WHERE id = 7")
            assert tx.billing.execute("SELECT balance FROM accounts WHERE id = 7").fetchone() == (100,)
        assert [tuple(row) for row in bank.pg.execute("SELECT balance FROM accounts")] == [(95,)]


def test_with_a_loop(bank):
    import asyncmy
    import asyncpg
    import psycopg

    async def main():
        pg, pg2 = (
            await asyncpg.connect(bank.postgres.dsn),
            await psycopg.AsyncConnection.connect(bank.postgres.dsn),
        )
        my = await asyncmy.connect(db="shop", **bank.mariadb.words())
        with pytest.raises(SetupError, match="that needs a loop"), trivet.transaction(bank.db, postgres=pg):
            pass
        with bank.pg_connection() as blocking, pytest.raises(SetupError, match="blocks the loop"):
            async with trivet.transaction(bank.db, postgres=blocking):
                pass
        tries = []

        async def work(tx):
            tries.append(tx.id)
            assert int(await tx.get(KEY)) == 100 and await tx.hget("none", "f") is None
            if len(tries) == 1:
                bank.redis.incrby(KEY, 0)
            await tx.postgres.execute(DEBIT)
            assert await tx.postgres.fetchval("SELECT balance FROM accounts WHERE id = 7") == 95
            await tx.mariadb.execute(DEBIT)
            await tx.other.execute("SELECT 1")
            return tx.decrby(KEY, 5)

        reply = await run_async(work, bank.db, postgres=pg, mariadb=my, other=pg2)
        assert reply.result() == 95 and len(tries) == 2 and pg2.autocommit is False
        with pytest.raises(ZeroDivisionError):
            async with trivet.transaction(bank.db, postgres=pg, mariadb=my) as tx:
                await tx.postgres.execute(DEBIT)
                await tx.mariadb.execute(DEBIT)
                raise ZeroDivisionError
        with pytest.raises(Conflict):
            async with trivet.transaction(bank.db, postgres=pg, mariadb=my) as tx:
                await tx.get(KEY)
                bank.redis.incrby(KEY, 0)
                await tx.postgres.execute(DEBIT)
        await pg.close()
        await pg2.close()
        my.close()

    asyncio.run(main())
    bank.agree(95)


def test_cancelled_in_the_middle_of_the_commit(bank):
    """The commit goes on to its end; then the cancellation is passed on."""

    import asyncmy
    import asyncpg

    async def transfer(tasks):
        pg = await asyncpg.connect(bank.postgres.dsn)
        my = await asyncmy.connect(db="shop", **bank.mariadb.words())

        def cancel(event):
            if event == "before mariadb: prepare":
                tasks[0].cancel()

        try:
            async with trivet.transaction(bank.db, postgres=pg, mariadb=my, on_step=cancel) as tx:
                await tx.postgres.execute(DEBIT)
                await tx.mariadb.execute(DEBIT)
                tx.decrby(KEY, 5)
        finally:
            await pg.close()
            my.close()

    async def main():
        tasks = []
        tasks.append(asyncio.ensure_future(transfer(tasks)))
        with pytest.raises(asyncio.CancelledError):
            await tasks[0]

    asyncio.run(main())
    bank.agree(95)


def test_no_right_to_make_the_table(bank, pg):
    root = bank.mariadb.connect()
    with root.cursor() as cursor:
        cursor.execute("CREATE DATABASE bare")
        cursor.execute("CREATE TABLE bare.t (a int)")
        cursor.execute("CREATE USER poor@'127.0.0.1' IDENTIFIED BY 'x'")
        cursor.execute("GRANT SELECT, INSERT, DELETE ON bare.* TO poor@'127.0.0.1'")
    import pymysql

    words = {**bank.mariadb.words(), "user": "poor", "password": "x"}
    allowed = "let an administrator run: CREATE TABLE IF NOT EXISTS"
    with pymysql.connect(database="bare", **words) as my, pytest.raises(SetupError, match=allowed):
        trivet.transaction(bank.db, postgres=pg, mariadb=my).__enter__()
    with pymysql.connect(**words) as my, pytest.raises(SetupError, match="no database is selected"):
        trivet.transaction(bank.db, mariadb=my).__enter__()
    root.close()
