"""The log of one group of mode ``eventual``: what its replica has taken, in the log of the node; snapshots.

On the path: updates of this node's clients and of its peers -> **one save per turn** -> the log of the node
-> ``on_synced``; only then replies and messages about them leave. How saves become entries and snapshots, see
``save_log`` (Rules J1 to J3, J5).

- Rule J6: what is recovered is a state that this replica once had: the entries without a gap after the
  snapshot, each taken as it was when it came.
- Rule J7: whoever may have lost updates of its own goes on as another actor: no dot is given twice.
- Rule J8: what a snapshot says of updates that have been seen, of all keys or of one, is what had been seen
  when it began, and stands before the keys. What came to a key since, behind the walk, would else count as
  seen and removed; so it stands behind the snapshot in the log, and comes again.
"""

from typing import Final

import msgspec

from trivet.core.base.buggify import Buggify
from trivet.core.base.disk import Storage
from trivet.core.base.ids import GroupId, Index, Instant
from trivet.core.base.limits import Limits
from trivet.core.base.tokens import Tokens
from trivet.core.gossip.bundles import Bundle
from trivet.core.group.save_log import Found, SaveLog
from trivet.core.group.snapshots import SnapshotFile
from trivet.core.lattice.clock import Clock, decode_clock
from trivet.core.lattice.delta import Delta, problem_of
from trivet.core.lattice.key_state import top_stamp
from trivet.core.lattice.lattice import Lattice
from trivet.core.lattice.tree import LEAVES
from trivet.core.wal.recovery import Recovery
from trivet.core.wal.replay import RecoveredGroup
from trivet.core.wal.wal import Wal

COPIES: Final = b"eventual"
"""Rule J3."""
STALE_MAX: Final = 1_000
"""Keys whose digests have yet to be made, beyond which a snapshot waits."""
SETTLED_AT_ONCE: Final = 2_000
"""Digests that are made in a turn for a snapshot that waits."""
WALK_STEP: Final = 16
"""Keys looked at together on a walk, about."""


class SavedActor(msgspec.Struct, array_like=True, tag=1, frozen=True):
    """As whom this replica makes updates from now on (Rule J7); whether it lacks what the others had.

    ``since``: the epoch with which it became a member, 0 from the beginning; -1: an earlier version wrote it.
    """

    actor: int
    comes: bool = False
    since: int = -1


class SavedUpdates(msgspec.Struct, array_like=True, tag=2, frozen=True):
    """Updates were taken in this order, whoever made them."""

    deltas: list[Delta]


class SavedBundle(msgspec.Struct, array_like=True, tag=2, frozen=True):
    """The same, as it is written: ``encode_deltas`` of them."""

    deltas: msgspec.Raw


class SavedState(msgspec.Struct, array_like=True, tag=3, frozen=True):
    """The state of a key as another replica has it was joined, and what that replica had seen by then."""

    key: bytes
    state: bytes
    clock: bytes


class SavedClock(msgspec.Struct, array_like=True, tag=4, frozen=True):
    """All that ``clock`` has is here; in a snapshot, before all keys."""

    clock: bytes


class SavedKey(msgspec.Struct, array_like=True, tag=5, frozen=True):
    """In a snapshot: a key as it was when the walk came to it."""

    key: bytes
    state: bytes


class SavedContext(msgspec.Struct, array_like=True, tag=6, frozen=True):
    """In a snapshot, before all keys: of this key more has been seen than of others."""

    key: bytes
    clock: bytes


SavedRecord = SavedActor | SavedUpdates | SavedState | SavedClock | SavedKey | SavedContext

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[SavedRecord])

WrittenRecord = SavedRecord | SavedBundle

Kept = Found[SavedRecord]
"""What the disk has kept of a group."""


def found_updates(found: RecoveredGroup, storage: Storage, recovery: Recovery) -> Kept:
    """The group ``found`` in a log (Rule J6)."""
    kept = Kept()
    kept.read(found, storage, recovery, _decode, COPIES)
    return kept


