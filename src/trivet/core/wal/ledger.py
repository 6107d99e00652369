"""The ledger: for each group, what the log says of it so far, without its entries.

Strategy: a segment may only be forgotten when nothing in it is needed, and a lost frame must not
take a vote with it. So the last word on each group is repeated: all of it at the start of every
segment and at every boot (rule W5), and for the groups of one frame in the next frame (rule W8).
The ledger follows the records in the order in which they are written, never ahead of it.
"""

from typing import Final

from trivet.core.base.ids import GroupId, Index
from trivet.core.wal.record import (
    BootRecord,
    DropRecord,
    FoundRecord,
    GroupRecord,
    Record,
    SnapshotRecord,
)

BOOT_KEY: Final = -1
"""Stands for the boot record where groups are listed."""


class GroupState:
    """What is known of one group. ``hard`` never carries entries."""

    __slots__ = ("dropped", "founding", "hard", "snapshot")

    def __init__(self) -> None:
        self.hard: GroupRecord | None = None
        self.snapshot: SnapshotRecord | None = None
        self.founding: FoundRecord | None = None
        """Until a snapshot carries the membership."""
        self.dropped: DropRecord | None = None
        """The tombstone of a replica that was removed, until it has a hard state again (rule W13)."""


class Ledger:
    """The last word on each group, and on the node."""

    def __init__(self) -> None:
        self.boot: BootRecord | None = None
        self.groups: dict[GroupId, GroupState] = {}

    def note(self, record: Record) -> int:
        """Follow ``record``; its group, or ``BOOT_KEY``."""
        if isinstance(record, BootRecord):
            self.boot = record
            return BOOT_KEY
        state = self.groups.get(record.group)
        if state is None:
            state = self.groups[record.group] = GroupState()
        if isinstance(record, GroupRecord):
            state.hard = _without_entries(record)
            state.dropped = None
        elif isinstance(record, SnapshotRecord):
            _note_snapshot(state, record)
        elif isinstance(record, FoundRecord):
            state.founding = record
        else:
            state = self.groups[record.group] = GroupState()
            state.dropped = record
        return record.group

    def lose_log(self, group: GroupId, missing_to: Index, suspect: bool) -> None:
        """The group's log and snapshot are of no use: it goes on with an empty log."""
        state = self.groups.get(group)
        if state is None:
            state = self.groups[group] = GroupState()
        hard = state.hard or GroupRecord(group, 0, 0, 0, 0, [], 0, 0, 0)
        state.snapshot = None
        state.hard = GroupRecord(group, hard.term, hard.vote, 0, 0, [], 0, 0, 0, missing_to, suspect)

    def repeat(self, key: int) -> list[Record]:
        """Records that say again what is known of one group, or of the node (``BOOT_KEY``)."""
        if key == BOOT_KEY:
            return [] if self.boot is None else [self.boot]
        state = self.groups[key]
        records: list[Record] = []
        if state.dropped is not None:
            records.append(state.dropped)
        if state.founding is not None:
            records.append(state.founding)
        # Hard state first: recovery places a snapshot within a log whose end it knows.
        if state.hard is not None:
            records.append(state.hard)
        if state.snapshot is not None:
            records.append(state.snapshot)
        return records

    def repeat_all(self) -> list[Record]:
        """Everything that is known."""
        records = self.repeat(BOOT_KEY)
        for group in self.groups:
            records.extend(self.repeat(group))
        return records

    def first_needed(self) -> dict[GroupId, Index]:
        """For each group the first index that its snapshot does not cover."""
        needed: dict[GroupId, Index] = {}
        for group, state in self.groups.items():
            needed[group] = 0 if state.snapshot is None else state.snapshot.index + 1
        return needed

    def live_count(self) -> int:
        """How many groups have a replica here."""
        return sum([state.dropped is None for state in self.groups.values()])


def _note_snapshot(state: GroupState, record: SnapshotRecord) -> None:
    hard = state.hard
    if hard is None and state.dropped is not None:
        hard = _buried(state.dropped)
    state.snapshot = record if not record.reset else _kept(record)
    if record.membership:
        state.founding = None
    if hard is None or record.reset or record.index > hard.last_index:
        hard = _reset_to(record, hard)
    state.hard = hard
    state.dropped = None


def _buried(record: DropRecord) -> GroupRecord:
    """The hard state of a replica that comes back: an empty log, and what its tombstone says."""
    return GroupRecord(
        record.group, record.term, record.vote, 0, 0, [], 0, 0, 0, record.missing_to, record.suspect
    )


def _without_entries(record: GroupRecord) -> GroupRecord:
    if not record.entries:
        return record
    return GroupRecord(
        record.group,
        record.term,
        record.vote,
        record.commit,
        0,
        [],
        0,
        record.last_index,
        record.last_term,
        record.missing_to,
        record.suspect,
    )


def _kept(record: SnapshotRecord) -> SnapshotRecord:
    """The same snapshot, to be said again: what it discarded is discarded already."""
    return SnapshotRecord(record.group, record.index, record.term, record.file, False, record.membership)


def _reset_to(record: SnapshotRecord, hard: GroupRecord | None) -> GroupRecord:
    """The hard state when the log was replaced by a snapshot."""
    if hard is None:
        hard = GroupRecord(record.group, record.term, 0, 0, 0, [], 0, 0, 0)
    return GroupRecord(
        record.group,
        hard.term,
        hard.vote,
        max(hard.commit, record.index),
        0,
        [],
        0,
        record.index,
        record.term,
        hard.missing_to,
        hard.suspect,
    )
