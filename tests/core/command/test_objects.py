import pytest

from tests.core.command.dialogue import Replica, check
from trivet.core.command.table import ROWS


def test_object():
    check("""
        > SET a 1
        +OK
        > OBJECT REFCOUNT a
        2147483647
        > MSET b 10000 c -1 d 9999 e 01 f ab
        +OK
        > OBJECT REFCOUNT b
        1
        > OBJECT REFCOUNT c
        1
        > OBJECT REFCOUNT d
        2147483647
        > OBJECT REFCOUNT e
        1
        > OBJECT REFCOUNT f
        1
        > OBJECT IDLETIME a
        0
        > OBJECT REFCOUNT none
        nil
        > OBJECT IDLETIME none
        nil
        > OBJECT ENCODING none
        nil
        > OBJECT FREQ none
        nil
        > OBJECT NOSUCH a
        -ERR unknown subcommand 'NOSUCH'. Try OBJECT HELP.
        > OBJECT ENCODING
        -ERR wrong number of arguments for 'object|encoding' command
    """)


def test_freq_is_an_error_for_a_key_that_is_there():
    replica = Replica()
    replica.run("SET a 1")
    assert "An LFU maxmemory policy is not selected" in str(replica.run("OBJECT FREQ a"))


def test_help_lists_the_subcommands():
    text = str(Replica().run("OBJECT HELP"))
    assert all(word in text for word in ("ENCODING", "FREQ", "IDLETIME", "REFCOUNT", "HELP"))


@pytest.mark.parametrize(
    ("line", "encoding"),
    [
        ("SET k 123", b"int"),
        ("SET k 0123", b"embstr"),
        ("SET k " + "x" * 44, b"embstr"),
        ("SET k " + "x" * 45, b"raw"),
        ("RPUSH k a b", b"quicklist"),
        ("HSET k f v", b"listpack"),
        ("HSET k f " + "x" * 65, b"hashtable"),
        ("SADD k 1 2 3", b"intset"),
        ("SADD k 1 x", b"hashtable"),
        ("XADD k 1-1 f v", b"stream"),
        ("ZADD k 1 a", b"listpack"),
        ("ZADD k 1 " + "x" * 65, b"skiplist"),
    ],
)
def test_encodings_are_those_that_redis_would_choose(line: str, encoding: bytes):
    replica = Replica()
    replica.run(line)
    assert replica.run("OBJECT ENCODING k") == encoding


def test_the_container_itself_runs_its_subcommands():
    replica = Replica()
    replica.run("SET a 1")
    run = ROWS[b"OBJECT"].run
    assert run is not None
    assert run(replica.context, [b"object", b"encoding", b"a"]) == b"int"
    assert "wrong number" in str(run(replica.context, [b"object", b"encoding"]))
    assert "unknown subcommand" in str(run(replica.context, [b"object", b"nosuch"]))
