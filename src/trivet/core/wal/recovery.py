"""Recovery: from the files of a node that stopped, in whatever way, to a log that goes on.

On the path: boot, before the first turn. Strategy: one pass over the frames, one replay per
group. What was staged but not synced may or may not be found; what was synced is found, or its
loss is said. A torn tail is cut silently, because it was never acknowledged; corruption never is.

What was read may so far live only in the page cache, and its sync may have failed before the
stop: so the last frame is written and synced again before anything leaves (rule W3).
"""

from trivet.core.base.buggify import Buggify
from trivet.core.base.disk import DiskOperation, Remove, Storage, Sync, Write
from trivet.core.base.errors import StartError
from trivet.core.base.ids import GroupId, Index
from trivet.core.base.tokens import Tokens
from trivet.core.wal.frame import FRAME_FORMAT, SALT_MASK, Frame
from trivet.core.wal.ledger import Ledger
from trivet.core.wal.record import (
    RECORD_FORMAT,
    UNKNOWN_GROUP,
    UNKNOWN_INDEX,
    BootRecord,
    DropRecord,
    FoundRecord,
    GroupRecord,
    SnapshotRecord,
)
from trivet.core.wal.replay import GroupReplay, RecoveredGroup
from trivet.core.wal.scan import ForeignFormat, Gap, Scanner, SegmentEnd
from trivet.core.wal.segment import SPARES_MAX, Segment, SegmentPool, segment_file, segment_number
from trivet.core.wal.snapshot_file import is_snapshot_file, is_temporary_file
from trivet.core.wal.wal import Doubt, Wal, WalStart


class Recovery:
    """What the files of a node say."""

    __slots__ = (
        "boot", "boot_suspect", "damaged", "fresh", "groups", "incomplete", "notes", "unknown_below", "wal",
    )  # fmt: skip

    def __init__(
        self,
        wal: Wal,
        groups: dict[GroupId, RecoveredGroup],
        boot: BootRecord | None,
        boot_suspect: bool,
        fresh: bool,
        damaged: bool,
        incomplete: bool,
        notes: list[str],
    ) -> None:
        self.wal = wal
        self.groups = groups
        self.boot = boot
        self.boot_suspect = boot_suspect
        """A later boot record may be lost: the next incarnation must leave a wide margin."""
        self.fresh = fresh
        """There was no log: the first boot of this directory."""
        self.damaged = damaged
        """Frames that had been synced are lost."""
        self.incomplete = incomplete
        """Of some lost frames not even the hard states are known."""
        self.notes = notes
        """For the log of the node: what was cut, what is corrupt."""
        before = 0 if boot is None else boot.unknown_below
        self.unknown_below: GroupId = UNKNOWN_GROUP if incomplete else before
        """For the boot record of this life (rule W15)."""

    def group(self, group: GroupId) -> RecoveredGroup:
        """What ``group`` starts with; in an incomplete log a group without records is not a new group.

        To be called before the first ``Wal.flush``.
        """
        found = self.groups.get(group)
        if found is not None:
            return found
        if not self.incomplete:
            return RecoveredGroup(group, 0, 0, 0, None, 1, [])
        self.wal.lose_log(group, UNKNOWN_INDEX, True)
        found = self.groups[group] = RecoveredGroup(group, 0, 0, 0, None, 1, [], UNKNOWN_INDEX, True)
        return found

    def lose_snapshot(self, group: GroupId) -> RecoveredGroup:
        """The snapshot of ``group`` is unreadable: what it starts with instead.

        To be called before the first ``Wal.flush``. Nothing after a lost snapshot is of use.
        """
        lost = self.groups[group]
        missing_to = max(lost.missing_to, lost.last_index)
        self.notes.append(f"group {group}: unreadable snapshot, all up to index {missing_to} is missing")
        self.wal.lose_log(group, missing_to, lost.hard_state_suspect)
        found = RecoveredGroup(
            group, lost.term, lost.vote, 0, None, 1, [], missing_to, lost.hard_state_suspect
        )
        self.groups[group] = found
        return found


