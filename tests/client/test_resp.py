"""Replies of a node, in any pieces."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trivet.client.resp import ErrorReply, PushReply, ReplyParser, encode_call
from trivet.core.wire.encode import encode
from trivet.core.wire.reply import Error, Members, Push, Simple, Verbatim


def plain(reply):
    """Comparable."""
    if isinstance(reply, ErrorReply):
        return ("error", reply.text)
    if isinstance(reply, PushReply):
        return ("push", [plain(item) for item in reply.items])
    return [plain(item) for item in reply] if isinstance(reply, list) else reply


SENT = [
    Simple("OK"), Error("ERR no"), 5, b"", b"a\r\nb", None, 1.5, True, False, [1, [b"x", None]], {b"k": 1},
    Members([b"m"]), Push([b"message", b"c", b"hi"]), Verbatim("txt", b"t"), [],
]  # fmt: skip
HEARD = [
    b"OK", ("error", "ERR no"), 5, b"", b"a\r\nb", None, 1.5, True, False, [1, [b"x", None]], [b"k", 1],
    [b"m"], ("push", [b"message", b"c", b"hi"]), b"txt:t", [],
]  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 12), min_size=1, max_size=200))
def test_replies_come_in_any_pieces(sizes):
    data = b"".join(encode(reply, 3) for reply in SENT)
    parser = ReplyParser()
    heard = []
    while data:
        size = sizes[len(data) % len(sizes)]
        heard += parser.feed(data[:size])
        data = data[size:]
    assert [plain(reply) for reply in heard] == HEARD


def test_resp2_s_nulls_and_big_errors():
    heard = ReplyParser().feed(b"$-1\r\n*-1\r\n!5\r\nERR x\r\n(123456789012345678901234567890\r\n")
    assert [plain(reply) for reply in heard] == [
        None,
        None,
        ("error", "ERR x"),
        123456789012345678901234567890,
    ]


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\n", b"$x\r\n", b":x\r\n", b"\r\n", b"$99999999999\r\n", b"*99999999\r\n",
        b"*1\r\n" * 99, b"x" * 70_000,
    ],
)  # fmt: skip
def test_what_is_no_resp_is_refused(data):
    with pytest.raises(ValueError, match=r"."):
        ReplyParser().feed(data)


def test_calls_are_arrays_of_bulks():
    assert encode_call(b"SET", b"k", b"\r\n") == b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$2\r\n\r\n\r\n"
