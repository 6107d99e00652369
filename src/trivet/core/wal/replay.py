"""Replaying the records of one group: its hard state, its log, and how much of it is proven.

On the path: frames -> **groups** -> raft. Strategy: the log is kept as a *run* of consecutive
entries after a base. A run is *grounded* when nothing can be missing before it: its base is 0 or
a snapshot. By the log matching property an entry's (index, term) stands for everything before
it, so a record continues a run exactly when the run contains the record's (prev_index,
prev_term). A record that continues no run comes after a gap and starts a run of its own, which
floats until a snapshot grounds it; the grounded run before the gap is kept, because that is what
the group falls back to.
"""

from trivet.core.base.entry import Entry
from trivet.core.base.ids import GroupId, Index, NodeId, Term
from trivet.core.wal.record import DropRecord, FoundRecord, GroupRecord, SnapshotRecord


class RecoveredGroup:
    """What a group's member starts with.

    ``entries`` start at ``first_index``, right after the snapshot. ``missing_to`` > 0: entries up
    to that index were synced, perhaps acknowledged, and are lost. ``hard_state_suspect``: a later
    term, vote or entry may be lost, and how many is unknown (README, rule W9). ``membership``: at the
    snapshot, or with which the group was founded, encoded; empty: the log does not say. ``dropped``: the
    replica was removed, and only its tombstone is here (rule W13).
    """

    __slots__ = (
        "commit",
        "dropped",
        "entries",
        "first_index",
        "group",
        "hard_state_suspect",
        "membership",
        "missing_to",
        "snapshot",
        "term",
        "vote",
    )

    def __init__(
        self,
        group: GroupId,
        term: Term,
        vote: NodeId,
        commit: Index,
        snapshot: SnapshotRecord | None,
        first_index: Index,
        entries: list[Entry],
        missing_to: Index = 0,
        hard_state_suspect: bool = False,
        membership: bytes = b"",
        dropped: bool = False,
    ) -> None:
        self.group = group
        self.term = term
        self.vote = vote
        self.commit = commit
        self.snapshot = snapshot
        self.first_index = first_index
        self.entries = entries
        self.missing_to = missing_to
        self.hard_state_suspect = hard_state_suspect
        self.membership = membership
        self.dropped = dropped

    @property
    def last_index(self) -> Index:
        """The last entry's index, or the snapshot's, or 0."""
        return self.first_index + len(self.entries) - 1

    @property
    def last_term(self) -> Term:
        """The term at ``last_index``."""
        if self.entries:
            return self.entries[-1].term
        return 0 if self.snapshot is None else self.snapshot.term


class Run:
    """Consecutive entries after ``(base_index, base_term)``."""

    __slots__ = ("base_index", "base_term", "entries", "grounded")

    def __init__(self, base_index: Index, base_term: Term, grounded: bool) -> None:
        self.base_index = base_index
        self.base_term = base_term
        self.entries: list[Entry] = []
        self.grounded = grounded or base_index == 0

    def last_index(self) -> Index:
        """The index of the last entry, or the base."""
        return self.base_index + len(self.entries)

    def contains(self, index: Index, term: Term) -> bool:
        """Whether the log up to here is known to hold ``term`` at ``index``."""
        if index == self.base_index:
            return term == self.base_term
        if index < self.base_index or index > self.last_index():
            return False
        return self.entries[index - self.base_index - 1].term == term

    def cut_after(self, index: Index) -> None:
        """Drop everything after ``index``, but never the base."""
        del self.entries[max(0, index - self.base_index) :]

    def start_after(self, index: Index, term: Term) -> None:
        """Drop everything up to ``index``, which a snapshot covers."""
        del self.entries[: index - self.base_index]
        self.base_index = index
        self.base_term = term
        self.grounded = True


