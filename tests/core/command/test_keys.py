from tests.core.command.dialogue import Replica, check, touches
from trivet.core.wire.reply import Error


def test_existence():
    check("""
        > MSET a 1 b 2 c 3
        +OK
        > EXISTS a b a x
        3
        > TOUCH a x
        1
        > DEL a x
        1
        > DEL a
        0
        > UNLINK b c
        2
        > TYPE a
        +none
        > SET a 1
        +OK
        > TYPE a
        +string
        > RPUSH l x
        1
        > TYPE l
        +list
        > HSET h f v
        1
        > TYPE h
        +hash
        > SADD s m
        1
        > TYPE s
        +set
        > ZADD z 1 m
        1
        > TYPE z
        +zset
    """)


def test_rename():
    check("""
        > RENAME a b
        -ERR no such key
        > SET a 1 PX 500
        +OK
        > RENAME a a
        +OK
        > RENAMENX a a
        0
        > RENAME a b
        +OK
        > PTTL b
        500
        > EXISTS a
        0
        > SET c 2
        +OK
        > RENAMENX b c
        0
        > RENAME b c
        +OK
        > GET c
        "1"
        > SET d 3
        +OK
        > RENAME d c
        +OK
        > PTTL c
        -1
    """)


def test_copy():
    check("""
        > SET a 1 PX 500
        +OK
        > COPY a b
        1
        > PTTL b
        500
        > COPY a b
        0
        > COPY none b REPLACE
        0
        > COPY a b REPLACE
        1
        > COPY a a
        -ERR source and destination objects are the same
        > COPY a a DB 1
        1
        > COPY a a DB 16
        -ERR DB index is out of range
        > COPY a a DB x
        -ERR value is not an integer or out of range
        > COPY a a DB 2147483648
        -ERR value is out of range, value must between -2147483648 and 2147483647
        > COPY a b NOSUCH
        -ERR syntax error
    """)


def test_a_copy_shares_nothing_with_the_original():
    check("""
        > RPUSH a x
        1
        > COPY a b
        1
        > RPUSH b y
        2
        > LRANGE a 0 -1
        ["x"]
    """)


def test_move():
    replica = Replica()
    replica.run("SET a 1 PX 500")
    assert replica.run("MOVE a 0") == Error("ERR source and destination objects are the same")
    assert replica.run("MOVE a 16") == Error("ERR DB index is out of range")
    assert replica.run("MOVE none 1") == 0
    assert replica.run("MOVE a 1") == 1
    assert replica.run("EXISTS a") == 0
    assert replica.context.databases.open(1).deadline_ms(b"a") == 1_000_500
    replica.run("SET a 2")
    assert replica.run("MOVE a 1") == 0


def test_keys_and_scan_see_what_matches():
    check("""
        > MSET one 1 two 2 three 3
        +OK
        > KEYS t*
        ["two" "three"]
        > KEYS x
        []
        > SCAN 0 MATCH t*
        ["0" ["two" "three"]]
        > RPUSH l x
        1
        > SCAN 0 TYPE LIST
        ["0" ["l"]]
        > SCAN 0 TYPE nosuch
        ["0" []]
        > SCAN x
        -ERR invalid cursor
        > SCAN 0 COUNT 0
        -ERR syntax error
        > SCAN 0 COUNT x
        -ERR value is not an integer or out of range
        > SCAN 0 COUNT
        -ERR syntax error
        > SCAN 0 NOSUCH x
        -ERR syntax error
    """)


def test_a_whole_scan_gives_every_key():
    replica = Replica()
    for number in range(2000):
        replica.run_args([b"SET", b"key:%d" % number, b""])
    cursor, found = b"0", []
    while True:
        reply = replica.run_args([b"SCAN", cursor, b"COUNT", b"10"])
        assert isinstance(reply, list)
        cursor, keys = reply
        found += keys
        if cursor == b"0":
            break
    assert sorted(found) == sorted(b"key:%d" % number for number in range(2000))


def test_expired_keys_are_not_seen():
    replica = Replica()
    replica.run("SET a 1 PX 1")
    replica.run("SET b 1")
    replica.context.now_ms += 1
    replica.context.databases.set_now(replica.context.now_ms)
    assert replica.run("KEYS *") == [b"b"]
    assert replica.run("SCAN 0") == [b"0", [b"b"]]
    assert replica.run("EXISTS a b") == 1
    assert replica.run("RANDOMKEY") == b"b"
    assert isinstance(replica.run("RENAME a c"), Error)
    assert replica.run("COPY a c") == 0
    assert replica.run("RENAMENX b a") == 1
    assert replica.run("TTL a") == -1


def test_randomkey():
    check("""
        > RANDOMKEY
        nil
        > SET a 1
        +OK
        > RANDOMKEY
        "a"
    """)


def test_only_what_changes_is_announced():
    assert touches("SET a 1", "DEL b") == []
    assert touches("SET a 1", "RENAME a b") == [b"a", b"b"]
    assert touches("SET a 1", "COPY a b") == [b"b"]
    assert touches("SET a 1", "SCAN 0") == []
