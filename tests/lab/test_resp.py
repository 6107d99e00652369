"""The lab's reply parser."""

import pytest

from trivet.lab.resp import OK, ProtocolError, ReplyError, ReplyParser, Status, Value, request


@pytest.mark.parametrize(
    ("data", "reply"),
    [
        (b"+OK\r\n", OK),
        (b"+PONG\r\n", Status("PONG")),
        (b"-ERR no\r\n", ReplyError("ERR no")),
        (b":-12\r\n", -12),
        (b"$3\r\na\r\n\r\n", None),
        (b"$-1\r\n", None),
        (b"_\r\n", None),
        (b"*-1\r\n", None),
        (b",1.5\r\n", b"1.5"),
        (b"#t\r\n", 1),
        (b"*2\r\n$1\r\na\r\n*1\r\n:1\r\n", (b"a", (1,))),
        (b"~1\r\n$1\r\na\r\n", (b"a",)),
        (b"%1\r\n$1\r\na\r\n$1\r\nb\r\n", (b"a", b"b")),
    ],
)
def test_replies(data: bytes, reply: Value) -> None:
    if data == b"$3\r\na\r\n\r\n":
        reply = b"a\r\n"
    assert ReplyParser().feed(data) == [reply]
    parser = ReplyParser()
    assert [r for i in range(len(data)) for r in parser.feed(data[i : i + 1])] == [reply]


@pytest.mark.parametrize("data", [b"?\r\n", b":x\r\n", b"$1\r\nabc\r\n", b"\r\n"])
def test_what_is_no_reply(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        ReplyParser().feed(data)


def test_request() -> None:
    assert request([b"SET", b"k", b""]) == b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n"
