"""From requests to runs: what is refused at the door, queued, redirected."""

import pytest

from tests.core.node.bench import Bench, Limits, encode
from trivet.core.command.table import ROWS
from trivet.core.node.dispatch import ROUTES, wrong_arity
from trivet.core.node.session_commands import HANDLERS


def test_every_command_has_a_route_and_everything_of_the_node_s_own_a_handler():
    assert list(ROUTES) == list(ROWS)
    assert {name for name, route in ROUTES.items() if route.session} == set(HANDLERS)


def test_names_in_any_case():
    Bench().talk(
        """
        a> set k 1 | gEt k | PiNg
        +OK
        "1"
        +PONG
        """
    )


def test_what_is_no_command():
    Bench().talk(
        """
        a> NOSUCH a b | get | GET a b | SET a | eXeC now
        -ERR unknown command 'NOSUCH', with args beginning with: 'a' 'b'
        -ERR wrong number of arguments for 'get' command
        -ERR wrong number of arguments for 'get' command
        -ERR wrong number of arguments for 'set' command
        -ERR wrong number of arguments for 'exec' command
        """
    )


def test_arity_is_said_as_redis_says_it():
    assert wrong_arity(b"GET").text == "ERR wrong number of arguments for 'get' command"


def test_without_a_password_given_nothing_is_served():
    bench = Bench(password="secret")
    bench.talk(
        """
        a> PING | GET k | SET k 1 | NOSUCH | MULTI | EXEC | CLIENT ID | INFO | CLUSTER INFO | WATCH k
        -NOAUTH Authentication required.
        -NOAUTH Authentication required.
        -NOAUTH Authentication required.
        -NOAUTH Authentication required.
        -NOAUTH Authentication required.
        -NOAUTH Authentication required.
        -NOAUTH Authentication required.
        -NOAUTH Authentication required.
        -NOAUTH Authentication required.
        -NOAUTH Authentication required.
        a> QUIT
        +OK
        closed
        """
    )
    assert bench.node(1).group.machine.databases.key_count() == 0


def test_the_limits_of_a_stranger():
    """Before AUTH: at most 10 arguments, and none above 16 KiB."""
    bench = Bench(password="secret")
    bench.talk(
        """
        a> MSET a 1 b 1 c 1 d 1 e 1
        -ERR Protocol error: unauthenticated multibulk length
        closed
        """
    )
    bench.connect("b")
    bench.send("b", b"*2\r\n$4\r\nAUTH\r\n$16385\r\n")
    assert bench._outcome("b") == ["-ERR Protocol error: unauthenticated bulk length", "closed"]


@pytest.mark.parametrize("before", ["", "SET a 1 | GET a | "])
def test_the_limits_of_a_stranger_end_with_auth_in_the_same_write(before):
    """Also when something in between had to wait for its turn."""
    bench = Bench(3, password="secret")
    lines = bench.say("a@2", f"AUTH secret | {before}MSET a 1 b 1 c 1 d 1 e 1 f 1 | PING")
    assert lines[-2:] == ["+OK", "+PONG"]
    bench = Bench(password="secret")
    assert bench.say("a", "AUTH wrong | MSET a 1 b 1 c 1 d 1 e 1 f 1") == [
        "-WRONGPASS invalid username-password pair or user is disabled.",
        "-ERR Protocol error: unauthenticated multibulk length",
        "closed",
    ]


def test_a_command_may_be_too_large():
    limits = Limits(segment_bytes=65536, call_bytes_max=100)
    refused = "-ERR the command is larger than call_bytes_max (100)"
    large = "SET k " + "v" * 200
    bench = Bench(3, limits=limits)
    assert bench.say("a", f"SET a 1 | SET b 1 | {large} | PING | GET k") == [
        "+OK",
        "+OK",
        refused,
        "+PONG",
        "nil",
    ]
    assert bench.say("a", f"GET a | SET a 1 | {large}") == ['"1"', "+OK", refused], "parked ones too"
    assert bench.say("a", " | ".join(["SET a 12345"] * 30)) == ["+OK"] * 30, "together they may be larger"


def test_a_transaction_may_be_too_large():
    bench = Bench(limits=Limits(segment_bytes=65536, multi_bytes_max=800))
    lines = bench.say("a", "MULTI | " + " | ".join(["SET k " + "v" * 100] * 3) + " | EXEC | GET k")
    assert lines == [
        "+OK",
        "+QUEUED",
        "+QUEUED",
        "-ERR the transaction is larger than multi_bytes_max (800)",
        "-EXECABORT Transaction discarded because of previous errors.",
        "nil",
    ]


def test_only_clients_that_asked_for_the_topology_are_redirected():
    bench = Bench(3)
    moved = "-MOVED 12182 10.0.0.1:7001"
    assert bench.say("a@2", "SET foo 1 | GET foo") == ["+OK", '"1"']
    bench.say("a", "CLUSTER SLOTS")
    assert bench.say("a", "SET foo 2 | GET foo | PING | DBSIZE") == [moved, moved, "+PONG", "1"]
    assert bench.say("a", "MULTI | SET foo 2 | EXEC") == [
        "+OK",
        moved,
        "-EXECABORT Transaction discarded because of previous errors.",
    ]
    assert bench.say("a", "READONLY | GET foo | READWRITE | GET foo") == ["+OK", '"1"', "+OK", moved]
    assert bench.say("a", "RESET | GET foo") == ["+RESET", '"1"']
    assert bench.say("b@1", "CLUSTER SLOTS | GET foo")[1] == '"1"', "the leader serves everyone"
    assert bench.say("c@3", "ASKING | GET foo") == ["+OK", moved]


def test_pieces_of_a_request_wait_for_the_rest():
    bench = Bench()
    bench.connect("a")
    for byte in encode("SET k hello | GET k"):
        bench.send("a", bytes([byte]))
    assert bench._outcome("a") == ["+OK", '"hello"']


def test_what_is_answered_at_the_door_keeps_its_place_in_a_pipeline_of_one_kind():
    Bench(3).talk(
        """
        a> INCR n | INCR n | NOSUCH | INCR n | GET | INCR n | ECHO x | INCR n | SELECT 1 | INCR n | INCR n
        1
        2
        -ERR unknown command 'NOSUCH', with args beginning with:
        3
        -ERR wrong number of arguments for 'get' command
        4
        "x"
        5
        +OK
        1
        2
        b> GET n | GET none | PING | GET n | MULTI | GET n | EXEC | GET n
        "5"
        nil
        +PONG
        "5"
        +OK
        +QUEUED
        ["5"]
        "5"
        """
    )
