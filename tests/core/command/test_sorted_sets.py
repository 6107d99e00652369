import pytest

from tests.core.command.dialogue import Replica, check, touches
from trivet.core.wire.reply import Error


def test_adding_and_looking_up():
    check("""
        > ZADD z 1 a 2 b 2 c
        3
        > ZADD z 3 a 4 d
        1
        > ZRANGE z 0 -1 WITHSCORES
        [("b" 2.0) ("c" 2.0) ("a" 3.0) ("d" 4.0)]
        > ZCARD z
        4
        > ZCARD none
        0
        > ZSCORE z a
        3.0
        > ZSCORE z x
        nil
        > ZSCORE none x
        nil
        > ZMSCORE z a x
        [3.0 nil]
        > ZMSCORE none a x
        [nil nil]
        > ZRANK z b
        0
        > ZREVRANK z b
        3
        > ZRANK z x
        nil
        > ZRANK none x
        nil
        > ZINCRBY z 1.5 b
        3.5
        > ZINCRBY z -1 new
        -1.0
        > ZADD z 1 a 2
        -ERR syntax error
        > ZADD z x a
        -ERR value is not a valid float
        > ZADD z 1 a x b
        -ERR value is not a valid float
        > ZADD z nan a
        -ERR value is not a valid float
        > ZINCRBY z nan a
        -ERR value is not a valid float
        > ZREM z a b x
        2
        > ZREM z c d new
        3
        > EXISTS z
        0
        > ZREM z a
        0
    """)


def test_options():
    check("""
        > ZADD z XX 1 a
        0
        > EXISTS z
        0
        > ZADD z XX INCR 1 a
        nil
        > ZADD z NX 1 a
        1
        > ZADD z NX 2 a 3 b
        1
        > ZADD z XX CH 2 a 3 b 4 c
        1
        > ZADD z GT CH 1 a 4 b
        1
        > ZADD z LT CH 1 a 5 b
        1
        > ZADD z GT 7 new
        1
        > ZADD z INCR 2 a
        3.0
        > ZADD z NX INCR 2 a
        nil
        > ZADD z GT INCR -1 a
        nil
        > ZADD z LT INCR 1 a
        nil
        > ZADD z LT INCR -1 a
        2.0
        > ZADD z INCR 0 a
        2.0
        > ZRANGE z 0 -1 WITHSCORES
        [("a" 2.0) ("b" 4.0) ("new" 7.0)]
        > ZADD z NX XX 1 a
        -ERR XX and NX options at the same time are not compatible
        > ZADD z GT LT 1 a
        -ERR GT, LT, and/or NX options at the same time are not compatible
        > ZADD z NX GT 1 a
        -ERR GT, LT, and/or NX options at the same time are not compatible
        > ZADD z INCR 1 a 2 b
        -ERR INCR option supports a single increment-element pair
        > ZADD z NX
        -ERR wrong number of arguments for 'zadd' command
        > ZADD z NX CH
        -ERR syntax error
        > ZADD z CH 1
        -ERR syntax error
        > ZADD z FOO 1 a
        -ERR syntax error
    """)


def test_infinities_and_zeros():
    check("""
        > ZADD z inf a -inf b
        2
        > ZINCRBY z -inf a
        -ERR resulting score is not a number (NaN)
        > ZADD z INCR inf b
        -ERR resulting score is not a number (NaN)
        > ZADD z -0 c
        1
        > ZSCORE z c
        0.0
        > ZADD z 0 c
        0
        > ZRANGE z 0 -1 WITHSCORES
        [("b" -inf) ("c" 0.0) ("a" inf)]
        > ZADD z 1e309 x
        -ERR value is not a valid float
    """)


def test_members_of_equal_score_stand_by_their_bytes():
    check(r"""
        > ZADD z 0 b 0 a 0 "\xff" 0 ab 0 "" 0 "\x00"
        6
        > ZRANGE z 0 -1
        ["" "\x00" "a" "ab" "b" "\xff"]
    """)


def test_scans():
    check("""
        > ZADD z 2 a 1.5 b 1e17 c 1e19 d inf e
        5
        > ZSCAN z 0
        ["0" ["a" "2" "b" "1.5" "c" "100000000000000000" "d" "1e+19" "e" "inf"]]
        > ZSCAN z 0 MATCH b
        ["0" ["b" "1.5"]]
        > ZSCAN none 0 COUNT x
        ["0" []]
        > ZSCAN z x
        -ERR invalid cursor
        > ZSCAN z 0 COUNT 0
        -ERR syntax error
    """)


@pytest.mark.parametrize(
    "line",
    [
        "ZADD s 1 a",
        "ZADD s INCR 1 a",
        "ZINCRBY s 1 a",
        "ZREM s a",
        "ZCARD s",
        "ZSCORE s a",
        "ZMSCORE s a",
        "ZRANK s a",
        "ZREVRANK s a",
        "ZSCAN s 0",
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
    assert touches("ZADD z 1 a", "ZADD z 1 a") == []
    assert touches("ZADD z 1 a", "ZADD z NX 2 a") == []
    assert touches("ZADD z 1 a", "ZADD z GT 0 a") == []
    assert touches("ZADD z XX 1 a") == []
    assert touches("ZADD z 1 a", "ZINCRBY z 0 a") == []
    assert touches("ZADD z inf a", "ZINCRBY z -inf a") == []
    assert touches("ZADD z 1 a", "ZREM z b") == []
    assert touches("ZADD z 1 a", "ZADD z 2 a") == [b"z"]
