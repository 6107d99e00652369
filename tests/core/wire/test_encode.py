"""Replies to bytes: the table of reply.py, row by row, and doubles as redis-server prints them."""

import math

import pytest

from trivet.core.wire.encode import double_text, encode, encode_into, encode_many
from trivet.core.wire.reply import (
    NULL_ARRAY,
    OK,
    PONG,
    Decimal,
    Error,
    MapPairs,
    Members,
    Pairs,
    Push,
    Reply,
    Simple,
    Verbatim,
)

TABLE: list[tuple[Reply, bytes, bytes]] = [
    (None, b"$-1\r\n", b"_\r\n"),
    (NULL_ARRAY, b"*-1\r\n", b"_\r\n"),
    (b"", b"$0\r\n\r\n", b"$0\r\n\r\n"),
    (b"a\r\nb", b"$4\r\na\r\nb\r\n", b"$4\r\na\r\nb\r\n"),
    (b"x" * 1023, b"$1023\r\n" + b"x" * 1023 + b"\r\n", b"$1023\r\n" + b"x" * 1023 + b"\r\n"),
    (b"x" * 1024, b"$1024\r\n" + b"x" * 1024 + b"\r\n", b"$1024\r\n" + b"x" * 1024 + b"\r\n"),
    (0, b":0\r\n", b":0\r\n"),
    (-1, b":-1\r\n", b":-1\r\n"),
    (1023, b":1023\r\n", b":1023\r\n"),
    (1024, b":1024\r\n", b":1024\r\n"),
    (-(2**63), b":-9223372036854775808\r\n", b":-9223372036854775808\r\n"),
    (True, b":1\r\n", b"#t\r\n"),
    (False, b":0\r\n", b"#f\r\n"),
    (3.14, b"$18\r\n3.1400000000000001\r\n", b",3.1400000000000001\r\n"),
    (math.inf, b"$3\r\ninf\r\n", b",inf\r\n"),
    (-math.inf, b"$4\r\n-inf\r\n", b",-inf\r\n"),
    (OK, b"+OK\r\n", b"+OK\r\n"),
    (Simple("OK"), b"+OK\r\n", b"+OK\r\n"),
    (PONG, b"+PONG\r\n", b"+PONG\r\n"),
    (Error("ERR no\r\nway"), b"-ERR no  way\r\n", b"-ERR no  way\r\n"),
    (
        Error(b"ERR '\xff\xc3\xa9'".decode("utf-8", "surrogateescape")),
        b"-ERR '\xff\xc3\xa9'\r\n",
        b"-ERR '\xff\xc3\xa9'\r\n",
    ),
    ([], b"*0\r\n", b"*0\r\n"),
    ([1, b"a", [None]], b"*3\r\n:1\r\n$1\r\na\r\n*1\r\n$-1\r\n", b"*3\r\n:1\r\n$1\r\na\r\n*1\r\n_\r\n"),
    ({b"k": 1}, b"*2\r\n$1\r\nk\r\n:1\r\n", b"%1\r\n$1\r\nk\r\n:1\r\n"),
    (Members([b"a", 1]), b"*2\r\n$1\r\na\r\n:1\r\n", b"~2\r\n$1\r\na\r\n:1\r\n"),
    (Pairs([(b"a", 2.0)]), b"*2\r\n$1\r\na\r\n$1\r\n2\r\n", b"*1\r\n*2\r\n$1\r\na\r\n,2\r\n"),
    (MapPairs([(b"a", [])]), b"*1\r\n*2\r\n$1\r\na\r\n*0\r\n", b"%1\r\n$1\r\na\r\n*0\r\n"),
    (Push([b"message", b"m"]), b"*2\r\n$7\r\nmessage\r\n$1\r\nm\r\n", b">2\r\n$7\r\nmessage\r\n$1\r\nm\r\n"),
    (Verbatim("txt", b"hi"), b"$2\r\nhi\r\n", b"=6\r\ntxt:hi\r\n"),
    (Decimal(b"0.125"), b"$5\r\n0.125\r\n", b",0.125\r\n"),
]


@pytest.mark.parametrize(("reply", "two", "three"), TABLE)
def test_table(reply: Reply, two: bytes, three: bytes) -> None:
    assert encode(reply, 2) == two
    assert encode(reply, 3) == three


def test_many_replies_are_their_bytes_in_order() -> None:
    replies = [reply for reply, _, _ in TABLE]
    assert encode_many(replies, 2) == b"".join(two for _, two, _ in TABLE)
    assert encode_many(replies, 3) == b"".join(three for _, _, three in TABLE)
    assert encode_many([], 2) == b""
    assert encode_many([OK], 2) == b"+OK\r\n"


def test_pieces() -> None:
    out: list[bytes] = []
    encode_into(out, [b"a", OK], 2)
    assert b"".join(out) == b"*2\r\n$1\r\na\r\n+OK\r\n"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, b"0"),
        (-0.0, b"-0"),
        (3.0, b"3"),
        (0.1, b"0.10000000000000001"),
        (1e300, b"1.0000000000000001e+300"),
        (-1.5e-10, b"-1.5e-10"),
        (1e17, b"1e+17"),
        (123456789012345680.0, b"1.2345678901234568e+17"),
        (math.nan, b"nan"),
    ],
)
def test_doubles(value: float, text: bytes) -> None:
    assert double_text(value) == text


def test_an_error_ends_where_its_text_ends():
    assert encode(Error("\r\nERR a\r\nb\n"), 2) == b"-ERR a  b\r\n"
