"""Bad input to a real node, beside a real redis-server: the same bytes to both, the same answers."""

import shutil
import socket
import subprocess
import time

import pytest

from bench.peers import free_ports
from tests.cluster.harness import HOST, raw, wait_until
from tests.cluster.load import connect

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("cluster")]
MIB = 1024 * 1024
ANSWER_S = 20.0
"""For what must come, on a machine that is busy."""
QUIET_S = 0.3
"""Then nothing more comes."""

BAD = {
    "multibulk count of 3,000,000,000": b"*3000000000\r\n",
    "multibulk count of 2^31": b"*2147483648\r\n",
    "multibulk count that is no number": b"*abc\r\n",
    "bulk length above 512 MiB": b"*2\r\n$3\r\nGET\r\n$536870913\r\n",
    "bulk length -5": b"*2\r\n$3\r\nGET\r\n$-5\r\n",
    "bulk length 2^63-1": b"*2\r\n$3\r\nGET\r\n$9223372036854775807\r\n",
    "bulk length with a plus": b"*2\r\n$3\r\nGET\r\n$+4\r\n",
    "bulk length with a zero before it": b"*2\r\n$3\r\nGET\r\n$04\r\n",
    "null bulk as an argument": b"*2\r\n$3\r\nGET\r\n$-1\r\n",
    "no dollar": b"*1\r\nfoo\r\n",
    "nested array": b"*1\r\n*1\r\n$4\r\nPING\r\n",
    "inline line of 70 KB": b"x" * 70_000,
    "array header of 70 KB": b"*" + b"1" * 70_000,
    "bulk header of 70 KB": b"*1\r\n$" + b"1" * 70_000,
    "inline with an open quote": b'SET a "b\r\n',
    "HTTP": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "HTTP POST": b"POST / HTTP/1.1\r\n\r\n",
    "Host": b"Host: localhost\r\n",
    "nothing, then a command": b"*-1\r\n*0\r\n\r\n*1\r\n$4\r\nPING\r\n",
    "wrong bytes after a bulk": b"*1\r\n$4\r\nPINGxx*1\r\n$4\r\nPING\r\n",
    "good before bad": b"*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nPING\r\n*1\r\nfoo\r\n*1\r\n$4\r\nPING\r\n",
    "unknown command": b"*3\r\n$3\r\nfoo\r\n$3\r\nbar\r\n$3\r\nbaz\r\n",
    "unknown command of 300 bytes": b"*2\r\n$300\r\n" + b"n" * 300 + b"\r\n$3\r\nbar\r\n",
    "unknown command with 200 arguments": b"*201\r\n" + b"$3\r\nfoo\r\n" * 201,
    "too few arguments": b"*1\r\n$3\r\nGET\r\n",
    "HELLO 4": b"HELLO 4\r\n",
    "no integer": b"SET n x\r\nINCR n\r\n",
}
UNAUTHENTICATED = {
    "multibulk count": b"*11\r\n",
    "bulk length": b"*2\r\n$4\r\nAUTH\r\n$16385\r\n",
    "a command": b"*2\r\n$3\r\nGET\r\n$1\r\na\r\n",
    "HELLO 3 with a bad password": b"HELLO 3 AUTH default bad\r\n",
    "AUTH with an unknown user": b"AUTH nosuch x\r\n",
    "AUTH with a bad password": b"AUTH bad\r\n",
}


def start_redis(directory, *words):
    path = shutil.which("redis-server")
    if path is None:
        pytest.skip("redis-server is not installed")
    (port,) = free_ports(1)
    process = subprocess.Popen(
        [path, "--port", str(port), "--bind", HOST, "--save", "", "--dir", str(directory), *words],
        stdout=subprocess.DEVNULL,
    )
    wait_until(lambda: raw(port, b"PING\r\n", 0.2, until=1)[0] if listening(port) else b"", "redis-server")
    return process, port


def listening(port):
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


@pytest.fixture(scope="module")
def redis_port(tmp_path_factory):
    process, port = start_redis(tmp_path_factory.mktemp("redis"))
    yield port
    process.terminate()
    process.wait()


