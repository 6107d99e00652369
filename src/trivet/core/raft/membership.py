"""Who takes part in a group, and which of the memberships in a log counts (§4).

On the path: nowhere; entries of kind ``MEMBERSHIP`` carry one. A member goes by the newest membership in
its log, committed or not (§4.1): ``Memberships`` follows appends, truncation, compaction and snapshots,
and knows what counted at any index that the log still has.
"""

from typing import Final

import msgspec

from trivet.core.base.entry import Entry
from trivet.core.base.ids import Index, NodeId

VOTERS_MAX: Final = 15
MEMBERS_MAX: Final = 1024
NODE_ID_MAX: Final = (1 << 63) - 1
LINEAGE_MAX: Final = 64
MEMBERSHIP_BYTES_MAX: Final = 9 * 2 * MEMBERS_MAX + 2 * 9 * LINEAGE_MAX
"""More than the encoding of any membership within the limits."""


class Membership(msgspec.Struct, array_like=True, frozen=True):
    """The nodes of a group; each tuple is sorted.

    ``outgoing``: the voters before, during a joint change (§4.3): both sets decide. ``learners`` receive
    and do not count; an outgoing voter that is to stay as a learner stands in both. ``lineage``: of a group
    with generations, where in this log each began (``generations.py``); of others empty.
    """

    voters: tuple[NodeId, ...] = ()
    outgoing: tuple[NodeId, ...] = ()
    learners: tuple[NodeId, ...] = ()
    lineage: tuple[tuple[int, Index], ...] = ()

    def members(self) -> tuple[NodeId, ...]:
        """Everyone, sorted."""
        return tuple(sorted({*self.voters, *self.outgoing, *self.learners}))

    def is_voter(self, node: NodeId) -> bool:
        """Whether ``node`` counts for a quorum at present."""
        return node in self.voters or node in self.outgoing


NOBODY: Final = Membership()
"""What a fresh replica goes by until a leader tells it more: it waits."""

_decoder = msgspec.msgpack.Decoder(Membership)
_encoder = msgspec.msgpack.Encoder()


def encode_membership(membership: Membership) -> bytes:
    """The payload of an entry, the field of a snapshot."""
    return _encoder.encode(membership)


def decode_membership(data: bytes) -> Membership | None:
    """The membership in ``data``; None when it is none, or unsound. ``NOBODY`` is one."""
    if len(data) > MEMBERSHIP_BYTES_MAX:
        return None
    try:
        membership = _decoder.decode(data)
    except (msgspec.DecodeError, RecursionError):
        return None
    return None if membership != NOBODY and problem_of(membership) else membership


def problem_of(membership: Membership) -> str:
    """What is wrong with a membership that an entry is to carry, in words; "" when it is sound."""
    sets = (membership.voters, membership.outgoing, membership.learners)
    for nodes in sets:
        before = 0
        for node in nodes:
            if not before < node <= NODE_ID_MAX:
                return "nodes are numbered from 1, and each stands once in a set, in order"
            before = node
    if not membership.voters:
        return "a group has at least one voter"
    if max(len(membership.voters), len(membership.outgoing)) > VOTERS_MAX:
        return f"a group has at most {VOTERS_MAX} voters"
    if len(membership.members()) > MEMBERS_MAX:
        return f"a group has at most {MEMBERS_MAX} members"
    for node in membership.learners:
        if node in membership.voters:
            return f"node {node} is to be both voter and learner"
    return _problem_of_lineage(membership.lineage)


def _problem_of_lineage(lineage: tuple[tuple[int, Index], ...]) -> str:
    if len(lineage) > LINEAGE_MAX:
        return f"a membership tells of at most {LINEAGE_MAX} generations"
    generation, at = -1, 0
    for number, index in lineage:
        if not generation < number or not at < index <= NODE_ID_MAX:
            return "generations begin one after the other"
        generation, at = number, index
    return ""


class Memberships:
    """The memberships of one log: what counted at its beginning, and every change since.

    Invariant: the changes stand in rising order, above the snapshot's index and not above the last one.
    """

    __slots__ = ("_base", "_base_index", "_changes", "index", "latest")

    def __init__(self, index: Index, membership: Membership, entries: list[Entry]) -> None:
        """``membership`` counts at ``index``, after which ``entries`` follow."""
        self._base = membership
        self._base_index = index
        self._changes: list[tuple[Index, Membership]] = []
        for position, entry in enumerate(entries):
            if entry.kind:
                change = decode_membership(entry.payload)
                assert change is not None, "only sound memberships get into a log"
                self._changes.append((index + 1 + position, change))
        self.latest = membership
        """The newest one: it counts."""
        self.index = index
        """The entry that brought it; at or below the snapshot's index: it came with the snapshot."""
        self._look()

    def _look(self) -> None:
        self.index, self.latest = self._changes[-1] if self._changes else (self._base_index, self._base)

    def add(self, index: Index, membership: Membership) -> None:
        """The entry at ``index``, the last one, brings another membership."""
        assert index > self.index, "memberships are added at the end"
        self._changes.append((index, membership))
        self._look()

    def truncate(self, index: Index) -> bool:
        """The log lost ``index`` and what follows: back to the one before. True if that is another one."""
        if index > self.index:
            return False
        while self._changes and self._changes[-1][0] >= index:
            self._changes.pop()
        self._look()
        return True

    def at(self, index: Index) -> Membership:
        """What counts for a log that ends at ``index``, which is not below the snapshot's."""
        found = self._base
        for changed_at, membership in self._changes:
            if changed_at > index:
                break
            found = membership
        return found

    def before_latest(self) -> Membership:
        """What counted before the newest one; the same if that is all that is known."""
        return self.at(self.index - 1) if self._changes else self._base

    def compact(self, index: Index) -> None:
        """The log forgets everything up to ``index``: the one that counts there stays."""
        while self._changes and self._changes[0][0] <= index:
            self._base_index, self._base = self._changes.pop(0)

    def restart(self, index: Index, membership: Membership) -> None:
        """The log goes on, empty, after a snapshot in which ``membership`` counts."""
        self._changes = []
        self._base_index, self._base = index, membership
        self._look()

    def correct(self, index: Index, membership: Membership) -> bool:
        """A snapshot at ``index``, which the log contains, says what counts there. True if that is news."""
        known = self.at(index)
        self.compact(index)
        if known == membership:
            return False
        self._base_index, self._base = index, membership
        self._look()
        return not self._changes

    def changes(self) -> list[tuple[Index, Membership]]:
        """Every change after the snapshot, for those who check."""
        return list(self._changes)
