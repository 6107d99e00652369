from tests.core.command.dialogue import check, touches


def test_given():
    check("""
        > SADD a 1 2 3
        3
        > SADD b 2 3 4 5
        4
        > SADD c 3
        1
        > SINTER a b
        ~["2" "3"]
        > SINTER a b c
        ~["3"]
        > SINTER a none
        ~[]
        > SUNION a b none
        ~["1" "2" "3" "4" "5"]
        > SUNION none
        ~[]
        > SDIFF a b
        ~["1"]
        > SDIFF a b c none
        ~["1"]
        > SDIFF none a
        ~[]
        > SINTERCARD 2 a b
        2
        > SINTERCARD 2 a b LIMIT 1
        1
        > SINTERCARD 2 a b LIMIT 0
        2
        > SINTERCARD 2 a none
        0
        > SINTERCARD 0 a
        -ERR numkeys should be greater than 0
        > SINTERCARD x a
        -ERR numkeys should be greater than 0
        > SINTERCARD 3 a b
        -ERR Number of keys can't be greater than number of args
        > SINTERCARD 1 a LIMIT -1
        -ERR LIMIT can't be negative
        > SINTERCARD 1 a LIMIT
        -ERR syntax error
        > SINTERCARD 1 a LIMIT 1 FOO
        -ERR syntax error
        > SET text x
        +OK
        > SINTER none text
        -WRONGTYPE Operation against a key holding the wrong kind of value
        > SUNION a text
        -WRONGTYPE Operation against a key holding the wrong kind of value
        > SDIFF none text
        -WRONGTYPE Operation against a key holding the wrong kind of value
        > SINTERCARD 1 text
        -WRONGTYPE Operation against a key holding the wrong kind of value
    """)


def test_stored():
    check("""
        > SADD a 1 2 3
        3
        > SADD b 2 3 4
        3
        > SET target text
        +OK
        > SINTERSTORE target a b
        2
        > SMEMBERS target
        ~["2" "3"]
        > SUNIONSTORE a a b
        4
        > SMEMBERS a
        ~["1" "2" "3" "4"]
        > SDIFFSTORE target a b
        1
        > SMEMBERS target
        ~["1"]
        > SDIFFSTORE target a a
        0
        > EXISTS target
        0
        > SINTERSTORE target a none
        0
        > SUNIONSTORE target none
        0
        > SET text x
        +OK
        > SUNIONSTORE target a text
        -WRONGTYPE Operation against a key holding the wrong kind of value
        > SINTERSTORE target none text
        -WRONGTYPE Operation against a key holding the wrong kind of value
        > SDIFFSTORE target none text
        -WRONGTYPE Operation against a key holding the wrong kind of value
    """)


def test_a_result_that_is_empty_as_before_is_no_change():
    assert touches("SADD a 1", "SINTERSTORE target a none") == []
    assert touches("SADD a 1", "SADD target 1", "SINTERSTORE target a none") == [b"target"]
