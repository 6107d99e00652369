"""What nodes without a copy and members say to each other: within limits, and as other nodes read it."""

import msgspec
import pytest

from trivet.core.group.eventual_messages import CALLS_MAX, AskClock, Carried, Carry, CarryMessage, TellClock
from trivet.core.node.peers import KINDS, Kind, decode_message, encode_message
from trivet.core.wire.peer import FrameParser

MESSAGES = [
    Carry(1, 2, True, [(7, [b"GET", b"k"])]),
    Carry(3, 4, False, [(7, [b"SET", b"k", b"v"]), (7, [b"DEL", b"k"])], 5),
    Carry(3, 4, False, [(7, [b"SET", b"k", b"v"])], 5, b"clock", 1_000),
    Carried(1, 2, b"replies", 3, 4),
    Carried(1, 2, b"replies", seen=b"clock"),
    Carried(1, 2, refused=True, life=9),
    AskClock(1, 2, 3),
    TellClock(1, 2, 3, b"clock"),
]


@pytest.mark.parametrize("message", MESSAGES)
def test_they_come_as_they_were_sent(message):
    (body,) = FrameParser(1 << 20).feed(encode_message(9, message))
    assert decode_message(body) == (9, message)
    assert KINDS[type(message)] is Kind.LEADERLESS


@pytest.mark.parametrize(
    "message",
    [
        [116, -1, 2, True, []],
        [116, 1, 1 << 63, True, []],
        [116, 1, 2, True, [[7, [b"GET"]]] * (CALLS_MAX + 1)],
        [116, 1, 2, True, [], -1],
        [116, 1, 2, True, [], 1, b"", -1],
        [117, 1, 2, b"", -1],
        [117, -1, 2],
        [135, 1, 2, -1],
        [136, 1, 2, 3, 4],
    ],
)
def test_nonsense_is_none(message):
    with pytest.raises(msgspec.DecodeError):
        msgspec.msgpack.decode(msgspec.msgpack.encode(message), type=CarryMessage)
