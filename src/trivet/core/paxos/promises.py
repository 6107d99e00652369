"""Promises that a proposer has got together with acceptances: the next change needs one round trip.

On the path: a change looks here before it prepares (Rule P5). An entry says: a quorum has promised
(counter, this proposer) for the key, and had accepted ``content`` as the last before that. It is used once:
whatever comes of it, a new entry follows from a new acceptance or none does. Least recently made entries go
first.
"""

from trivet.core.paxos.ballot import Ballot
from trivet.core.paxos.content import Sealed, tail_of

PROMISE_BYTES = 164
"""What a kept promise takes, beside its key and its content."""


class Kept:
    """One promise."""

    __slots__ = ("content", "counter", "size_bytes")

    def __init__(self, counter: int, content: Sealed, size_bytes: int) -> None:
        self.counter = counter
        self.content = content
        self.size_bytes = size_bytes

    def may_be_there(self, floor: Ballot, floor_version: int) -> bool:
        """Whether the register cannot have been removed, as far as is known (Rule P11).

        An accept in vain would be safe, but leave its operations in doubt (Rule P9).
        """
        return self.counter > floor[0] or tail_of(self.content)[0] > floor_version


class KeptPromises:
    """By key, bounded in number and bytes."""

    __slots__ = ("_bytes_max", "_count_max", "_kept", "bytes_in_memory")

    def __init__(self, count_max: int, bytes_max: int) -> None:
        self._count_max = count_max
        self._bytes_max = bytes_max
        self._kept: dict[bytes, Kept] = {}
        self.bytes_in_memory = 0

    def __len__(self) -> int:
        return len(self._kept)

    def keep(self, key: bytes, counter: int, content: Sealed) -> None:
        """For the next change of ``key``."""
        if key in self._kept:
            self.take(key)
        kept = Kept(counter, content, PROMISE_BYTES + len(key) + len(content))
        self._kept[key] = kept
        self.bytes_in_memory += kept.size_bytes
        while len(self._kept) > self._count_max or self.bytes_in_memory > self._bytes_max:
            self.take(next(iter(self._kept)))

    def take(self, key: bytes) -> Kept | None:
        """The promise for ``key``, which is no longer kept."""
        kept = self._kept.pop(key, None)
        if kept is not None:
            self.bytes_in_memory -= kept.size_bytes
        return kept

    def clear(self) -> None:
        """None is worth anything any more."""
        self._kept.clear()
        self.bytes_in_memory = 0
