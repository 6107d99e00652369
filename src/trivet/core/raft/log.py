"""The entries of one group that are in memory: an offset and a list.

On the path: proposals and received entries are put at the end, sends and commits
are slices. Everything up to ``snapshot_index`` is in a snapshot and forgotten here.
Terms never fall along a log, so searching by term is a bisection.
"""

from bisect import bisect_right

from trivet.core.base.ids import Index, Term
from trivet.core.raft.messages import Entry

ENTRY_OVERHEAD_BYTES = 96
"""What an entry costs beside its payload, about."""


def term_of(entry: Entry) -> Term:
    """The key by which a log is sorted."""
    return entry.term


class Log:
    """Entries ``first_index``..``last_index``, after a snapshot that ends just before them."""

    __slots__ = (
        "_entries", "checked_index", "last_index", "last_term", "memory_bytes", "snapshot_index",
        "snapshot_term",
    )  # fmt: skip

    def __init__(self, snapshot_index: Index, snapshot_term: Term, entries: list[Entry]) -> None:
        self._entries = list(entries)
        self.snapshot_index = snapshot_index
        self.snapshot_term = snapshot_term
        self.last_index = snapshot_index + len(entries)
        self.last_term = entries[-1].term if entries else snapshot_term
        self.memory_bytes = size_bytes(entries)
        self.checked_index: Index = snapshot_index
        """Up to here the terms are known not to fall; lets ``check`` look at what is new only."""

    @property
    def first_index(self) -> Index:
        """The first entry here; one above the last if there is none."""
        return self.snapshot_index + 1

    def term_at(self, index: Index) -> Term:
        """The term of the entry at ``index``; -1 if it is forgotten or not there yet."""
        if index == self.last_index:
            return self.last_term
        position = index - self.snapshot_index - 1
        if position < 0:
            return self.snapshot_term if position == -1 else -1
        return self._entries[position].term if position < len(self._entries) else -1

    def entry(self, index: Index) -> Entry:
        """The entry at ``index``, which is here."""
        assert self.snapshot_index < index <= self.last_index
        return self._entries[index - self.snapshot_index - 1]

    def append(self, entry: Entry) -> None:
        """Put one entry at the end."""
        self._entries.append(entry)
        self.last_index += 1
        self.last_term = entry.term
        self.memory_bytes += len(entry.payload) + ENTRY_OVERHEAD_BYTES

    def truncate(self, index: Index) -> None:
        """Forget ``index`` and everything after it."""
        position = index - self.snapshot_index - 1
        assert 0 <= position < len(self._entries)
        self.memory_bytes -= size_bytes(self._entries[position:])
        del self._entries[position:]
        self.last_index = index - 1
        self.checked_index = min(self.checked_index, self.last_index)
        self.last_term = self._entries[-1].term if position else self.snapshot_term

    def upto(self, first: Index, last: Index, bytes_max: int) -> list[Entry]:
        """Entries from ``first``, up to ``last`` or ``bytes_max`` of payload, but at least one."""
        assert self.snapshot_index < first <= last <= self.last_index
        start = first - self.snapshot_index - 1
        if first == last:
            return [self._entries[start]]
        entries = self._entries[start : start + last - first + 1]
        taken_bytes = 0
        for position, entry in enumerate(entries):
            taken_bytes += len(entry.payload)
            if taken_bytes > bytes_max and position:
                return entries[:position]
        return entries

    def last_not_above(self, index: Index, term: Term) -> Index:
        """The last index <= ``index`` whose term is <= ``term``.

        Both sides of a conflict step back with it, each over whole terms (§3.5). Below
        the first entry nothing is known: the snapshot's index, as the last resort.
        """
        if index > self.last_index:
            index = self.last_index
        upper = index - self.snapshot_index
        if upper <= 0:
            return index
        return self.snapshot_index + bisect_right(self._entries, term, 0, upper, key=term_of)

    def compact(self, to_index: Index) -> None:
        """Forget everything up to and with ``to_index``; a snapshot holds it."""
        count = to_index - self.snapshot_index
        if count <= 0:
            return
        assert count <= len(self._entries)
        self.snapshot_term = self._entries[count - 1].term
        self.snapshot_index = to_index
        self.memory_bytes -= size_bytes(self._entries[:count])
        del self._entries[:count]

    def extend_back(self, term: Term, entries: list[Entry]) -> None:
        """What was forgotten is here again: ``entries``, up to the first; ``term``: before them."""
        assert entries and entries[-1].term == self.snapshot_term
        self._entries[:0] = entries
        self.snapshot_index -= len(entries)
        self.snapshot_term = term
        self.checked_index = min(self.checked_index, self.snapshot_index)
        self.memory_bytes += size_bytes(entries)

    def restart(self, index: Index, term: Term) -> None:
        """Forget everything; the log goes on after the snapshot (index, term)."""
        self._entries = []
        self.snapshot_index = index
        self.snapshot_term = term
        self.last_index = index
        self.last_term = term
        self.checked_index = index
        self.memory_bytes = 0


def size_bytes(entries: list[Entry]) -> int:
    """What ``entries`` cost in memory, about."""
    total = len(entries) * ENTRY_OVERHEAD_BYTES
    for entry in entries:
        total += len(entry.payload)
    return total
