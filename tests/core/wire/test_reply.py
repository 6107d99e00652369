"""Replies are values: they compare, and encode as msgpack so that they can be remembered and digested."""

import msgspec
import pytest

from trivet.core.wire.reply import (
    NOT_HERE,
    NULL_ARRAY,
    OK,
    PONG,
    QUEUED,
    Decimal,
    Error,
    Members,
    NullArray,
    Pairs,
    Push,
    Reply,
    Simple,
    Verbatim,
)


def test_the_usual_lines() -> None:
    assert [OK.text, PONG.text, QUEUED.text] == ["OK", "PONG", "QUEUED"]
    assert NullArray() == NULL_ARRAY
    assert Simple("OK") == OK


@pytest.mark.parametrize(
    ("reply", "data"),
    [
        (OK, [1, "OK"]),
        (Error("ERR no"), [2, "ERR no"]),
        (NULL_ARRAY, [3]),
        (Members([b"a", 1]), [4, [b"a", 1]]),
        (Pairs([(b"a", 1.5)]), [5, [[b"a", 1.5]]]),
        (Push([b"message", None]), [6, [b"message", None]]),
        (Verbatim("txt", b"hello"), [7, "txt", b"hello"]),
        (Decimal(b"0.5"), [10, b"0.5"]),
        (NOT_HERE, [11, 0, False]),
        ({b"k": [True, -1]}, {b"k": [True, -1]}),
    ],
)
def test_a_reply_as_msgpack(reply: Reply, data: object) -> None:
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(reply)) == data
