"""Attacks on a real cluster: a client that does no harm is answered in time, and the memory of the nodes stays bounded."""

import random
import socket
import threading
import time

import pytest
import redis

from tests.cluster.harness import HOST, Cluster
from tests.security.collisions import colliding
from trivet.core.wire.peer import frame

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("cluster")]
MIB = 1024 * 1024
ANSWER_MAX_S = 10.0
"""On a machine with much else to do; the measured worst is below one second."""
GROWTH_BYTES_MAX = 300 * MIB


def call(*words: bytes) -> bytes:
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


class Honest(threading.Thread):
    """Writes and reads, one after the other, and notes how long each took."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.port = port
        self.longest_s = 0.0
        self.rounds = 0
        self.wrong: list[str] = []
        self.done = threading.Event()

    def run(self) -> None:
        client = redis.Redis(HOST, self.port, socket_timeout=60)
        while not self.done.wait(0.005):
            begun_s = time.monotonic()
            try:
                client.set(f"honest{self.port}", self.rounds)
                if client.get(f"honest{self.port}") != b"%d" % self.rounds:
                    self.wrong.append("another value")
            except redis.RedisError as error:
                self.wrong.append(repr(error))
            self.rounds += 1
            self.longest_s = max(self.longest_s, time.monotonic() - begun_s)


class Attack:
    """Many connections, by chance with a seed."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.random = random.Random(5)
        self.sockets: list[socket.socket] = []

    def connect(self, number: int, first: bytes = b"", deaf: bool = False) -> socket.socket:
        """A connection to some node; a deaf one has a small buffer, and never reads."""
        connection = socket.create_connection((HOST, self.cluster.ports[number % 3]), 30)
        if deaf:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(60)
        connection.sendall(first)
        self.sockets.append(connection)
        return connection

    def ask(self, connection: socket.socket, data: bytes, replies_bytes: int) -> None:
        connection.sendall(data)
        while replies_bytes > 0:
            piece = connection.recv(65536)
            assert piece
            replies_bytes -= len(piece)

    def push(self, connection: socket.socket, data: bytes) -> None:
        """As much as the other side takes now."""
        connection.setblocking(False)
        try:
            connection.send(data)
        except BlockingIOError:
            pass
        connection.setblocking(True)

    # -- the attacks

    def half_commands(self) -> None:
        whole = call(b"SET", b"half", b"x" * 200)
        for number in range(500):
            self.connect(number, whole[: self.random.randrange(1, len(whole))])

    def byte_by_byte(self) -> None:
        connections = [self.connect(number) for number in range(50)]
        whole = call(b"SET", b"slow", b"x" * 20)
        for at in range(len(whole)):
            for connection in connections:
                connection.sendall(whole[at : at + 1])
        for connection in connections:
            assert connection.recv(5) == b"+OK\r\n"

    def alternating_pipelines(self) -> None:
        for number in range(10):
            self.push(self.connect(number), b"SET alt 1\r\nGET alt\r\n" * 10_000)
            self.push(self.connect(number), b"BLPOP none 0.001\r\nGET alt\r\n" * 5_000)

    def blocked_clients_that_vanish(self) -> None:
        connections = [
            self.connect(number, call(b"BLPOP", b"b%d" % (number % 7), b"0")) for number in range(2000)
        ]
        pusher = self.connect(0)
        for number in range(200):
            for _ in range(8):
                connections.pop(self.random.randrange(len(connections))).close()
            self.ask(pusher, call(b"RPUSH", b"b%d" % (number % 7), b"v"), 4)

    def deaf_subscribers(self) -> None:
        for number in range(30):
            self.connect(number, call(b"SUBSCRIBE", b"ch"), deaf=True)
        publisher = self.connect(0)
        for _ in range(600):
            self.ask(publisher, call(b"PUBLISH", b"ch", b"m" * 100_000), 4)

    def deaf_monitors(self) -> None:
        for _ in range(10):
            self.connect(0, call(b"MONITOR"), deaf=True)
        writer = self.connect(0)
        for _ in range(100):
            self.ask(writer, call(b"SET", b"x", b"\x01" * 10_000) * 20, 100)

    def a_huge_transaction(self) -> None:
        replies_bytes = (
            5 + 9 * 100_000 + len("*100000\r\n") + sum(len(f":{n}\r\n") for n in range(1, 100_001))
        )
        data = call(b"DEL", b"m") + call(b"MULTI") + call(b"INCR", b"m") * 100_000 + call(b"EXEC")
        self.ask(self.connect(1), data, 4 + replies_bytes)

    def failing_scripts(self) -> None:
        """Who lets strangers run scripts gives them little time (docs/operations.md)."""
        caller = self.connect(0)
        self.ask(caller, call(b"CONFIG", b"SET", b"script-time-max", b"400"), 5)
        for script in (
            b"return nosuch()",
            b"return redis.call('GET')",
            b"while true do end",
            b"local t = {} t[1] = t return t",
        ):
            caller.sendall(call(b"EVAL", script, b"0"))
            assert caller.recv(1000).startswith(b"-ERR")
        self.ask(caller, call(b"CONFIG", b"SET", b"script-time-max", b"30000"), 5)

    def kills(self) -> None:
        states = (
            call(b"BLPOP", b"k", b"0"),
            call(b"MULTI") + call(b"SET", b"a", b"1"),
            call(b"SUBSCRIBE", b"a"),
            call(b"MONITOR"),
            call(b"HELLO", b"3") + call(b"CLIENT", b"TRACKING", b"ON") + call(b"GET", b"a"),
            call(b"WATCH", b"a"),
            call(b"WAIT", b"5", b"0"),
        )
        for _ in range(20):
            for number in range(21):
                self.connect(number, states[number % len(states)] + call(b"CLIENT", b"SETNAME", b"prey"))
            for number in range(3):
                hunter = redis.Redis(HOST, self.cluster.ports[number], socket_timeout=60)
                for client in hunter.client_list():
                    if client["cmd"] not in ("set", "get", "client|list"):
                        hunter.execute_command("CLIENT", "KILL", "ID", client["id"])

    def many_prefixes(self) -> None:
        for number in range(20):
            words = [word for at in range(900) for word in (b"PREFIX", b"p%d:%d:" % (number, at))]
            self.connect(number, call(b"HELLO", b"3") + call(b"CLIENT", b"TRACKING", b"ON", b"BCAST", *words))
        writer = self.connect(0)
        for number in range(100):
            self.ask(
                writer,
                b"".join(call(b"SET", b"p%d:%d:x" % (number % 20, at), b"1") for at in range(100)),
                500,
            )

    def colliding_keys(self) -> None:
        writer = self.connect(0)
        keys = list(colliding(20_000))
        for start in range(0, len(keys), 500):
            calls = [
                call(b"SET", key, b"v", b"PX", b"%d" % (1000 + at))
                for at, key in enumerate(keys[start : start + 500])
            ]
            self.ask(writer, b"".join(calls), 2500)

    def strangers_at_the_peer_port(self) -> None:
        for row in self.cluster.rows():
            for data in (
                b"\xff" * 64,
                frame(b"\x92\x00\x95\x60\xa3\xff\xfe\xfd\x01\x02\x02"),
                frame(b"\x91" * 5000),
            ):
                with socket.create_connection((HOST, row["peer_port"]), 30) as stranger:
                    stranger.sendall(data)


