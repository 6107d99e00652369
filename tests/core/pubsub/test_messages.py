"""What nodes say about subscribers shares a wire with everything else."""

import msgspec

from trivet.core.node.peers import decode_message, encode_message
from trivet.core.pubsub.messages import Heard, Interest, Kind, Published, TellEverything

INTEREST = Interest(5, 6, True, [(b"a", 1)], [(b"b*", 2)], [(b"c", 3)], 8)
PUBLISHED = Published(5, 7, [(False, b"channel", b"\x00\xff"), (True, b"s", b"")])


def test_they_come_back_as_they_left():
    for message in (INTEREST, PUBLISHED, TellEverything(), Heard(5, 6)):
        assert decode_message(encode_message(0, message)[8:]) == (0, message)


def test_their_tags_are_part_of_the_format():
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(INTEREST))[0] == 97
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(PUBLISHED))[0] == 98
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(TellEverything())) == [100]
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(Heard(5, 6))) == [99, 5, 6]


def test_the_lists_of_an_announcement_have_their_kinds():
    assert INTEREST.by_kind() == [
        (Kind.CHANNEL, [(b"a", 1)]),
        (Kind.PATTERN, [(b"b*", 2)]),
        (Kind.SHARD, [(b"c", 3)]),
    ]
