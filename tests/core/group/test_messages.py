"""Forwarded batches share a wire with Raft's own messages."""

import msgspec
import pytest

from trivet.core.group.messages import (
    CLIENTS_MAX,
    KEYS_MAX,
    BatchReplies,
    Follow,
    Forward,
    ForwardRead,
    GroupMessage,
    Invalidate,
    NotLeader,
    ReadReplies,
    Taken,
    Woken,
)
from trivet.core.raft.messages import Heartbeat

DECODER = msgspec.msgpack.Decoder(GroupMessage)


def test_a_forward_is_told_from_raft_s_messages():
    others = (
        ForwardRead(7, [(0, [b"GET", b"k"])], 9, True, True), ReadReplies(7, b"x", 9, 2, 5), BatchReplies(1, 9, b"x", 3),
        NotLeader(2, 5), Woken([4]), Follow(True), Invalidate([b"k"]),
    )  # fmt: skip
    for message in (Forward(b"\x00batch"), Heartbeat(1, 2, 3), *others):
        assert DECODER.decode(msgspec.msgpack.encode(message)) == message


@pytest.mark.parametrize(
    ("message", "plain"),
    [
        (Forward(b"x"), [64, b"x", False]),
        (ForwardRead(7, []), [65, 7, [], 0, False, False, 0]),
        (ReadReplies(7, b"x"), [66, 7, b"x", 0, 0, 0]),
        (BatchReplies(3, 9, b"x", 1), [67, 3, 9, b"x", 1, 0]),
        (NotLeader(2, 5), [68, 2, 5]),
        (Woken([4]), [69, [4]]),
        (Follow(True), [70, True]),
        (Taken(5), [72, 5]),
        (Invalidate([b"k"], True), [71, [b"k"], True]),
    ],
)
def test_its_tag_is_part_of_the_format(message, plain):
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(message)) == plain


@pytest.mark.parametrize("plain", [[64, b"x"], [65, 7, []], [66, 7, b"x"]])
def test_what_the_version_before_sent_is_understood(plain):
    assert msgspec.msgpack.encode(DECODER.decode(msgspec.msgpack.encode(plain)))


@pytest.mark.parametrize(
    "plain",
    [[69, [1] * (CLIENTS_MAX + 1)], [71, [b"k"] * (KEYS_MAX + 1)], [67, 1, 1, b"", -1], [66, 1, b"", 1, -1]],
)
def test_what_is_beyond_a_limit_does_not_decode(plain):
    with pytest.raises(msgspec.ValidationError):
        DECODER.decode(msgspec.msgpack.encode(plain))
