"""Streams in their three RDB forms.

The entries stand in nodes: a node is an id, from which its entries' ids are differences, and a
listpack that begins with a master entry (how many entries are there and how many are
deleted, the fields that most entries share, a zero). Each entry is its flags, its
differences, its fields (unless they are the master's), values, and the number of its
elements. Then come the counters of the stream, and its groups: what is pending by id, and
per consumer the ids of it once more.

The second form added what counts deleted and read entries, the third when a consumer last
was given something, which is not kept here.
"""

from typing import Final

from trivet.core.values.consumer_group import ConsumerGroup
from trivet.core.values.numbers import INT64_MAX, INT64_MIN, parse_int
from trivet.core.values.rdb.lengths import write_length, write_string
from trivet.core.values.rdb.listpack import encode
from trivet.core.values.rdb.source import ITEM_BYTES, Source
from trivet.core.values.stream import UNKNOWN, Stream
from trivet.core.values.stream_id import ID_MAX, UINT64_MAX, checked_id, id_of, ms_of, pair_of, sequence_of
from trivet.core.values.stream_node import Entry, Node
from trivet.core.values.stream_state import StreamState

_ID_BYTES: Final = 16
_TIME_BYTES: Final = 8
_DELETED: Final = 1
_SAME_FIELDS: Final = 2
_PENDING_BYTES_MIN: Final = _ID_BYTES + _TIME_BYTES + 1
_COUNT_UNKNOWN: Final = UINT64_MAX
"""How -1 is written: lengths have no sign."""


_Held = dict[int, tuple[int, int]]
"""When each pending entry was delivered last, and how often; those that no consumer has claimed yet."""

# Reading


def read_stream(source: Source, version: int) -> Stream:
    """The stream that stands next, in the first, second or third form. Raises ``ValueError``."""
    nodes = [_read_node(source) for _ in range(source.count(2))]
    states = [node.dump() for node in nodes if len(node)]
    length = source.length()
    if length != sum(map(len, nodes)):
        raise ValueError("a stream with a wrong length")
    last_id, max_deleted_id, added = _read_halves(source), 0, length
    if version >= 2:
        _read_halves(source)  # the first id, which the entries say
        max_deleted_id = _read_halves(source)
        added = source.length()
        if added > INT64_MAX:
            raise ValueError("a stream with an impossible counter")
    stream = Stream.load(StreamState(pair_of(last_id), pair_of(max_deleted_id), added, states, []))
    for _ in range(source.count(4)):
        name = source.string()
        if name in stream.groups:
            raise ValueError("a group of a stream twice")
        stream.groups[name] = _read_group(source, stream, version)
    return stream


def _read_halves(source: Source) -> int:
    return checked_id((source.length(), source.length()))


def _read_raw_id(source: Source) -> int:
    return int.from_bytes(source.take(_ID_BYTES), "big")


def _read_time(source: Source) -> int:
    """Unix time in ms; one before 1970 counts as 0, as times here are never negative."""
    return max(int.from_bytes(source.take(_TIME_BYTES), "little", signed=True), 0)


def _read_node(source: Source) -> Node:
    """The next node, with the entries that are not deleted."""
    key = source.string()
    if len(key) != _ID_BYTES:
        raise ValueError("a node of a stream without an id")
    base = int.from_bytes(key, "big")
    elements = _Elements(source.listpack())
    live, deleted = elements.number(), elements.number()
    fields = elements.some(elements.number())
    if elements.number() != 0 or live < 0 or deleted < 0:
        raise ValueError("a node of a stream with a bad master entry")
    node = Node(fields)
    for _ in range(live + deleted):
        is_deleted, entry_id, flat = _read_entry(elements, base, fields, source)
        if not is_deleted:
            node.append(entry_id, flat)
    if len(node) != live or not elements.is_at_end():
        raise ValueError("a node of a stream with a wrong count")
    node.added = live + deleted
    return node


class _Elements:
    """The elements of a node's listpack, one after the other."""

    __slots__ = ("_elements", "at")

    def __init__(self, elements: list[bytes]) -> None:
        self._elements = elements
        self.at = 0

    def is_at_end(self) -> bool:
        """Whether all have been taken."""
        return self.at == len(self._elements)

    def some(self, count: int) -> list[bytes]:
        """So many of them."""
        if not 0 < count <= len(self._elements) - self.at:
            raise ValueError("a node of a stream that ends too early")
        self.at += count
        return self._elements[self.at - count : self.at]

    def number(self) -> int:
        """One that is an integer."""
        number = parse_int(self.some(1)[0])
        if number is None:
            raise ValueError("text in the place of a number")
        return number


