"""Records of registers as they were written before contents were sealed as bytes, and before columns.

On the path: nowhere; once, when a node starts with a log of records of format 2 or 1. What is read becomes
what would be written now: the same content is sealed to the same bytes on every node, so that a ballot still
has one content (Rule P3).
"""

import struct
from typing import Final, Union

import msgspec

from trivet.core.base.checksum import crc32
from trivet.core.paxos.ballot import Number, WireBallot
from trivet.core.paxos.content import Done, Sealed, seal
from trivet.core.paxos.ready import SavedPromises, SavedRecord, SavedRegister

_HEAD: Final = struct.Struct("<QQBI")
_ENTRY: Final = struct.Struct("<QQQI")
_DAMAGED: Final = b""
"""No content has these bytes: whoever loads them has a doubt (Rule P17)."""


class FormerContent(msgspec.Struct, array_like=True, frozen=True):
    """A content by its fields; the crc is over the key and all of them."""

    version: Number
    value: bytes | None
    done: tuple[Done, ...]
    forgotten: Number
    crc: Number


class FormerRegister(msgspec.Struct, array_like=True, tag=2, frozen=True):
    """A whole register."""

    key: bytes
    promised: WireBallot
    accepted: WireBallot
    content: FormerContent | None
    hearsay: bool = False


class FormerPromise(msgspec.Struct, array_like=True, tag=3, frozen=True):
    """A register promised something, and is else what it was."""

    key: bytes
    promised: WireBallot


FormerRecord = Union[SavedRecord, FormerRegister, FormerPromise]  # noqa: UP007
"""Whatever a log may hold."""

_decoder: Final = msgspec.msgpack.Decoder(list[FormerRecord])


def decode_records(data: bytes) -> list[SavedRecord]:
    """The records of a save, of whatever format; raises ``msgspec.DecodeError``."""
    return [_renewed(record) for record in _decoder.decode(data)]


def _renewed(record: FormerRecord) -> SavedRecord:
    if isinstance(record, FormerPromise):
        counter, proposer = record.promised
        return SavedPromises(proposer, [record.key], [counter])
    if not isinstance(record, FormerRegister):
        return record
    content = None if record.content is None else _sealed(record.key, record.content)
    return SavedRegister(record.key, record.promised, record.accepted, content, record.hearsay)


def _sealed(key: bytes, content: FormerContent) -> Sealed:
    crc = crc32(
        _HEAD.pack(content.version, content.forgotten, content.value is not None, len(content.done)),
        crc32(key),
    )  # fmt: skip
    if content.value is not None:
        crc = crc32(content.value, crc)
    for entry in content.done:
        crc = crc32(_ENTRY.pack(entry.origin, entry.seq, entry.version, len(entry.reply)), crc)
        crc = crc32(entry.reply, crc)
    if crc != content.crc:
        return _DAMAGED
    return seal(key, content.version, content.value, content.done, content.forgotten)
