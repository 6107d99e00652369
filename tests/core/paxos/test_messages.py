"""Messages as bytes: they come back equal, stay compact, and nonsense does not get in."""

from typing import get_args

import msgspec
import pytest

from trivet.core.paxos.content import Done, seal
from trivet.core.paxos.messages import (
    Accept,
    Accepted,
    Message,
    Other,
    Page,
    PageItem,
    PageReply,
    Prepare,
    PromisedSince,
    Promises,
    Raise,
    Raised,
    Read,
    ReadReply,
    Refusal,
    Refused,
    Remove,
    RemoveItem,
    Standing,
)

DECODER = msgspec.msgpack.Decoder(Message)
CONTENT = seal(b"k", 3, b"value", (Done(7, 1, 3, b"r"),), 1)
STANDING = Standing(9, ((2, 5),), (4, 1), 3)
MESSAGES = [
    Prepare(7, 1, 5, [b"k", b"l"], [2, 3]),
    Promises(7, 1, STANDING, 5, 0, [(1, 8), (0, 0)], [CONTENT, None], [Refused(1, (3, 8))], [0]),
    Accept(7, 1, 5, [b"k"], [2], [3], [CONTENT]),
    Accepted(7, 1, STANDING, 5, [Refused(1, (3, 8))], [PromisedSince(0, (3, 7))]),
    Read(7, 1, 5, [b"k"], [(2, 7)], True),
    ReadReply(7, 1, STANDING, 5, 0, 2, [Other(1, (2, 7), CONTENT, False)]),
    Remove(7, 1, [RemoveItem(b"k", (2, 7))]),
    Page(7, 1, 5, None, 100, 9),
    PageReply(7, 1, STANDING, 5, [PageItem(b"k", (3, 7), (2, 7), True, CONTENT)], False),
    Raise(7, 1, 5, (4, 1), 3),
    Raised(7, 1, STANDING, 5),
    Refusal(7, 2, True),
]


def test_every_message_comes_back_equal() -> None:
    assert [type(message) for message in MESSAGES] == list(get_args(Message))
    for number, message in enumerate(MESSAGES, start=16):
        data = msgspec.msgpack.encode(message)
        assert DECODER.decode(data) == message
        assert msgspec.msgpack.decode(data)[0] == number, "tags are for ever"


def test_fields_left_out_by_an_older_node_have_defaults() -> None:
    assert DECODER.decode(msgspec.msgpack.encode([27, 7, 2])) == Refusal(7, 2, False)
    assert DECODER.decode(msgspec.msgpack.encode([21, 7, 1, [], 5, 0, 1, [[0, [3, 8]]]])) == ReadReply(
        7, 1, Standing(), 5, 0, 1, [Other(0, (3, 8))]
    )


@pytest.mark.parametrize(
    "body",
    [
        [99, 1], [1, 7, 1, []], [16, 7, -1, 5, [], []], [16, 7, 1, 5, ["k"], [2]], [16, 7, 1, 5, [b"k"], [1 << 63]],
        [18, 7, 1, 5, [b"k"], [2], [3], [None]], [23, 7, 1, 5, 6, 100], [27, 7], {}, [], 1, None,
        [16, 7, 1, 5, [b"k"], []], [17, 7, 1, [], 5, 0, [[0, 0]], [], [], []], [20, 7, 1, 5, [b"k"], [], True],
        [18, 7, 1, 5, [b"k"], [2], [3, 4], [b""]],
    ],
)  # fmt: skip
def test_nonsense_is_refused(body: object) -> None:
    with pytest.raises(msgspec.ValidationError):
        DECODER.decode(msgspec.msgpack.encode(body))


def test_a_value_does_not_grow_on_the_way() -> None:
    content = seal(b"k", 3, b"x" * 1000, (), 0)
    assert len(msgspec.msgpack.encode(Accept(7, 1, 5, [b"k"], [2], [3], [content]))) < 1030
