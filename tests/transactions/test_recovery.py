"""Recovery among others: two at once, beside a living program, without one of the databases; by hand; by `trivet txn`."""

import signal
import subprocess
import sys
import threading
import time

import pytest

import trivet
from tests.transactions.bank import KEY
from tests.transactions.test_kill import EVENTS
from trivet.transactions import Aborted, BranchLost, Conflict, Heuristic, TransactionError
from trivet.transactions.branch import End
from trivet.transactions.names import slot_of

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("transactions")]

DECIDED = EVENTS.index("after trivet: decide")
UNDECIDED = EVENTS.index("before trivet: decide")


def at(event, deed):
    """An observer that does something once, at an event."""
    done = []

    def observe(found):
        if found == event and not done:
            done.append(event)
            deed()

    return observe


def txn(*words):
    """`trivet txn …` in a process of its own: its exit code and what it said."""
    done = subprocess.run(
        [sys.executable, "-m", "trivet", "txn", *words],
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def recover_into(bank, reports):
    reports.append(bank.recover())


def test_two_recoveries_at_once(bank, programs):
    for left_at, balance in [(UNDECIDED, 100), (DECIDED, 95)] * 3:
        bank.reset()
        programs("sync", left_at)
        reports = []
        threads = [threading.Thread(target=recover_into, args=(bank, reports)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [report.clean for report in reports] == [True] * 3, reports
        bank.agree(balance)


@pytest.mark.parametrize("event", EVENTS[EVENTS.index("before postgres: prepare") : -1])
def test_recovery_beside_a_living_program(bank, event):
    """At any moment, and without patience: the program commits, or hears that it was aborted, everywhere."""

    def meddle():
        bank.recover(patience_s=0)

    pg, my = bank.pg_connection(), bank.my_connection()
    try:
        bank.transfer(pg=pg, my=my, on_step=at(event, meddle))
        wanted = 95
    except Aborted as error:
        assert error.retryable and "nothing happened" in str(error)
        wanted = 100
    assert wanted == (95 if EVENTS.index(event) >= DECIDED else 100)
    assert bank.recover().clean
    bank.agree(wanted)
    pg.close()
    my.close()


def test_a_young_open_transaction_is_left_to_its_program(bank):
    reports = []
    bank.transfer(on_step=at("before trivet: decide", lambda: reports.append(bank.recover(open_s=60))))
    assert [one.decision for one in reports[0].outcomes] == ["open"]
    bank.agree(95)


def test_a_late_program_cannot_decide_without_its_record(bank):
    """Presumed abort: the record is gone, as if a day had passed since recovery ended the transaction."""

    def end():
        bank.recover(patience_s=0)
        for key in bank.redis.scan_iter("trivet:txn:*"):
            bank.redis.delete(key)

    with pytest.raises(Aborted):
        bank.transfer(on_step=at("before trivet: decide", end))
    assert bank.recover().clean
    bank.agree(100)


@pytest.mark.parametrize("number, balance", [(UNDECIDED, 100), (DECIDED, 95)])
@pytest.mark.parametrize("name", ["postgres", "mariadb"])
def test_one_database_is_down(bank, programs, number, balance, name):
    """The others finish; it finishes later."""
    programs("sync", number)
    server = getattr(bank, name)
    server.stop()
    report = bank.recover(patience_s=0)
    assert len(report.troubles) == 1 and report.troubles[0].startswith(name), report
    (left,) = report.left
    assert [branch for branch, verdict in left.branches.items() if verdict.end is End.DONE] == [
        other for other in ("postgres", "mariadb") if other != name
    ]
    assert "needs a connection" in left.branches[name].text
    server.start()
    bank.open()
    assert bank.recover().clean
    bank.agree(balance)


@pytest.mark.parametrize("name", ["postgres", "mariadb"])
def test_one_database_hangs(bank, programs, name):
    """It takes connections and statements, and answers none: its connection is cut, the others finish."""
    programs("sync", DECIDED)
    server = getattr(bank, name)
    hang = at(f"before {name}: commit", lambda: server.signal(signal.SIGSTOP))
    try:
        report = bank.recover(patience_s=0, timeout_s=2, on_step=hang)
    finally:
        server.signal(signal.SIGCONT)
    (left,) = report.left
    assert [branch for branch, verdict in left.branches.items() if verdict.end is not End.DONE] == [name], (
        report
    )
    assert bank.recover().clean
    bank.agree(95)


def test_keys_in_several_groups(bank):
    """The decision lies near the key that is named; with keys of two groups it is one transaction over them."""
    bank.redis.execute_command("KEYSPACE", "CREATE", 20, "SHARDS", 2)
    db = [url.replace("/0", "/20") for url in bank.db]
    low, _, high = sorted(["a", "b", "c"], key=lambda key: slot_of(key.encode()))
    assert slot_of(low.encode()) < 8192 <= slot_of(high.encode())
    with bank.pg_connection() as pg:
        for key in (low, high):
            with trivet.transaction(db, postgres=pg, near=key) as tx:
                assert tx.get(key) is None
                reply = tx.incrby(key, 1)
            assert reply.result() == 1
        with trivet.transaction(db, postgres=pg, near=low) as tx:
            tx.postgres.execute("UPDATE accounts SET balance = balance WHERE id = 7")
            replies = [tx.incrby(low, 1), tx.incrby(high, 1)]
        assert [reply.result() for reply in replies] == [2, 2]
        with (
            pytest.raises(Aborted) as raised,
            trivet.transaction(db, postgres=pg, near=low) as tx,
        ):
            tx.postgres.execute("UPDATE accounts SET balance = 0 WHERE id = 7")
            tx.incrby(low, 1)
            tx.lpush(high, "no list")
        assert not raised.value.retryable
        with trivet.transaction(db, postgres=pg) as tx:
            assert [int(tx.get(key)) for key in (low, high)] == [2, 2], (
                "what was done before the error is undone"
            )
    bank.agree(100)


def test_orphans_of_other_clusters_and_strangers_are_not_touched(bank):
    cluster = bank.redis.info("server")["trivet_cluster"]
    foreign = [
        f"trivet:{'0' * 32}:0:{'a' * 19}:postgres",
        "somebody's own",
        f"trivet:{cluster}:0:short:postgres",
    ]
    own = f"trivet:{cluster}:0:{'a' * 19}:postgres"
    for gid in [*foreign, own]:
        bank.pg.execute("BEGIN")
        bank.pg.execute("PREPARE TRANSACTION %s" % ("'" + gid.replace("'", "''") + "'"))
    my = bank.my_connection()
    with my.cursor() as cursor:
        cursor.execute("XA START 'somebody','else',1")
        cursor.execute(
            "UPDATE accounts SET balance = 1 WHERE id = 7"
        )  # MariaDB keeps none that wrote nothing
        cursor.execute("XA END 'somebody','else',1")
        cursor.execute("XA PREPARE 'somebody','else',1")
    my.close()
    try:
        report = bank.recover()
        assert [one.id for one in report.settled] == ["a" * 19] and report.clean
        assert sorted(gid for (gid,) in bank.prepared_postgres()) == sorted(foreign)
        assert len(bank.prepared_mariadb()) == 1
    finally:
        bank.my_query("XA ROLLBACK 'somebody','else',1")
        bank.reset()


def test_a_heuristic_rollback_in_postgresql(bank):
    """Somebody rolls the branch back by hand after the decision: the program hears it, and it is written down."""

    def meddle():
        (gid,) = bank.prepared_postgres()[0]
        bank.pg.execute(f"ROLLBACK PREPARED '{gid}'")

    with pytest.raises(Heuristic, match="postgres: somebody rolled it back by hand") as raised:
        bank.transfer(on_step=at("after trivet: decide", meddle))
    assert set(raised.value.branches) == {"postgres"}
    assert bank.balances() == (100, 95, 95)
    node = f"redis://127.0.0.1:{bank.cluster.port(1)}"
    code, said = txn(
        "recover", "--node", node, "--postgres", bank.postgres.dsn, "--mariadb", bank.mariadb.url
    )
    assert code == 1 and "postgres heuristic" in said and "0 finished, 1 left" in said
    code, said = txn("list", "--node", node)
    assert code == 0 and "rolled it back by hand" in said and raised.value.transaction_id in said
    assert txn("forget", raised.value.transaction_id, "--node", node)[0] == 0
    assert bank.recover().clean and bank.left() == []


def test_a_heuristic_commit_in_postgresql(bank):
    def meddle():
        (gid,) = bank.prepared_postgres()[0]
        bank.pg.execute(f"COMMIT PREPARED '{gid}'")
        bank.redis.incrby(KEY, 0)

    with pytest.raises(Heuristic, match="is aborted, and postgres: somebody committed it by hand"):
        bank.transfer(on_step=at("before trivet: decide", meddle))
    assert bank.balances() == (95, 100, 100)
    (left,) = bank.recover().left
    assert left.branches["postgres"].end is End.HEURISTIC
    assert bank.recovery().forget(left.id)


def test_a_lost_branch_in_mariadb(bank):
    """MariaDB cannot tell a branch that was rolled back by hand from one that it lost."""
    my = bank.my_connection()

    def meddle():
        (row,) = bank.prepared_mariadb()
        with my.cursor() as cursor:
            cursor.execute(f"XA ROLLBACK {row[3]}")

    with pytest.raises(BranchLost, match="mariadb: the prepared branch does not exist"):
        bank.transfer(my=my, on_step=at("after trivet: decide", meddle))
    assert bank.balances() == (95, 100, 95)
    (left,) = bank.recover(patience_s=0).left
    assert left.branches["mariadb"].end is End.LOST
    assert bank.recovery().forget(left.id)
    my.close()


def test_a_lost_branch_in_postgresql(bank, programs):
    """As after a failover to a standby that had not got it: the server does not know the transaction's number."""
    programs("sync", DECIDED)
    (key,) = bank.redis.scan_iter("trivet:txn:*")
    number = bank.redis.hget(key, "branches").decode().split('"note":"')[1].split('"')[0]
    changed = bank.redis.hget(key, "branches").decode().replace(f'"note":"{number}"', '"note":"4000000000"')
    bank.redis.hset(key, "branches", changed)
    (gid,) = bank.prepared_postgres()[0]
    bank.pg.execute(f"ROLLBACK PREPARED '{gid}'")
    (left,) = bank.recover().left
    assert left.branches["postgres"].end is End.LOST and left.branches["mariadb"].end is End.DONE
    assert bank.recovery().forget(left.id)


def test_the_command_line(bank, programs):
    node = ["--node", f"redis://127.0.0.1:{bank.cluster.port(2)}"]
    databases = ["--postgres", bank.postgres.dsn, "--mariadb", bank.mariadb.url]
    programs("sync", DECIDED)
    code, said = txn("list", *node)
    assert code == 0 and "commit" in said and "postgres=postgres:postgres mariadb=mariadb:shop" in said
    code, said = txn("recover", *node, *databases, "--dry-run")
    assert code == 1 and "would be committed" in said and "nothing was done" in said
    code, said = txn("recover", *node, "--mariadb", bank.mariadb.url)
    assert code == 1 and "needs a connection to the postgres database 'postgres'" in said
    code, said = txn("recover", *node, *databases)
    assert code == 0 and "committed: postgres done, mariadb done" in said and "1 finished, 0 left" in said
    bank.agree(95)
    code, said = txn("recover", *node, "--mariadb", "nonsense")
    assert code == 1 and "mariadb://user:password@host:port/database" in said
    assert txn("forget", "a" * 19, *node)[0] == 1


def test_the_loop(bank, programs):
    """A background thread finishes what is left, without being asked."""
    loop = bank.recovery().start(every_s=0.05)
    try:
        programs("sync", DECIDED)
        give_up_s = time.monotonic() + 30
        while bank.left():
            assert time.monotonic() < give_up_s
            time.sleep(0.02)
        bank.agree(95)
    finally:
        loop.stop()


def test_the_decision_can_not_be_read(bank, monkeypatch):
    """The answer is lost and Trivet is silent: in doubt; when it speaks again, resolve() tells."""
    from trivet.transactions.asking import Fault
    from trivet.transactions.errors import InDoubt
    from trivet.transactions.store import Store

    perform, silent = Store.perform, []

    def deaf(store, calls):
        answer = perform(store, calls) if not silent else None
        if calls.calls[-1] == (b"EXEC",):
            silent.append(True)
        return Fault("", "no answer in time", lost=True) if silent else answer

    pg, my = bank.pg_connection(), bank.my_connection()
    monkeypatch.setattr(Store, "perform", deaf)
    with pytest.raises(InDoubt) as raised:
        bank.transfer(pg=pg, my=my)
    with pytest.raises(InDoubt) as again:
        raised.value.resolve()
    monkeypatch.undo()
    again.value.resolve()
    bank.agree(95)
    assert not pg.autocommit and not my.get_autocommit()
    pg.close()
    my.close()


def test_only_the_answer_of_the_decision_is_lost(bank, monkeypatch):
    from trivet.transactions.asking import Fault
    from trivet.transactions.store import Store

    perform = Store.perform

    def deaf(store, calls):
        answer = perform(store, calls)
        return Fault("", "no answer in time", lost=True) if calls.calls[-1] == (b"EXEC",) else answer

    monkeypatch.setattr(Store, "perform", deaf)
    with pytest.raises(TransactionError, match="replies were lost"):
        mine = bank.pg_connection(), bank.my_connection()
        with trivet.transaction(bank.db, postgres=mine[0], mariadb=mine[1]) as tx:
            tx.postgres.execute("UPDATE accounts SET balance = 95 WHERE id = 7")
            tx.mariadb.execute("UPDATE accounts SET balance = 95 WHERE id = 7")
            reply = tx.decrby(KEY, 5)
        bank.agree(95)
        reply.result()


def test_the_node_dies_before_the_decision(bank):
    """Its connection held the watches: the transaction is aborted, through another node, and nothing is left."""
    try:
        with pytest.raises(Aborted) as raised:
            bank.transfer(on_step=at("before trivet: decide", lambda: bank.cluster.kill(1)))
        assert raised.value.retryable
    finally:
        bank.cluster.start(1)
        bank.open()
    bank.agree(100)


def test_a_conflict_is_told_and_run_again(bank):
    tries = []

    def work(tx):
        tries.append(tx.id)
        balance = int(tx.get(KEY))
        if len(tries) == 1:
            bank.redis.incrby(KEY, 0)
        tx.postgres.execute("UPDATE accounts SET balance = %s WHERE id = 7", (balance - 5,))
        tx.mariadb.execute("UPDATE accounts SET balance = %s WHERE id = 7", (balance - 5,))
        tx.set(KEY, balance - 5)
        return balance

    with bank.pg_connection() as pg, bank.my_connection() as my:
        assert trivet.transactions.run(work, bank.db, postgres=pg, mariadb=my) == 100
        assert len(set(tries)) == 2
        bank.agree(95)
        with pytest.raises(Conflict):
            tries.clear()
            trivet.transactions.run(work, bank.db, tries=1, postgres=pg, mariadb=my)
    bank.agree(95)