class GroupReplay:
    """One group while its records are read in order."""

    def __init__(self, group: GroupId) -> None:
        self.group = group
        self.last_frame = 0
        """The last frame with a hard state of this group."""
        self._hard = GroupRecord(group, 0, 0, 0, 0, [], 0, 0, 0)
        self._snapshot: SnapshotRecord | None = None
        self._founding = b""
        self._dropped = False
        self._run: Run | None = None
        self._kept: Run | None = None
        """The grounded run before a gap; None when ``_run`` is grounded itself."""
        self._commit_before: Index = 0
        """The commit index that the record before the present one told of."""
        self._kept_commit: Index = 0
        """How far ``_kept`` was known to be committed when the gap came. A later commit index speaks of
        entries that may have replaced what ``_kept`` still holds."""

    def on_group(self, record: GroupRecord, frame: int) -> None:
        """A hard state, perhaps with entries."""
        self.last_frame = frame
        self._dropped = False
        self._commit_before = self._hard.commit
        self._hard = record
        if record.first_index:
            run = self._continue_at(record.first_index - 1, record.prev_term)
            run.entries.extend(record.entries)
        else:
            self._continue_at(record.last_index, record.last_term)

    def _continue_at(self, index: Index, term: Term) -> Run:
        """The run whose log goes on after ``index``: one that contains it, or a new one."""
        run = self._run
        if run is not None and run.contains(index, term):
            run.cut_after(index)
            return run
        kept = self._kept
        if kept is not None and kept.contains(index, term):
            kept.cut_after(index)
            self._ground(kept)
            return kept
        if run is not None and run.grounded:
            self._kept = run
            self._kept_commit = self._commit_before
        fresh = Run(index, term, False)
        if fresh.grounded:
            self._kept = None
            self._snapshot = None  # A log that starts at 0 after all: its snapshot was given up.
        self._run = fresh
        return fresh

    def _ground(self, run: Run) -> None:
        self._run = run
        self._kept = None

    def on_found(self, record: FoundRecord) -> None:
        """The group was founded."""
        self._founding = record.membership

    def on_drop(self, record: DropRecord, frame: int) -> None:
        """The replica was removed: what was before it counts no more (rule W13)."""
        self.last_frame = frame
        self._dropped = True
        self._founding = b""
        self._hard = GroupRecord(
            record.group, record.term, record.vote, 0, 0, [], 0, 0, 0, record.missing_to, record.suspect
        )
        self._snapshot = None
        self._ground(Run(0, 0, True))
        self._commit_before = self._kept_commit = 0

    def on_snapshot(self, record: SnapshotRecord) -> None:
        """A snapshot of the group is durable."""
        self._dropped = False
        run = self._run
        if run is not None and run.grounded and record.index < run.base_index and not record.reset:
            return  # An older one, said again out of order.
        self._snapshot = SnapshotRecord(
            record.group, record.index, record.term, record.file, False, record.membership
        )
        if record.reset or run is None:
            self._ground(Run(record.index, record.term, True))
        elif run.contains(record.index, record.term):
            run.start_after(record.index, record.term)
            self._kept = None
        elif record.index >= run.base_index:
            self._ground(Run(record.index, record.term, True))
        else:
            kept = self._kept
            if kept is not None and kept.contains(record.index, record.term):
                kept.start_after(record.index, record.term)
            else:
                self._kept = Run(record.index, record.term, True)

    def result(self, last_unknown_frame: int, files: dict[str, None]) -> RecoveredGroup:
        """What is proven.

        ``files`` are those that exist; ``last_unknown_frame`` is the last lost frame of which
        nothing is known (0: none).
        """
        missing_to = self._hard.missing_to
        snapshot = self._snapshot
        run = self._run
        commit_max = self._hard.commit
        if run is None or not run.grounded:
            run, missing_to = self._fall_back(run, missing_to)
            commit_max = self._kept_commit
        if snapshot is not None and snapshot.file not in files:
            missing_to = max(missing_to, run.last_index())
            run = Run(0, 0, True)
            snapshot = None
        if run.last_index() >= missing_to:
            missing_to = 0
        commit = min(commit_max, run.last_index())
        if snapshot is not None:
            commit = max(commit, snapshot.index)
        term, vote, suspect = self._hard.term, self._hard.vote, self._hard.suspect
        known_term = run.entries[-1].term if run.entries else run.base_term
        if known_term > term:
            # The hard state of that term is lost, but what came of it is here: a vote in it may be, too.
            term, vote, suspect = known_term, 0, True
        return RecoveredGroup(
            self.group,
            term,
            vote,
            commit,
            snapshot,
            run.base_index + 1,
            run.entries,
            missing_to,
            suspect or last_unknown_frame > self.last_frame,
            self._founding if snapshot is None else snapshot.membership,
            self._dropped,
        )

    def _fall_back(self, floating: Run | None, missing_to: Index) -> tuple[Run, Index]:
        """The grounded run to go on with when the newest run floats, and what is missing then."""
        run = self._kept
        if run is None:
            run = Run(0, 0, True)
        if floating is None:
            return run, missing_to
        # At the floating run's base the log held something else than the kept run does.
        run.cut_after(floating.base_index - 1)
        return run, max(missing_to, floating.last_index(), run.last_index() + 1)
