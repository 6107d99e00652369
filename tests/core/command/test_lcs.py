import time

from hypothesis import given
from hypothesis import strategies as st

from tests.core.command.dialogue import Replica, check
from trivet.core.wire.reply import Error


def test_the_example_of_the_manual():
    check("""
        > MSET key1 ohmytext key2 mynewtext
        +OK
        > LCS key1 key2
        "mytext"
        > LCS key1 key2 LEN
        6
        > LCS key1 key2 IDX
        {"matches": [[[4 7] [5 8]] [[2 3] [0 1]]], "len": 6}
        > LCS key1 key2 IDX MINMATCHLEN 4
        {"matches": [[[4 7] [5 8]]], "len": 6}
        > LCS key1 key2 IDX MINMATCHLEN 4 WITHMATCHLEN
        {"matches": [[[4 7] [5 8] 4]], "len": 6}
    """)


def test_missing_keys_are_empty_and_other_types_errors():
    check("""
        > SET a abc
        +OK
        > LCS a none
        ""
        > LCS none other LEN
        0
        > LCS none other IDX
        {"matches": [], "len": 0}
        > RPUSH list x
        1
        > LCS a list
        -ERR The specified keys must contain string values
        > LCS a a IDX LEN
        -ERR If you want both the length and indexes, please just use IDX.
        > LCS a a MINMATCHLEN
        -ERR syntax error
        > LCS a a MINMATCHLEN x
        -ERR value is not an integer or out of range
    """)


def length_by_definition(one: bytes, other: bytes) -> int:
    row = [0] * (len(other) + 1)
    for byte in one:
        before = row
        row = [0]
        for j, candidate in enumerate(other):
            row.append(before[j] + 1 if byte == candidate else max(before[j + 1], row[j]))
    return row[-1]


def is_subsequence(part: bytes, whole: bytes) -> bool:
    rest = iter(whole)
    return all(byte in rest for byte in part)


@given(st.text("abc", max_size=30).map(str.encode), st.text("abc", max_size=30).map(str.encode))
def test_agrees_with_the_definition(one: bytes, other: bytes):
    replica = Replica()
    replica.run_args([b"MSET", b"a", one, b"b", other])
    found = replica.run("LCS a b")
    assert isinstance(found, bytes)
    assert len(found) == replica.run("LCS a b LEN") == length_by_definition(one, other)
    assert is_subsequence(found, one)
    assert is_subsequence(found, other)


def test_long_strings_take_no_long_time_and_too_long_ones_are_refused():
    replica = Replica()
    replica.run_args(
        [b"MSET", b"a", b"abcde" * 2000, b"b", b"badce" * 2000, b"c", b"x" * 20_000, b"d", b"x" * 300_000]
    )
    start = time.process_time()
    assert isinstance(replica.run("LCS a b IDX"), dict)
    assert time.process_time() - start < 5
    for line in ("LCS c c", "LCS d none"):
        assert isinstance(replica.run(line), Error)
