"""Some consecutive entries of a stream, held as a few flat arrays.

A million small objects would cost far more than what they say. So a node has its ids as two
arrays of numbers, and its entries one behind the other in one ``bytearray``: each as the msgpack
array of its values when its fields are those of the node's first entry (which is how streams
are used), else marked and with its fields. Work within a node is by C loops over some hundred elements.
"""

from array import array
from bisect import bisect_left, bisect_right
from typing import Final, final

import msgspec

from trivet.core.values.stream_id import UINT64_MAX, id_of
from trivet.core.values.stream_state import NodeState

ENTRIES_MAX: Final = 100
"""Entries that a node takes in its life, deleted ones too: as redis-server, so that ``~`` trims alike."""

BYTES_MAX: Final = 4096
"""A node with so many bytes takes no more entries."""

_ENTRY_OVERHEAD_BYTES: Final = 10
"""What redis-server spends on an entry's id, flags and lengths; only for ``BYTES_MAX``."""
_HEAD_BYTES: Final = 12
_OBJECT_BYTES: Final = 600
"""The arrays themselves."""
_INDEX_BYTES: Final = 20
"""Of one entry in them."""

_MARK: Final = 0xC1
"""Before an entry with fields of its own; no msgpack value begins with it."""
_MARKED: Final = b"\xc1"

_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(list[bytes])

Entry = tuple[int, list[bytes]]
"""An id, and fields and values in turn."""


@final
class Node:
    """Entries in the order of their ids, at least one."""

    __slots__ = ("added", "blob", "fields", "ms", "sequences", "sizes")

    def __init__(self, fields: list[bytes]) -> None:
        self.fields = fields
        """Of the first entry; never changed, so nodes may share it."""
        self.added = 0
        """Entries that were ever put in."""
        self.ms: array[int] = array("Q")
        self.sequences: array[int] = array("Q")
        self.sizes: array[int] = array("I")
        self.blob = bytearray()

    def __len__(self) -> int:
        return len(self.sizes)

    def about_bytes(self) -> int:
        """About what it takes in memory."""
        return _OBJECT_BYTES + len(self.blob) + _INDEX_BYTES * len(self.sizes)

    def has_room(self, entry_bytes: int) -> bool:
        """Whether another entry whose fields and values have so many bytes should come here."""
        used = len(self.blob) + _HEAD_BYTES + _ENTRY_OVERHEAD_BYTES * self.added
        return self.added < ENTRIES_MAX and used + entry_bytes < BYTES_MAX

    def append(self, entry_id: int, flat: list[bytes]) -> None:
        """Add an entry at the end; its id is the greatest."""
        if flat[::2] == self.fields:
            data = _encoder.encode(flat[1::2])
        else:
            data = _MARKED + _encoder.encode(flat)
        self.ms.append(entry_id >> 64)
        self.sequences.append(entry_id & UINT64_MAX)
        self.sizes.append(len(data))
        self.blob += data
        self.added += 1

    def id_at(self, position: int) -> int:
        """The id at ``position``; -1 is the last."""
        return self.ms[position] << 64 | self.sequences[position]

    def position(self, entry_id: int) -> int:
        """How many entries have a smaller id."""
        ms = entry_id >> 64
        low = bisect_left(self.ms, ms)
        if low == len(self.ms) or self.ms[low] != ms:
            return low
        return bisect_left(self.sequences, entry_id & UINT64_MAX, low, bisect_right(self.ms, ms, low))

    def read(self, start: int, stop: int) -> list[Entry]:
        """The entries at [start, stop)."""
        fields, blob, decode = self.fields, self.blob, _decoder.decode
        width = 2 * len(fields)
        at = sum(self.sizes[:start]) if start else 0
        found: list[Entry] = []
        for position in range(start, stop):
            end = at + self.sizes[position]
            if blob[at] == _MARK:
                flat = decode(blob[at + 1 : end])
            else:
                flat = [b""] * width
                flat[::2] = fields
                flat[1::2] = decode(blob[at:end])
            found.append((self.id_at(position), flat))
            at = end
        return found

    def delete(self, start: int, stop: int) -> None:
        """Remove the entries at [start, stop)."""
        at = sum(self.sizes[:start])
        end = at + sum(self.sizes[start:stop])
        del self.blob[at:end]
        del self.ms[start:stop]
        del self.sequences[start:stop]
        del self.sizes[start:stop]

    def copy(self) -> "Node":
        """A node of its own with the same entries."""
        twin = Node(self.fields)
        twin.added = self.added
        twin.ms = self.ms[:]
        twin.sequences = self.sequences[:]
        twin.sizes = self.sizes[:]
        twin.blob = self.blob[:]
        return twin

    def dump(self) -> NodeState:
        """All that ``load`` needs."""
        ms, sequences, sizes = self.ms.tolist(), self.sequences.tolist(), self.sizes.tolist()
        return NodeState(self.added, self.fields, ms, sequences, sizes, bytes(self.blob))

    @staticmethod
    def load(state: NodeState) -> "Node":
        """The node that ``dump`` described. Raises ``ValueError`` when it cannot be one."""
        loaded = Node(state.fields)
        loaded.added = state.added
        loaded.ms.extend(state.ms)
        loaded.sequences.extend(state.sequences)
        loaded.sizes.extend(state.sizes)
        loaded.blob += state.blob
        fault = loaded._fault()
        if fault:
            raise ValueError(f"a node of a stream with {fault}")
        return loaded

    def check_invariants(self) -> None:
        """The arrays fit together and the ids rise."""
        fault = self._fault()
        assert not fault, fault

    def _fault(self) -> str:
        """What is wrong with it; empty when nothing is."""
        size = len(self.sizes)
        if size == 0 or not size == len(self.ms) == len(self.sequences) or self.added < size:
            return "a wrong number of entries"
        if not self.fields or 0 in self.sizes or sum(self.sizes) != len(self.blob):
            return "a wrong size"
        ids = list(map(id_of, self.ms, self.sequences))
        if any(ids[i] >= ids[i + 1] for i in range(size - 1)):
            return "ids that do not rise"
        try:
            entries = self.read(0, size)
        except (msgspec.DecodeError, ValueError):
            return "a wrong entry"
        return "" if all(flat and len(flat) % 2 == 0 for _, flat in entries) else "a field without value"
