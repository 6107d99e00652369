import pytest

from tests.core.command.dialogue import Replica, check, show, touches
from trivet.core.command.events import GENERIC
from trivet.core.values.rdb.payload import dump, seal
from trivet.core.wire.reply import OK

HELLO = r"\x00\x05hello\n\x00cr\xdfve4 \n"
"""As redis-server 7.0.15 dumps the string hello."""


def test_a_value_leaves_and_comes_back():
    check(rf"""
        > SET a hello
        +OK
        > DUMP a
        "{HELLO.replace("%", "%%")}"
        > RESTORE b 0 "{HELLO}"
        +OK
        > GET b
        "hello"
        > PTTL b
        -1
        > DUMP none
        nil
    """)


def test_every_type_is_restored():
    replica = Replica()
    for line in ("SET k 12", "RPUSH k a b", "SADD k 1 2", "HSET k f v", "ZADD k 1.5 a inf b"):
        replica.run("FLUSHALL")
        replica.run(line)
        payload = replica.run("DUMP k")
        assert isinstance(payload, bytes)
        assert replica.run_args([b"RESTORE", b"copy", b"0", payload]) == OK
        assert replica.run("DUMP copy") == payload


def pass_time(replica: Replica, ms: int) -> None:
    replica.context.now_ms += ms
    replica.context.databases.set_now(replica.context.now_ms)


def test_deadlines_of_fields_go_along():
    """They are absolute: a payload that is restored later has lost what was due meanwhile."""
    replica = Replica()
    for line in ("HSET h f v g w", "HPEXPIRE h 5000 FIELDS 1 f", "SET other 1"):
        replica.run(line)
    payload = replica.run("DUMP h")
    assert isinstance(payload, bytes)
    assert replica.run_args([b"RESTORE", b"copy", b"0", payload]) == OK
    assert replica.run("HPTTL copy FIELDS 2 f g") == [5000, -1]
    assert replica.run("DUMP copy") == payload
    assert replica.run_args([b"RESTORE", b"other", b"9000", payload, b"REPLACE"]) == OK
    assert (replica.run("HPTTL other FIELDS 1 f"), replica.run("PTTL other")) == ([5000], 9000)
    pass_time(replica, 5_000)
    assert (replica.run("HGETALL copy"), replica.run("HLEN other")) == (replica.run("HGETALL h"), 1)
    assert replica.run_args([b"RESTORE", b"late", b"0", payload]) == OK
    assert (replica.run("HLEN late"), replica.run("HGET late f")) == (1, None)


def test_a_hash_all_of_whose_fields_are_due_is_not_there():
    replica = Replica()
    for line in ("HSET h f v", "HPEXPIRE h 5000 FIELDS 1 f"):
        replica.run(line)
    payload = replica.run("DUMP h")
    assert isinstance(payload, bytes)
    pass_time(replica, 5_000)
    assert replica.run_args([b"RESTORE", b"late", b"0", payload]) == OK
    assert (replica.run("EXISTS late"), replica.run("DUMP late")) == (0, None)


def test_a_key_that_is_there_needs_replace():
    check(rf"""
        > RPUSH b x
        1
        > RESTORE b 0 junk
        -BUSYKEY Target key name already exists.
        > RESTORE b 0 "{HELLO}" replace
        +OK
        > GET b
        "hello"
    """)


def test_times():
    check(rf"""
        > RESTORE a 5000 "{HELLO}"
        +OK
        > PTTL a
        5000
        > RESTORE b 1005000 "{HELLO}" ABSTTL
        +OK
        > PTTL b
        5000
        > RESTORE b 1000 "{HELLO}" ABSTTL REPLACE
        +OK
        > EXISTS b
        0
        > RESTORE a 9223372036854775807 "{HELLO}" REPLACE
        +OK
        > EXISTS a
        0
        > RESTORE a -1 "{HELLO}"
        -ERR Invalid TTL value, must be >= 0
        > RESTORE a x "{HELLO}"
        -ERR value is not an integer or out of range
    """)


def test_options_are_checked_first():
    check(rf"""
        > RESTORE a x junk IDLETIME -1
        -ERR Invalid IDLETIME value, must be >= 0
        > RESTORE a x junk IDLETIME x
        -ERR value is not an integer or out of range
        > RESTORE a x junk FREQ 256
        -ERR Invalid FREQ value, must be >= 0 and <= 255
        > RESTORE a x junk FREQ x
        -ERR value is not an integer or out of range
        > RESTORE a x junk FREQ
        -ERR syntax error
        > RESTORE a x junk IDLETIME 1 FREQ 1
        -ERR syntax error
        > RESTORE a x junk FREQ 1 IDLETIME 1
        -ERR syntax error
        > RESTORE a x junk NOSUCH
        -ERR syntax error
        > RESTORE a 0 "{HELLO}" IDLETIME 5 IDLETIME 6 ABSTTL
        +OK
        > RESTORE a 0 "{HELLO}" FREQ 5 REPLACE
        +OK
    """)


@pytest.mark.parametrize(
    ("payload", "error"),
    [
        (b"", "-ERR DUMP payload version or checksum are wrong"),
        (dump(b"x")[:-1], "-ERR DUMP payload version or checksum are wrong"),
        (seal(b"\x00\x01x", 99), "-ERR DUMP payload version or checksum are wrong"),
        (seal(b"\x00\x05x", 10), "-ERR Bad data format"),
        (seal(b"", 10), "-ERR Bad data format"),
        (seal(b"\x07\x01x", 10), "-ERR Bad data format"),
    ],
)
def test_a_bad_payload_changes_nothing(payload: bytes, error: str):
    replica = Replica()
    replica.run("SET k 1")
    assert show(replica.run_args([b"RESTORE", b"k", b"0", payload, b"REPLACE"])) == error
    assert replica.touched == []
    assert replica.run("GET k") == b"1"


def test_what_is_announced():
    assert touches(f'RESTORE a 0 "{HELLO}"') == [b"a"]
    assert touches("SET a 1", "DUMP a") == []


def test_events():
    replica = Replica()
    replica.context.notifies = GENERIC
    replica.run(f'RESTORE a 0 "{HELLO}"')
    replica.run(f'RESTORE a 1 "{HELLO}" ABSTTL REPLACE')
    replica.run(f'RESTORE a 1 "{HELLO}" ABSTTL REPLACE')
    assert replica.context.events == [(0, GENERIC, b"restore", b"a"), (0, GENERIC, b"del", b"a")]
