"""One key as it stands in a snapshot: a tagged msgpack array per kind of value (see ``codec``)."""

from typing import Union

import msgspec

from trivet.core.values.stream_state import StreamState


class StringItem(msgspec.Struct, frozen=True, array_like=True, tag=0):
    """A string."""

    key: bytes
    deadline_ms: int
    value: bytes


class HashItem(msgspec.Struct, frozen=True, array_like=True, tag=1):
    """A hash: ``shape`` as in ``keyed``; fields and values in turn."""

    key: bytes
    deadline_ms: int
    shape: int
    flat: list[bytes]


class ListItem(msgspec.Struct, frozen=True, array_like=True, tag=2):
    """A list, head first."""

    key: bytes
    deadline_ms: int
    items: list[bytes]


class SetItem(msgspec.Struct, frozen=True, array_like=True, tag=3):
    """A set, in its order."""

    key: bytes
    deadline_ms: int
    shape: int
    members: list[bytes]


class SortedSetItem(msgspec.Struct, frozen=True, array_like=True, tag=4):
    """A sorted set: (score, member), lowest first."""

    key: bytes
    deadline_ms: int
    shape: int
    pairs: list[tuple[float, bytes]]


class StreamItem(msgspec.Struct, frozen=True, array_like=True, tag=5):
    """A stream with its groups."""

    key: bytes
    deadline_ms: int
    state: StreamState


class MortalHashItem(msgspec.Struct, frozen=True, array_like=True, tag=16):
    """A hash with fields that have deadlines: for every field, in their order, when it is due, or -1."""

    key: bytes
    deadline_ms: int
    shape: int
    flat: list[bytes]
    field_deadlines_ms: list[int]


Stored = Union[  # noqa: UP007
    StringItem, HashItem, ListItem, SetItem, SortedSetItem, StreamItem, MortalHashItem
]
