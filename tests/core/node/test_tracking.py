"""CLIENT TRACKING: a client hears when what it has read changes, by whomever, on whichever node."""

import pytest

from tests.core.node.bench import Bench
from trivet.core.base.limits import Limits
from trivet.core.node.session import SUBSCRIBED


def bench_with(options: str, nodes: int = 3, **settings) -> Bench:
    """Client ``a`` at node 2 tracks."""
    bench = Bench(nodes, **settings)
    bench.say("a@2" if nodes > 1 else "a", "HELLO 3")
    assert bench.say("a", f"CLIENT TRACKING ON {options}") == ["+OK"]
    return bench


def both(lines: list[str]) -> list[str]:
    """What two clients get to see at once comes in no order."""
    return sorted(lines)


def test_changes_by_others_and_by_itself():
    bench_with("").talk(
        """
        a> GET k | GET j
        nil3
        nil3
        b@3> SET k 1 | SET other 1
        +OK
        +OK
        * wait 200
        a: >["invalidate" ["k"]]
        # It has not read k again.
        b> SET k 2
        +OK
        * wait 200
        a> MGET j k
        [nil3 "2"]
        # Its own change: after the reply.
        a> SET k 3 | PING
        +OK
        +PONG
        >["invalidate" ["k"]]
        """
    )


def test_every_way_to_change():
    bench = bench_with("", 1)
    bench.say("b", "SET k 1 | SET e 1 PX 1000 | RPUSH l a b | MULTI | SET m 1 | EXEC")
    for read, change, key in (
        ("GET k", "DEL k", "k"),
        ("LRANGE l 0 -1", "LPOP l", "l"),
        ("EXISTS l", "RENAME l l2", "l"),
        ("GET m", "MULTI | SET m 2 | EXEC", "m"),
        ("OBJECT ENCODING m", "EXPIRE m 100", "m"),
        ("TYPE new", "SET new 1", "new"),
    ):
        bench.say("a", read)
        assert f'a: >["invalidate" ["{key}"]]' in bench.say("b", change), change
    bench.say("a", "GET e")
    bench.wait(1100)
    assert bench._outcome("a") == ['>["invalidate" ["e"]]']


def test_a_call_that_waited_changes_too():
    bench = bench_with("", 1)
    bench.say("b", "BLPOP q 0")
    bench.say("a", "EXISTS q")
    assert 'a: >["invalidate" ["q"]]' in bench.say("c", "RPUSH q x")


def test_emptying_tells_of_everything():
    bench = bench_with("", 1)
    for change in ("FLUSHALL", "FLUSHDB", "SWAPDB 0 1"):
        bench.say("a", "GET k")
        assert both(bench.say("b", change)) == both(['a: >["invalidate" nil3]', "+OK"])
    assert bench.node(1).front.tracking.by_key == {}


def test_a_state_that_came_as_a_snapshot_tells_of_everything():
    small = Limits(segment_bytes=64 * 1024, log_memory_bytes=2000, snapshot_log_bytes=2000)
    bench = Bench(3, limits=small)
    bench.say("a@3", "HELLO 3")
    bench.say("a", "CLIENT TRACKING ON | GET k")
    bench.cut(3)
    for number in range(100):
        bench.say("b", f"SET k{number} {'x' * 200}")
    bench.heal()
    bench.until(lambda: any(who == "a" for who, _ in bench.events))
    assert ("a", '>["invalidate" nil3]') in bench.events


def test_tracking_off_and_reset_end_it():
    bench = bench_with("", 1)
    bench.say("a", "GET k | CLIENT TRACKING OFF")
    assert bench.say("b", "SET k 1") == ["+OK"]
    bench.say("a", "CLIENT TRACKING ON | GET k | RESET")
    assert bench.say("b", "SET k 2") == ["+OK"]
    bench.say("a", "HELLO 3 | CLIENT TRACKING ON | GET k")
    bench.hang_up_client("a")
    assert bench.say("b", "SET k 3") == ["+OK"]
    assert bench.node(1).group.machine.follower is None
    assert bench.node(1).front.tracking.by_key == {}


def test_all_changes_of_some_prefixes():
    bench_with("BCAST PREFIX user: PREFIX cart:", 1).talk(
        """
        b> MSET user:1 a other b cart:2 c | SET user:1 d
        +OK
        +OK
        a: >["invalidate" ["user:1" "cart:2"]]
        b> SET other 2
        +OK
        a> SET user:9 1
        +OK
        >["invalidate" ["user:9"]]
        a> CLIENT TRACKING OFF
        +OK
        b> SET user:1 e
        +OK
        """
    )