def _read_entry(
    elements: _Elements, base: int, fields: list[bytes], source: Source
) -> tuple[bool, int, list[bytes]]:
    """Whether the entry is deleted, its id, its fields and values in turn."""
    start = elements.at
    flags = elements.number()
    ms, sequence = ms_of(base) + elements.number(), sequence_of(base) + elements.number()
    entry_id = id_of(ms & UINT64_MAX, sequence & UINT64_MAX)
    if flags & _SAME_FIELDS:
        values = elements.some(len(fields))
        flat = [part for pair in zip(fields, values, strict=True) for part in pair]
    else:
        flat = elements.some(2 * elements.number())
    source.charge(len(flat) * ITEM_BYTES + sum(map(len, flat)))
    if elements.at - start != elements.number():
        raise ValueError("an entry of a stream with a wrong number of elements")
    return bool(flags & _DELETED), entry_id, flat


def _read_group(source: Source, stream: Stream, version: int) -> ConsumerGroup:
    group = ConsumerGroup(_read_halves(source), UNKNOWN)
    if version >= 2:
        read = source.length()
        if read != _COUNT_UNKNOWN and read > INT64_MAX:
            raise ValueError("a group with an impossible counter")
        group.entries_read = UNKNOWN if read == _COUNT_UNKNOWN else read
    else:
        group.entries_read = stream.rank_ever(group.last_id)
    pending: _Held = {}
    count = source.count(_PENDING_BYTES_MIN)
    source.charge(count * 8 * ITEM_BYTES)
    for _ in range(count):
        entry_id = _read_raw_id(source)
        pending[entry_id] = _read_time(source), min(source.length(), INT64_MAX)
    if len(pending) != count:
        raise ValueError("an entry pending twice")
    for _ in range(source.count(2 + _TIME_BYTES)):
        _read_consumer(source, group, pending, version)
    if pending:
        raise ValueError("an entry pending for no consumer")
    return group


def _read_consumer(
    source: Source, group: ConsumerGroup, pending: dict[int, tuple[int, int]], version: int
) -> None:
    """A consumer takes what is pending for it."""
    name = source.string()
    seen_ms = _read_time(source)
    if version >= 3:
        _read_time(source)
    if name in group.consumers:
        raise ValueError("two consumers of one name")
    consumer = group.add_consumer(name, seen_ms)
    for _ in range(source.count(_ID_BYTES)):
        entry_id = _read_raw_id(source)
        held = pending.pop(entry_id, None)
        if held is None:
            raise ValueError("an entry pending for a consumer and not for its group, or for two")
        group.add(entry_id, consumer, held[0], held[1])


# Writing


def write_stream(stream: Stream) -> bytes:
    """The stream in the second form, which is that of redis-server 7.0; its nodes are ours."""
    entries = stream.between(0, ID_MAX)
    sizes = [len(node.sizes) for node in stream.dump().nodes]
    parts = [write_length(len(sizes))]
    start = 0
    for size in sizes:
        node = entries[start : start + size]
        start += size
        parts.append(write_string(node[0][0].to_bytes(_ID_BYTES, "big")))
        parts.append(write_string(encode(_node_elements(node))))
    parts.append(write_length(len(stream)))
    parts += map(_write_halves, (stream.last_id, stream.first_id, stream.max_deleted_id))
    parts += (write_length(stream.entries_added), write_length(len(stream.groups)))
    for name in sorted(stream.groups):
        _write_group(name, stream.groups[name], parts)
    return b"".join(parts)


def _node_elements(entries: list[Entry]) -> list[bytes | int]:
    """The master entry, whose fields are those of the first, and the entries."""
    base, first = entries[0]
    fields = first[::2]
    elements: list[bytes | int] = [len(entries), 0, len(fields), *fields, 0]
    for entry_id, flat in entries:
        ms, sequence = ms_of(entry_id) - ms_of(base), _signed(sequence_of(entry_id) - sequence_of(base))
        if flat[::2] == fields:
            elements += [_SAME_FIELDS, _signed(ms), sequence, *flat[1::2], len(fields) + 3]
        else:
            elements += [0, _signed(ms), sequence, len(flat) // 2, *flat, len(flat) + 4]
    return elements


def _signed(difference: int) -> int:
    """A difference in the 64 bits that C would have."""
    return (difference - INT64_MIN & UINT64_MAX) + INT64_MIN


def _write_halves(entry_id: int) -> bytes:
    return write_length(ms_of(entry_id)) + write_length(sequence_of(entry_id))


def _write_group(name: bytes, group: ConsumerGroup, parts: list[bytes]) -> None:
    parts += (write_string(name), _write_halves(group.last_id))
    parts.append(write_length(_COUNT_UNKNOWN if group.entries_read == UNKNOWN else group.entries_read))
    parts.append(write_length(len(group.pending)))
    for entry_id in group.pending_ids:
        held = group.pending[entry_id]
        parts.append(entry_id.to_bytes(_ID_BYTES, "big") + held.delivered_ms.to_bytes(_TIME_BYTES, "little"))
        parts.append(write_length(held.delivered_count))
    consumers = group.sorted_consumers()
    parts.append(write_length(len(consumers)))
    for consumer in consumers:
        parts += (write_string(consumer.name), consumer.seen_ms.to_bytes(_TIME_BYTES, "little"))
        parts.append(write_length(len(consumer.pending_ids)))
        parts += [entry_id.to_bytes(_ID_BYTES, "big") for entry_id in consumer.pending_ids]
