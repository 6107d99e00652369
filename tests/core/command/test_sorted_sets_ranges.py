import pytest

from tests.core.command.dialogue import Replica, check, touches
from trivet.core.wire.reply import Error


def test_by_index():
    check("""
        > ZADD z 1 a 2 b 3 c
        3
        > ZRANGE z 0 -1
        ["a" "b" "c"]
        > ZRANGE z 1 1 WITHSCORES
        [("b" 2.0)]
        > ZRANGE z 0 1 REV
        ["c" "b"]
        > ZRANGE z 3 9
        []
        > ZRANGE none 0 -1
        []
        > ZREVRANGE z 0 1 WITHSCORES
        [("c" 3.0) ("b" 2.0)]
        > ZREVRANGE z 0 1 REV
        -ERR syntax error
        > ZRANGE z x 1
        -ERR value is not an integer or out of range
        > ZRANGE none x 1
        -ERR value is not an integer or out of range
        > ZRANGE z 0 1 LIMIT 0 1
        -ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX
        > ZRANGE z 0 1 LIMIT 0 -1
        ["a" "b"]
        > ZRANGE z 0 1 LIMIT 0
        -ERR syntax error
        > ZRANGE z 0 1 LIMIT x 1 BYSCORE
        -ERR value is not an integer or out of range
        > ZRANGE z 0 1 FOO
        -ERR syntax error
        > ZRANGE z -9223372036854775808 9223372036854775807
        ["a" "b" "c"]
    """)


def test_by_score():
    check("""
        > ZADD z 1 a 2 b 3 c 4 d
        4
        > ZRANGE z 2 3 BYSCORE
        ["b" "c"]
        > ZRANGE z (2 +inf BYSCORE WITHSCORES
        [("c" 3.0) ("d" 4.0)]
        > ZRANGE z 3 2 BYSCORE REV
        ["c" "b"]
        > ZRANGE z 2 3 BYSCORE REV
        []
        > ZRANGE z -inf +inf BYSCORE LIMIT 1 2
        ["b" "c"]
        > ZRANGE z +inf -inf BYSCORE REV LIMIT 1 2
        ["c" "b"]
        > ZRANGE z -inf +inf BYSCORE LIMIT 1 -1
        ["b" "c" "d"]
        > ZRANGE z -inf +inf BYSCORE LIMIT -1 2
        []
        > ZRANGE z -inf +inf BYSCORE LIMIT 9 2
        []
        > ZRANGE z -inf +inf BYSCORE LIMIT 0 0
        []
        > ZRANGE z -inf +inf BYSCORE LIMIT 9223372036854775807 9223372036854775807
        []
        > ZRANGEBYSCORE z 2 3 WITHSCORES LIMIT 0 1
        [("b" 2.0)]
        > ZREVRANGEBYSCORE z 3 2
        ["c" "b"]
        > ZRANGEBYSCORE z 2 3 REV
        -ERR syntax error
        > ZRANGEBYSCORE z 2 3 BYSCORE
        -ERR syntax error
        > ZRANGE z 2 3 BYSCORE BYSCORE
        -ERR syntax error
        > ZRANGE z 2 3 REV REV
        -ERR syntax error
        > ZRANGEBYSCORE none x 3
        -ERR min or max is not a float
        > ZCOUNT z (1 3
        2
        > ZCOUNT z 3 1
        0
        > ZCOUNT none 1 3
        0
        > ZCOUNT z x 3
        -ERR min or max is not a float
    """)


