"""One PostgreSQL, one MariaDB and one cluster for all files; accounts of 100 for each test."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.transactions.servers import MariaDB, Postgres, missing
from trivet.testing.real_cluster import RealCluster

PROGRAM = Path(__file__).with_name("program.py")


@pytest.fixture(scope="session")
def servers():
    """PostgreSQL and MariaDB."""
    reason = missing()
    if reason:
        pytest.skip(reason)
    made = [Postgres(), MariaDB()]
    try:
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda server: server.make(), made))
        for server in made:
            server.start()
        made[1].prepare()
        yield made
    finally:
        for server in made:
            server.remove()


@pytest.fixture(scope="session")
def lasting_bank(servers, tmp_path_factory):
    from tests.transactions.bank import Bank

    with RealCluster(tmp_path_factory.mktemp("transactions")) as cluster:
        yield Bank(cluster, *servers)


@pytest.fixture
def bank(lasting_bank):
    """Three accounts of 100."""
    lasting_bank.reset()
    return lasting_bank


@pytest.fixture(scope="session")
def programs(lasting_bank):
    """Runs a program that is killed at an event: programs("sync", 7); its events when it lives, else None."""
    bank = lasting_bank
    with subprocess.Popen(
        [sys.executable, str(PROGRAM)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as forker:

        def run(kind, kill=None):
            where = {
                "db": bank.db,
                "postgres": bank.postgres.dsn,
                "mariadb": bank.mariadb.words(),
                "url": bank.mariadb.url,
            }
            forker.stdin.write(json.dumps({"kind": kind, "kill": kill, **where}) + "\n")
            forker.stdin.flush()
            answer = json.loads(forker.stdout.readline())
            assert answer != "failed"
            return answer

        yield run
        forker.stdin.close()
