from tests.core.command.dialogue import check, touches


def test_given():
    check("""
        > ZADD a 1 x 2 y
        2
        > ZADD b 10 y 20 z
        2
        > SADD s x z
        2
        > ZUNION 2 a b
        ["x" "y" "z"]
        > ZUNION 2 a b WITHSCORES
        [("x" 1.0) ("y" 12.0) ("z" 20.0)]
        > ZUNION 2 a b WEIGHTS 2 0.5 AGGREGATE MAX WITHSCORES
        [("x" 2.0) ("y" 5.0) ("z" 10.0)]
        > ZUNION 2 a b AGGREGATE MIN WITHSCORES
        [("x" 1.0) ("y" 2.0) ("z" 20.0)]
        > ZUNION 2 a s WITHSCORES
        [("z" 1.0) ("x" 2.0) ("y" 2.0)]
        > ZUNION 1 none
        []
        > ZINTER 2 a b WITHSCORES
        [("y" 12.0)]
        > ZINTER 2 a b AGGREGATE MIN WITHSCORES
        [("y" 2.0)]
        > ZINTER 2 a s WEIGHTS 1 5 WITHSCORES
        [("x" 6.0)]
        > ZINTER 2 a none
        []
        > ZINTER 2 a a WITHSCORES
        [("x" 2.0) ("y" 4.0)]
        > ZDIFF 2 a b WITHSCORES
        [("x" 1.0)]
        > ZDIFF 2 a s
        ["y"]
        > ZDIFF 2 none a
        []
        > ZINTERCARD 2 a b
        1
        > ZINTERCARD 2 a a LIMIT 1
        1
        > ZINTERCARD 2 a none
        0
    """)


def test_faults():
    check("""
        > ZADD a 1 x
        1
        > SET text x
        +OK
        > ZUNION 0 a
        -ERR at least 1 input key is needed for 'zunion' command
        > ZUNION x a
        -ERR value is not an integer or out of range
        > ZUNION 2 a
        -ERR syntax error
        > ZINTERCARD 0 a
        -ERR at least 1 input key is needed for 'zintercard' command
        > ZUNIONSTORE t 0 a
        -ERR at least 1 input key is needed for 'zunionstore' command
        > ZUNION 1 text FOO
        -WRONGTYPE Operation against a key holding the wrong kind of value
        > ZUNION 1 a FOO
        -ERR syntax error
        > ZUNION 1 a WEIGHTS
        -ERR syntax error
        > ZUNION 1 a WEIGHTS x
        -ERR weight value is not a float
        > ZUNION 1 a AGGREGATE
        -ERR syntax error
        > ZUNION 1 a AGGREGATE AVG
        -ERR syntax error
        > ZUNIONSTORE t 1 a WITHSCORES
        -ERR syntax error
        > ZDIFF 1 a WEIGHTS 1
        -ERR syntax error
        > ZDIFF 1 a AGGREGATE SUM
        -ERR syntax error
        > ZINTERCARD 1 a WITHSCORES
        -ERR syntax error
        > ZINTERCARD 1 a LIMIT
        -ERR syntax error
        > ZINTERCARD 1 a LIMIT x
        -ERR LIMIT can't be negative
        > ZUNION 1 a LIMIT 1
        -ERR syntax error
    """)


def test_infinities():
    check("""
        > ZADD a inf x -1 y
        2
        > ZADD b -inf x
        1
        > ZUNION 2 a b WITHSCORES
        [("y" -1.0) ("x" 0.0)]
        > ZINTER 2 a b WITHSCORES
        [("x" 0.0)]
        > ZUNION 1 a WEIGHTS 0 WITHSCORES
        [("x" 0.0) ("y" -0.0)]
        > ZINTER 2 a b WEIGHTS 0 0 WITHSCORES
        [("x" 0.0)]
        > ZINTER 2 a b WEIGHTS 1 0 AGGREGATE MIN WITHSCORES
        [("x" 0.0)]
    """)


def test_stored():
    check("""
        > ZADD a 1 x 2 y
        2
        > ZADD b 10 y
        1
        > SET t text
        +OK
        > ZUNIONSTORE t 2 a b
        2
        > ZRANGE t 0 -1 WITHSCORES
        [("x" 1.0) ("y" 12.0)]
        > ZINTERSTORE t 2 a b WEIGHTS 1 2
        1
        > ZRANGE t 0 -1 WITHSCORES
        [("y" 22.0)]
        > ZDIFFSTORE a 2 a b
        1
        > ZRANGE a 0 -1 WITHSCORES
        [("x" 1.0)]
        > ZDIFFSTORE a 1 none
        0
        > EXISTS a
        0
        > ZINTERSTORE t 2 b none
        0
        > EXISTS t
        0
    """)


def test_a_result_that_is_empty_as_before_is_no_change():
    assert touches("ZADD a 1 x", "ZINTERSTORE t 2 a none") == []
    assert touches("ZADD a 1 x", "ZUNIONSTORE t 1 a") == [b"t"]
