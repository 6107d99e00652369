"""Snapshot files: a group's state at an index, in checksummed chunks.

On the path: machine -> chunks -> **file** -> machine, here or on a follower. Strategy: a file is a
header, chunks that each carry a checksum, and a footer with a digest of all of them. It is written
under a temporary name, synced, and only then renamed: a file with its final name is whole. The
bytes that go to a follower are those of the file, so the same verifier reads both.

Format: header ``magic 3, format u8, crc32 u32, group u64, index u64, term u64``; a chunk is
``length u32 (> 0), crc32 u32, bytes``; the footer is ``0 u32, crc32 u32, chunks u64, bytes u64,
blake2b 16``. Little-endian. The header's and the footer's crc cover what follows it.
"""

import struct
from collections.abc import Iterator
from typing import Final

from trivet.core.base.checksum import DIGEST_BYTES, Digest, crc32
from trivet.core.base.disk import Channel, DiskJob, DiskOperation, Read, Remove, Rename, Storage, Sync, Write
from trivet.core.base.ids import GroupId, Index, Term
from trivet.core.base.tokens import Tokens

MAGIC: Final = b"TRS"
SNAPSHOT_FORMAT: Final = 1
CHUNK_BYTES_MAX: Final = 1 << 30
READ_BYTES: Final = 1 << 20
_PREFIX: Final = "snap-"
_SUFFIX: Final = ".snap"
_TEMPORARY: Final = ".tmp"
_HEAD: Final = struct.Struct("<3sBIQQQ")
_HEAD_BODY: Final = struct.Struct("<QQQ")
_CHUNK: Final = struct.Struct("<II")
_FOOT: Final = struct.Struct("<II")
_FOOT_BODY: Final = struct.Struct("<QQ")
HEAD_BYTES: Final = 32
_CHECKED_OFFSET: Final = 8
_CHUNK_HEAD_BYTES: Final = 8
_FOOT_BYTES: Final = 8 + 16 + DIGEST_BYTES


def snapshot_file(group: GroupId, index: Index, term: Term) -> str:
    """The final name of a snapshot file."""
    return f"{_PREFIX}{group}-{index:016x}-{term:016x}{_SUFFIX}"


def received_file(group: GroupId, index: Index, term: Term) -> str:
    """The final name of one that a leader has sent: another than that of a snapshot taken here meanwhile."""
    return f"{_PREFIX}{group}-{index:016x}-{term:016x}-r{_SUFFIX}"


def is_snapshot_file(file: str) -> bool:
    """Whether ``file`` is the name of a finished snapshot."""
    return file.startswith(_PREFIX) and file.endswith(_SUFFIX)


def is_temporary_file(file: str) -> bool:
    """Whether ``file`` is a snapshot that was never finished."""
    return file.startswith(_PREFIX) and file.endswith(_TEMPORARY)


def encode_head(group: GroupId, index: Index, term: Term) -> bytes:
    """The header of a file."""
    body = _HEAD_BODY.pack(group, index, term)
    crc = crc32(body, crc32(MAGIC + bytes([SNAPSHOT_FORMAT])))
    return _HEAD.pack(MAGIC, SNAPSHOT_FORMAT, crc, group, index, term)


class SnapshotHead:
    """What a file says it is."""

    __slots__ = ("group", "index", "term")

    def __init__(self, group: GroupId, index: Index, term: Term) -> None:
        self.group = group
        self.index = index
        self.term = term

    def is_same(self, other: "SnapshotHead") -> bool:
        """Whether both name the same snapshot."""
        return self.group == other.group and self.index == other.index and self.term == other.term


def decode_head(data: bytes | bytearray) -> SnapshotHead | str:
    """The header at the start of ``data``, or what is wrong with it."""
    if len(data) < HEAD_BYTES:
        return "the file ends within its header"
    magic: bytes
    version: int
    crc: int
    group: GroupId
    index: Index
    term: Term
    magic, version, crc, group, index, term = _HEAD.unpack_from(data, 0)
    if magic != MAGIC:
        return "not a snapshot file"
    view = memoryview(data)
    held = crc32(view[_CHECKED_OFFSET:HEAD_BYTES], crc32(view[:4]))
    view.release()
    if held != crc:
        return "the header is corrupt"
    if version != SNAPSHOT_FORMAT:
        return f"snapshot format {version} is not known to this version of Trivet"
    return SnapshotHead(group, index, term)


