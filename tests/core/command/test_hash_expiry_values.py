from tests.core.command.dialogue import Replica, check, show, touches
from trivet.core.command.events import ALL


def test_getting_and_removing():
    check("""
        > HSET h a 1 b 2
        2
        > HGETDEL h FIELDS 3 a missing a
        ["1" nil nil]
        > HGETALL h
        {"b": "2"}
        > HGETDEL h FIELDS 1 b
        ["2"]
        > EXISTS h
        0
        > HGETDEL h FIELDS 1 b
        [nil]
        > HGETDEL h FIELDS 2 b
        -ERR The `numfields` parameter must match the number of arguments
        > HGETDEL h FIELDS 0 b
        -ERR Number of fields must be a positive integer
        > HGETDEL h FIELD 1 b
        -ERR Mandatory argument FIELDS is missing or not at the right position
        > RPUSH list x
        1
        > HGETDEL list FIELDS 1 b
        -WRONGTYPE Operation against a key holding the wrong kind of value
    """)


def test_getting_and_changing_deadlines():
    check("""
        > HSET h a 1 b 2
        2
        > HGETEX h EX 10 FIELDS 2 a missing
        ["1" nil]
        > HTTL h FIELDS 2 a b
        [10 -1]
        > HGETEX h FIELDS 1 a
        ["1"]
        > HTTL h FIELDS 1 a
        [10]
        > HGETEX h PXAT 2000000 FIELDS 1 a
        ["1"]
        > HPEXPIRETIME h FIELDS 1 a
        [2000000]
        > HGETEX h PERSIST FIELDS 2 a b
        ["1" "2"]
        > HTTL h FIELDS 1 a
        [-1]
        > HGETEX h EXAT 1 FIELDS 2 a b
        ["1" "2"]
        > EXISTS h
        0
        > HGETEX h EX 10 FIELDS 1 a
        [nil]
    """)


def test_setting_with_deadlines():
    check("""
        > HSETEX h EX 10 FIELDS 2 a 1 b 2
        1
        > HTTL h FIELDS 2 a b
        [10 10]
        > HSETEX h KEEPTTL FIELDS 1 a 3
        1
        > HSETEX h FIELDS 1 b 4
        1
        > HTTL h FIELDS 2 a b
        [10 -1]
        > HSETEX h FNX EX 5 FIELDS 2 c 1 a 1
        0
        > HSETEX h FXX EX 5 FIELDS 2 c 1 a 1
        0
        > HSETEX h FXX PX 5000 FIELDS 2 b 5 a 1
        1
        > HGETALL h
        {"a": "1", "b": "5"}
        > HPTTL h FIELDS 2 a b
        [5000 5000]
        > HSETEX h EX 0 FIELDS 2 a 1 b 1
        1
        > EXISTS h
        0
        > HSETEX h FXX FIELDS 1 a 1
        0
        > EXISTS h
        0
    """)


def test_what_is_refused():
    check("""
        > HSETEX h FNX FXX FIELDS 1 a 1
        -ERR Only one of FXX or FNX arguments can be specified
        > HSETEX h EX 1 KEEPTTL FIELDS 1 a 1
        -ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified
        > HGETEX h PERSIST EX 1 FIELDS 1 a
        -ERR Only one of EX, PX, EXAT, PXAT or PERSIST arguments can be specified
        > HSETEX h NOSUCH FIELDS 1 a 1
        -ERR unknown argument: NOSUCH
        > HGETEX h FNX FIELDS 1 a
        -ERR unknown argument: FNX
        > HSETEX h FIELDS 2 a 1
        -ERR wrong number of arguments for 'hsetex' command
        > HSETEX h FIELDS 0 a 1
        -ERR invalid number of fields
        > HGETEX h FIELDS x a
        -ERR invalid number of fields
        > HGETEX h EX -1 FIELDS 1 a
        -ERR invalid expire time, must be >= 0
        > HGETEX h EX x FIELDS 1 a
        -ERR value is not an integer or out of range
        > HSETEX h PXAT 70368744177664 FIELDS 1 a 1
        -ERR invalid expire time in 'hsetex' command
        > HGETEX h EX 10 PERSISTS
        -ERR unknown argument: PERSISTS
        > HGETEX h PERSIST x EX
        -ERR unknown argument: x
        > EXISTS h
        0
        > RPUSH list x
        1
        > HSETEX list FIELDS 1 a 1
        -WRONGTYPE Operation against a key holding the wrong kind of value
        > HGETEX list FIELDS 1 a
        -WRONGTYPE Operation against a key holding the wrong kind of value
    """)


def test_a_hash_of_late_fields_is_set_anew():
    replica = Replica()
    replica.run("HSETEX h PX 100 FIELDS 2 a 1 b 2")
    replica.context.now_ms = 1_000_200
    replica.context.databases.set_now(1_000_200)
    assert show(replica.run("HGETDEL h FIELDS 1 a")) == "[nil]"
    assert show(replica.run("HSETEX h KEEPTTL FIELDS 1 a 3")) == "1"
    assert show(replica.run("HTTL h FIELDS 2 a b")) == "[-1 -2]"


def test_what_changes_nothing_is_no_change():
    assert touches("HSET h a 1", "HGETEX h FIELDS 1 a") == []
    assert touches("HSET h a 1", "HGETEX h PERSIST FIELDS 1 a") == []
    assert touches("HSET h a 1", "HGETDEL h FIELDS 1 b") == []
    assert touches("HSET h a 1", "HSETEX h FNX FIELDS 1 a 1") == []
    assert touches("HSET h a 1", "HGETEX h EX 1 FIELDS 1 a") == [b"h"]


def test_events():
    replica = Replica()
    replica.context.notifies = ALL
    for line in (
        "HSETEX h EX 10 FIELDS 1 a 1",
        "HGETEX h PERSIST FIELDS 1 a",
        "HGETEX h EX 10 FIELDS 1 a",
        "HGETDEL h FIELDS 1 a",
    ):
        replica.run(line)
    told = [event for _, _, event, _ in replica.context.events]
    assert told == [b"hset", b"hexpire", b"hpersist", b"hexpire", b"hdel", b"del"]
