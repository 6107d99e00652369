from tests.core.command.dialogue import Replica, check, touches


def test_lives_and_deadlines():
    check("""
        > EXPIRE a 10
        0
        > SET a 1
        +OK
        > TTL a
        -1
        > TTL none
        -2
        > PTTL none
        -2
        > EXPIRETIME none
        -2
        > EXPIRE a 10
        1
        > TTL a
        10
        > PTTL a
        10000
        > EXPIRETIME a
        1010
        > PEXPIRETIME a
        1010000
        > PEXPIRE a 1499
        1
        > TTL a
        1
        > PEXPIRE a 1500
        1
        > TTL a
        2
        > EXPIREAT a 2000
        1
        > PTTL a
        1000000
        > PEXPIREAT a 1000001
        1
        > PTTL a
        1
        > PERSIST a
        1
        > PERSIST a
        0
        > PERSIST none
        0
    """)


def test_a_time_in_the_past_removes_the_key():
    check("""
        > MSET a 1 b 1 c 1
        +OK
        > EXPIRE a -1
        1
        > PEXPIREAT b 1000000
        1
        > PEXPIRE c -9223372036854775808
        1
        > EXISTS a b c
        0
    """)


def test_conditions():
    check("""
        > SET a 1
        +OK
        > EXPIRE a 10 XX
        0
        > EXPIRE a 10 GT
        0
        > EXPIRE a 10 LT
        1
        > EXPIRE a 20 NX
        0
        > EXPIRE a 20 LT
        0
        > EXPIRE a 20 GT
        1
        > EXPIRE a 20 GT
        0
        > EXPIRE a 5 XX LT
        1
        > TTL a
        5
        > EXPIRE a 10 NX XX
        -ERR NX and XX, GT or LT options at the same time are not compatible
        > EXPIRE a 10 GT LT
        -ERR GT and LT options at the same time are not compatible
        > EXPIRE a x NOSUCH
        -ERR Unsupported option NOSUCH
        > EXPIRE a x
        -ERR value is not an integer or out of range
        > EXPIRE a 9223372036854775807
        -ERR invalid expire time in 'expire' command
        > PEXPIRE a 9223372036854775807
        -ERR invalid expire time in 'pexpire' command
    """)


def test_a_key_lives_to_the_millisecond():
    replica = Replica()
    replica.run("SET a 1 PX 100")
    for now_ms, alive in ((1_000_099, 1), (1_000_100, 0)):
        replica.context.now_ms = now_ms
        replica.context.databases.set_now(now_ms)
        assert replica.run("EXISTS a") == alive
    assert replica.run("EXPIRE a 10") == 0
    assert replica.run("PERSIST a") == 0
    assert replica.run("TTL a") == -2


def test_only_what_changes_is_announced():
    assert touches("SET a 1", "EXPIRE a 10 XX") == []
    assert touches("SET a 1", "PERSIST a") == []
    assert touches("SET a 1", "EXPIRE a 10") == [b"a"]