class SnapshotWriter:
    """Turns chunks into disk jobs. The jobs must be performed in order; it waits for none of them."""

    def __init__(self, tokens: Tokens, group: GroupId, index: Index, term: Term) -> None:
        self._tokens = tokens
        self._group = group
        self._index = index
        self._term = term
        self.file = snapshot_file(group, index, term)
        self._temporary = self.file + _TEMPORARY
        self.size_bytes = 0
        """Bytes of the file given out so far."""
        self.chunks = 0
        self._chunk_bytes = 0
        self._digest = Digest()
        self._finishing = False

    def add(self, chunk: bytes) -> DiskJob:
        """Append a chunk of 1 to ``CHUNK_BYTES_MAX`` bytes."""
        assert 1 <= len(chunk) <= CHUNK_BYTES_MAX
        self._digest.feed(chunk)
        self.chunks += 1
        self._chunk_bytes += len(chunk)
        head = _CHUNK.pack(len(chunk), crc32(chunk))
        return self._job([self._write(self._head_if_first() + head + chunk)])

    def finish(self) -> DiskJob:
        """The footer, the sync and the rename: when this job is done, the file is whole and durable."""
        self._finishing = True
        body = _FOOT_BODY.pack(self.chunks, self._chunk_bytes) + self._digest.value()
        foot = _FOOT.pack(0, crc32(body)) + body
        write = self._write(self._head_if_first() + foot)
        return self._job([write, Sync(self._temporary), Rename(self._temporary, self.file)])

    def abort(self) -> DiskJob:
        """Give up: remove what was written so far, and what the jobs under way still make."""
        operations: list[DiskOperation] = [Remove(self._temporary)]
        if self._finishing:
            # The last job may yet succeed, without those before it.
            operations.append(Remove(self.file))
        return self._job(operations)

    def _head_if_first(self) -> bytes:
        return b"" if self.size_bytes else encode_head(self._group, self._index, self._term)

    def _write(self, data: bytes) -> DiskOperation:
        write = Write(self._temporary, self.size_bytes, data)
        self.size_bytes += len(data)
        return write

    def _job(self, operations: list[DiskOperation]) -> DiskJob:
        return DiskJob(self._tokens.next(), Channel.BULK, operations)