class _Reader:
    """What one pass over the frames gathers."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self.scanner = Scanner(storage)
        self.notes: list[str] = []
        self.boot: BootRecord | None = None
        self.boot_frame = 0
        self.replays: dict[GroupId, GroupReplay] = {}
        self.damaged = False
        self.last_unknown_frame = 0
        self.last_frame: Frame | None = None
        self.segments: list[Segment] = []
        self.ends: dict[int, SegmentEnd] = {}

    def read(self) -> None:
        """Read everything; raises ``StartError`` on a format of the future."""
        last_indexes: dict[GroupId, Index] = {}
        for found in self.scanner.scan():
            if isinstance(found, Frame):
                self._on_frame(found, last_indexes)
            elif isinstance(found, Gap):
                self._on_gap(found)
            elif isinstance(found, ForeignFormat):
                raise StartError(
                    f"{segment_file(found.segment)} has format {found.version}; this version of "
                    f"Trivet reads format {FRAME_FORMAT}: start the version that wrote it"
                )
            else:
                self.segments.append(Segment(found.number, found.size_bytes, last_indexes))
                self.ends[found.number] = found
                last_indexes = {}

    def _on_frame(self, frame: Frame, last_indexes: dict[GroupId, Index]) -> None:
        # Without its records: they would keep every payload of the log in memory.
        self.last_frame = Frame(frame.number, frame.segment, frame.offset, frame.size_bytes, [])
        for record in frame.records:
            if isinstance(record, BootRecord):
                if record.format > RECORD_FORMAT:
                    raise StartError(
                        f"the log has records of format {record.format}, which this version of Trivet "
                        "does not know: start a newer version"
                    )
                self.boot = record
                self.boot_frame = frame.number
                continue
            replay = self.replays.get(record.group)
            if replay is None:
                replay = self.replays[record.group] = GroupReplay(record.group)
            if isinstance(record, SnapshotRecord):
                replay.on_snapshot(record)
                continue
            if isinstance(record, FoundRecord):
                replay.on_found(record)
                continue
            if isinstance(record, DropRecord):
                replay.on_drop(record, frame.number)
                last_indexes.pop(record.group, None)
                for segment in self.segments:
                    segment.last_indexes.pop(record.group, None)
                continue
            replay.on_group(record, frame.number)
            if record.entries:
                last_indexes[record.group] = max(last_indexes.get(record.group, 0), record.last_index)

    def _on_gap(self, gap: Gap) -> None:
        self.damaged = True
        if gap.first_lost != gap.last_lost:
            # The frame after the gap says again what its predecessor said of hard states (rule W8),
            # so of the last lost frame enough is known, and of a single one too.
            self.last_unknown_frame = gap.last_lost - 1 if gap.last_lost > 1 else 1
        first = str(gap.first_lost) if gap.first_lost else "?"
        self.notes.append(
            f"corrupt log: frames {first} to {gap.last_lost} are lost before "
            f"{segment_file(gap.segment)} offset {gap.offset}"
        )


def recover(
    storage: Storage, tokens: Tokens, segment_bytes: int, salt: int, buggify: Buggify | None = None
) -> Recovery:
    """Read the log in ``storage`` and make it ready to go on.

    ``salt`` is a random number for a log that does not exist yet. Raises ``StartError`` when the
    files cannot be this version's log, or are its remains without one readable frame.
    """
    reader = _Reader(storage)
    reader.read()
    names = storage.names()
    if reader.last_frame is None:
        _refuse_remains(names)
    files: dict[str, None] = dict.fromkeys(names)
    groups: dict[GroupId, RecoveredGroup] = {}
    for group, replay in reader.replays.items():
        groups[group] = replay.result(reader.last_unknown_frame, files)
        _note_group(groups[group], reader.notes)
    doubts = {
        group: Doubt(found.missing_to, found.hard_state_suspect)
        for group, found in groups.items()
        if found.missing_to or found.hard_state_suspect
    }
    keep_snapshots = reader.damaged or any(not groups[group].dropped for group in doubts)
    start = WalStart(
        reader.scanner.salt if reader.scanner.salt >= 0 else salt & SALT_MASK,
        reader.scanner.last_number + 1,
        _pool(reader, tokens, segment_bytes),
        _ledger(reader.boot, groups),
        doubts,
        _tail(storage, reader.last_frame),
        _obsolete(names, groups, keep_snapshots),
        {group: _log_bytes(found) for group, found in groups.items()},
    )
    return Recovery(
        Wal(tokens, start, buggify),
        groups,
        reader.boot,
        reader.last_unknown_frame > reader.boot_frame,
        reader.last_frame is None,
        reader.damaged,
        reader.last_unknown_frame > 0,
        reader.notes,
    )


def _refuse_remains(names: list[str]) -> None:
    """Without one valid frame, only the files of an interrupted first boot may be there.

    These are at most three segments: that of a first frame that filled it and was never synced,
    the next, and the spare that is prepared as soon as the next is taken.
    """
    for name in names:
        if segment_number(name) > SPARES_MAX + 1 or is_snapshot_file(name):
            raise StartError(
                f"there are files of a log ({name}), but not one readable frame: restore the directory, "
                "or remove it and let this node join again under a new id"
            )


def _note_group(group: RecoveredGroup, notes: list[str]) -> None:
    if group.dropped:
        return
    if group.missing_to:
        notes.append(f"group {group.group}: entries {group.last_index + 1} to {group.missing_to} are missing")
    if group.hard_state_suspect:
        notes.append(f"group {group.group}: a later term, vote or entry may be lost")


def _obsolete(
    names: list[str], groups: dict[GroupId, RecoveredGroup], keep_snapshots: bool
) -> list[DiskOperation]:
    """Removes snapshots that nothing refers to, unless they may be all that is left of something."""
    used: dict[str, None] = {}
    for found in groups.values():
        if found.snapshot is not None:
            used[found.snapshot.file] = None
    return [
        Remove(name)
        for name in names
        if is_temporary_file(name) or (not keep_snapshots and is_snapshot_file(name) and name not in used)
    ]


def _pool(reader: _Reader, tokens: Tokens, segment_bytes: int) -> SegmentPool:
    """The segments up to the last valid frame are the log; what follows are spares or of no use."""
    last = reader.last_frame
    current: Segment | None = None
    closed: list[Segment] = []
    spares: list[Segment] = []
    leftovers: list[str] = []
    for segment in reader.segments:
        if last is not None and segment.number < last.segment:
            closed.append(segment)
            continue
        if last is not None and segment.number == last.segment:
            current = segment
            continue
        expected = (0 if last is None else last.segment) + len(spares) + 1
        if segment.number == expected and segment.size_bytes >= segment_bytes and len(spares) < SPARES_MAX:
            spares.append(segment)
        else:
            leftovers.append(segment_file(segment.number))
    for end in reader.ends.values():
        if end.torn and (last is None or end.number >= last.segment):
            reader.notes.append(
                f"torn write cut: {end.file} offset {end.end_offset}, "
                f"frame {reader.scanner.last_number + 1} was never synced"
            )
    offset = 0 if last is None else reader.ends[last.segment].end_offset
    return SegmentPool(tokens, segment_bytes, closed, current, offset, spares, leftovers)


def _ledger(boot: BootRecord | None, groups: dict[GroupId, RecoveredGroup]) -> Ledger:
    ledger = Ledger()
    if boot is not None:
        ledger.note(boot)
    for found in groups.values():
        if found.dropped:
            ledger.note(
                DropRecord(found.group, found.term, found.vote, found.missing_to, found.hard_state_suspect)
            )
        if found.snapshot is not None:
            ledger.note(found.snapshot)
        elif found.membership:
            ledger.note(FoundRecord(found.group, found.membership))
        if found.dropped:
            continue
        ledger.note(
            GroupRecord(
                found.group,
                found.term,
                found.vote,
                found.commit,
                0,
                [],
                0,
                found.last_index,
                found.last_term,
                found.missing_to,
                found.hard_state_suspect,
            )
        )
    return ledger


def _tail(storage: Storage, last: Frame | None) -> list[DiskOperation]:
    if last is None:
        return []
    file = segment_file(last.segment)
    return [Write(file, last.offset, storage.read(file, last.offset, last.size_bytes)), Sync(file)]


def _log_bytes(group: RecoveredGroup) -> int:
    size_bytes = 0
    for entry in group.entries:
        size_bytes += len(entry.payload)
    return size_bytes
