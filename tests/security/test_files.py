"""More connections than the system allows files (and CVE-2025-48367: one failed accept stops nobody else)."""

import resource
import socket
import subprocess
import sys

from bench.peers import free_ports
from tests.cluster.harness import wait_until
from tests.runtime.test_main import RUN, ask, configure

FILES = 128
VALUE = b"*3\r\n$3\r\nSET\r\n$1\r\nb\r\n$1000000\r\n" + b"x" * 1_000_000 + b"\r\n"


def test_a_flood_of_connections_leaves_the_log_its_files(tmp_path):
    """The log opens a new file every 16 MiB; without one the node, and every other that is flooded, ended."""
    client_port, peer_port = free_ports(2)
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, str(configure(tmp_path, client_port, peer_port))],
        stderr=subprocess.PIPE,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, FILES)),
    )
    try:
        assert ask(client_port, b"SET a 1\r\n") == b"+OK\r\n"
        with socket.create_connection(("127.0.0.1", client_port), 30) as good:
            flood = [start_connecting(port) for port in (client_port, peer_port) for _ in range(FILES)]
            for _ in range(40):
                good.sendall(VALUE)
                assert good.recv(100) == b"+OK\r\n"
            for connection in flood:
                connection.close()
        wait_until(lambda: ask_again(client_port) == b"$1\r\n1\r\n", "connections are taken again")
        assert process.poll() is None
    finally:
        process.kill()
        process.communicate()


def start_connecting(port: int) -> socket.socket:
    connection = socket.socket()
    connection.setblocking(False)
    connection.connect_ex(("127.0.0.1", port))
    return connection


def ask_again(port: int) -> bytes:
    try:
        return ask(port, b"GET a\r\n")
    except OSError:
        return b""
