"""What one client may cost a node and the others. Each was measured, and mended where it was too much."""

import time

import pytest

from tests.core.node.bench import Bench
from trivet.core.base.limits import Limits
from trivet.core.node.client_tracking import PREFIXES_MAX


def cpu_seconds(work) -> float:
    begun_s = time.process_time()
    work()
    return time.process_time() - begun_s


@pytest.mark.parametrize(
    ("setup", "calls"),
    [
        ("PING", b"SET a 1\r\nGET a\r\n"),
        ("RPUSH l 1", b"BLMOVE l l LEFT RIGHT 0\r\nLLEN l\r\n"),
        ("RPUSH l 1", b"BLMOVE l l LEFT RIGHT 0\r\nLPUSH l 1\r\n"),
        ("PING", b"WAIT 0 1\r\nGET a\r\n"),
    ],
    ids=["writes and reads", "waits and reads", "waits and writes", "WAIT"],
)
def test_a_pipeline_that_alternates_costs_linear_time(setup, calls):
    """What had to wait was counted again with every command that could go on: 256 KiB took minutes."""
    bench = Bench(1)
    bench.say("a", setup)
    bench.send("a", calls * 8000)
    assert cpu_seconds(bench.settle) < 20
    assert bench.say("a", "PING") == ["+PONG"]


def test_a_pipeline_stays_in_order():
    """Pieces of what was parked, with everything that parks between them."""
    bench = Bench(1)
    lines = []
    expected = []
    for number in range(200):
        lines += [
            f"RPUSH l {number}",
            "LLEN l",
            f"BLPOP none {'0.01' if number % 50 == 0 else '0.001'}",
            "LINDEX l -1",
        ]
        lines += ["MULTI", f"INCR n{number % 3}", "EXEC", "SELECT 1", "SELECT 0", "PING"]
        expected += [f"{number + 1}", f"{number + 1}", "nil", f'"{number}"']
        expected += ["+OK", "+QUEUED", f"[{number // 3 + 1}]", "+OK", "+OK", "+PONG"]
    bench.connect("a")
    bench.send("a", "\r\n".join([*lines, ""]).encode())
    bench.events = []
    bench.until(lambda: len([text for name, text in bench.events if name == "a"]) >= len(expected), 60_000)
    shown = [text.replace("nil*", "nil") for name, text in bench.events if name == "a"]
    assert shown == expected


def test_what_comes_after_quit_and_kill_is_dropped():
    bench = Bench(1)
    bench.say("a", "PING")
    bench.send("a", b"SET a 1\r\nGET a\r\n" * 50 + b"QUIT\r\n" + b"SET a 2\r\n" * 100)
    bench.settle()
    assert bench.say("b", "GET a") == ['"1"']
    bench.say("c", "PING")
    own = bench.say("c", "CLIENT ID")[0]
    bench.send(
        "c",
        b"SET a 1\r\nGET a\r\n" * 50 + b"CLIENT KILL ID %d SKIPME no\r\n" % int(own) + b"SET a 3\r\n" * 100,
    )
    bench.settle()
    assert bench.say("b", "GET a") == ['"1"']


def test_deadlines_of_calls_that_were_served_are_not_kept():
    """A worker that waits an hour, and is served at once, a thousand times a second."""
    bench = Bench(1)
    bench.say("a", "PING")
    for _ in range(500):
        bench.send("a", b"BLPOP q 3600\r\n")
        bench.settle()
        bench.say("b", "RPUSH q 1")
    assert len(bench.node(1).front.blocked._deadlines) <= 70
    bench.send("a", b"BLPOP q 2\r\n")
    bench.settle()
    bench.wait(3_000)
    assert bench.say("a", "PING") == ["+PONG"]


def test_who_has_not_come_in_and_does_not_read_is_cut_off():
    """CVE-2025-21605: each such connection could hold a megabyte of refusals for a minute."""
    bench = Bench(1, password="secret")
    bench.say("a", "PING")
    bench.say("b", "AUTH secret")
    for name in ("a", "b"):
        bench.send(name, b"PING\r\n" * 1000)
        bench.backlog(name, 100_000)
    bench.settle()
    assert not bench.clients["a"].open
    assert bench.clients["b"].open


def test_a_queue_of_short_commands_is_counted_with_what_it_takes():
    """A queued command of a few bytes takes some hundred: 64 MiB of them were gigabytes."""
    bench = Bench(1, limits=Limits(segment_bytes=65536, multi_bytes_max=100_000))
    lines = bench.say("a", "MULTI | " + " | ".join(["INCR n"] * 1000) + " | EXEC")
    assert lines[500] == "-ERR the transaction is larger than multi_bytes_max (100000)"
    assert lines[-1].startswith("-EXECABORT")
    assert lines[300] == "+QUEUED"


def test_many_prefixes_cost_a_change_little():
    """Every change of every key was compared with every prefix of every client."""
    bench = Bench(1)
    for client in range(20):
        prefixes = " ".join(f"PREFIX p{client}:{number}:" for number in range(PREFIXES_MAX))
        assert bench.say(f"t{client}", f"HELLO 3 | CLIENT TRACKING ON BCAST {prefixes}")[1] == "+OK"

    def writes():
        bench.send("a", b"".join(b"SET other%d 1\r\n" % number for number in range(2000)))
        bench.settle()

    bench.say("a", "PING")
    assert cpu_seconds(writes) < 2
    assert len(bench.node(1).front.tracking._prefix_sizes) <= 4
    assert bench.say("a", "SET p3:17:x 1") == ["+OK", 't3: >["invalidate" ["p3:17:x"]]']
    for client in range(20):
        bench.hang_up_client(f"t{client}")
    bench.settle()
    assert bench.node(1).front.tracking._prefix_sizes == {}


def test_prefixes_have_a_number():
    bench = Bench(1)
    prefixes = " ".join(f"PREFIX p{number}:" for number in range(PREFIXES_MAX + 1))
    assert bench.say("a", f"HELLO 3 | CLIENT TRACKING ON BCAST {prefixes}")[1] == (
        f"-ERR a client can track at most {PREFIXES_MAX} prefixes"
    )
