from tests.core.command.dialogue import Replica, check, show, touches
from trivet.core.command.events import ALL


def at(replica: Replica, now_ms: int) -> None:
    """Time moves on; nothing is removed by that alone."""
    replica.context.now_ms = now_ms
    replica.context.databases.set_now(now_ms)


def ask(replica: Replica, line: str) -> str:
    return show(replica.run(line))


def test_deadlines_of_fields():
    check("""
        > HSET h a 1 b 2 c 3
        3
        > HEXPIRE h 10 FIELDS 2 a missing
        [1 -2]
        > HPEXPIRE h 1500 FIELDS 1 b
        [1]
        > HTTL h FIELDS 4 a b c missing
        [10 2 -1 -2]
        > HPTTL h FIELDS 2 a b
        [10000 1500]
        > HEXPIRETIME h FIELDS 2 a b
        [1010 1002]
        > HPEXPIRETIME h FIELDS 3 a b c
        [1010000 1001500 -1]
        > HPERSIST h FIELDS 4 a a c missing
        [1 -1 -1 -2]
        > HTTL h FIELDS 1 a
        [-1]
        > HEXPIREAT h 2000 FIELDS 1 c
        [1]
        > HPEXPIREAT h 2000001 FIELDS 1 a
        [1]
        > HPEXPIRETIME h FIELDS 2 a c
        [2000001 2000000]
        > TTL h
        -1
    """)


def test_conditions():
    check("""
        > HSET h a 1
        1
        > HEXPIRE h 10 XX FIELDS 1 a
        [0]
        > HEXPIRE h 10 GT FIELDS 1 a
        [0]
        > HEXPIRE h 10 LT FIELDS 1 a
        [1]
        > HEXPIRE h 20 LT FIELDS 1 a
        [0]
        > HEXPIRE h 20 NX FIELDS 1 a
        [0]
        > HEXPIRE h 20 GT FIELDS 1 a
        [1]
        > HEXPIRE h 5 xx FIELDS 1 a
        [1]
        > HTTL h FIELDS 1 a
        [5]
    """)


def test_a_time_in_the_past_removes_the_field_and_with_the_last_one_the_hash():
    check("""
        > HSET h a 1 b 2
        2
        > HEXPIREAT h 999 FIELDS 2 a a
        [2 -2]
        > HGETALL h
        {"b": "2"}
        > HEXPIRE h 0 FIELDS 1 b
        [2]
        > EXISTS h
        0
        > HEXPIRE h 0 FIELDS 2 b c
        [-2 -2]
        > HTTL h FIELDS 2 b c
        [-2 -2]
        > HPERSIST h FIELDS 1 b
        [-2]
    """)


def test_what_is_refused():
    check("""
        > HSET h a 1
        1
        > HEXPIRE h -1 FIELDS 1 a
        -ERR invalid expire time, must be >= 0
        > HEXPIRE h x FIELDS 1 a
        -ERR value is not an integer or out of range
        > HEXPIRE h 9223372036854775807 FIELDS 1 a
        -ERR invalid expire time in 'hexpire' command
        > HPEXPIREAT h 70368744177665 FIELDS 1 a
        -ERR invalid expire time in 'hpexpireat' command
        > HEXPIRE h 1 FIELD 1 a
        -ERR Mandatory argument FIELDS is missing or not at the right position
        > HEXPIRE h 1 NX GT FIELDS 1 a
        -ERR Mandatory argument FIELDS is missing or not at the right position
        > HEXPIRE h 1 FIELDS 0 a
        -ERR Parameter `numFields` should be greater than 0
        > HEXPIRE h 1 FIELDS 2 a
        -ERR The `numfields` parameter must match the number of arguments
        > HTTL h FIELDS 0 a
        -ERR Number of fields must be a positive integer
        > HTTL h FIELDS 9223372036854775807 a
        -ERR The `numfields` parameter must match the number of arguments
        > HTTL h 1 FIELDS a
        -ERR Mandatory argument FIELDS is missing or not at the right position
        > HPERSIST h FIELDS 1 a b
        -ERR The `numfields` parameter must match the number of arguments
        > HTTL h FIELDS 1 a
        [-1]
        > RPUSH list x
        1
        > HEXPIRE list x FIELDS 1 a
        -WRONGTYPE Operation against a key holding the wrong kind of value
        > HTTL list FIELDS 1 a
        -WRONGTYPE Operation against a key holding the wrong kind of value
        > HPERSIST list FIELDS 1 a
        -WRONGTYPE Operation against a key holding the wrong kind of value
    """)