ATTACKS = [name for name, member in vars(Attack).items() if callable(member) and name[0] != "_"]
ATTACKS = [name for name in ATTACKS if name not in ("connect", "ask", "push")]


@pytest.mark.parametrize("name", ATTACKS)
def test_an_honest_client_is_answered(shared, name):
    shared.wait_whole()
    pids = [shared.pid(node) for node in shared.nodes]
    before = [shared.rss_bytes(node) for node in shared.nodes]
    honest = [Honest(port) for port in shared.ports]
    attack = Attack(shared)
    try:
        for client in honest:
            client.start()
        getattr(attack, name)()
        rounds = [client.rounds for client in honest]
        deadline_s = time.monotonic() + 60
        while any(client.rounds < old + 20 for client, old in zip(honest, rounds, strict=True)):
            assert time.monotonic() < deadline_s
            time.sleep(0.01)
    finally:
        for client in honest:
            client.done.set()
        for connection in attack.sockets:
            connection.close()
        for client in honest:
            client.join(70)
    assert [client.wrong for client in honest] == [[], [], []]
    assert max(client.longest_s for client in honest) < ANSWER_MAX_S
    assert [shared.pid(node) for node in shared.nodes] == pids
    for node, rss_bytes in zip(shared.nodes, before, strict=True):
        assert shared.rss_bytes(node) - rss_bytes < GROWTH_BYTES_MAX
