"""What a node counts."""

from tests.core.node.bench import Bench
from trivet.core.group.run import Run
from trivet.core.node.stats import ERROR_CODES_MAX, TURNS_MAX, Stats, shorten
from trivet.core.wire.reply import OK, Error


class Client:
    def run_done(self) -> None:
        pass


def a_run(turn: int, opener: str = "get") -> Run:
    run = Run(Client(), False)
    run.turn = turn
    run.opener = opener
    run.add((0, [b"GET", b"k"]), 10)
    return run


def test_time_from_turn_to_turn():
    stats = Stats()
    stats.follow(slow_us=3000, slow_max=2, latency_ms=4)
    stats.begin_turn(1, 100, 1000)
    stats.begin_turn(2, 103, 1003)
    stats.took(a_run(1), "addr", b"me")
    assert stats.took_ms == {"get": 3}
    assert (len(stats.slow), stats.latency) == (1, {})
    stats.begin_turn(3, 104, 2004)
    stats.took(a_run(1), "addr", b"me")
    stats.took(a_run(1), "addr", b"me")
    assert [entry.number for entry in stats.slow] == [2, 1]
    assert list(stats.latency["command"]) == [(2, 4)]
    assert (stats.slow[0].args, stats.slow[0].took_us, stats.slow[0].name) == ([b"GET", b"k"], 4000, b"me")


def test_a_run_that_took_very_long_counts_from_the_oldest_turn():
    stats = Stats()
    for turn in range(1, TURNS_MAX + 100):
        stats.begin_turn(turn, turn * 10, turn * 10)
    stats.took(a_run(1), "", b"")
    assert stats.took_ms["get"] == (TURNS_MAX - 1) * 10


def test_secrets_and_transactions_are_not_in_the_slow_log():
    stats = Stats()
    stats.follow(slow_us=0, slow_max=10, latency_ms=0)
    for turn in (1, 2):
        stats.begin_turn(turn, turn, turn)
    for opener in ("auth", "hello", "exec"):
        stats.took(a_run(1, opener), "", b"")
    assert not stats.slow
    stats.follow(slow_us=-1, slow_max=10, latency_ms=0)
    stats.took(a_run(1), "", b"")
    assert not stats.slow


def test_long_arguments_are_cut():
    shown = shorten([b"x" * 200, *[b"a"] * 40])
    assert shown[0] == b"x" * 128 + b"... (72 more bytes)"
    assert (len(shown), shown[-1]) == (32, b"... (10 more arguments)")


def test_errors_by_code():
    stats = Stats()
    run = a_run(1)
    stats.run_failed(run, [OK, Error("WRONGTYPE x"), Error("ERR y"), Error("ERR z")])
    assert stats.errors == {"WRONGTYPE": 1, "ERR": 2}
    assert stats.failed == {"get": 3}
    for number in range(2 * ERROR_CODES_MAX):
        stats.count_error(Error(f"E{number} x"))
    assert len(stats.errors) == ERROR_CODES_MAX
    stats.reset()
    assert stats.errors == {}


def test_calls_are_counted_once_each_even_when_they_have_to_wait():
    bench = Bench()
    bench.say("a", "SET k 1 | GET k | SET k 2 | GET k | MULTI | GET k | EXEC")
    assert dict(bench.node(1).front.stats.by_name()) == {"set": 2, "get": 3, "multi": 1, "exec": 1}
    bench.say("a", "CLIENT PAUSE 40 ALL | GET k")
    bench.wait(60)
    assert dict(bench.node(1).front.stats.by_name())["get"] == 4


def test_reads_that_find_something_and_reads_that_do_not():
    bench = Bench()
    bench.say("a", "SET k 1 | GET k | GET none | HGET none f | EXISTS none")
    stats = bench.node(1).front.stats
    assert (stats.reads, stats.misses) == (4, 2)


def test_errors_of_runs_and_of_the_node_itself():
    bench = Bench()
    bench.say("a", "SET k 1 | LPUSH k 1 | NOSUCH | GET | SELECT 99")
    assert bench.node(1).front.stats.errors == {"WRONGTYPE": 1, "ERR": 3}


def test_the_rate_of_calls():
    bench = Bench()
    bench.wait(1000)
    for _ in range(5):
        bench.say("a", " | ".join(["PING"] * 20))
    bench.wait(1000)
    assert 90 <= bench.node(1).front.stats.calls_per_second <= 100


def test_runs_of_several_turns_and_names_are_told_apart():
    stats = Stats()
    stats.begin_turn(1, 100, 1000)
    stats.begin_turn(2, 103, 1003)
    stats.begin_turn(3, 104, 1004)
    for run in (a_run(1), a_run(1), a_run(2), a_run(1, "set"), a_run(3), a_run(1)):
        stats.took(run, "", b"")
    assert stats.took_ms == {"get": 4 + 4 + 1 + 4, "set": 4}
    assert stats.histograms["get"][:4] == [0, 1, 0, 3]
    stats.reset()
    stats.took(a_run(1), "", b"")
    assert stats.took_ms == {"get": 4}