def test_a_field_past_its_deadline_is_invisible_to_every_command():
    replica = Replica()
    replica.run("HSET h a 1 b 2")
    replica.run("HPEXPIRE h 100 FIELDS 1 a")
    at(replica, 1_000_099)
    assert ask(replica, "HGET h a") == '"1"'
    at(replica, 1_000_100)
    for line, expected in (
        ("HGET h a", "nil"),
        ("HMGET h a b", '[nil "2"]'),
        ("HGETALL h", '{"b": "2"}'),
        ("HKEYS h", '["b"]'),
        ("HVALS h", '["2"]'),
        ("HLEN h", "1"),
        ("HEXISTS h a", "0"),
        ("HSTRLEN h a", "0"),
        ("HRANDFIELD h 5", '["b"]'),
        ("HRANDFIELD h -2", '["b" "b"]'),
        ("HRANDFIELD h", '"b"'),
        ("HSCAN h 0", '["0" ["b" "2"]]'),
        ("HTTL h FIELDS 2 a b", "[-2 -1]"),
        ("HPERSIST h FIELDS 1 a", "[-2]"),
        ("HEXPIRE h 10 FIELDS 1 a", "[-2]"),
        ("HDEL h a", "0"),
        ("HINCRBY h a 5", "5"),
        ("HTTL h FIELDS 1 a", "[-1]"),
    ):
        assert ask(replica, line) == expected, line


def test_a_hash_whose_last_field_is_past_its_deadline_is_gone():
    replica = Replica()
    replica.run("HSET h a 1 b 2")
    replica.run("HPEXPIRE h 100 FIELDS 2 a b")
    at(replica, 1_000_200)
    for line, expected in (
        ("EXISTS h", "0"),
        ("TYPE h", "+none"),
        ("KEYS *", "[]"),
        ("SCAN 0", '["0" []]'),
        ("RANDOMKEY", "nil"),
        ("HGETALL h", "{}"),
        ("RENAME h g", "-ERR no such key"),
        ("HSET h a 2", "1"),
        ("HTTL h FIELDS 1 a", "[-1]"),
        ("HLEN h", "1"),
    ):
        assert ask(replica, line) == expected, line


def test_what_becomes_of_a_deadline():
    replica = Replica()
    replica.run("HSET h a 1 b 2 c 3 d 4")
    replica.run("HEXPIRE h 10 FIELDS 4 a b c d")
    replica.run("HSET h a 5")
    replica.run("HINCRBY h b 1")
    replica.run("HINCRBYFLOAT h c 1")
    replica.run("HSETNX h d 1")
    assert ask(replica, "HTTL h FIELDS 4 a b c d") == "[-1 10 10 10]"
    replica.run("COPY h g")
    replica.run("RENAME g k")
    replica.run("MOVE h 1")
    assert ask(replica, "HTTL k FIELDS 4 a b c d") == "[-1 10 10 10]"
    assert replica.context.databases.next_deadline_ms() == 1_010_000
    at(replica, 1_010_000)
    assert replica.context.databases.expire_due(100) == 6
    assert ask(replica, "HGETALL k") == '{"a": "5"}'


def test_due_fields_are_removed_in_order_a_bounded_number_at_a_time():
    replica = Replica()
    for number in range(6):
        replica.run(f"HSET h f{number} x")
        replica.run(f"HPEXPIRE h {100 + number} FIELDS 1 f{number}")
    databases = replica.context.databases
    assert databases.next_deadline_ms() == 1_000_100
    at(replica, 1_000_104)
    assert databases.expire_due(2) == 2
    assert ask(replica, "HKEYS h") == '["f5"]'
    assert databases.next_deadline_ms() == 1_000_102
    assert databases.expire_due(10) == 3
    at(replica, 1_000_105)
    assert databases.expire_due(10) == 1
    assert len(replica.context.db) == 0
    assert databases.expire_due(10) == 0


def test_a_removed_hash_leaves_no_deadlines_behind():
    replica = Replica()
    for line in ("DEL h", "SET h x", "RENAME h g", "HDEL h a", "HPERSIST h FIELDS 1 a", "FLUSHALL"):
        replica.run("HSET h a 1")
        replica.run("HEXPIRE h 10 FIELDS 1 a")
        replica.run(line)
        replica.run("DEL g")
        assert replica.context.db.field_deadlines.count == 0, line
        replica.run("DEL h")


def test_what_changes_nothing_is_no_change():
    assert touches("HSET h a 1", "HTTL h FIELDS 1 a") == []
    assert touches("HSET h a 1", "HEXPIRE h 10 XX FIELDS 1 a") == []
    assert touches("HSET h a 1", "HPERSIST h FIELDS 1 a") == []
    assert touches("HSET h a 1", "HEXPIRE h 10 FIELDS 1 a") == [b"h"]


def test_events():
    replica = Replica()
    replica.context.notifies = ALL
    for line in (
        "HEXPIRE h 10 FIELDS 1 a",
        "HPERSIST h FIELDS 1 a",
        "HPERSIST h FIELDS 1 a",
        "HEXPIRE h 0 FIELDS 1 a",
    ):
        replica.run("HSETNX h a 1")
        replica.run(line)
    told = [(event, key) for _, _, event, key in replica.context.events if event != b"hset"]
    assert told == [(b"hexpire", b"h"), (b"hpersist", b"h"), (b"hdel", b"h"), (b"del", b"h")]
