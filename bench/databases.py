"""Two PostgreSQL servers from Debian's package, and one redis-server, for `bench/transactions.py`."""

import glob
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

from bench.peers import HOST, Peer, PeerError, ask, free_ports, program, wait_until
from bench.transaction_load import POOL

PREPARED_MAX = 200
LOCK_TIMEOUT_MS = 500
"""Two transactions that wait for each other over two databases end so: neither database sees the circle."""


class RedisAlways(Peer):
    """One redis-server that syncs before it answers: one copy, one disk."""

    name = "Redis, appendfsync always, one node"

    def start(self) -> None:
        """One process."""
        server = program("redis-server")
        self.fresh_directory()
        (port,) = free_ports(1)
        words = ["--port", str(port), "--bind", HOST, "--dir", str(self.directory), "--save", ""]
        words += ["--appendonly", "yes", "--appendfsync", "always", "--auto-aof-rewrite-percentage", "0"]
        self.spawn(server, *words, log="log")
        wait_until(lambda: ask(port, "PING") == b"+PONG\r\n", self.name)
        self.addresses = [f"{HOST}:{port}"]


class TwoPostgres(Peer):
    """Two servers with one database each, and in it a table of counts."""

    name = "two PostgreSQL databases"
    kind = "postgres"

    def start(self) -> None:
        """Two servers. As root they run as the package's user, which may write to places of its own only."""
        found = max(glob.glob("/usr/lib/postgresql/*/bin/initdb"), default=None)
        if found is None:
            raise PeerError("postgresql is not installed")
        try:
            import psycopg
        except ImportError as error:
            raise PeerError("psycopg is not installed") from error
        home = Path(tempfile.mkdtemp(prefix="trivet-bench-"))
        self.directory = home
        account = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
        words = [program("setpriv"), "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        as_user = [] if account is None else words
        if account is not None:
            os.chown(home, account.pw_uid, account.pw_gid)
        self.addresses = []
        for number, port in enumerate(free_ports(2)):
            data = str(home / f"p{number}")
            make = [*as_user, found, "-D", data, "-A", "trust", "-U", "postgres", "--no-sync", "-E", "UTF8"]
            done = subprocess.run(make, capture_output=True, text=True, cwd="/", check=False)
            if done.returncode:
                raise PeerError(f"initdb: {done.stderr.strip().splitlines()[-1]}")
            words = ["-D", data, "-p", str(port), "-c", "unix_socket_directories="]
            words += ["-c", f"listen_addresses={HOST}", "-c", f"max_prepared_transactions={PREPARED_MAX}"]
            words += ["-c", "max_connections=300", "-c", f"lock_timeout={LOCK_TIMEOUT_MS}"]
            self.spawn(*as_user, found.replace("initdb", "postgres"), *words, log=f"log{number}")
            url = f"postgresql://postgres@{HOST}:{port}/postgres"
            wait_until(lambda url=url: self._made(psycopg.connect, url), self.name)  # type: ignore[misc]
            self.addresses.append(url)

    def _made(self, connect: object, url: str) -> bool:
        assert callable(connect)
        try:
            with connect(url, connect_timeout=5) as connection:
                connection.execute("CREATE TABLE counts (id int PRIMARY KEY, n bigint)")
                connection.execute(f"INSERT INTO counts SELECT i, 0 FROM generate_series(0, {POOL - 1}) i")
        except Exception:
            return False
        return True

    def stop(self) -> None:
        """End both."""
        super().stop()
        shutil.rmtree(self.directory, ignore_errors=True)
