from tests.core.command.dialogue import Replica, check, touches


def test_time_is_the_entrys():
    replica = Replica()
    replica.context.now_ms = 1_234_567
    assert replica.run("TIME") == [b"1234", b"567000"]


def test_dbsize_and_flushing():
    check("""
        > DBSIZE
        0
        > MSET a 1 b 2
        +OK
        > DBSIZE
        2
        > FLUSHDB NOSUCH
        -ERR syntax error
        > FLUSHDB ASYNC SYNC
        -ERR syntax error
        > FLUSHDB ASYNC
        +OK
        > DBSIZE
        0
        > SET a 1
        +OK
        > FLUSHALL sync
        +OK
        > DBSIZE
        0
        > FLUSHALL NOSUCH
        -ERR syntax error
    """)
    assert touches("SET a 1", "FLUSHDB") == [b"*"]


def test_flushing_one_leaves_the_others():
    replica = Replica()
    replica.context.databases.open(3).set(b"a", b"")
    replica.run("FLUSHDB")
    assert replica.context.databases.key_count() == 1
    replica.run("FLUSHALL")
    assert replica.context.databases.key_count() == 0


def test_swapdb():
    check("""
        > SET a 1
        +OK
        > SWAPDB 0 5
        +OK
        > GET a
        nil
        > SWAPDB 0 5
        +OK
        > GET a
        "1"
        > SWAPDB 0 0
        +OK
        > SWAPDB x 1
        -ERR invalid first DB index
        > SWAPDB 1 x
        -ERR invalid second DB index
        > SWAPDB 99999999999 1
        -ERR invalid first DB index
        > SWAPDB 1 16
        -ERR DB index is out of range
    """)
