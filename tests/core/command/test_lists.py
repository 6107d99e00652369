import pytest

from tests.core.command.dialogue import Replica, check, touches
from trivet.core.wire.reply import Error


def test_pushing_and_popping_at_both_ends():
    check("""
        > RPUSH l a b c
        3
        > LPUSH l x y
        5
        > LRANGE l 0 -1
        ["y" "x" "a" "b" "c"]
        > LPOP l
        "y"
        > RPOP l
        "c"
        > LPOP l 2
        ["x" "a"]
        > RPOP l 9
        ["b"]
        > EXISTS l
        0
        > LPUSHX l a
        0
        > RPUSHX l a
        0
        > RPUSH l a
        1
        > LPUSHX l b
        2
        > RPUSHX l c d
        4
        > LLEN l
        4
        > RPOP l 3
        ["d" "c" "a"]
        > LPOP l 0
        []
        > LPOP none
        nil
        > LPOP none 0
        nil*
        > LPOP none 2
        nil*
        > LPOP l -1
        -ERR value is out of range, must be positive
        > LPOP none x
        -ERR value is out of range, must be positive
        > RPOP l 1 2
        -ERR wrong number of arguments for 'rpop' command
        > LLEN none
        0
    """)


def test_looking():
    check("""
        > RPUSH l a b c d e
        5
        > LINDEX l 0
        "a"
        > LINDEX l -1
        "e"
        > LINDEX l 5
        nil
        > LINDEX l -6
        nil
        > LINDEX l x
        -ERR value is not an integer or out of range
        > LINDEX l -9223372036854775808
        nil
        > LINDEX none x
        nil
        > LRANGE l 1 3
        ["b" "c" "d"]
        > LRANGE l -2 -1
        ["d" "e"]
        > LRANGE l -9223372036854775808 9223372036854775807
        ["a" "b" "c" "d" "e"]
        > LRANGE l 3 1
        []
        > LRANGE l 5 9
        []
        > LRANGE l 0 -6
        []
        > LRANGE none 0 -1
        []
        > LRANGE none x 1
        -ERR value is not an integer or out of range
    """)


def test_positions():
    check("""
        > RPUSH l a b c a b a
        6
        > LPOS l a
        0
        > LPOS l x
        nil
        > LPOS l a RANK 2
        3
        > LPOS l a RANK -1
        5
        > LPOS l a RANK -2
        3
        > LPOS l a RANK 9
        nil
        > LPOS l a COUNT 0
        [0 3 5]
        > LPOS l a COUNT 2
        [0 3]
        > LPOS l a COUNT 2 RANK -1
        [5 3]
        > LPOS l x COUNT 2
        []
        > LPOS l b MAXLEN 1
        nil
        > LPOS l b MAXLEN 2
        1
        > LPOS l b MAXLEN 9223372036854775807 RANK 9223372036854775807
        nil
        > LPOS l a RANK -9223372036854775808
        5
        > LPOS none a
        nil
        > LPOS none a COUNT 1
        []
        > LPOS l a RANK x
        -ERR value is not an integer or out of range
        > LPOS l a COUNT -1
        -ERR COUNT can't be negative
        > LPOS l a MAXLEN x
        -ERR MAXLEN can't be negative
        > LPOS l a COUNT
        -ERR syntax error
        > LPOS l a FOO 1
        -ERR syntax error
    """)


def test_there_is_no_match_of_rank_zero():
    reply = Replica().run("LPOS l a RANK 0")
    assert isinstance(reply, Error)
    assert reply.text.startswith("ERR RANK can't be zero: use 1 to start from the first match")


def test_changing_in_the_middle():
    check("""
        > RPUSH l a b c
        3
        > LSET l 1 B
        +OK
        > LSET l -1 C
        +OK
        > LSET l 3 x
        -ERR index out of range
        > LSET l x x
        -ERR value is not an integer or out of range
        > LSET none x x
        -ERR no such key
        > LINSERT l BEFORE a 0
        4
        > LINSERT l AFTER C d
        5
        > LINSERT l after x d
        -1
        > LINSERT none BEFORE a 0
        0
        > LINSERT l around a 0
        -ERR syntax error
        > LRANGE l 0 -1
        ["0" "a" "B" "C" "d"]
        > LTRIM l 1 -2
        +OK
        > LRANGE l 0 -1
        ["a" "B" "C"]
        > LTRIM l 0 0
        +OK
        > LRANGE l 0 -1
        ["a"]
        > LTRIM l 5 9
        +OK
        > EXISTS l
        0
        > LTRIM none 0 1
        +OK
        > LTRIM none x 1
        -ERR value is not an integer or out of range
    """)


def test_removing_equal_items():
    check("""
        > RPUSH l a b a c a
        5
        > LREM l 1 a
        1
        > LRANGE l 0 -1
        ["b" "a" "c" "a"]
        > LREM l -1 a
        1
        > LRANGE l 0 -1
        ["b" "a" "c"]
        > LREM l 0 x
        0
        > LREM l 0 a
        1
        > LREM l 9 b
        1
        > LREM l -9223372036854775808 c
        1
        > EXISTS l
        0
        > LREM none 0 a
        0
        > LREM none x a
        -ERR value is not an integer or out of range
    """)


@pytest.mark.parametrize(
    "line",
    [
        "LPUSH s a",
        "RPUSHX s a",
        "LPOP s",
        "RPOP s 1",
        "LLEN s",
        "LINDEX s 0",
        "LRANGE s 0 1",
        "LPOS s a",
        "LSET s 0 a",
        "LINSERT s BEFORE a b",
        "LREM s 0 a",
        "LTRIM s 0 1",
    ],
)
def test_another_type_is_refused_and_left_alone(line):
    replica = Replica()
    replica.run("SET s text")
    reply = replica.run(line)
    assert isinstance(reply, Error)
    assert reply.text.startswith("WRONGTYPE")
    assert replica.run("GET s") == b"text"


def test_a_write_without_effect_is_no_change():
    assert touches("RPUSH l a", "LREM l 0 b") == []
    assert touches("RPUSH l a", "LSET l 1 b") == []
    assert touches("RPUSH l a", "LINSERT l BEFORE b c") == []
    assert touches("RPUSH l a", "LPOP l 0") == []
    assert touches("RPUSH l a", "LPOP l") == [b"l"]
