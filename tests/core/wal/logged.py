"""Groups as their Raft members would log them, and what recovery ought to say of them."""

from tests.core.wal.faulty_disk import Disk, run
from trivet.core.base.entry import Entry
from trivet.core.base.tokens import Tokens
from trivet.core.wal.record import BootRecord, GroupRecord, SnapshotRecord
from trivet.core.wal.recovery import recover
from trivet.core.wal.scan import Frame as FoundFrame
from trivet.core.wal.scan import Scanner
from trivet.core.wal.snapshot_file import snapshot_file

SEGMENT = 8 * 1024


def boot(disk, segment_bytes=SEGMENT):
    return recover(disk, Tokens(), segment_bytes, 77)


class Log:
    """One group as its Raft member would log it, and what recovery ought to say of it."""

    def __init__(self, group):
        self.group = group
        self.term, self.vote, self.commit = 1, 0, 0
        self.snapshot = None
        self.entries: list[Entry] = []
        self.serial = 0

    @property
    def base(self):
        return (0, 0) if self.snapshot is None else (self.snapshot.index, self.snapshot.term)

    @property
    def last(self):
        return self.base[0] + len(self.entries)

    def term_at(self, index):
        return self.base[1] if index == self.base[0] else self.entries[index - self.base[0] - 1].term

    def hard(self):
        last = self.last
        return GroupRecord(self.group, self.term, self.vote, self.commit, 0, [], 0, last, self.term_at(last))

    def append(self, count, size, drop=0):
        """Entries of the current term, after dropping the last ``drop`` ones (in a new term)."""
        drop = min(drop, self.last - max(self.base[0], self.commit))
        if drop:
            self.term += 1
            del self.entries[len(self.entries) - drop :]
        first = self.last + 1
        prev_term = self.term_at(first - 1)
        added = []
        for _ in range(count):
            self.serial += 1
            added.append(Entry(self.term, (b"%d-%d." % (self.group, self.serial)) * (1 + size // 8)))
        self.entries = self.entries + added
        return GroupRecord(
            self.group, self.term, self.vote, self.commit, first, added, prev_term, self.last, self.term
        )

    def vote_for(self, node):
        self.term += 1
        self.vote = node
        return self.hard()

    def compact(self, disk):
        """A snapshot at the commit index."""
        index = self.commit
        if index <= self.base[0]:
            return None
        term = self.term_at(index)
        file = snapshot_file(self.group, index, term)
        disk.put(file, b"state")
        self.entries = self.entries[index - self.base[0] :]
        self.snapshot = SnapshotRecord(self.group, index, term, file)
        return self.snapshot

    def install(self, disk, ahead):
        """A leader's snapshot beyond our log."""
        index = self.last + ahead
        file = snapshot_file(self.group, index, self.term)
        disk.put(file, b"state")
        self.entries = []
        self.snapshot = SnapshotRecord(self.group, index, self.term, file)
        self.commit = index
        return SnapshotRecord(self.group, index, self.term, file, reset=True)

    def view(self):
        return (self.term, self.vote, self.commit, self.snapshot, tuple(self.entries))

    def load(self, found):
        self.term, self.vote, self.commit = found.term, found.vote, found.commit
        self.snapshot, self.entries = found.snapshot, list(found.entries)


def seen(found):
    assert found.missing_to == 0
    assert not found.hard_state_suspect
    snapshot = found.snapshot
    if snapshot is not None:
        assert found.first_index == snapshot.index + 1
        snapshot = SnapshotRecord(snapshot.group, snapshot.index, snapshot.term, snapshot.file)
    return (found.term, found.vote, found.commit, snapshot, tuple(found.entries))


def filled(prng, frames=12, groups=(1,)):
    """A disk with a log of several synced frames; the model of each group; its frames."""
    disk = Disk()
    wal = boot(disk).wal
    wal.append(BootRecord("c", 1, 1))
    logs = {group: Log(group) for group in groups}
    for _ in range(frames):
        for log in logs.values():
            if len(logs) > 1 and prng.chance(0.4):
                continue
            kind = prng.below(5)
            if kind == 0:
                wal.append(log.vote_for(prng.below(3)))
            elif kind == 1:
                wal.append(log.append(1 + prng.below(2), 40, drop=1 + prng.below(3)))
            else:
                log.commit = max(log.commit, log.last - 3)
                wal.append(log.append(1 + prng.below(3), 300))
        run(disk, wal)
    found = [f for f in Scanner(disk).scan() if isinstance(f, FoundFrame)]
    return disk, logs, found
