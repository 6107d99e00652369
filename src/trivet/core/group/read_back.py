"""Entries that memory has forgotten, read back from the files of the log (Rule T10).

On the path: nowhere; when a follower needs a snapshot, and none can be taken because an entry is applied by
half. The newest snapshot and the entries behind it serve as well, and those are in this node's log.
"""

from trivet.core.base.disk import Channel, DiskJob, Read
from trivet.core.base.ids import GroupId, Index, Term
from trivet.core.base.tokens import Tokens
from trivet.core.raft.messages import Entry
from trivet.core.raft.raft import Raft
from trivet.core.wal.frame import Frame
from trivet.core.wal.record import BootRecord, DropRecord, GroupRecord, Record, SnapshotRecord
from trivet.core.wal.scan import Scanner
from trivet.core.wal.wal import Wal


class BackReader:
    """Reads them back; one reading at a time."""

    def __init__(self, group: GroupId, raft: Raft, wal: Wal, tokens: Tokens) -> None:
        self._group = group
        self._raft = raft
        self._wal = wal
        self._tokens = tokens
        self._files: list[tuple[str, int]] = []
        self._first: Index = 0
        self._last: Index = 0
        self.token = 0
        """Of the job under way; 0: none."""

    def begin(self, newest: Index) -> list[DiskJob]:
        """Read what is behind the snapshot at ``newest`` and forgotten, if there is any."""
        if self.token or newest + 1 >= self._raft.first_index:
            return []
        self._first, self._last = newest + 1, self._raft.first_index - 1
        self._files = self._wal.files(self._group, self._first)
        self.token = self._tokens.next()
        return [DiskJob(self.token, Channel.BULK, [Read(file, 0, size) for file, size in self._files])]

    def failed(self) -> None:
        """The job under way has failed."""
        self.token = 0

    def done(self, reads: list[bytes], newest: Index, term: Term) -> bool:
        """The job is done; False: something is damaged. ``term``: of the snapshot at ``newest``."""
        self.token = 0
        first, last = self._first, self._last
        if (first, last) != (newest + 1, self._raft.first_index - 1):
            return True  # things have changed meanwhile: it is begun again, if need be
        found = self._found(reads)
        entries = [found[index] for index in range(first, last + 1) if index in found]
        if len(entries) <= last - first or entries[-1].term != self._raft.term_at(last):
            return False
        self._raft.read_back(term, entries)
        return True

    def _found(self, reads: list[bytes]) -> dict[Index, Entry]:
        held = _Held({file: data for (file, _), data in zip(self._files, reads, strict=True)})
        found: dict[Index, Entry] = {}
        for part in Scanner(held).scan():
            if isinstance(part, Frame):
                for record in part.records:
                    if not isinstance(record, BootRecord) and record.group == self._group:
                        self._take(record, found)
        return found

    def _take(self, record: Record, found: dict[Index, Entry]) -> None:
        if isinstance(record, GroupRecord) and record.first_index:
            for index in [index for index in found if index >= record.first_index]:
                del found[index]
            entries = enumerate(record.entries, record.first_index)
            found.update({index: entry for index, entry in entries if self._first <= index <= self._last})
        elif isinstance(record, DropRecord) or (isinstance(record, SnapshotRecord) and record.reset):
            found.clear()


class _Held:
    """Files that were read: as storage, for the scanner."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self._files = files

    def names(self) -> list[str]:
        return sorted(self._files)

    def size_bytes(self, file: str) -> int:
        return len(self._files[file])

    def read(self, file: str, offset: int, size_bytes: int) -> bytes:
        return self._files[file][offset : offset + size_bytes]
