"""A stream as it stands in a snapshot: msgpack arrays. Ids are pairs, because they have 128 bits.

Apart from the values themselves, so that those can be compiled.
"""

import msgspec


class NodeState(msgspec.Struct, frozen=True, array_like=True):
    """A node in a snapshot."""

    added: int
    fields: list[bytes]
    ms: list[int]
    sequences: list[int]
    sizes: list[int]
    blob: bytes


class PendingState(msgspec.Struct, frozen=True, array_like=True):
    """A pending entry in a snapshot; the consumer by its place in the list."""

    ms: int
    sequence: int
    consumer: int
    delivered_ms: int
    delivered_count: int


class GroupState(msgspec.Struct, frozen=True, array_like=True):
    """A group in a snapshot: consumers (name, seen) and pending entries in order."""

    name: bytes
    last_id: tuple[int, int]
    entries_read: int
    consumers: list[tuple[bytes, int]]
    pending: list[PendingState]


class StreamState(msgspec.Struct, frozen=True, array_like=True):
    """A stream in a snapshot. Ids are pairs."""

    last_id: tuple[int, int]
    max_deleted_id: tuple[int, int]
    entries_added: int
    nodes: list[NodeState]
    groups: list[GroupState]