def redis_answer(port, data):
    """What comes back of redis-server, and whether it closes: it has looked at all when it answers next door."""
    received = b""
    with socket.create_connection((HOST, port), ANSWER_S) as connection:
        try:
            connection.sendall(data)
            assert raw(port, b"PING\r\n", ANSWER_S, until=1)[0]
            connection.settimeout(QUIET_S)
            while piece := connection.recv(65536):
                received += piece
        except TimeoutError:
            return received, False
        except (ConnectionResetError, BrokenPipeError):
            pass
    return received, True


def answer(port, data, expected):
    """What comes back of a node, and whether it closes: all that is expected, however long it takes, and more."""
    text, closes = expected
    received = b""
    with socket.create_connection((HOST, port), ANSWER_S) as connection:
        try:
            connection.sendall(data)
            while True:
                connection.settimeout(ANSWER_S if closes or len(received) < len(text) else QUIET_S)
                piece = connection.recv(65536)
                if not piece:
                    break
                received += piece
        except TimeoutError:
            return received, False
        except (ConnectionResetError, BrokenPipeError):
            pass
    return received, True


@pytest.mark.parametrize("what", BAD)
def test_as_redis_answers(shared, redis_port, what):
    theirs = redis_answer(redis_port, BAD[what])
    assert answer(shared.port(1), BAD[what], theirs) == theirs
    assert raw(shared.port(1), b"PING\r\n", ANSWER_S, until=7)[0] == b"+PONG\r\n"


def test_as_redis_answers_before_authentication(make, tmp_path):
    process, port = start_redis(tmp_path, "--requirepass", "secret")
    try:
        cluster = make(settings='password = "secret"\n')
        for what, data in UNAUTHENTICATED.items():
            theirs = redis_answer(port, data)
            assert (what, answer(cluster.port(2), data, theirs)) == (what, theirs)
        with connect(cluster.port(1), password="secret") as client:
            assert client.incr("n") == 1
    finally:
        process.terminate()
        process.wait()


def test_a_thousand_huge_announcements_cost_little(shared):
    node = shared.wait_leader()
    with connect(shared.port(node)) as client:
        client.set("a", 1)
    before = shared.rss_bytes(node)
    connections = []
    try:
        for _ in range(1000):
            connection = socket.create_connection((HOST, shared.port(node)))
            connection.sendall(b"*1000000\r\n$3\r\nSET\r\n$536870912\r\nabc")
            connections.append(connection)
        wait_until(lambda: int(shared.facts(node)["connected_clients"]) >= 1000, "all connections")
        with connect(shared.port(node)) as client:
            assert client.get("a") == b"1"
        assert shared.rss_bytes(node) - before < 64 * MIB
    finally:
        for connection in connections:
            connection.close()
    wait_until(lambda: int(shared.facts(node)["connected_clients"]) < 50, "all connections gone")


def test_a_client_that_never_reads_is_cut_off_and_costs_bounded_memory(make):
    cluster = make(settings="[limits]\nclient_output_stall_ms = 1500\n")
    node = cluster.wait_leader()
    with connect(cluster.port(node)) as client:
        client.set("big", b"x" * MIB)
        before = cluster.rss_bytes(node)
        with socket.create_connection((HOST, cluster.port(node))) as greedy:
            greedy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            greedy.settimeout(0.2)
            begun_s = time.monotonic()

            def cut():
                try:
                    greedy.sendall(b"*2\r\n$3\r\nGET\r\n$3\r\nbig\r\n" * 100)
                except TimeoutError:
                    pass
                except OSError:
                    return True
                assert client.ping()
                assert cluster.rss_bytes(node) - before < 400 * MIB
                return False

            wait_until(cut, "cut off")
            assert time.monotonic() - begun_s > 1.0


def test_garbage_on_the_peer_port_is_refused(shared):
    term = shared.facts(1)["raft_term"]
    for data in (b"\0" * 100, b"\xff" * 100, b"GET / HTTP/1.1\r\n\r\n", b"\x10\0\0\0" + b"x" * 20):
        assert raw(shared.rows()[0]["peer_port"], data, seconds=ANSWER_S)[1]
    assert shared.facts(1)["raft_term"] == term
    with connect(shared.port(1)) as client:
        assert client.ping()