class Restored:
    """What a replica begins with."""

    __slots__ = ("actor", "comes", "lattice", "notes", "since", "stamp")

    def __init__(self) -> None:
        self.lattice = Lattice()
        self.actor = 0
        self.comes = False
        self.since = -1
        self.stamp = 0
        """The highest of its own updates and of others'."""
        self.notes: list[str] = []

    def replay(self, records: list[SavedRecord]) -> None:
        """In the order in which they were saved."""
        lattice = self.lattice
        for record in records:
            try:
                self._replay_one(lattice, record)
            except ValueError as error:
                self._note(str(error))
        lattice.settle()

    def _note(self, problem: str) -> None:
        self.notes.append(f"a record of mode eventual that can't be read ({problem})")

    def _replay_one(self, lattice: Lattice, record: SavedRecord) -> None:
        if isinstance(record, SavedUpdates):
            for delta in record.deltas:
                problem = problem_of(delta)
                if problem:
                    self._note(problem)
                    continue
                self.stamp = max(self.stamp, delta.stamp)
                if not lattice.awaits(delta):
                    lattice.apply(delta)
        elif isinstance(record, SavedKey):
            lattice.restore(record.key, record.state)
            self.stamp = max(self.stamp, top_stamp(record.state))
        elif isinstance(record, SavedState):
            lattice.join(record.key, record.state, decode_clock(record.clock))
            self.stamp = max(self.stamp, top_stamp(record.state))
        elif isinstance(record, SavedClock):
            lattice.know(decode_clock(record.clock))
        elif isinstance(record, SavedContext):
            lattice.note(record.key, decode_clock(record.clock))
        else:
            self.actor = record.actor
            self.comes = record.comes
            self.since = record.since


def _decode(data: bytes) -> list[SavedRecord]:
    return _decoder.decode(data)


def encode_record(record: SavedRecord) -> bytes:
    """One record, as snapshots have it."""
    return _encoder.encode(record)


def saved(bundles: list[Bundle]) -> list[WrittenRecord]:
    """These updates, as they are logged."""
    return [SavedBundle(msgspec.Raw(bundle.data)) for bundle in bundles]


class _Walk:
    """A ``Source``: everything, what has been seen and by whom first."""

    __slots__ = ("_ahead", "_head", "_lattice")

    def __init__(self, lattice: Lattice, head: SavedActor, ahead: list[tuple[bytes, Clock]]) -> None:
        """``ahead``: what had been seen of single keys when the walk began, as far as it is still to come."""
        self._lattice = lattice
        self._head = head
        self._ahead = ahead

    def walk(self, cursor: bytes | None) -> tuple[list[bytes], bytes | None]:
        """See ``Source``: first what has been seen (Rule J8), then leaf by leaf of the tree of digests."""
        lattice, ahead = self._lattice, self._ahead
        if cursor is None:
            ahead[:] = reversed(lattice.ahead())
            records: list[SavedRecord] = [self._head, SavedClock(lattice.clock.encode())]
            return [encode_record(record) for record in records], b"\0\0\0"
        pieces: list[bytes] = []
        while ahead and len(pieces) < WALK_STEP:
            key, clock = ahead.pop()
            pieces.append(encode_record(SavedContext(key, clock.encode())))
        place = int.from_bytes(cursor, "big")
        while place < LEAVES and len(pieces) < WALK_STEP:
            for key, _ in lattice.tree.keys(place):
                pieces.append(encode_record(SavedKey(key, lattice.encoded(key))))
            place += 1
        return pieces, place.to_bytes(3, "big") if place < LEAVES else None


class EventualLog(SaveLog):
    """See the module. The owner takes ``jobs`` after every turn."""

    def __init__(
        self, group: GroupId, wal: Wal, tokens: Tokens, limits: Limits, last_index: Index = 0,
        newest: SnapshotFile | None = None, buggify: Buggify | None = None,
    ) -> None:  # fmt: skip
        """``last_index``, ``newest``: as ``Kept`` has them."""
        super().__init__(COPIES, group, wal, tokens, limits, last_index, newest, buggify)
        self.save_id = 0
        """Of the last save in this life."""
        self._ahead: list[tuple[bytes, Clock]] = []
        """Of the snapshot being taken (Rule J8)."""

    def save(self, records: list[WrittenRecord]) -> int:
        """Stage a save behind all before (Rule J1); its id."""
        self.save_id += 1
        self.append(self.save_id, _encoder.encode(records))
        return self.save_id

    def step(self, lattice: Lattice, head: SavedActor, now_ms: Instant) -> None:
        """One slice of a snapshot, behind the saves of the turn; before that the digests by which it goes."""
        tree = lattice.tree
        if tree.stale_count > STALE_MAX and self.busy:
            tree.settle(SETTLED_AT_ONCE)
        if tree.stale_count <= STALE_MAX or not self.busy:
            self.slice(_Walk(lattice, head, self._ahead), now_ms)