class SnapshotVerifier:
    """Takes the bytes of a snapshot file in order and gives its chunks, each verified.

    Chunks are provisional until ``done``: a reader must be able to throw away what it built when
    ``error`` is not empty, or when the bytes end before ``done``. Memory: one chunk.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._digest = Digest()
        self._chunks = 0
        self._chunk_bytes = 0
        self.head: SnapshotHead | None = None
        self.done = False
        """The footer was met and everything before it is as it was written."""
        self.error = ""
        """Not empty: these bytes are not a snapshot; nothing more is taken."""

    def feed(self, data: bytes) -> list[bytes]:
        """Take the next bytes; the chunks that they complete."""
        chunks: list[bytes] = []
        if self.error:
            return chunks
        if self.done:
            self.error = "" if not data else "bytes after the end"
            return chunks
        self._buffer += data
        offset = 0
        if self.head is None:
            if len(self._buffer) < HEAD_BYTES:
                return chunks
            head = decode_head(self._buffer)
            if isinstance(head, str):
                self.error = head
                return chunks
            self.head = head
            offset = HEAD_BYTES
        offset = self._take_all(offset, chunks)
        del self._buffer[:offset]
        return chunks

    def _take_all(self, offset: int, chunks: list[bytes]) -> int:
        """Take what is whole from ``offset`` on; where that ends."""
        while not self.done:
            taken = self._take(offset, chunks)
            if taken == 0:
                return offset
            offset += taken
        if offset != len(self._buffer):
            self.error = "bytes after the end"
        return offset

    def _take(self, offset: int, chunks: list[bytes]) -> int:
        """Take one chunk or the footer at ``offset``; the bytes taken, 0 when more are needed."""
        available = len(self._buffer) - offset
        if available < _CHUNK_HEAD_BYTES:
            return 0
        length: int
        crc: int
        length, crc = _CHUNK.unpack_from(self._buffer, offset)
        if length == 0:
            return self._take_footer(offset, crc)
        if length > CHUNK_BYTES_MAX:
            self.error = f"chunk {self._chunks} says it has {length} bytes"
            return 0
        if available < _CHUNK_HEAD_BYTES + length:
            return 0
        start = offset + _CHUNK_HEAD_BYTES
        chunk = bytes(memoryview(self._buffer)[start : start + length])
        if crc32(chunk) != crc:
            self.error = f"chunk {self._chunks} is corrupt"
            return 0
        self._digest.feed(chunk)
        self._chunks += 1
        self._chunk_bytes += length
        chunks.append(chunk)
        return _CHUNK_HEAD_BYTES + length

    def _take_footer(self, offset: int, crc: int) -> int:
        if len(self._buffer) - offset < _FOOT_BYTES:
            return 0
        body = bytes(self._buffer[offset + _CHUNK_HEAD_BYTES : offset + _FOOT_BYTES])
        count: int
        size_bytes: int
        count, size_bytes = _FOOT_BODY.unpack_from(body, 0)
        if crc32(body) != crc:
            self.error = "the footer is corrupt"
        elif count != self._chunks or size_bytes != self._chunk_bytes:
            self.error = "chunks are missing"
        elif body[_FOOT_BODY.size :] != self._digest.value():
            self.error = "the digest is wrong"
        else:
            self.done = True
            return _FOOT_BYTES
        return 0


class SnapshotReceiver:
    """A snapshot that comes from a leader: verifies the bytes and writes them down.

    ``add`` the file's bytes in order; apply ``chunks`` provisionally; when ``done``, ``finish``.
    """

    def __init__(self, tokens: Tokens, group: GroupId, index: Index, term: Term) -> None:
        self._tokens = tokens
        self._expected = SnapshotHead(group, index, term)
        self._verifier = SnapshotVerifier()
        self.file = received_file(group, index, term)
        self._temporary = self.file + _TEMPORARY
        self.offset = 0
        """The byte that is wanted next."""
        self.chunks: list[bytes] = []
        """Verified chunks of the last ``add``."""

    @property
    def done(self) -> bool:
        """All bytes are there and right."""
        return self._verifier.done and not self.error

    @property
    def error(self) -> str:
        """Not empty: the bytes are not the snapshot that was announced; ``abort``."""
        head = self._verifier.head
        if head is not None and not head.is_same(self._expected):
            return "this is another snapshot than the one announced"
        return self._verifier.error

    def add(self, data: bytes) -> DiskJob:
        """Take the bytes at ``offset``."""
        self.chunks = self._verifier.feed(data)
        write = Write(self._temporary, self.offset, data)
        self.offset += len(data)
        return DiskJob(self._tokens.next(), Channel.BULK, [write])

    def finish(self) -> DiskJob:
        """Sync and rename: when this job is done, the file is whole and durable."""
        assert self.done
        operations: list[DiskOperation] = [Sync(self._temporary), Rename(self._temporary, self.file)]
        return DiskJob(self._tokens.next(), Channel.BULK, operations)

    def abort(self) -> DiskJob:
        """Give up: remove what was written so far."""
        return DiskJob(self._tokens.next(), Channel.BULK, [Remove(self._temporary)])


class SnapshotReader:
    """Reads a snapshot file at boot. What was loaded counts only if ``error`` is empty at the end."""

    def __init__(self, storage: Storage, file: str) -> None:
        self._storage = storage
        self._file = file
        self.head: SnapshotHead | None = None
        self.error = ""

    def chunks(self) -> Iterator[bytes]:
        """The chunks in order, each verified; the last is followed by the verdict in ``error``."""
        verifier = SnapshotVerifier()
        size_bytes = self._storage.size_bytes(self._file)
        offset = 0
        while offset < size_bytes and not verifier.error:
            data = self._storage.read(self._file, offset, READ_BYTES)
            if not data:
                break
            offset += len(data)
            yield from verifier.feed(data)
        self.head = verifier.head
        self.error = verifier.error
        if not self.error and not verifier.done:
            self.error = "the file ends too early"

    def verify(self) -> str:
        """Read everything once; what is wrong, or nothing."""
        for _ in self.chunks():
            pass
        return self.error


def read_job(tokens: Tokens, file: str, offset: int, size_bytes: int) -> DiskJob:
    """A job that reads a piece of a finished file, to be streamed to a follower."""
    return DiskJob(tokens.next(), Channel.BULK, [Read(file, offset, size_bytes)])


def remove_job(tokens: Tokens, file: str) -> DiskJob:
    """A job that removes a snapshot that nobody needs any more."""
    return DiskJob(tokens.next(), Channel.BULK, [Remove(file)])
