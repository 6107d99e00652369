"""Digests of keys, summed up in a tree: two replicas find what differs by going down where sums differ.

- Rule T1: the digest of a key is the sum of the digests of what its cells hold; a key that holds nothing
  counts for nothing. So it is kept as it changes, at the cost of what changes.
- Rule T2: the same state has the same digests, whatever came before.
- Rule T3: they are made when somebody asks for one, and some now and then (``settle``): a replica that is
  written to is seldom asked, and of what changes often only the last counts. So are the sums of them.
"""

from array import array
from hashlib import blake2b
from typing import Final

from trivet.core.base.checksum import crc32
from trivet.core.lattice.amounts import encode_amount
from trivet.core.lattice.cell import AnyCell, Cell, Plain
from trivet.core.lattice.delta import STRING
from trivet.core.lattice.key_state import Place

FANOUT: Final = 16
LEVELS: Final = 4
"""Below the root; on the last one there are 65,536 leaves."""
LEAVES: Final = FANOUT**LEVELS
_MASK: Final = (1 << 64) - 1


def leaf_of(key: bytes) -> int:
    """Where a key belongs."""
    return crc32(key) & (LEAVES - 1)


def digest_of_cell(key: bytes, kind: int, name: bytes, cell: AnyCell) -> int:
    """64 bits about what the cell holds."""
    head = b"%d:%d:" % (kind, len(key)) + key + b"%d:" % len(name) + name
    if not isinstance(cell, Cell):
        return _digest(head + b"=%d.%d.%d." % (cell[0], cell[1], cell[2]) + cell[3])
    total = 0
    for (actor, number), (stamp, payload) in cell.assigns.items():
        total += _digest(head + b"=%d.%d.%d." % (actor, number, stamp) + payload)
    for actor, (number, start, amount) in cell.adds.items():
        total += _digest(head + b"+%d.%d.%d." % (actor, number, start) + encode_amount(amount))
    for actor, (number, amount, by_actor, by_number) in cell.bases.items():
        total += _digest(
            head + b"-%d.%d.%d.%d." % (actor, number, by_actor, by_number) + encode_amount(amount)
        )
    return total & _MASK


def digest_of_plain(key: bytes, cell: Plain) -> int:
    """The same of a string that was assigned once and never added to, as nearly all keys are."""
    data = b"%d:%d:%b0:=%d.%d.%d.%b" % (STRING, len(key), key, cell[0], cell[1], cell[2], cell[3])
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "big")


def _digest(data: bytes) -> int:
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "big")


_Change = Plain | dict[Place, tuple[AnyCell | None, AnyCell | None]]
"""What a key is now, if that is but a string; or by element: what was told last, and what it is now."""


class DigestTree:
    """The digests of a replica's keys."""

    __slots__ = ("_grown", "_leaves", "_queue", "_stale", "_sums")

    def __init__(self) -> None:
        self._sums = [array("Q", bytes(8 * FANOUT**level)) for level in range(LEVELS + 1)]
        self._leaves: dict[int, dict[bytes, int]] = {}
        self._grown: dict[int, int] = {}
        """By leaf: what is not in the sums yet."""
        self._stale: dict[bytes, _Change] = {}
        """Keys whose digests are not made yet."""
        self._queue: list[bytes] = []
        """Some of them; others were made meanwhile."""

    # -- what changes --------------------------------------------------------------------------------

    @property
    def stale_count(self) -> int:
        """Keys whose digests are not made yet."""
        return len(self._stale)

    def put_plain(self, key: bytes, plain: Plain) -> None:
        """The key is nothing but this string now."""
        self._stale[key] = plain

    def note(self, key: bytes, place: Place, before: AnyCell | None, after: AnyCell | None) -> None:
        """One element of the key was ``before``, and is ``after`` now; neither is changed any more."""
        changes = self._stale.get(key)
        if changes is None:
            self._stale[key] = {place: (before, after)}
        elif isinstance(changes, dict):
            first = changes.get(place)
            changes[place] = (before if first is None else first[0], after)
        else:
            self._make(key, changes)
            self._stale[key] = {place: (before, after)}

    def settle(self, count: int) -> None:
        """Make the digests of so many keys, if there are some to be made."""
        stale = self._stale
        while stale and count > 0:
            if not self._queue:
                self._queue = list(stale)
            key = self._queue.pop()
            change = stale.pop(key, None)
            if change is None:
                continue
            count -= 1
            if isinstance(change, dict):
                self._make(key, change)
            else:
                self._put(key, digest_of_plain(key, change))

    def _settle_all(self) -> None:
        stale, self._stale, self._queue = self._stale, {}, []
        for key, change in stale.items():
            self._make(key, change)

    def _make(self, key: bytes, change: "_Change") -> None:
        if not isinstance(change, dict):
            self._put(key, digest_of_plain(key, change))
            return
        by = 0
        for (kind, name), (before, after) in change.items():
            if after is not None:
                by += digest_of_cell(key, kind, name, after)
            if before is not None:
                by -= digest_of_cell(key, kind, name, before)
        if by:
            self._put(key, (self._leaves.get(leaf_of(key), {}).get(key, 0) + by) & _MASK)

    def change(self, key: bytes, by: int) -> None:
        """The digest of ``key`` grows by this, modulo 2^64."""
        if by:
            self._put(key, (self.of(key) + by) & _MASK)

    # -- what is asked -------------------------------------------------------------------------------

    @property
    def root(self) -> int:
        """Of everything."""
        self._sum_up()
        return self._sums[0][0]

    def of(self, key: bytes) -> int:
        """The digest of one key; 0: it holds nothing."""
        change = self._stale.pop(key, None)
        if change is not None:
            self._make(key, change)
        leaf = self._leaves.get(leaf_of(key))
        return 0 if leaf is None else leaf.get(key, 0)

    def _put(self, key: bytes, digest: int) -> None:
        """The digest of ``key`` is this now; 0: it holds nothing."""
        place = crc32(key) & (LEAVES - 1)
        leaf = self._leaves.get(place)
        if leaf is None:
            leaf = self._leaves[place] = {}
        before = leaf.get(key, 0)
        if digest:
            leaf[key] = digest
        elif before:
            del leaf[key]
        if not leaf:
            del self._leaves[place]
        grown = self._grown
        grown[place] = grown.get(place, 0) + digest - before

    def _sum_up(self) -> None:
        if self._stale:
            self._settle_all()
        if not self._grown:
            return
        grown, self._grown = self._grown, {}
        if len(grown) < FANOUT:
            for leaf, by in grown.items():
                place = leaf
                for sums in reversed(self._sums):
                    sums[place] = (sums[place] + by) & _MASK
                    place //= FANOUT
            return
        for level in range(LEVELS, -1, -1):
            sums = self._sums[level]
            above: dict[int, int] = {}
            for place, by in grown.items():
                sums[place] = (sums[place] + by) & _MASK
                up = place // FANOUT
                above[up] = above.get(up, 0) + by
            grown = above

    def sum(self, level: int, place: int) -> int:
        """Of one node: level 0 is the root, level 4 has the leaves."""
        self._sum_up()
        return self._sums[level][place]

    def children(self, level: int, place: int) -> list[tuple[int, int]]:
        """The nodes below one that hold something: (place, sum)."""
        self._sum_up()
        first = place * FANOUT
        sums = self._sums[level + 1]
        return [(at, sums[at]) for at in range(first, first + FANOUT) if sums[at]]

    def keys(self, place: int) -> list[tuple[bytes, int]]:
        """Of one leaf: its keys and their digests, in order."""
        self._settle_all()
        return sorted(self._leaves.get(place, {}).items())
