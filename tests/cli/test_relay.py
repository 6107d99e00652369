"""`trivet relay` as a process."""

import signal
import socket
import subprocess
import sys

import pytest

from trivet.cli.main import command


def test_its_help_tells_how_to_try_it(cli):
    said = cli.invoke(command, ["relay", "--help"])
    assert said.exit_code == 0
    for word in ("nc localhost 9000", "--channel", "--node URL", "redis://127.0.0.1:7001", "cut off"):
        assert word in " ".join(said.output.split())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--node", "http://x"], "is no address of a node"),
        (["--port", "99999"], "99999"),
        (["--line-bytes", "0"], "0 is not in the range"),
    ],
)
def test_what_it_refuses(cli, words, said):
    done = cli.invoke(command, ["relay", *words])
    assert done.exit_code == 2
    assert said in done.output


def test_a_port_that_is_taken(cli):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = cli.invoke(command, ["relay", "--port", str(port)])
    assert done.exit_code == 1
    assert f"cannot listen on 127.0.0.1:{port}" in done.output


def test_two_clients_of_a_process_and_its_log(ports):
    """Without a node: clients of one relay hear each other all the same."""
    words = [sys.executable, "-m", "trivet", "relay", "--port", "0", "--node", f"127.0.0.1:{ports[0]}"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            host, _, port = process.stdout.readline().split()[1].rpartition(":")
            with (
                socket.create_connection((host, int(port)), 10) as one,
                socket.create_connection((host, int(port)), 10) as other,
            ):
                names = ["{}:{}".format(*end.getsockname()) for end in (one, other)]
                other.sendall(b"are you there\n")
                assert one.makefile("rb").readline() == b"are you there\n"
                one.sendall(b"yes\r\n")
                assert other.makefile("rb").readline() == b"yes\n"
        finally:
            process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 0
    for name in names:
        assert f"New connection from: {name}" in said
    assert f"Node 127.0.0.1:{ports[0]} is not there" in said
