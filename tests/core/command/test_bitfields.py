import tracemalloc

import pytest

from tests.core.command.dialogue import Replica, check, touches
from trivet.core.command.events import ALL


def test_reading_and_changing():
    check(r"""
        > BITFIELD a SET i8 0 -3 GET i8 0 GET u8 0 GET u4 6
        [0 -3 253 4]
        > GET a
        "\xfd"
        > BITFIELD a INCRBY u4 #3 5 GET u16 0
        [5 64773]
        > BITFIELD a
        []
        > BITFIELD missing GET u8 100
        [0]
        > EXISTS missing
        0
        > BITFIELD_RO a GET u8 0 GET i64 #5
        [253 0]
    """)


def test_overflow():
    check(r"""
        > BITFIELD a SET u8 0 250 INCRBY u8 0 10
        [0 4]
        > BITFIELD a OVERFLOW SAT INCRBY u8 0 1000 INCRBY u8 0 -1000
        [255 0]
        > BITFIELD a OVERFLOW FAIL INCRBY u8 0 -1 GET u8 0
        [nil 0]
        > BITFIELD a SET i8 0 127 INCRBY i8 0 1
        [0 -128]
        > BITFIELD a OVERFLOW SAT INCRBY i8 0 -9223372036854775808 SET i8 0 200
        [-128 -128]
        > BITFIELD a SET i64 0 9223372036854775807 INCRBY i64 0 1
        [9151314442816847872 -9223372036854775808]
        > BITFIELD a OVERFLOW SAT SET u8 0 -1 GET u8 0
        [128 255]
        > BITFIELD a OVERFLOW FAIL SET u4 0 16 OVERFLOW WRAP SET u4 0 17 GET u4 0
        [nil 15 1]
    """)


def test_a_failed_write_makes_the_string_long_enough_all_the_same():
    check(r"""
        > BITFIELD a OVERFLOW FAIL SET u4 32 99
        [nil]
        > STRLEN a
        5
    """)


def test_what_is_refused_changes_nothing():
    check("""
        > BITFIELD a SET u8 0 1 SET u64 8 1
        -ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.
        > BITFIELD a SET I8 0 1
        -ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.
        > BITFIELD a SET u8 x 1
        -ERR bit offset is not an integer or out of range
        > BITFIELD a SET u8 #536870912 1
        -ERR bit offset is not an integer or out of range
        > BITFIELD a SET u8 #9223372036854775807 1
        -ERR bit offset is not an integer or out of range
        > BITFIELD a SET u8 0 x
        -ERR value is not an integer or out of range
        > BITFIELD a OVERFLOW MAYBE
        -ERR Invalid OVERFLOW type specified
        > BITFIELD a SET u8 0
        -ERR syntax error
        > BITFIELD a NOSUCH
        -ERR syntax error
        > BITFIELD_RO a SET u8 0 1
        -ERR BITFIELD_RO only supports the GET subcommand
        > EXISTS a
        0
        > RPUSH list x
        1
        > BITFIELD list GET u8 0
        -WRONGTYPE Operation against a key holding the wrong kind of value
        > BITFIELD list SET u8 0 1
        -WRONGTYPE Operation against a key holding the wrong kind of value
    """)


def test_many_writes_at_once_give_what_they_give_one_by_one():
    one, other = Replica(), Replica()
    parts = [f"SET u7 {offset} {offset}" for offset in range(0, 90, 5)]
    together = one.run("BITFIELD a " + " ".join(parts))
    assert together == [reply for part in parts for reply in other.run("BITFIELD a " + part)]
    assert one.run("GET a") == other.run("GET a")


def test_who_only_reads_changes_nothing():
    assert touches("SET a x", "BITFIELD a GET u8 0") == []
    assert touches("SET a x", "BITFIELD a SET u8 0 120") == []
    assert touches("SET a x", "BITFIELD a SET u8 0 121") == [b"a"]


@pytest.mark.parametrize(
    "offset", ["4294967296", "#4294967295", "9223372036854775807", "#18446744073709551616"]
)
def test_an_absurd_offset_costs_nothing(offset):
    replica = Replica()
    tracemalloc.start()
    replica.run(f"BITFIELD a SET u8 {offset} 1")
    replica.run("BITFIELD a GET u63 4294967295")
    assert tracemalloc.get_traced_memory()[1] < 100_000
    tracemalloc.stop()


def test_events():
    replica = Replica()
    replica.context.notifies = ALL
    for line in ("BITFIELD a SET u8 0 1", "BITFIELD a SET u8 0 1", "BITFIELD a GET u8 0"):
        replica.run(line)
    assert [(event, key) for _, _, event, key in replica.context.events] == [(b"setbit", b"a")]
