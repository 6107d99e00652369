"""SLOWLOG: what took long until it was acknowledged."""

from tests.core.node.bench import Bench


def slow_set(bench: Bench, ms: int = 60) -> None:
    """A SET whose sync hangs for some time."""
    bench.say("a", "CLIENT SETNAME me")
    bench.hold(1)
    bench.send("a", b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\n1\r\n")
    bench.settle()
    bench.wait(ms)
    bench.release(1)
    bench.settle()


def test_entries():
    bench = Bench()
    slow_set(bench)
    told = bench.ask("b", "SLOWLOG GET")
    assert told == '[[0 1700000000 60000 ["SET" "k" "1"] "127.0.0.1:40001" "me"]]'
    assert bench.say("b", "SLOWLOG LEN | SLOWLOG RESET | SLOWLOG LEN | SLOWLOG GET -1") == [
        "1",
        "+OK",
        "0",
        "[]",
    ]


def test_the_settings():
    bench = Bench()
    bench.say("b", "CONFIG SET slowlog-log-slower-than 100000")
    slow_set(bench)
    assert bench.ask("b", "SLOWLOG LEN") == "0"
    bench.say("b", "CONFIG SET slowlog-log-slower-than 50000 slowlog-max-len 2")
    for _ in range(3):
        slow_set(bench)
    assert bench.say("b", "SLOWLOG LEN | SLOWLOG GET 1")[0] == "2"
    bench.say("b", "CONFIG SET slowlog-max-len 1")
    assert bench.ask("b", "SLOWLOG LEN") == "1"


def test_bad_arguments_and_help():
    Bench().talk(
        """
        a> SLOWLOG GET x | SLOWLOG GET -2 | SLOWLOG NOSUCH | SLOWLOG LEN x | SLOWLOG
        -ERR count should be greater than or equal to -1
        -ERR count should be greater than or equal to -1
        -ERR unknown subcommand 'NOSUCH'. Try SLOWLOG HELP.
        -ERR wrong number of arguments for 'slowlog|len' command
        -ERR wrong number of arguments for 'slowlog' command
        """
    )
    assert all(word in Bench().ask("a", "SLOWLOG HELP") for word in ("GET", "LEN", "RESET"))


def test_a_call_that_waits_is_not_slow():
    bench = Bench()
    bench.say("a", "BLPOP k 0")
    bench.wait(500)
    bench.say("b", "RPUSH k 1")
    assert bench.ask("b", "SLOWLOG LEN") == "0"
