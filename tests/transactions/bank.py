"""An account in each of the three stores, transfers between them, and whether all three agree.

Drivers are imported when they are used: without them tests are skipped, with the reason.
"""

import redis

import trivet
from trivet.transactions import Recovery

KEY = "balance:7"


class Bank:
    """Three accounts of 100 each."""

    def __init__(self, cluster, postgres, mariadb):
        self.cluster, self.postgres, self.mariadb = cluster, postgres, mariadb
        self.db = [f"redis://127.0.0.1:{cluster.port(node)}/0" for node in cluster.nodes]
        self.open()
        with self.pg.cursor() as cursor:
            cursor.execute("CREATE TABLE IF NOT EXISTS accounts (id int PRIMARY KEY, balance int NOT NULL)")
        with self.my.cursor() as cursor:
            cursor.execute("CREATE TABLE IF NOT EXISTS accounts (id int PRIMARY KEY, balance int NOT NULL)")

        self.reset()
        self.transfer()  # makes what is made once

    def open(self):
        """Connections of the judge."""
        import psycopg

        self.redis = redis.Redis(port=self.cluster.port(1))
        self.pg = psycopg.connect(self.postgres.dsn, autocommit=True)
        self.my = self.my_connection()
        self.my.autocommit(True)

    def pg_connection(self):
        import psycopg

        return psycopg.connect(self.postgres.dsn)

    def my_connection(self):
        import pymysql

        return pymysql.connect(database="shop", **self.mariadb.words())

    def reset(self):
        for (gid,) in self.prepared_postgres():
            self.pg.execute("ROLLBACK PREPARED %s" % ("'" + gid.replace("'", "''") + "'"))
        self.pg.execute("INSERT INTO accounts VALUES (7, 100) ON CONFLICT (id) DO UPDATE SET balance = 100")
        self.my_query("REPLACE INTO accounts VALUES (7, 100)")
        if self.my_query("SHOW TABLES LIKE 'trivet_branches'"):
            self.my_query("DELETE FROM trivet_branches WHERE name <> 'identity'")
        self.redis.flushall()
        self.redis.set(KEY, 100)

    def my_query(self, sql):
        with self.my.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall()

    def prepared_postgres(self):
        return self.pg.execute("SELECT gid FROM pg_prepared_xacts").fetchall()

    def prepared_mariadb(self):
        return self.my_query("XA RECOVER FORMAT='SQL'")

    def balances(self):
        """In PostgreSQL, MariaDB, Trivet."""
        pg = self.pg.execute("SELECT balance FROM accounts WHERE id = 7").fetchone()[0]
        my = self.my_query("SELECT balance FROM accounts WHERE id = 7")[0][0]
        return pg, my, int(self.redis.get(KEY))

    def left(self):
        """What is left of transactions anywhere."""
        marks = [row for row in self.my_query("SELECT name FROM trivet_branches") if row[0] != "identity"]
        index = self.redis.zrange("trivet:txns", 0, -1)
        open_records = [key for key in self.redis.scan_iter("trivet:txn:*") if self.redis.ttl(key) < 0]
        return [*self.prepared_postgres(), *self.prepared_mariadb(), *marks, *index, *open_records]

    def agree(self, *wanted):
        """All three hold the same, one of those wanted, and nothing is left of any transaction."""
        found = self.balances()
        assert len(set(found)) == 1 and found[0] in wanted, found
        left = self.left()
        assert not left, left
        return found[0]

    def recovery(self, **words):
        words = {"open_s": 0.0, **words}
        return Recovery(self.db, postgres=self.postgres.dsn, mariadb=self.mariadb.url, **words)

    def recover(self, **words):
        return self.recovery(**words).once()

    def transfer(self, amount=5, pg=None, my=None, read=True, **words):
        """``amount`` from each of the three, in one transaction."""
        mine = pg or self.pg_connection(), my or self.my_connection()
        try:
            with trivet.transaction(self.db, postgres=mine[0], mariadb=mine[1], near=KEY, **words) as tx:
                tx.postgres.execute("UPDATE accounts SET balance = balance - %s WHERE id = 7", (amount,))
                tx.mariadb.execute("UPDATE accounts SET balance = balance - %s WHERE id = 7", (amount,))
                if read:
                    assert tx.get(KEY) is not None
                tx.incrby(KEY, -amount)
            return tx
        finally:
            if pg is None:
                mine[0].close()
            if my is None and mine[1].open:
                mine[1].close()
