"""Disk jobs: what a core asks of a disk, as data.

A job is a list of operations that one disk channel performs in order. The
driver reports the job done (with the bytes of its reads) or failed; it knows
nothing of what the operations mean. Two channels exist, so that a bulk write
never stands in front of the log: jobs of one channel run in the order they were
asked for, jobs of two channels run at the same time.

File names are flat: no folders, no path separators.
"""

from enum import IntEnum
from typing import Protocol

import msgspec


class Channel(IntEnum):
    """The two lanes of a node's disk."""

    LOG = 0
    BULK = 1


class Write(msgspec.Struct, frozen=True):
    """Write ``data`` at byte ``offset``; creates the file when it is missing."""

    file: str
    offset: int
    data: bytes


class Sync(msgspec.Struct, frozen=True):
    """fdatasync ``file``: everything written to it so far is durable after it."""

    file: str


class Prepare(msgspec.Struct, frozen=True):
    """Create ``file`` filled with ``size_bytes`` zero bytes, durable, name included."""

    file: str
    size_bytes: int


class Rename(msgspec.Struct, frozen=True):
    """Rename ``file`` to ``to``, atomically and durably (directory synced)."""

    file: str
    to: str


class Remove(msgspec.Struct, frozen=True):
    """Remove ``file``; a missing file is no error."""

    file: str


class Read(msgspec.Struct, frozen=True):
    """Read up to ``size_bytes`` at ``offset``; the bytes come with the report."""

    file: str
    offset: int
    size_bytes: int


DiskOperation = Write | Sync | Prepare | Rename | Remove | Read


class DiskJob(msgspec.Struct, frozen=True):
    """Operations for one channel, performed in order, reported once under ``token``."""

    token: int
    channel: Channel
    operations: list[DiskOperation]


class DiskFault(IntEnum):
    """Why a disk job failed, as far as the core must tell."""

    FULL = 1
    """No space left (ENOSPC, EDQUOT)."""
    FAILED = 2
    """Anything else. A failed write or sync of the log stops the node."""


class Storage(Protocol):
    """Reading at boot, before the first turn: the only direct reads a core makes."""

    def names(self) -> list[str]:
        """All file names, sorted."""
        ...

    def size_bytes(self, file: str) -> int:
        """The size of ``file``."""
        ...

    def read(self, file: str, offset: int, size_bytes: int) -> bytes:
        """Up to ``size_bytes`` bytes of ``file`` from ``offset``."""
        ...
