"""The small client against a scripted server."""

import socket
import threading

import pytest

from trivet.cli.asking import address_of, advice
from trivet.cli.probe import Probe, ProbeError, Refused, keys_in


def serve(*replies):
    """A server that answers each request of its one connection with the next of ``replies``, then closes."""
    server = socket.create_server(("127.0.0.1", 0))

    def run():
        connection, _ = server.accept()
        for reply in replies:
            if not connection.recv(65536):
                break
            for piece in reply if isinstance(reply, list) else [reply]:
                connection.sendall(piece)
        connection.close()
        server.close()

    threading.Thread(target=run, daemon=True).start()
    return server.getsockname()[1]


def test_each_kind_of_reply():
    port = serve(b"+OK\r\n", b":42\r\n", b"$3\r\nabc\r\n", b"$-1\r\n", b"*2\r\n:1\r\n$1\r\nx\r\n")
    probe = Probe("127.0.0.1", port)
    assert probe.call("A") == b"OK"
    assert probe.call("A") == 42
    assert probe.call("A") == b"abc"
    assert probe.call("A") is None
    assert probe.call("A") == [1, b"x"]


def test_a_reply_in_pieces():
    probe = Probe("127.0.0.1", serve([b"$1", b"0\r\n01234", b"56789\r", b"\n"]))
    assert probe.call("GET", "x") == b"0123456789"


def test_an_error_reply_and_a_closed_connection_are_sentences():
    port = serve(b"-ERR no\r\n")
    with pytest.raises(Refused, match=f"127.0.0.1:{port}: ERR no") as refused:
        Probe("127.0.0.1", port).call("A")
    assert refused.value.text == "ERR no"
    with pytest.raises(ProbeError, match="closed by the other side"):
        Probe("127.0.0.1", serve(b"")).call("A")


def test_no_answer_in_time():
    server = socket.create_server(("127.0.0.1", 0))
    with server, pytest.raises(ProbeError, match="no answer in time"):
        Probe("127.0.0.1", server.getsockname()[1], timeout_s=0.05).call("A")


def test_something_that_speaks_another_protocol():
    with pytest.raises(ProbeError, match="not a Redis protocol server"):
        Probe("127.0.0.1", serve(b"HTTP/1.1 400 Bad Request\r\n")).info()


def test_password_is_given_first():
    probe = Probe("127.0.0.1", serve(b"+OK\r\n", b":1\r\n"), password="secret")
    assert probe.call("A") == 1


def test_info_and_keys():
    text = b"# Keyspace\r\ndb0:keys=3,expires=0\r\ndb1:keys=4,expires=1\r\n# Raft\r\nraft_term:9\r\n"
    info = Probe("127.0.0.1", serve(b"$%d\r\n%s\r\n" % (len(text), text))).info()
    assert info["raft_term"] == "9"
    assert keys_in(info) == 7


def test_a_user_comes_with_its_password():
    heard = []
    server = socket.create_server(("127.0.0.1", 0))

    def run():
        connection, _ = server.accept()
        for _ in range(2):
            heard.append(connection.recv(65536))
            connection.sendall(b"+OK\r\n")
        connection.close()
        server.close()

    listener = threading.Thread(target=run, daemon=True)
    listener.start()
    host, port, password, user = address_of(f"redis://ann:a%40b@127.0.0.1:{server.getsockname()[1]}")
    Probe(host, port, password, user).call("A")
    listener.join()
    assert heard[0] == b"*3\r\n$4\r\nAUTH\r\n$3\r\nann\r\n$3\r\na@b\r\n"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("ERR no such move: 9", "no such move: 9: `trivet status` shows what there is"),
        ("ERR node 3 is alive: CLUSTER DRAIN 3 first", "node 3 is alive: `trivet leave 3` first"),
        ("ERR empty it first, or say FORCE", "empty it first, or say --force"),
    ],
)
def test_advice_is_in_the_words_of_the_command_line(said, told):
    assert advice(Refused("127.0.0.1:1", said)) == told
