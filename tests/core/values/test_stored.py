"""Stored items: one tag per kind of value, for ever."""

import msgspec

from trivet.core.values.stored import (
    HashItem,
    ListItem,
    SetItem,
    SortedSetItem,
    Stored,
    StreamItem,
    StringItem,
)
from trivet.core.values.stream_state import NodeState, StreamState

ITEMS = [
    StringItem(b"k", -1, b"v"),
    HashItem(b"k", 5, 0, [b"f", b"v"]),
    ListItem(b"k", -1, [b"a", b"b"]),
    SetItem(b"k", -1, 16, [b"m"]),
    SortedSetItem(b"k", -1, 0, [(1.5, b"m")]),
    StreamItem(
        b"k", -1, StreamState((1, 2), (0, 0), 1, [NodeState(1, [b"f"], [1], [2], [3], b"\x91\xc4\x00")], [])
    ),
]


def test_each_kind_survives() -> None:
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(ITEMS), type=list[Stored]) == ITEMS


def test_tags_are_the_format() -> None:
    tags = [msgspec.msgpack.decode(msgspec.msgpack.encode(item))[0] for item in ITEMS]
    assert tags == [0, 1, 2, 3, 4, 5]
