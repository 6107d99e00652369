"""One client's conversation: replies in the order of the requests, parking, closing (Rules C1, C2)."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.node.bench import Bench, Limits, encode
from tests.core.node.founded import founded
from trivet.core.group.run import Run
from trivet.core.node.session import Ready, Session
from trivet.core.wire.reply import OK
from trivet.core.wire.resp import RequestParser, RespLimits


def session() -> tuple[Session, Ready]:
    ready = Ready()
    return Session(1, "127.0.0.1:1", RequestParser(RespLimits()), ready, 0), ready


# -- the object itself


def test_replies_leave_in_the_order_of_the_requests():
    one, ready = session()
    first, second = Run(one, True), Run(one, True)
    for run in (first, second):
        run.add((0, [b"INCR", b"n"]), 1)
        one.pending.append(run)
        one.calls_under_way += 1
        one.answer(b"+between\r\n")
    assert ready.sessions == []
    second.finish([2])
    one.drain()
    assert one.out == []
    first.finish([1])
    one.drain()
    assert one.take_out() == b":1\r\n+between\r\n:2\r\n+between\r\n"
    assert one.idle
    assert one.calls_under_way == 0


def test_it_asks_to_be_looked_at_once():
    one, ready = session()
    one.answer_reply(OK)
    one.answer_reply(OK)
    assert ready.sessions == [one]
    one.drain()
    one.answer_reply(OK)
    assert ready.sessions == [one, one]


def test_a_session_that_is_gone_bothers_nobody():
    one, ready = session()
    one.gone = True
    one.run_done()
    assert ready.sessions == []


# -- conversations


def test_reads_and_writes_of_one_pipeline_take_effect_in_order():
    """C1: each GET sees exactly the SET before it."""
    script = """
        a> SET a 1 | GET a | SET a 2 | GET a | PING | SET a 3 | GET a | GET a
        +OK
        "1"
        +OK
        "2"
        +PONG
        +OK
        "3"
        "3"
        """
    Bench(1).talk(script)
    Bench(3).talk(script)
    Bench(3).talk(script.replace("a>", "a@2>"))


def test_a_transaction_in_the_middle_of_a_pipeline():
    """C1."""
    for place in ("a", "a@3"):
        Bench(3).talk(
            f"""
            {place}> SET a 1 | GET a | MULTI | INCR a | GET a | EXEC | GET a | MULTI | GET a | EXEC | SET a 9 | GET a
            +OK
            "1"
            +OK
            +QUEUED
            +QUEUED
            [2 "2"]
            "2"
            +OK
            +QUEUED
            ["2"]
            +OK
            "9"
            """
        )


_COMMANDS = st.sampled_from(
    ["INCR n", "GET n", "PING", "APPEND s x", "STRLEN s", "SELECT 1", "SELECT 0", "ECHO e", "MULTI", "EXEC", "DISCARD",
     "WATCH n", "UNWATCH", "READONLY", "READWRITE", "HELLO 2", "RESET", "WAIT 0 0", "NOSUCH", "GET", "ASKING"]
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(st.lists(_COMMANDS, min_size=1, max_size=25), st.sampled_from([1, 2]), st.integers(1, 400))
def test_a_pipeline_answers_what_single_commands_answer(commands, place, cut):
    """C1: however the requests are cut into pieces, and whichever node is asked."""
    # Stale reads are excused: a follower may not have heard of the commit.
    commands = [c for c in commands if place == 1 or c != "READONLY"]
    one_by_one = Bench(3)
    one_by_one.connect("a", place)
    wanted = [line for command in commands for line in one_by_one.say("a", command)]
    bench = Bench(3)
    bench.connect("a", place)
    data = encode(" | ".join(commands))
    given_lines = []
    for at in range(0, len(data), cut):
        bench.send("a", data[at : at + cut])
        given_lines += bench._outcome("a") if cut % 2 else []
    given_lines += bench._outcome("a")
    assert given_lines == wanted
    session = bench.node(place).front.sessions[bench.clients["a"].conn]
    assert session.idle
    assert not session.parked
    assert not bench.clients["a"].paused


def test_a_parked_client_is_not_read_from():
    """C2."""
    bench = Bench(3)
    bench.cut(2)
    assert bench.say("a@2", "SET a 1 | GET a | GET a") == []
    assert bench.clients["a"].paused
    bench.say("a", "GET a")
    assert len(bench.clients["a"].unread) == 1
    bench.heal()
    assert bench.act("wait 600") == ["a: +OK", 'a: "1"', 'a: "1"', 'a: "1"']
    assert not bench.clients["a"].paused


def test_a_pipeline_without_end_is_parked_at_a_limit():
    """C2."""
    bench = Bench(3, limits=Limits(segment_bytes=65536, pipeline_calls_max=10))
    bench.cut(2)
    assert bench.say("a@2", " | ".join(["INCR n"] * 25)) == []
    session = bench.node(2).front.sessions[bench.clients["a"].conn]
    assert (session.calls_under_way, len(session.parked)) == (10, 15)
    assert bench.clients["a"].paused
    bench.heal()
    assert bench.act("wait 600") == [f"a: {n}" for n in range(1, 26)]


def test_clients_do_not_wait_for_each_other():
    bench = Bench(3)
    bench.talk(
        """
        * hold 1
        * hold 2
        * hold 3
        a> SET a 1 | GET a
        b> PING | GET a
        +PONG
        nil
        * release 1
        * release 2
        a: +OK
        a: "1"
        """
    )


def test_a_protocol_error_comes_after_the_replies_before_it():
    bench = Bench(3)
    bench.connect("a", 2)
    bench.send("a", encode("SET a 1 | GET a | SET a 2") + b"*x\r\n" + encode("SET a 3"))
    assert bench._outcome("a") == [
        "+OK",
        '"1"',
        "+OK",
        "-ERR Protocol error: invalid multibulk length",
        "closed",
    ]
    assert bench.ask("b", "GET a") == '"2"'


def test_after_quit_nothing_is_looked_at():
    bench = Bench()
    bench.connect("a")
    bench.send("a", encode("SET a 1 | GET a | QUIT | SET a 2") + b"*x\r\n")
    assert bench._outcome("a") == ["+OK", '"1"', "+OK", "closed"]
    bench.connect("b")
    bench.send("b", encode("QUIT") + b"POST / HTTP/1.1\r\n")
    assert bench._outcome("b") == ["+OK", "closed"]
    assert bench.ask("c", "GET a") == '"1"'


def test_a_browser_gets_no_answer():
    """Not even the replies under way, as in Redis."""
    bench = Bench()
    bench.connect("a")
    bench.send("a", encode("SET a 1") + b"POST / HTTP/1.1\r\nHost: x\r\n")
    assert bench._outcome("a") == ["cut off"]


def test_a_client_that_left_is_answered_no_more():
    bench = Bench(3)
    bench.cut(2)
    bench.say("a@2", "INCR n | GET n | INCR n")
    bench.hang_up_client("a")
    bench.heal()
    bench.wait(1000)
    assert bench._outcome("") == []
    assert bench.ask("b", "GET n") == '"1"', "what was under way took effect, what was parked did not"


IN_TWO_GROUPS = """
    a> SELECT 5 | SET bar 0 | GET bar | MULTI | SET bar 1 | INCR {bar}2 | EXEC | SET bar 2 | PING
    +OK
    +OK
    "0"
    +OK
    +QUEUED
    +QUEUED
    [+OK 1]
    +OK
    +PONG
    # What stands between two calls to a group is done between them.
    a> SET bar 1 | MULTI | INCR bar | EXEC | SET bar 5 | SET foo 6 | GET bar
    +OK
    +OK
    +QUEUED
    [2]
    +OK
    +OK
    "5"
    a> SET bar 1 | SET foo 1 | FLUSHDB | SET bar 3 | SET foo 4 | GET bar | GET foo
    +OK
    +OK
    +OK
    +OK
    +OK
    "3"
    "4"
    """


def test_calls_to_several_groups_take_effect_in_order():
    """C1, where the keys of a database are in two groups, and a read is answered at once."""
    for create in ("5 REPLICAS 1 SHARDS 2", "5 REPLICAS 3 SHARDS 2"):
        bench = founded(3, create)
        bench.talk(IN_TWO_GROUPS)
        bench.talk(IN_TWO_GROUPS.replace("a>", "b@2>"))
