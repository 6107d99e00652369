"""What a new primary does not have: put into a file of its own before the replica starts anew.

On the path: nowhere. A member of a group of mode ``primary`` whose log goes beyond the present primary's,
from its ``fork`` on, keeps nothing of that in the group; nothing of it is merged, and nothing thrown away.
The file is msgpack: a head, then a map per entry, and before each of them its length in bytes::

    {"format": 1, "group": 7, "node": 1, "generation": 0, "new_generation": 1, "first": 100, "last": 107,
     "lost_before": 100, "entries": 8, "batches": 8, "calls": 30, "bytes": 1234}
    {"index": 100, "term": 5, "time_ms": ..., "batches": [{"node": 1, "incarnation": ..., "sequence": 9,
     "calls": [[3, [b"SET", b"key", b"value"]], ...]}]}

Calls are as ``aside_calls`` has them. ``first``: where the logs part. Entries below ``lost_before`` had left
the log already.

- Rule Z1: the file is whole and durable under its final name before anything of the replica goes. Its name
  says what is in it, so it is written again, equal, if the node dies in between.
- Rule Z2: it stays until people remove it; ``INFO`` counts what is in all of them, also after a restart.
"""

from typing import Final

import msgspec

from trivet.core.base.disk import Channel, DiskJob, DiskOperation, Rename, Storage, Sync, Write
from trivet.core.base.ids import GroupId, Index, NodeId, WallMs
from trivet.core.base.limits import MIB, Limits
from trivet.core.base.tokens import Tokens
from trivet.core.group.aside_calls import plain_calls
from trivet.core.machine.entry import Verdict, decode_batch, decode_body
from trivet.core.raft.messages import Entry
from trivet.core.raft.raft import Raft
from trivet.core.raft.state import Role
from trivet.core.wal.wal import Wal

PREFIX: Final = "set-aside-"
SUFFIX: Final = ".msgpack"
BACKED_UP_PATIENCE: Final = 16
"""So many times the usual log a primary keeps while its backups are away, before it snapshots (Rule T9)."""
_HEAD_BYTES: Final = 4096
_PREFIX_BYTES: Final = 5
"""A length before each map: an integer of msgpack."""
_WRITE_BYTES: Final = MIB

_encoder = msgspec.msgpack.Encoder()


class Head(msgspec.Struct, kw_only=True):
    """The first map of a file."""

    format: int = 1
    group: GroupId
    node: NodeId
    generation: int
    new_generation: int
    first: Index
    last: Index
    lost_before: Index
    entries: int
    batches: int
    calls: int
    bytes: int


class BatchRow(msgspec.Struct):
    """One batch of one node's clients."""

    node: NodeId
    incarnation: int
    sequence: int
    calls: list[tuple[int, list[bytes]]]


class Row(msgspec.Struct):
    """One entry."""

    index: Index
    term: int
    time_ms: WallMs
    batches: list[BatchRow]


_head_decoder = msgspec.msgpack.Decoder(Head)
_row_decoder = msgspec.msgpack.Decoder(Row)


class Asides:
    """What stands in the files of this node, for ``INFO``."""

    def __init__(self) -> None:
        self.files: dict[str, Head] = {}

    def find(self, storage: Storage) -> None:
        """At a start (Rule Z2). A file that people have changed counts as nothing."""
        for name in storage.names():
            if name.startswith(PREFIX) and name.endswith(SUFFIX):
                head = read_head(storage.read(name, 0, _HEAD_BYTES))
                if head is not None:
                    self.files[name] = head

    def note(self, file: str, head: Head) -> None:
        """Another file is there."""
        self.files[file] = head

    def facts(self) -> dict[str, int]:
        """Counts over all files."""
        heads = list(self.files.values())
        return {
            "set_aside_files": len(heads),
            "set_aside_entries": sum([head.entries for head in heads]),
            "set_aside_batches": sum([head.batches for head in heads]),
            "set_aside_calls": sum([head.calls for head in heads]),
            "set_aside_bytes": sum([head.bytes for head in heads]),
            "set_aside_lost_entries": sum([max(0, head.lost_before - head.first) for head in heads]),
        }


