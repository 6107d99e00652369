import pytest

from tests.core.command.dialogue import Replica, check, touches
from trivet.core.command.arguments import STRING_BYTES_MAX


def test_set_and_get():
    check("""
        > GET a
        nil
        > SET a 1
        +OK
        > GET a
        "1"
        > RPUSH list x
        1
        > GET list
        -WRONGTYPE Operation against a key holding the wrong kind of value
        > SET list 2
        +OK
        > GET list
        "2"
        > SET a 3 NOSUCH
        -ERR syntax error
    """)


def test_set_with_conditions():
    check("""
        > SET a 1 XX
        nil
        > SET a 1 NX
        +OK
        > SET a 2 NX
        nil
        > SET a 3 XX GET
        "1"
        > SET a 4 NX GET
        "3"
        > SET b 5 NX GET
        nil
        > GET b
        "5"
        > RPUSH list x
        1
        > SET list 1 GET
        -WRONGTYPE Operation against a key holding the wrong kind of value
        > SET list 1 NX
        nil
    """)


def test_set_and_expiry():
    check("""
        > SET a 1 EX 10
        +OK
        > PEXPIRETIME a
        1010000
        > SET a 2 KEEPTTL
        +OK
        > PTTL a
        10000
        > SET a 3
        +OK
        > PTTL a
        -1
        > SET a 4 PXAT 999999
        +OK
        > GET a
        nil
        > SETEX a 10 1
        +OK
        > TTL a
        10
        > PSETEX a 10 1
        +OK
        > PTTL a
        10
        > SETEX a 0 1
        -ERR invalid expire time in 'setex' command
        > PSETEX a x 1
        -ERR value is not an integer or out of range
    """)


def test_get_and_change():
    check("""
        > GETSET a 1
        nil
        > GETSET a 2
        "1"
        > GETDEL a
        "2"
        > GETDEL a
        nil
        > SETNX a 1
        1
        > SETNX a 2
        0
        > GETEX a EX 10
        "1"
        > TTL a
        10
        > GETEX a
        "1"
        > TTL a
        10
        > GETEX a PERSIST
        "1"
        > TTL a
        -1
        > GETEX a PXAT 1
        "1"
        > EXISTS a
        0
        > GETEX a EX 0
        nil
        > RPUSH a x
        1
        > GETSET a 1
        -WRONGTYPE Operation against a key holding the wrong kind of value
        > GETDEL a
        -WRONGTYPE Operation against a key holding the wrong kind of value
    """)


def test_many_at_once():
    check("""
        > MSET a 1 b 2
        +OK
        > MGET a x b
        ["1" nil "2"]
        > MSETNX c 3 a 9
        0
        > EXISTS c
        0
        > MSETNX c 3 d 4
        1
        > RPUSH list x
        1
        > MGET list c
        [nil "3"]
        > MSET a 1 b
        -ERR wrong number of arguments for 'mset' command
        > MSETNX a 1 b
        -ERR wrong number of arguments for 'msetnx' command
    """)


def test_pieces():
    check("""
        > APPEND a Hello
        5
        > APPEND a " World"
        11
        > STRLEN a
        11
        > STRLEN none
        0
        > GETRANGE a 0 4
        "Hello"
        > GETRANGE a -5 -1
        "World"
        > GETRANGE a -100 100
        "Hello World"
        > GETRANGE a 5 3
        ""
        > GETRANGE a -3 -5
        ""
        > SUBSTR a 0 0
        "H"
        > GETRANGE a 0 x
        -ERR value is not an integer or out of range
        > SETRANGE a 6 There
        11
        > GET a
        "Hello There"
        > SETRANGE b 3 x
        4
        > GET b
        "\\x00\\x00\\x00x"
        > SETRANGE c 3 ""
        0
        > EXISTS c
        0
        > SETRANGE a -1 x
        -ERR offset is out of range
    """)


def test_appending_keeps_the_deadline():
    check("""
        > SET a 1 PX 500
        +OK
        > APPEND a 2
        2
        > SETRANGE a 5 x
        6
        > PTTL a
        500
    """)


@pytest.mark.parametrize("offset", [STRING_BYTES_MAX, 2**40, 2**63 - 1])
def test_a_string_that_would_be_too_long_is_refused_before_anything_is_allocated(offset: int):
    replica = Replica()
    reply = replica.run_args([b"SETRANGE", b"a", b"%d" % offset, b"x"])
    assert reply is not None
    assert "exceeds maximum allowed size" in str(reply)
    assert replica.run("EXISTS a") == 0


def test_only_what_changes_is_announced():
    assert touches("SET a 1", "GET a") == []
    assert touches("SET a 1", "SETNX a 2") == []
    assert touches("SET a 1", "MSETNX b 1 a 2") == []
    assert touches("SETRANGE a 1 ''") == []
    assert touches("MSET a 1 b 2") == [b"a", b"b"]
    assert touches("SET a 1", "GETEX a EX 5") == [b"a"]
