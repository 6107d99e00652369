"""Real PostgreSQL and MariaDB servers on ports and in directories of their own, from Debian's packages."""

import glob
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from trivet.testing.real_cluster import free_ports

HOST = "127.0.0.1"
START_S = 60.0
PREPARED_MAX = 50


def newest(pattern):
    """The newest of the programs that fit, or None."""
    return max(glob.glob(pattern), default=None)


def missing():
    """Why there can be no servers here; empty when there can."""
    for module in ("psycopg", "pymysql", "asyncpg", "asyncmy"):
        try:
            __import__(module)
        except ImportError:
            return f"{module} is not installed (make setup)"
    for what, program in (("postgresql", Postgres.program("initdb")), ("mariadb-server", MariaDB.program())):
        if program is None:
            return f"{what} is not installed (make tools)"
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        return "setpriv is not installed"
    return ""


class Server:
    """One server process. It ends with the thread that starts it, so that is to be the test's."""

    user = ""

    def __init__(self):
        self.directory = Path(tempfile.mkdtemp(prefix=f"trivet-{self.user}-"))
        self.port = 0
        self.process = None
        if os.geteuid() == 0:
            account = pwd.getpwnam(self.user)
            os.chown(self.directory, account.pw_uid, account.pw_gid)
            self.as_user = [
                "setpriv",
                f"--reuid={account.pw_uid}",
                f"--regid={account.pw_gid}",
                "--clear-groups",
            ]
        else:
            self.as_user = []

    def run(self, *words):
        """A program that ends by itself."""
        done = subprocess.run([*self.as_user, *words], capture_output=True, text=True, check=False, cwd="/")
        assert done.returncode == 0, f"{words[0]}: {done.returncode}\n{done.stdout}{done.stderr}"

    def start(self, *words):
        for _ in range(5):
            self.port = self.port or free_ports(1)[0]
            command = [*self.as_user, *self.command(), *words]
            if self.as_user:
                command[1:1] = ["--pdeathsig", "TERM"]
            log = (self.directory / "log").open("ab")
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/"
            )
            give_up_s = time.monotonic() + START_S
            while self.process.poll() is None:
                try:
                    self.connect().close()
                    return self
                except Exception:
                    assert time.monotonic() < give_up_s, self.log()
                time.sleep(0.05)
            self.port = 0
        raise AssertionError(self.log())

    def log(self):
        return (self.directory / "log").read_text(errors="replace")[-4000:]

    def signal(self, number):
        """To the server and its children."""
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as children:
            for pid in [self.process.pid, *map(int, children.read().split())]:
                os.kill(pid, number)

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(self.stop_signal)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None

    def remove(self):
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)


class Postgres(Server):
    user = "postgres"
    stop_signal = signal.SIGINT

    @staticmethod
    def program(name):
        return newest(f"/usr/lib/postgresql/*/bin/{name}") or shutil.which(name)

    def make(self):
        words = [
            "-D",
            str(self.directory / "data"),
            "-A",
            "trust",
            "-U",
            "postgres",
            "--no-sync",
            "-E",
            "UTF8",
        ]
        self.run(self.program("initdb"), *words)

    def command(self):
        words = ["-D", str(self.directory / "data"), "-p", str(self.port), "-c", "unix_socket_directories="]
        words += ["-c", f"listen_addresses={HOST}", "-c", f"max_prepared_transactions={PREPARED_MAX}"]
        return [self.program("postgres"), *words]

    @property
    def dsn(self):
        return f"postgresql://postgres@{HOST}:{self.port}/postgres"

    def connect(self):
        import psycopg

        return psycopg.connect(self.dsn, connect_timeout=5)


class MariaDB(Server):
    user = "mysql"
    stop_signal = signal.SIGTERM

    @staticmethod
    def program():
        return shutil.which("mariadbd") or newest("/usr/sbin/mariadbd")

    def make(self):
        self.data = self.directory / "data"
        words = ["--no-defaults", f"--datadir={self.data}", "--auth-root-authentication-method=normal"]
        self.run("mariadb-install-db", *words, "--skip-test-db")

    def command(self):
        words = [f"--datadir={self.data}", f"--port={self.port}", f"--bind-address={HOST}"]
        words += [f"--socket={self.directory / 's'}", f"--pid-file={self.directory / 'pid'}"]
        return [self.program(), "--no-defaults", *words]

    @property
    def url(self):
        return f"mariadb://app:secret@{HOST}:{self.port}/shop"

    def prepare(self):
        """A database and a user who is nobody special."""
        root = self.connect()
        with root.cursor() as cursor:
            cursor.execute("CREATE DATABASE shop")
            for host in ("127.0.0.1", "localhost"):
                cursor.execute(f"CREATE USER app@'{host}' IDENTIFIED BY 'secret'")
                cursor.execute(f"GRANT ALL ON shop.* TO app@'{host}'")
        root.close()

    def connect(self):
        import pymysql

        return pymysql.connect(unix_socket=str(self.directory / "s"), user="root", connect_timeout=5)

    def words(self):
        """For connections of the app."""
        return {"host": HOST, "port": self.port, "user": "app", "password": "secret"}
