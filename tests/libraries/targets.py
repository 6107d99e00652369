"""What the libraries run against: a cluster of three nodes, or, as the oracle, one redis-server (TRIVET_TEST_TARGET=redis).

Both have client ports, and nodes that can be killed and come back by themselves. The cluster also comes *spread*: with the
keys of database 0 over four groups, so that nearly all that a library does with several keys is a transaction over groups.
"""

import os
import shutil
import signal
import subprocess
import threading
from contextlib import contextmanager

import pytest

from bench.peers import ask, free_ports
from tests.cluster.harness import HOST, Cluster, raw, wait_until
from tests.libraries.running import environment

OK = (b"+OK\r\n", False)
"""What ``raw`` gives of it."""


class TrivetTarget:
    """Three real nodes under one supervisor, which restarts what dies."""

    def __init__(self, directory):
        self.cluster = Cluster(directory)
        self.cluster.wait_whole()
        self.ports = self.cluster.ports

    def kill(self, node):
        """kill -9; the process id."""
        return self.cluster.kill(node)

    def wait_back(self, node, before):
        """Wait until a new process serves for the one killed, and all nodes agree."""
        wait_until(lambda: self.cluster.pid(node) not in (0, before), "a new process")
        self.cluster.wait_whole()

    def stop(self):
        assert self.cluster.stop() == 0


SPREAD_OVER = 4


class SpreadTarget(TrivetTarget):
    """The same, with database 0 over four groups."""

    def __init__(self, directory):
        super().__init__(directory)
        self.cluster.spread(SPREAD_OVER)


class RedisTarget:
    """One redis-server that syncs every write before it answers, and is started again when it dies."""

    def __init__(self, directory):
        self.directory = directory
        self.ports = free_ports(1)
        self._stopping = False
        self._changed = threading.Event()
        self._start()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _start(self):
        words = [
            "redis-server",
            "--port",
            str(self.ports[0]),
            "--bind",
            HOST,
            "--save",
            "",
            "--appendonly",
            "yes",
        ]
        words += ["--appendfsync", "always", "--dir", str(self.directory)]
        with (self.directory / "redis.log").open("ab") as log:
            self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until(lambda: ask(self.ports[0], "PING") == b"+PONG\r\n", "redis-server")

    def _watch(self):
        while not self._stopping:
            self.process.wait()
            if not self._stopping and not self._changed.wait(0.3):
                self._start()

    def kill(self, node):
        """kill -9; the process id."""
        assert node == 1
        os.kill(self.process.pid, signal.SIGKILL)
        return self.process.pid

    def wait_back(self, node, before):
        """Wait until a new process serves for the one killed."""
        assert node == 1
        wait_until(
            lambda: self.process.pid != before and ask(self.ports[0], "PING") == b"+PONG\r\n", "a new process"
        )

    def stop(self):
        self._stopping = True
        self._changed.set()
        self.process.terminate()
        self.process.wait(20)


def open_target(directory, spread=False):
    """The target that the environment asks for; ``spread`` is about Trivet's own."""
    kind = os.environ.get("TRIVET_TEST_TARGET", "trivet")
    if kind != "redis":
        return SpreadTarget(directory) if spread else TrivetTarget(directory)
    if spread:
        pytest.skip("a redis-server has no groups")
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed")
    return RedisTarget(directory)


def urls(target, db=0):
    """The plain URL of each node."""
    return [f"redis://{HOST}:{port}/{db}" for port in target.ports]


@contextmanager
def database(target, db, mode):
    """For a while the database is of that mode, with a copy at each node."""
    if isinstance(target, RedisTarget):
        pytest.skip("a redis-server has no modes")
    port, nodes = target.ports[0], len(target.ports)
    assert (
        raw(port, b"KEYSPACE CREATE %d MODE %b REPLICAS %d\r\n" % (db, mode.encode(), nodes), 60.0, 5) == OK
    )
    yield
    assert raw(port, b"KEYSPACE DROP %d FORCE\r\n" % db, 60.0, 5) == OK


def results_elsewhere(target, node, db):
    """The environment of a part of Celery at a node, which has its queues in database 0 and its results in another."""
    broker, results = urls(target)[node - 1], urls(target, db)[node - 1]
    return environment(broker, broker, TARGET_RESULTS_URL=results)
