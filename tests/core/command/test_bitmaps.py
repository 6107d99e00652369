import tracemalloc

import pytest

from tests.core.command.dialogue import Replica, check, touches
from trivet.core.command.events import ALL


def test_single_bits():
    check("""
        > SETBIT a 7 1
        0
        > GET a
        "\\x01"
        > SETBIT a 0 1
        0
        > SETBIT a 0 0
        1
        > SETBIT a 23 1
        0
        > GET a
        "\\x01\\x00\\x01"
        > GETBIT a 7
        1
        > GETBIT a 6
        0
        > GETBIT a 4294967295
        0
        > GETBIT missing 5
        0
    """)


def test_a_clear_bit_makes_the_string_long_enough():
    check("""
        > SETBIT a 16 0
        0
        > STRLEN a
        3
    """)


def test_what_is_no_bit():
    check("""
        > SETBIT a -1 1
        -ERR bit offset is not an integer or out of range
        > SETBIT a 4294967296 1
        -ERR bit offset is not an integer or out of range
        > SETBIT a 99999999999999999999 1
        -ERR bit offset is not an integer or out of range
        > SETBIT a #1 1
        -ERR bit offset is not an integer or out of range
        > SETBIT a 1 2
        -ERR bit is not an integer or out of range
        > SETBIT a 1 x
        -ERR bit is not an integer or out of range
        > EXISTS a
        0
        > GETBIT a x
        -ERR bit offset is not an integer or out of range
        > RPUSH list x
        1
        > SETBIT list 1 1
        -WRONGTYPE Operation against a key holding the wrong kind of value
        > GETBIT list 1
        -WRONGTYPE Operation against a key holding the wrong kind of value
    """)


def test_counting():
    check("""
        > SET a foobar
        +OK
        > BITCOUNT a
        26
        > BITCOUNT a 0 0
        4
        > BITCOUNT a 1 1 BYTE
        6
        > BITCOUNT a 5 30 BIT
        17
        > BITCOUNT a -2 -1
        7
        > BITCOUNT a -1 -2
        0
        > BITCOUNT a -1 -2 NOSUCH
        0
        > BITCOUNT a 0 1 NOSUCH
        -ERR syntax error
        > BITCOUNT a 0
        -ERR syntax error
        > BITCOUNT a x 1
        -ERR value is not an integer or out of range
        > BITCOUNT a 3 9223372036854775807
        10
        > BITCOUNT missing 0 x
        0
        > RPUSH list x
        1
        > BITCOUNT list
        -WRONGTYPE Operation against a key holding the wrong kind of value
    """)


def test_the_first_bit():
    check(r"""
        > SET a "\xff\xf0\x00"
        +OK
        > BITPOS a 0
        12
        > BITPOS a 1 2
        -1
        > BITPOS a 1 1 1 BYTE
        8
        > BITPOS a 0 2 14 BIT
        12
        > BITPOS a 0 2 11 BIT
        -1
        > BITPOS a 0 -1
        16
        > BITPOS a 2
        -ERR The bit argument must be 1 or 0.
        > BITPOS a x
        -ERR value is not an integer or out of range
        > BITPOS a 1 0 1 NOSUCH
        -ERR syntax error
        > BITPOS a 1 0 1 BIT BIT
        -ERR syntax error
        > BITPOS missing 1
        -1
        > BITPOS missing 0
        0
    """)


def test_zeros_behind_the_string_count_without_an_end():
    check(r"""
        > SET a "\xff\xff"
        +OK
        > BITPOS a 0
        16
        > BITPOS a 0 1
        16
        > BITPOS a 0 0 -1
        -1
        > SET empty ""
        +OK
        > BITPOS empty 0
        -1
        > BITPOS empty 1
        -1
    """)


def test_combining():
    check(r"""
        > SET a abc
        +OK
        > SET b "\x0f\xf0"
        +OK
        > BITOP AND to a b
        3
        > GET to
        "\x01`\x00"
        > BITOP or to a b
        3
        > GET to
        "o\xf2c"
        > BITOP XOR to a b missing
        3
        > GET to
        "n\x92c"
        > BITOP NOT to b
        2
        > GET to
        "\xf0\x0f"
        > BITOP NOT to a b
        -ERR BITOP NOT must be called with a single source key.
        > BITOP NAND to a b
        -ERR syntax error
        > BITOP AND to missing
        0
        > EXISTS to
        0
        > RPUSH list x
        1
        > BITOP AND to a list
        -WRONGTYPE Operation against a key holding the wrong kind of value
    """)


def test_a_result_has_no_deadline_and_a_changed_bit_keeps_it():
    check("""
        > SET a x EX 10
        +OK
        > SETBIT a 1 0
        1
        > PEXPIRETIME a
        1010000
        > BITOP OR a a a
        1
        > PEXPIRETIME a
        -1
    """)


def test_a_bit_that_stays_is_no_change():
    assert touches("SETBIT a 1 1", "SETBIT a 1 1") == []
    assert touches("SETBIT a 1 1", "SETBIT a 1 0") == [b"a"]
    assert touches("SETBIT a 1 0") == [b"a"]


@pytest.mark.parametrize(
    "line",
    [
        "SETBIT a 4294967296 1",
        "SETBIT a 9223372036854775807 1",
        "GETBIT a 4294967295",
        "BITCOUNT a 0 4294967295",
    ],
)
def test_an_absurd_offset_costs_nothing(line):
    replica = Replica()
    replica.run("SET a x")
    tracemalloc.start()
    replica.run(line)
    assert tracemalloc.get_traced_memory()[1] < 100_000
    tracemalloc.stop()


def test_events():
    replica = Replica()
    replica.context.notifies = ALL
    for line in ("SETBIT a 1 1", "SETBIT a 1 1", "BITOP OR b a", "BITOP OR b missing", "BITOP OR b missing"):
        replica.run(line)
    told = [(event, key) for _, _, event, key in replica.context.events]
    assert told == [(b"setbit", b"a"), (b"set", b"b"), (b"del", b"b")]
