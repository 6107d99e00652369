"""One node as one process: it serves, stops when told, and says in words why it cannot start."""

import contextlib
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.peers import free_ports

RUN = """
import sys
from pathlib import Path
from trivet.runtime.config import load_config
from trivet.runtime.main import run_node
sys.exit(run_node(load_config(Path(sys.argv[1]))))
"""
DEADLINE_S = 90.0


def configure(directory: Path, client_port: int, peer_port: int) -> Path:
    path = directory / "node.toml"
    path.write_text(
        f'node = 1\ncluster = "c0ffee"\ndata = "data"\nlog_format = "json"\n[[members]]\nid = 1\n'
        f'host = "127.0.0.1"\nclient_port = {client_port}\npeer_port = {peer_port}\n'
    )
    return path


@contextlib.contextmanager
def node(path: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen([sys.executable, "-c", RUN, str(path)], stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def ask(port: int, text: bytes) -> bytes:
    """The node's first answer, once it listens."""
    deadline = time.monotonic() + DEADLINE_S
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S) as client:
                client.sendall(text)
                return client.recv(65536)
        except ConnectionRefusedError:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def end(process: subprocess.Popen[str]) -> tuple[int, str]:
    _, said = process.communicate(timeout=DEADLINE_S)
    return process.returncode, said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_told_to_stop_and_remembers(tmp_path: Path, number: signal.Signals) -> None:
    client_port, peer_port = free_ports(2)
    path = configure(tmp_path, client_port, peer_port)
    with node(path) as process:
        assert ask(client_port, b"SET a 1\r\n") == b"+OK\r\n"
        process.send_signal(number)
        assert end(process)[0] == 0
    with node(path) as process:
        assert ask(client_port, b"GET a\r\n") == b"$1\r\n1\r\n"
        process.kill()
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700


def test_it_says_why_it_cannot_start(tmp_path: Path) -> None:
    client_port, peer_port = free_ports(2)
    path = configure(tmp_path, client_port, peer_port)
    with node(path):
        assert ask(client_port, b"PING\r\n") == b"+PONG\r\n"
        with node(path) as second:
            code, said = end(second)
            assert code == 1
            assert "in use by another process" in said.splitlines()[-1]
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        with node(configure(elsewhere, client_port, free_ports(1)[0])) as third:
            code, said = end(third)
            assert code == 1
            assert f"cannot listen on 127.0.0.1:{client_port}" in said.splitlines()[-1]
