import pytest

from tests.core.command.dialogue import Replica, check, touches
from trivet.core.command.events import GENERIC, LIST
from trivet.core.command.lookup import keys_of
from trivet.core.command.table import ROWS


def test_numbers():
    check("""
        > RPUSH l 3 1.5 -2 10 ""
        5
        > SORT l
        ["-2" "" "1.5" "3" "10"]
        > SORT_RO l DESC
        ["10" "3" "1.5" "" "-2"]
        > SORT l DESC ASC LIMIT 1 2
        ["" "1.5"]
        > RPUSH l x
        6
        > SORT l
        -ERR One or more scores can't be converted into double
        > SORT l ALPHA
        ["" "-2" "1.5" "10" "3" "x"]
        > SORT none
        []
        > SET s x
        +OK
        > SORT s
        -WRONGTYPE Operation against a key holding the wrong kind of value
    """)


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ('" 2"', ["1", " 2", "3"]),
        ("0x2", ["1", "0x2", "3"]),
        ("inf", ["1", "3", "inf"]),
        ("-inf", ["-inf", "1", "3"]),
        (r'"2\x00x"', ["1", "2\0x", "3"]),
        (r'"\x00x"', ["\0x", "1", "3"]),
    ],
)
def test_what_is_a_number(text: str, order: list[str]):
    replica = Replica()
    replica.run(f"RPUSH l 3 {text} 1")
    assert replica.run("SORT l") == [item.encode() for item in order]


@pytest.mark.parametrize("text", ["nan", '"2 "', '" "', "1e400", "1e-310", "1e-400", "2x", "--1"])
def test_what_is_none(text: str):
    replica = Replica()
    replica.run(f"RPUSH l 3 {text} 1")
    assert "can't be converted" in str(replica.run("SORT l"))


def test_equal_weights_stand_in_the_order_of_bytes():
    check("""
        > RPUSH l b 2 a
        3
        > SORT l BY w_*
        ["2" "a" "b"]
        > SORT l BY w_* DESC
        ["b" "a" "2"]
    """)


def test_other_keys_decide():
    check("""
        > RPUSH l 1 2 3
        3
        > MSET w_1 30 w_2 10 w_3 20
        +OK
        > HSET h_1 f x
        1
        > SORT l BY w_*
        ["2" "3" "1"]
        > SORT l BY w_* GET # GET w_* GET h_*->f GET none GET h_*
        ["2" "10" nil nil nil "3" "20" nil nil nil "1" "30" "x" nil nil]
        > SORT l BY h_*->f ALPHA DESC
        ["1" "2" "3"]
        > SORT l BY h_*->f
        -ERR One or more scores can't be converted into double
        > SORT l BY h_*-> DESC
        ["3" "2" "1"]
    """)


def test_a_constant_pattern_leaves_the_order():
    check("""
        > RPUSH l 3 1 2
        3
        > SORT l BY nosort
        ["3" "1" "2"]
        > SORT l BY nosort DESC LIMIT 0 2
        ["2" "1"]
        > ZADD z 1 x 2 y 3 z
        3
        > SORT z BY nosort
        ["x" "y" "z"]
        > SORT z BY nosort DESC LIMIT 1 1
        ["y"]
        > SADD s b a
        2
        > SORT s BY nosort STORE r
        2
        > LRANGE r 0 -1
        ["a" "b"]
        > SORT s BY nosort LIMIT 1 5
        ["a"]
        > SORT z
        -ERR One or more scores can't be converted into double
        > SORT z ALPHA DESC
        ["z" "y" "x"]
    """)


def test_storing():
    check("""
        > RPUSH l 2 1
        2
        > SORT l STORE r
        2
        > LRANGE r 0 -1
        ["1" "2"]
        > SORT l GET w_* STORE r
        2
        > LRANGE r 0 -1
        ["" ""]
        > SORT l LIMIT 5 1 STORE r
        0
        > EXISTS r
        0
        > SORT_RO l STORE r
        -ERR syntax error
        > SORT l STORE l
        2
        > LRANGE l 0 -1
        ["1" "2"]
    """)


def test_texts_are_compared_up_to_a_zero_byte_and_whole_when_stored():
    check(r"""
        > RPUSH l "a\x00c" "a\x00b"
        2
        > SORT l ALPHA
        ["a\x00c" "a\x00b"]
        > SORT l ALPHA STORE r
        2
        > LRANGE r 0 -1
        ["a\x00b" "a\x00c"]
    """)


def test_windows_and_syntax():
    check("""
        > RPUSH l 1 2 3
        3
        > SORT l LIMIT -5 2
        ["1" "2"]
        > SORT l LIMIT 0 -1
        ["1" "2" "3"]
        > SORT l LIMIT 0 0
        []
        > SORT l LIMIT 9223372036854775807 9223372036854775807
        []
        > SORT l LIMIT 1 9223372036854775807
        ["2" "3"]
        > SORT l LIMIT x 1
        -ERR value is not an integer or out of range
        > SORT l LIMIT 1
        -ERR syntax error
        > SORT l BY
        -ERR syntax error
        > SORT l NOSUCH
        -ERR syntax error
    """)


def test_what_is_announced():
    assert touches("RPUSH l 2 1", "SORT l") == []
    assert touches("RPUSH l 2 1", "SORT l STORE r") == [b"r"]
    assert touches("RPUSH l x", "SORT l STORE r") == []


def test_events():
    replica = Replica()
    replica.context.notifies = GENERIC | LIST
    replica.run("RPUSH l 2 1")
    replica.context.events.clear()
    replica.run("SORT l STORE r")
    replica.run("SORT none STORE r")
    replica.run("SORT none STORE r")
    assert replica.context.events == [(0, LIST, b"sortstore", b"r"), (0, GENERIC, b"del", b"r")]


@pytest.mark.parametrize(
    ("line", "keys"),
    [
        ("SORT l", [b"l"]),
        ("SORT l STORE a STORE b", [b"l", b"b"]),
        ("SORT l BY store x", [b"l"]),
        ("SORT l GET store LIMIT store a store b", [b"l", b"b"]),
        ("SORT l STORE", [b"l"]),
        ("SORT_RO l STORE a", [b"l"]),
    ],
)
def test_keys(line: str, keys: list[bytes]):
    args = line.encode().split()
    assert keys_of(ROWS[args[0]], args) == keys