def is_backed_up(raft: Raft, wal: Wal, group: GroupId, limits: Limits, index: Index) -> bool:
    """Whether a primary may forget what is up to ``index`` (Rule T9): some other member has it.

    Or nobody has been there for so long that the log can't wait any more.
    """
    membership = raft.membership
    if not membership.lineage:
        return True
    if raft.role is Role.LEADER:
        matches = raft.matches()
        if not matches or max([match for _, match in matches]) >= index:
            return True
    elif not membership.is_voter(raft.node) and raft.log_generation == raft.generation:
        return True  # the primary has it. One that was deposed, or has just started, does not know yet.
    return wal.bytes_since_snapshot(group) > BACKED_UP_PATIENCE * limits.snapshot_log_bytes


def read_head(data: bytes) -> Head | None:
    """The head of a file that begins with ``data``: its length stands in front of it."""
    try:
        length = msgspec.msgpack.decode(data[:_PREFIX_BYTES], type=int)
        return _head_decoder.decode(data[_PREFIX_BYTES : _PREFIX_BYTES + length])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def read_file(data: bytes) -> tuple[Head, list["Row"]]:
    """A whole file, for tests and people. Raises ``msgspec.DecodeError``."""
    head = read_head(data)
    if head is None:
        raise msgspec.DecodeError("no head")
    rows: list[Row] = []
    at = _PREFIX_BYTES + msgspec.msgpack.decode(data[:_PREFIX_BYTES], type=int)
    while at < len(data):
        length = msgspec.msgpack.decode(data[at : at + _PREFIX_BYTES], type=int)
        at += _PREFIX_BYTES
        rows.append(_row_decoder.decode(data[at : at + length]))
        at += length
    return head, rows


class SetAside:
    """One tail on its way into its file."""

    __slots__ = ("done", "file", "head", "job", "token")

    def __init__(self, group: GroupId, raft: Raft, node: NodeId, tokens: Tokens) -> None:
        """``raft`` stands at its fork."""
        pieces: list[bytes] = []
        first = max(raft.fork, raft.first_index)
        batches = calls = size_bytes = count = 0
        for index in range(first, raft.last_index + 1):
            entry = raft.entry(index)
            if entry is None:
                continue
            row = _row(group, index, entry)
            piece = _with_length(_encoder.encode(row))
            pieces.append(piece)
            count += 1
            size_bytes += len(piece)
            batches += len(row.batches)
            calls += sum([len(batch.calls) for batch in row.batches])
        self.head = Head(
            group=group, node=node, generation=raft.log_generation, new_generation=raft.generation,
            first=raft.fork, last=raft.last_index, lost_before=first, entries=count, batches=batches,
            calls=calls, bytes=size_bytes,
        )  # fmt: skip
        self.file = f"{PREFIX}{group}-{raft.log_generation}-{raft.fork}{SUFFIX}"
        self.token = tokens.next()
        self.done = False
        self.job = DiskJob(self.token, Channel.BULK, _operations(self.file, self.head, pieces))

    def sentence(self) -> str:
        """For the log that people read."""
        head = self.head
        return (
            f"group {head.group}: another primary was named (generation {head.new_generation}) that lacks "
            f"{head.batches} batches of this one: they are in {self.file}, and nowhere else"
        )


def _row(group: GroupId, index: Index, entry: Entry) -> Row:
    """What an entry says; a membership, or one that does not decode, says nothing."""
    row = Row(index, entry.term, 0, [])
    if entry.kind or not entry.payload:
        return row
    try:
        body = decode_body(entry.payload)
        if isinstance(body, Verdict):
            return row
        row.time_ms = body.time_ms
        for raw in body.batches:
            batch = decode_batch(raw)
            calls = plain_calls(group, batch.calls)
            row.batches.append(BatchRow(batch.node, batch.incarnation, batch.sequence, calls))
    except msgspec.DecodeError:
        pass
    return row


def _with_length(data: bytes) -> bytes:
    return b"\xce" + len(data).to_bytes(4, "big") + data


def _operations(file: str, head: Head, pieces: list[bytes]) -> list[DiskOperation]:
    """Rule Z1."""
    buffer = bytearray(_with_length(_encoder.encode(head)))
    operations: list[DiskOperation] = []
    part, offset = file + ".part", 0
    for piece in pieces:
        if len(buffer) >= _WRITE_BYTES:
            operations.append(Write(part, offset, bytes(buffer)))
            offset += len(buffer)
            buffer.clear()
        buffer += piece
    operations += [Write(part, offset, bytes(buffer)), Sync(part), Rename(part, file)]
    return operations