def test_own_changes_are_left_out_on_request():
    bench = bench_with("NOLOOP")
    bench.talk(
        """
        a> GET k | SET k 1 | GET k
        nil3
        +OK
        "1"
        b@2> SET k 2
        +OK
        a: >["invalidate" ["k"]]
        """
    )
    # A change by another after its own, in the same turn, is told.
    bench.say("a", "GET k")
    bench.send("a", b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\n3\r\n")
    bench.send("b", b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\n4\r\n")
    assert sorted(bench._outcome("a")) == ["+OK", '>["invalidate" ["k"]]', "b: +OK"]


def test_own_changes_left_out_of_all_changes():
    bench = bench_with("BCAST NOLOOP", 1)
    assert bench.say("a", "SET k 1") == ["+OK"]
    assert both(bench.say("b", "SET k 2")) == both(['a: >["invalidate" ["k"]]', "+OK"])


def test_only_what_is_opted_in():
    bench = bench_with("OPTIN", 1)
    bench.say("a", "GET no | CLIENT CACHING YES | GET yes | GET no2")
    assert both(bench.say("b", "MSET no 1 yes 1 no2 1")) == both(['a: >["invalidate" ["yes"]]', "+OK"])
    bench.say("a", "CLIENT CACHING YES | MULTI | GET x | GET y | EXEC | GET z")
    told = bench.say("b", "MSET x 1 y 1 z 1")
    assert both(told) == both(['a: >["invalidate" ["x"]]', 'a: >["invalidate" ["y"]]', "+OK"])


def test_all_but_what_is_opted_out():
    bench = bench_with("OPTOUT", 1)
    bench.say("a", "GET yes | CLIENT CACHING NO | GET no | GET yes2")
    told = bench.say("b", "MSET no 1 yes 1 yes2 1")
    assert both(told) == both(['a: >["invalidate" ["yes"]]', 'a: >["invalidate" ["yes2"]]', "+OK"])


def test_another_client_is_told():
    bench = Bench()
    bench.say("r", "HELLO 3")
    bench.say("a", f"CLIENT TRACKING ON REDIRECT {bench.clients['r'].conn} | GET k")
    assert both(bench.say("b", "SET k 1")) == both(['r: >["invalidate" ["k"]]', "+OK"])
    bench.say("a", "HELLO 3 | GET k")
    conn = bench.clients["r"].conn
    bench.hang_up_client("r")
    assert both(bench.say("b", "SET k 2")) == both([f'a: >["tracking-redir-broken" {conn}]', "+OK"])
    bench.say("a", "GET k")
    assert bench.say("b", "SET k 3") == ["+OK"]
    assert "broken_redirect" in bench.ask("a", "CLIENT TRACKINGINFO")


def test_another_client_that_speaks_resp2_and_listens():
    bench = Bench()
    bench.say("r", "PING")
    bench.say("a", f"CLIENT TRACKING ON REDIRECT {bench.clients['r'].conn} | GET k")
    assert bench.say("b", "SET k 1") == ["+OK"]
    bench.node(1).front.sessions[bench.clients["r"].conn].vet |= SUBSCRIBED
    bench.say("a", "GET k")
    assert both(bench.say("b", "SET k 2")) == both(['r: ["message" "__redis__:invalidate" ["k"]]', "+OK"])
    bench.say("a", "GET k")
    assert both(bench.say("b", "FLUSHALL")) == both(['r: ["message" "__redis__:invalidate" nil]', "+OK"])


def test_reads_in_a_transaction_that_writes():
    bench = bench_with("")
    assert bench.say("a", "MULTI | GET k | SET j 1 | EXEC | PING") == [
        "+OK", "+QUEUED", "+QUEUED", '[nil3 +OK]', "+PONG", '>["invalidate" ["k"]]',
    ]  # fmt: skip
    assert bench.say("a", "MULTI | GET k | EXEC") == ["+OK", "+QUEUED", "[nil3]"]
    assert 'a: >["invalidate" ["k"]]' in bench.say("b@2", "SET k 1")


def test_a_bounded_number_of_keys_is_remembered():
    bench = bench_with("", 1)
    bench.say("b", "CONFIG SET tracking-table-max-keys 3")
    bench.say("a", "MGET a b c")
    assert bench.say("a", "GET d | GET a") == [
        "nil3", "nil3", '>["invalidate" ["a"]]', '>["invalidate" ["b"]]',
    ]  # fmt: skip
    assert list(bench.node(1).front.tracking.by_key) == [b"c", b"d", b"a"]


def test_clients_that_come_and_go_leave_little_behind():
    bench = bench_with("", 1)
    for number in range(60):
        bench.say(f"c{number}", "HELLO 3")
        bench.say(f"c{number}", "CLIENT TRACKING ON | GET k")
        bench.hang_up_client(f"c{number}")
    assert len(bench.node(1).front.tracking.by_key[b"k"]) <= 20


def test_no_invalidation_overtakes_the_reply_with_the_old_value():
    # Rule T2: a's read was asked for before the change and is answered after it.
    bench = bench_with("")
    bench.say("b@2", "SET k old")
    bench.say("a", "GET k")
    bench.send("a", b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n")
    bench.send("b", b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$3\r\nnew\r\n")
    lines = [line for line in bench._outcome("a") if not line.startswith("b: ")]
    assert len(lines) == 2
    if '"old"' in lines:
        assert lines.index('"old"') < lines.index('>["invalidate" ["k"]]')


@pytest.mark.parametrize("seed", range(5))
def test_a_cache_that_believes_it_is_never_stale_for_long(seed):
    """Reads and writes by several clients at three nodes; at rest, the cache equals the store."""
    bench = Bench(3, seed=seed + 1)
    bench.say("a@2", "HELLO 3")
    bench.say("a", "CLIENT TRACKING ON")
    cache: dict[str, str] = {}
    number = seed

    def hear(lines: list[str]) -> None:
        for line in lines:
            if "invalidate" in line:
                cache.pop(line.split('"')[3], None)

    for step in range(150):
        number = (number * 1103515245 + 12345) % 2**31
        key = f"k{number % 7}"
        if step % 3 == 0:
            told = bench.say("a", f"GET {key}")
            hear([line for line in told if "invalidate" in line])
            cache[key] = next(line for line in told if "invalidate" not in line)
        else:
            writer = f"w{number % 3}@{number % 3 + 1}"
            hear(bench.say(writer, f"SET {key} {step}" if step % 5 else f"DEL {key}"))
    bench.wait(200)
    hear(bench._outcome(""))
    for key, value in cache.items():
        assert bench.answer("check", f"GET {key}") == value.replace("nil3", "nil"), key
