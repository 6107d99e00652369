"""Records: what the log holds, and how records become the body of a frame.

On the path: group -> **record** -> frame -> segment. Strategy: a record is encoded once, when
it is staged; a body is the concatenation of encoded records behind a msgpack array header,
so that building a frame copies payloads once and encodes nothing again.

Fields are only ever appended, with defaults (README, rule W11).
"""

import struct
from typing import Final, Union

import msgspec

from trivet.core.base.entry import Entry
from trivet.core.base.ids import GroupId, Index, NodeId, Term

RECORD_FORMAT: Final = 3
"""Goes into ``BootRecord.format``; raised when older code could not read the records."""


class BootRecord(msgspec.Struct, array_like=True, frozen=True, tag=1):
    """Whose log this is; written at every boot with a higher ``incarnation``."""

    cluster: str
    node: NodeId
    incarnation: int
    format: int = RECORD_FORMAT
    birth: int = 0
    """The number that the data directory was given when it was made; 0: an earlier version made it."""
    unknown_below: GroupId = 0
    """Of any group below this number the log may have lost all that it knew (rule W15)."""
    births: dict[NodeId, int] = {}
    """By which data directories this node knows the others."""


class GroupRecord(msgspec.Struct, array_like=True, frozen=True, tag=2):
    """The hard state of a group, and entries that truncate and append to its log.

    ``entries`` start at ``first_index``, whose predecessor has ``prev_term``; without entries
    ``first_index`` is 0. ``last_index`` and ``last_term`` are the end of the log after this
    record. ``missing_to`` and ``suspect`` repeat a doubt of an earlier recovery that is not yet
    settled; the ``Wal`` sets them, nobody else (rule W9).
    """

    group: GroupId
    term: Term
    vote: NodeId
    commit: Index
    first_index: Index
    entries: list[Entry]
    prev_term: Term
    last_index: Index
    last_term: Term
    missing_to: Index = 0
    suspect: bool = False


class SnapshotRecord(msgspec.Struct, array_like=True, frozen=True, tag=3):
    """A durable snapshot file: the group's log now starts after ``index``.

    ``reset``: the whole previous log is discarded (a leader's snapshot beyond it). ``membership``: that at
    ``index``, encoded; empty when an earlier version wrote the record.
    """

    group: GroupId
    index: Index
    term: Term
    file: str
    reset: bool = False
    membership: bytes = b""


class DropRecord(msgspec.Struct, array_like=True, frozen=True, tag=4):
    """The replica of a group was removed from this node: its entries and its snapshot are forgotten.

    What is left is a tombstone: its term and vote, and up to where it had acknowledged entries. A replica
    that comes back begins with these (rule W13).
    """

    group: GroupId
    term: Term
    vote: NodeId
    missing_to: Index
    suspect: bool = False


class FoundRecord(msgspec.Struct, array_like=True, frozen=True, tag=5):
    """The membership with which a group was founded; it counts until a snapshot carries another."""

    group: GroupId
    membership: bytes


UNKNOWN_INDEX: Final[Index] = 1 << 62
"""``missing_to`` of a group of which an incomplete log says nothing."""

UNKNOWN_GROUP: Final[GroupId] = 1 << 62
"""``unknown_below``: any group."""

Record = Union[BootRecord, GroupRecord, SnapshotRecord, DropRecord, FoundRecord]  # noqa: UP007 (msgspec tag union)

_ARRAY32: Final = struct.Struct(">BI")
_ARRAY32_TAG: Final = 0xDD
BODY_HEADER_BYTES: Final = 5

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[Record])


def encode_record(record: Record) -> bytes:
    """The bytes of one record."""
    return _encoder.encode(record)


def body_header(count: int) -> bytes:
    """What stands before ``count`` encoded records: a msgpack array header of fixed width."""
    return _ARRAY32.pack(_ARRAY32_TAG, count)


def decode_body(data: bytes | memoryview) -> list[Record] | None:
    """The records of a body, or None when it is not one (corrupt in spite of its checksum)."""
    try:
        records = _decoder.decode(data)
    except (msgspec.DecodeError, RecursionError):
        return None
    for record in records:
        if not is_consistent(record):
            return None
    return records


def is_consistent(record: Record) -> bool:
    """Whether the fields of ``record`` agree with each other."""
    if isinstance(record, GroupRecord):
        if record.term < 0 or record.commit < 0 or record.last_index < 0 or record.last_term < 0:
            return False
        if not record.entries:
            return record.first_index == 0
        return (
            record.first_index >= 1
            and record.prev_term >= 0
            and record.last_index == record.first_index + len(record.entries) - 1
            and record.last_term == record.entries[-1].term
        )
    if isinstance(record, SnapshotRecord):
        return record.index >= 0 and record.term >= 0
    if isinstance(record, DropRecord):
        return record.term >= 0 and record.vote >= 0 and record.missing_to >= 0
    return True
