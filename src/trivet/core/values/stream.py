"""A stream: entries under rising ids, and the groups of consumers that read it.

Strategy: the entries stand in nodes of about a hundred (``stream_node``); the smallest id that a
node can have is in a list beside it, so an id is found by two bisections. Adding, reading from
an id, deleting one and trimming the oldest cost nearly the same at ten entries and at ten
million. Where a node ends is a function of what was added, and stays as it is in a
snapshot: trimming with ``~``, which removes whole nodes, is the same on every replica.
"""

from bisect import bisect_right
from collections.abc import Iterator
from itertools import islice
from typing import Final, final

from trivet.core.values.consumer_group import ConsumerGroup
from trivet.core.values.stream_id import ID_MAX, checked_id, ms_of, pair_of, sequence_of
from trivet.core.values.stream_node import Entry, Node
from trivet.core.values.stream_state import NodeState, StreamState

_GROUPS_LOOKED_AT: Final = 16

UNKNOWN: Final = -1
"""A count of entries that cannot be told."""


@final
class Stream:
    """Entries in the order of their ids. An empty stream is a value like any other."""

    __slots__ = ("_bases", "_length", "_nodes", "entries_added", "groups", "last_id", "max_deleted_id")

    def __init__(self) -> None:
        self._nodes: list[Node] = []
        self._bases: list[int] = []
        """The id with which each node began: not above its first, above the last of the node before."""
        self._length = 0
        self.last_id = 0
        """The greatest id ever given, or set; never below any entry's."""
        self.max_deleted_id = 0
        """The greatest id that was deleted one by one."""
        self.entries_added = 0
        """Entries that were ever added, as far as it is known."""
        self.groups: dict[bytes, ConsumerGroup] = {}

    def __len__(self) -> int:
        return self._length

    @property
    def node_count(self) -> int:
        """Nodes in use."""
        return len(self._nodes)

    @property
    def first_id(self) -> int:
        """The id of the first entry; 0 when there is none."""
        return self._nodes[0].id_at(0) if self._nodes else 0

    @property
    def top_id(self) -> int:
        """The id of the last entry that is there; 0 when there is none."""
        return self._nodes[-1].id_at(-1) if self._nodes else 0

    def about_bytes(self) -> int:
        """About what it takes: of the nodes three stand for all, of the groups the first ones."""
        nodes = self._nodes
        total = 0
        if nodes:
            total = (
                nodes[0].about_bytes() + nodes[-1].about_bytes() + nodes[len(nodes) // 2].about_bytes()
            ) // 3
        total *= len(nodes)
        groups = list(islice(self.groups.values(), _GROUPS_LOOKED_AT))
        if groups:
            total += sum([group.about_bytes() for group in groups]) * len(self.groups) // len(groups)
        return total

    # Entries

    def append(self, entry_id: int, flat: list[bytes]) -> None:
        """Add an entry (fields and values in turn, at least one pair); its id is above ``last_id``."""
        assert entry_id > self.last_id
        nodes = self._nodes
        if not nodes or not nodes[-1].has_room(sum(map(len, flat))):
            fields = flat[::2]
            if nodes and nodes[-1].fields == fields:
                fields = nodes[-1].fields
            nodes.append(Node(fields))
            self._bases.append(entry_id)
        nodes[-1].append(entry_id, flat)
        self._length += 1
        self.entries_added += 1
        self.last_id = entry_id

    def __contains__(self, entry_id: int) -> bool:
        return self._find(entry_id) is not None

    def get(self, entry_id: int) -> list[bytes] | None:
        """Fields and values of the entry, or None."""
        found = self._find(entry_id)
        return None if found is None else found[0].read(found[1], found[1] + 1)[0][1]

    def between(self, start: int, stop: int, count: int = 0, backwards: bool = False) -> list[Entry]:
        """The entries with ids from ``start`` to ``stop``, both included; up to ``count`` of them (0: all).

        Backwards, the last ones, the last first.
        """
        found: list[Entry] = []
        if start > stop:
            return found
        for node, first, last in self._spans(start, stop, backwards):
            if count and len(found) + last - first >= count:
                left = count - len(found)
                first, last = (last - left, last) if backwards else (first, first + left)
            part = node.read(first, last)
            found += reversed(part) if backwards else part
            if len(found) == count:
                break
        return found

    def delete(self, entry_id: int) -> bool:
        """Remove one entry and remember it as deleted; False when it is not there."""
        found = self._find(entry_id)
        if found is None:
            return False
        node, position, index = found
        node.delete(position, position + 1)
        self._length -= 1
        if not len(node):
            del self._nodes[index], self._bases[index]
        self.max_deleted_id = max(self.max_deleted_id, entry_id)
        return True

    def trim_to(self, length: int, whole_nodes: bool = False, limit: int = 0) -> int:
        """Remove the oldest entries until ``length`` are left; how many were removed.

        ``whole_nodes``: only as far as whole nodes go. ``limit``: not more than so many (0: no limit).
        """
        surplus, dropped, nodes = self._length - length, 0, 0
        for node in self._nodes:
            if dropped + len(node) > surplus or (limit and dropped + len(node) > limit):
                break
            dropped += len(node)
            nodes += 1
        rest = 0 if whole_nodes else surplus - dropped
        return self._drop(nodes, dropped, rest)

    def trim_before(self, least_id: int, whole_nodes: bool = False, limit: int = 0) -> int:
        """Remove the entries with ids below ``least_id``; else as ``trim_to``."""
        dropped, nodes = 0, 0
        for node in self._nodes:
            if node.id_at(-1) >= least_id or (limit and dropped + len(node) > limit):
                break
            dropped += len(node)
            nodes += 1
        rest = 0
        if not whole_nodes and nodes < len(self._nodes):
            rest = self._nodes[nodes].position(least_id)
        return self._drop(nodes, dropped, rest)

    def _drop(self, nodes: int, entries: int, rest: int) -> int:
        """Remove the first nodes, which hold so many entries, and the first ``rest`` entries after them."""
        if nodes:
            del self._nodes[:nodes], self._bases[:nodes]
        if rest > 0:
            self._nodes[0].delete(0, rest)
            entries += rest
        self._length -= entries
        return entries

    # Counting what a group has read

    def has_deleted_after(self, entry_id: int) -> bool:
        """Whether an entry of that id or a greater one may have been deleted one by one."""
        return self._length > 0 and 0 < self.max_deleted_id >= entry_id

    def rank_ever(self, entry_id: int) -> int:
        """How many entries were ever added up to ``entry_id``; ``UNKNOWN`` when deletions hide it."""
        if not self.entries_added:
            return 0
        if entry_id == self.last_id or (not self._length and entry_id < self.last_id):
            return self.entries_added
        if entry_id > self.last_id:
            return UNKNOWN
        first_id = self.first_id
        if self.max_deleted_id == 0 or self.max_deleted_id < first_id:
            if entry_id < first_id:
                return self.entries_added - self._length
            if entry_id == first_id:
                return self.entries_added - self._length + 1
        return UNKNOWN

    def lag_of(self, group: ConsumerGroup) -> int | None:
        """How many entries the group has not yet been given; None when it cannot be told."""
        if not self.entries_added:
            return 0
        read = group.entries_read
        if read == UNKNOWN or self.has_deleted_after(group.last_id):
            read = self.rank_ever(group.last_id)
        return None if read == UNKNOWN else self.entries_added - read

    def count_read(self, group: ConsumerGroup, entry_id: int) -> None:
        """The group is given the entry, which is above its last."""
        if group.entries_read != UNKNOWN and not self.has_deleted_after(entry_id):
            group.entries_read += 1
        elif self.entries_added:
            group.entries_read = self.rank_ever(entry_id)
        group.last_id = entry_id

    # As a whole

    def copy(self) -> "Stream":
        """A stream of its own that behaves identically."""
        twin = Stream()
        twin._nodes = [node.copy() for node in self._nodes]
        twin._bases = self._bases[:]
        twin._length = self._length
        twin.last_id = self.last_id
        twin.max_deleted_id = self.max_deleted_id
        twin.entries_added = self.entries_added
        twin.groups = {name: group.copy() for name, group in self.groups.items()}
        return twin

    def dump(self) -> StreamState:
        """All that ``load`` needs."""
        return StreamState(
            pair_of(self.last_id),
            pair_of(self.max_deleted_id),
            self.entries_added,
            [node.dump() for node in self._nodes],
            [self.groups[name].dump(name) for name in sorted(self.groups)],
        )

    @staticmethod
    def load(state: StreamState) -> "Stream":
        """The stream that ``dump`` described. Raises ``ValueError`` when it cannot be one."""
        loaded = Stream()
        loaded.last_id = checked_id(state.last_id)
        loaded.max_deleted_id = checked_id(state.max_deleted_id)
        loaded.entries_added = state.entries_added
        for node_state in state.nodes:
            node = Node.load(node_state)
            if loaded._nodes and loaded.top_id >= node.id_at(0):
                raise ValueError("nodes of a stream out of order")
            if loaded._nodes and loaded._nodes[-1].fields == node.fields:
                node.fields = loaded._nodes[-1].fields
            loaded._nodes.append(node)
            loaded._bases.append(node.id_at(0))
            loaded._length += len(node)
        if loaded.top_id > loaded.last_id:
            raise ValueError("a stream with an entry above its last id")
        loaded.groups = {group.name: ConsumerGroup.load(group) for group in state.groups}
        return loaded

    def contents(self) -> StreamState:
        """As ``dump``, but equal for equal contents, whatever the nodes."""
        state = self.dump()
        entries = self.between(0, ID_MAX)
        nodes = [
            NodeState(0, flat, [ms_of(entry_id)], [sequence_of(entry_id)], [], b"")
            for entry_id, flat in entries
        ]
        return StreamState(state.last_id, state.max_deleted_id, state.entries_added, nodes, state.groups)

    def check_invariants(self) -> None:
        """Nodes are in order and hold what is counted."""
        assert len(self._nodes) == len(self._bases)
        assert sum(map(len, self._nodes)) == self._length
        last = -1
        for base, node in zip(self._bases, self._nodes, strict=True):
            node.check_invariants()
            assert last < base <= node.id_at(0)
            last = node.id_at(-1)
        assert self.top_id <= self.last_id
        for group in self.groups.values():
            group.check_invariants()

    def _find(self, entry_id: int) -> tuple[Node, int, int] | None:
        """The node of the entry, its position there, and the node's index."""
        index = bisect_right(self._bases, entry_id) - 1
        if index < 0:
            return None
        node = self._nodes[index]
        position = node.position(entry_id)
        if position == len(node) or node.id_at(position) != entry_id:
            return None
        return node, position, index

    def _spans(self, start: int, stop: int, backwards: bool) -> Iterator[tuple[Node, int, int]]:
        """The nodes that have entries in [start, stop], and at which positions."""
        first = max(bisect_right(self._bases, start) - 1, 0)
        last = bisect_right(self._bases, stop) - 1
        for index in range(last, first - 1, -1) if backwards else range(first, last + 1):
            node = self._nodes[index]
            begin = node.position(start) if index == first else 0
            end = len(node)
            if index == last:
                end = node.position(stop + 1) if stop < ID_MAX else end
            if begin < end:
                yield node, begin, end
