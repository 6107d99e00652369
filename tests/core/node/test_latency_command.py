"""LATENCY: how long clients wait."""

from tests.core.node.bench import Bench
from tests.core.node.test_slowlog_command import slow_set


def test_events_above_the_threshold():
    bench = Bench()
    assert "is off" in bench.ask("b", "LATENCY DOCTOR")
    bench.say("b", "CONFIG SET latency-monitor-threshold 50")
    assert "No command" in bench.ask("b", "LATENCY DOCTOR")
    slow_set(bench)
    slow_set(bench, 80)
    bench.talk(
        """
        b> LATENCY LATEST | LATENCY HISTORY command | LATENCY HISTORY nosuch
        [["command" 1700000000 80 80]]
        [[1700000000 80]]
        []
        """
    )
    assert "worst 80 ms" in bench.ask("b", "LATENCY DOCTOR")
    assert "high 80 ms" in bench.ask("b", "LATENCY GRAPH command")
    assert bench.say("b", "LATENCY RESET nosuch | LATENCY RESET | LATENCY LATEST") == ["0", "1", "[]"]


def test_histograms():
    bench = Bench()
    bench.say("a", "GET k | GET k")
    slow_set(bench)
    assert bench.ask("b", "LATENCY HISTOGRAM set get nosuch") == (
        '["set" ["calls" 1 "histogram_usec" ["64000" 1]] "get" ["calls" 2 "histogram_usec" ["1000" 2]]]'
    )
    assert "client" in bench.ask("b", "LATENCY HISTOGRAM")


def test_bad_arguments_and_help():
    Bench().talk(
        """
        a> LATENCY NOSUCH | LATENCY LATEST x | LATENCY GRAPH nosuch
        -ERR unknown subcommand 'NOSUCH'. Try LATENCY HELP.
        -ERR wrong number of arguments for 'latency|latest' command
        -ERR No samples available for event 'nosuch'
        """
    )
    assert "HISTOGRAM" in Bench().ask("a", "LATENCY HELP")
