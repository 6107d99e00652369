from tests.core.command.dialogue import check, touches


def test_integers():
    check("""
        > INCR a
        1
        > INCRBY a 41
        42
        > DECR a
        41
        > DECRBY a 50
        -9
        > GET a
        "-9"
        > SET a 9223372036854775807
        +OK
        > INCR a
        -ERR increment or decrement would overflow
        > DECRBY a -9223372036854775808
        -ERR decrement would overflow
        > INCRBY a x
        -ERR value is not an integer or out of range
        > SET a 1.5
        +OK
        > INCR a
        -ERR value is not an integer or out of range
        > RPUSH list x
        1
        > INCR list
        -WRONGTYPE Operation against a key holding the wrong kind of value
    """)


def test_floats():
    check("""
        > INCRBYFLOAT a 10.5
        "10.5"
        > INCRBYFLOAT a 0.1
        "10.6"
        > INCRBYFLOAT a -10.6
        "0"
        > INCRBYFLOAT a 5.0e3
        "5000"
        > INCRBYFLOAT a inf
        -ERR increment would produce NaN or Infinity
        > INCRBYFLOAT a nan
        -ERR value is not a valid float
        > SET a x
        +OK
        > INCRBYFLOAT a 1
        -ERR value is not a valid float
        > RPUSH list x
        1
        > INCRBYFLOAT list 1
        -WRONGTYPE Operation against a key holding the wrong kind of value
    """)


def test_counting_keeps_the_deadline():
    check("""
        > SET a 1 PX 500
        +OK
        > INCR a
        2
        > INCRBYFLOAT a 0.5
        "2.5"
        > PTTL a
        500
    """)


def test_an_error_changes_nothing():
    assert touches("SET a x", "INCR a") == []
    assert touches("SET a x", "INCRBYFLOAT a 1") == []
    assert touches("SET a 1", "INCR a") == [b"a"]