def test_by_member():
    check("""
        > ZADD z 0 a 0 b 0 c 0 d
        4
        > ZRANGE z [b + BYLEX
        ["b" "c" "d"]
        > ZRANGE z + (b BYLEX REV
        ["d" "c"]
        > ZRANGE z - + BYLEX LIMIT 1 2
        ["b" "c"]
        > ZRANGEBYLEX z [b (d
        ["b" "c"]
        > ZREVRANGEBYLEX z (d [b LIMIT 1 1
        ["b"]
        > ZRANGEBYLEX z - + WITHSCORES
        -ERR syntax error, WITHSCORES not supported in combination with BYLEX
        > ZRANGE z - + BYLEX WITHSCORES
        -ERR syntax error, WITHSCORES not supported in combination with BYLEX
        > ZRANGEBYLEX none b +
        -ERR min or max not valid string range item
        > ZLEXCOUNT z [b +
        3
        > ZLEXCOUNT z + -
        0
        > ZLEXCOUNT none - +
        0
        > ZLEXCOUNT z b +
        -ERR min or max not valid string range item
    """)


def test_stored():
    check("""
        > ZADD z 1 a 2 b 3 c
        3
        > ZRANGESTORE t z 1 -1
        2
        > ZRANGE t 0 -1 WITHSCORES
        [("b" 2.0) ("c" 3.0)]
        > ZRANGESTORE t z 3 2 BYSCORE REV LIMIT 0 1
        1
        > ZRANGE t 0 -1 WITHSCORES
        [("c" 3.0)]
        > ZRANGESTORE z z 0 1
        2
        > ZCARD z
        2
        > ZRANGESTORE t z 9 9
        0
        > EXISTS t
        0
        > ZRANGESTORE t none 0 1
        0
        > ZRANGESTORE t z 0 1 WITHSCORES
        -ERR syntax error
        > SET s text
        +OK
        > ZRANGESTORE t s 0 1
        -WRONGTYPE Operation against a key holding the wrong kind of value
        > ZRANGESTORE s z 0 -1
        2
    """)


def test_removed():
    check("""
        > ZADD z 1 a 2 b 3 c 4 d 5 e
        5
        > ZREMRANGEBYRANK z 0 0
        1
        > ZREMRANGEBYSCORE z (4 +inf
        1
        > ZRANGE z 0 -1
        ["b" "c" "d"]
        > ZREMRANGEBYRANK z 9 9
        0
        > ZREMRANGEBYSCORE z -inf +inf
        3
        > EXISTS z
        0
        > ZADD z 0 a 0 b 0 c
        3
        > ZREMRANGEBYLEX z [b [b
        1
        > ZREMRANGEBYLEX z - +
        2
        > EXISTS z
        0
        > ZREMRANGEBYRANK none x 1
        -ERR value is not an integer or out of range
        > ZREMRANGEBYSCORE none x 1
        -ERR min or max is not a float
        > ZREMRANGEBYLEX none x +
        -ERR min or max not valid string range item
        > ZREMRANGEBYRANK none 0 1
        0
    """)


@pytest.mark.parametrize(
    "line",
    [
        "ZRANGE s 0 1",
        "ZREVRANGE s 0 1",
        "ZRANGEBYSCORE s 0 1",
        "ZREVRANGEBYSCORE s 0 1",
        "ZRANGEBYLEX s - +",
        "ZREVRANGEBYLEX s - +",
        "ZCOUNT s 0 1",
        "ZLEXCOUNT s - +",
        "ZREMRANGEBYRANK s 0 1",
        "ZREMRANGEBYSCORE s 0 1",
        "ZREMRANGEBYLEX s - +",
        "ZRANGESTORE t s 0 1",
    ],
)
def test_another_type_is_refused_and_left_alone(line):
    replica = Replica()
    replica.run("SET s text")
    reply = replica.run(line)
    assert isinstance(reply, Error)
    assert reply.text.startswith("WRONGTYPE")
    assert replica.run("GET s") == b"text"


def test_a_write_without_effect_is_no_change():
    assert touches("ZADD z 1 a", "ZREMRANGEBYRANK z 5 6") == []
    assert touches("ZADD z 1 a", "ZRANGESTORE t z 5 6") == []
    assert touches("ZADD z 1 a", "ZREMRANGEBYSCORE z 1 1") == [b"z"]
