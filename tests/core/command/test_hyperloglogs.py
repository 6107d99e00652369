from tests.core.command.dialogue import Replica, check, touches
from trivet.core.command.events import ALL


def test_adding_and_counting():
    check("""
        > PFADD a x y z
        1
        > PFADD a x y
        0
        > PFCOUNT a
        3
        > PFADD b z w
        1
        > PFCOUNT a b missing
        4
        > PFCOUNT missing
        0
        > PFMERGE a b
        +OK
        > PFCOUNT a
        4
    """)


def test_the_bytes_are_those_of_redis():
    check(r"""
        > PFADD a
        1
        > GET a
        "HYLL\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\x7f\xff"
        > PFADD a foo
        1
        > GET a
        "HYLL\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\\\xb3\x90cJ"
        > PFADD a
        0
        > PFCOUNT a
        1
        > GET a
        "HYLL\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\\\xb3\x90cJ"
    """)


def test_what_is_none():
    check(r"""
        > SET a HYLL
        +OK
        > PFADD a x
        -WRONGTYPE Key is not a valid HyperLogLog string value.
        > PFCOUNT a
        -WRONGTYPE Key is not a valid HyperLogLog string value.
        > SET b "HYLL\x02\0\0\0\0\0\0\0\0\0\0\x80\x7f\xff"
        +OK
        > PFMERGE c b
        -WRONGTYPE Key is not a valid HyperLogLog string value.
        > RPUSH list x
        1
        > PFADD list x
        -WRONGTYPE Operation against a key holding the wrong kind of value
        > PFCOUNT missing list
        -WRONGTYPE Operation against a key holding the wrong kind of value
        > EXISTS c
        0
    """)


def test_corrupt_ones():
    check(r"""
        > SET short "HYLL\x01\0\0\0\0\0\0\0\0\0\0\x80\x40\0"
        +OK
        > PFCOUNT short
        -INVALIDOBJ Corrupted HLL object detected
        > PFCOUNT short short
        -INVALIDOBJ Corrupted HLL object detected
        > PFADD short x y z
        -INVALIDOBJ Corrupted HLL object detected
        > PFMERGE a short
        -INVALIDOBJ Corrupted HLL object detected
        > PFMERGE short
        -INVALIDOBJ Corrupted HLL object detected
        > PFDEBUG TODENSE short
        -INVALIDOBJ Corrupted HLL object detected
        > STRLEN short
        18
        > EXISTS a
        0
    """)


def test_a_remembered_count_is_believed_and_merging_forgets_it():
    check(r"""
        > SET a "HYLL\x01\0\0\0\x2a\0\0\0\0\0\0\0\x7f\xff"
        +OK
        > PFCOUNT a
        42
        > PFMERGE a
        +OK
        > PFCOUNT a
        0
    """)


def test_debugging():
    check("""
        > PFADD a foo
        1
        > PFDEBUG ENCODING a
        +sparse
        > PFDEBUG DECODE a
        "Z:7348 v:5,1 Z:9035"
        > PFDEBUG TODENSE a
        1
        > PFDEBUG TODENSE a
        0
        > PFDEBUG ENCODING a
        +dense
        > PFDEBUG DECODE a
        -ERR HLL encoding is not sparse
        > PFDEBUG NOSUCH a
        -ERR Unknown PFDEBUG subcommand 'NOSUCH'
        > PFDEBUG ENCODING missing
        -ERR The specified key does not exist
        > STRLEN a
        12304
        > PFCOUNT a
        1
        > PFSELFTEST
        +OK
    """)
    replica = Replica()
    replica.run("PFADD a foo")
    registers = replica.run("PFDEBUG GETREG a")
    assert isinstance(registers, list)
    assert [at for at, value in enumerate(registers) if value] == [7348]


def test_a_deadline_stays():
    check("""
        > PFADD a x
        1
        > EXPIRE a 10
        1
        > PFADD a y
        1
        > PFMERGE a
        +OK
        > PEXPIRETIME a
        1010000
    """)


def test_what_changes_nothing_is_no_change():
    assert touches("PFADD a x", "PFADD a x") == []
    assert touches("PFADD a x", "PFADD a y") == [b"a"]
    assert touches("PFADD a x", "PFCOUNT a") == []
    assert touches("PFADD a x", "PFADD b y", "PFMERGE a b") == [b"a"]


def test_events():
    replica = Replica()
    replica.context.notifies = ALL
    for line in ("PFADD a x", "PFADD a x", "PFCOUNT a", "PFMERGE b a"):
        replica.run(line)
    assert [(event, key) for _, _, event, key in replica.context.events] == [
        (b"pfadd", b"a"),
        (b"pfadd", b"b"),
    ]


def test_the_first_fault_decides():
    check(r"""
        > SET short "HYLL\x01\0\0\0\0\0\0\0\0\0\0\x80\x40\0"
        +OK
        > RPUSH list x
        1
        > PFCOUNT short list
        -INVALIDOBJ Corrupted HLL object detected
        > PFCOUNT list short
        -WRONGTYPE Operation against a key holding the wrong kind of value
    """)
