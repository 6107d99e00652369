from tests.core.command.dialogue import Replica, check
from trivet.core.wire.reply import Error


def test_ranges():
    check("""
        > XADD s 1-1 a 1
        "1-1"
        > XADD s 1-2 a 2 b 3
        "1-2"
        > XADD s 2-0 a 4
        "2-0"
        > XRANGE s - +
        [["1-1" ["a" "1"]] ["1-2" ["a" "2" "b" "3"]] ["2-0" ["a" "4"]]]
        > XREVRANGE s + -
        [["2-0" ["a" "4"]] ["1-2" ["a" "2" "b" "3"]] ["1-1" ["a" "1"]]]
        > XRANGE s 1 1
        [["1-1" ["a" "1"]] ["1-2" ["a" "2" "b" "3"]]]
        > XRANGE s (1-1 (2
        [["1-2" ["a" "2" "b" "3"]] ["2-0" ["a" "4"]]]
        > XREVRANGE s 1 1-2
        [["1-2" ["a" "2" "b" "3"]]]
        > XRANGE s - + COUNT 1
        [["1-1" ["a" "1"]]]
        > XREVRANGE s + - COUNT 2
        [["2-0" ["a" "4"]] ["1-2" ["a" "2" "b" "3"]]]
        > XRANGE s - + COUNT 9223372036854775807
        [["1-1" ["a" "1"]] ["1-2" ["a" "2" "b" "3"]] ["2-0" ["a" "4"]]]
        > XRANGE s 2 1
        []
        > XRANGE none - +
        []
    """)


def test_errors_come_in_the_order_of_redis():
    check("""
        > XRANGE none x y
        -ERR Invalid stream ID specified as stream command argument
        > XRANGE none - (0-0
        -ERR invalid end ID for the interval
        > XRANGE none (18446744073709551615-18446744073709551615 +
        -ERR invalid start ID for the interval
        > XREVRANGE none - +
        []
        > XRANGE none - + COUNT
        -ERR syntax error
        > XRANGE none - + COUNT x
        -ERR value is not an integer or out of range
        > XRANGE none - + FOO 1
        -ERR syntax error
        > XRANGE none - + COUNT 0
        []
        > XADD s 1-1 a 1
        "1-1"
        > XRANGE s - + COUNT 0
        nil*
        > XRANGE s - + COUNT -5
        nil*
        > XRANGE s - + COUNT 0 COUNT 1
        [["1-1" ["a" "1"]]]
    """)


def test_another_type():
    replica = Replica()
    replica.run("SET t v")
    for line in ("XRANGE t - +", "XREVRANGE t + - COUNT 0"):
        assert replica.run(line) == Error("WRONGTYPE Operation against a key holding the wrong kind of value")
