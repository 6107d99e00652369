"""Forwarded batches share a wire with Raft's own messages."""

import msgspec

from trivet.core.group.messages import Forward, ForwardRead, ReadReplies
from trivet.core.raft.messages import Heartbeat, Message


def test_a_forward_is_told_from_raft_s_messages():
    decoder = msgspec.msgpack.Decoder(Message | Forward | ForwardRead | ReadReplies)
    reads = (ForwardRead(7, [(0, [b"GET", b"k"])]), ReadReplies(7, b"x"))
    for message in (Forward(b"\x00batch"), Heartbeat(1, 2, 3), *reads):
        assert decoder.decode(msgspec.msgpack.encode(message)) == message


def test_its_tag_is_part_of_the_format():
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(Forward(b"x"))) == [64, b"x"]
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(ForwardRead(7, []))) == [65, 7, []]
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(ReadReplies(7, b"x"))) == [66, 7, b"x"]
