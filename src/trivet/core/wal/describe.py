"""What a node's directory holds, as data: for ``trivet inspect``. Read-only.

On the path: nothing; it reads what recovery reads, with the same eyes (``scan``), and decides
nothing.
"""

from collections.abc import Iterator

import msgspec

from trivet.core.base.disk import Storage
from trivet.core.base.ids import GroupId
from trivet.core.wal.frame import Frame
from trivet.core.wal.record import BootRecord, DropRecord, FoundRecord, GroupRecord, Record
from trivet.core.wal.scan import ForeignFormat, Gap, Scanner, SegmentEnd
from trivet.core.wal.segment import segment_file
from trivet.core.wal.snapshot_file import SnapshotReader, is_snapshot_file, is_temporary_file


class FrameView(msgspec.Struct, frozen=True):
    """A valid frame; ``records`` has one line per record."""

    file: str
    number: int
    offset: int
    size_bytes: int
    records: list[str]


class DamageView(msgspec.Struct, frozen=True):
    """Something that is not as it should be; ``kind`` is ``corrupt``, ``torn`` or ``foreign``."""

    file: str
    offset: int
    kind: str
    text: str


class SegmentView(msgspec.Struct, frozen=True):
    """A segment file, after its frames. ``spare``: no frame is in it yet."""

    file: str
    size_bytes: int
    used_bytes: int
    frames: int
    spare: bool


class SnapshotView(msgspec.Struct, frozen=True):
    """A snapshot file; ``error`` is empty when every checksum and the digest are right."""

    file: str
    size_bytes: int
    group: GroupId
    index: int
    term: int
    chunks: int
    error: str


View = FrameView | DamageView | SegmentView | SnapshotView


def describe(storage: Storage) -> Iterator[View]:
    """Everything in ``storage``, in the order of the files."""
    torn: DamageView | None = None
    for found in Scanner(storage).scan():
        if isinstance(found, SegmentEnd):
            if found.torn:
                text = "a frame begins here that is not whole; no valid frame follows: it was never synced"
                torn = DamageView(found.file, found.end_offset, "torn", text)
            yield SegmentView(found.file, found.size_bytes, found.end_offset, found.frames, found.frames == 0)
            continue
        if isinstance(found, Frame):
            torn = None  # A valid frame follows: its number tells whether anything is lost.
            records = [summary(record) for record in found.records]
            yield FrameView(
                segment_file(found.segment), found.number, found.offset, found.size_bytes, records
            )
        else:
            yield _damage(found)
    if torn is not None:
        yield torn
    for name in storage.names():
        if is_snapshot_file(name) or is_temporary_file(name):
            yield _snapshot(storage, name)


def _damage(found: Gap | ForeignFormat) -> DamageView:
    file = segment_file(found.segment)
    if isinstance(found, ForeignFormat):
        return DamageView(file, found.offset, "foreign", f"a frame of format {found.version}")
    first = str(found.first_lost) if found.first_lost else "?"
    text = f"frames {first} to {found.last_lost} are lost before this place"
    return DamageView(file, found.offset, "corrupt", text)


def _snapshot(storage: Storage, name: str) -> SnapshotView:
    size_bytes = storage.size_bytes(name)
    if is_temporary_file(name):
        return SnapshotView(name, size_bytes, 0, 0, 0, 0, "unfinished; the next start removes it")
    reader = SnapshotReader(storage, name)
    count = 0
    for _ in reader.chunks():
        count += 1
    head = reader.head
    if head is None:
        return SnapshotView(name, size_bytes, 0, 0, 0, count, reader.error)
    return SnapshotView(name, size_bytes, head.group, head.index, head.term, count, reader.error)


def summary(record: Record) -> str:
    """One line on ``record``, without its payloads."""
    if isinstance(record, BootRecord):
        return f"boot node {record.node} incarnation {record.incarnation} cluster {record.cluster}"
    if isinstance(record, GroupRecord):
        text = f"group {record.group} term {record.term} vote {record.vote} commit {record.commit}"
        if record.entries:
            size_bytes = sum(len(entry.payload) for entry in record.entries)
            text += f" entries {record.first_index}..{record.last_index} ({size_bytes} bytes)"
        text += f" last {record.last_index}@{record.last_term}"
        if record.missing_to:
            text += f" missing to {record.missing_to}"
        return text + (" suspect" if record.suspect else "")
    if isinstance(record, DropRecord):
        return f"group {record.group} dropped term {record.term} vote {record.vote} to {record.missing_to}"
    if isinstance(record, FoundRecord):
        return f"group {record.group} founded"
    reset = " reset" if record.reset else ""
    return f"group {record.group} snapshot {record.index}@{record.term} {record.file}{reset}"
