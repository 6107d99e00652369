"""Ownership as it stands in a snapshot."""

import msgspec

from trivet.core.cluster.slots import SLOTS


class ImportState(msgspec.Struct, array_like=True, frozen=True):
    """One import: ``counts`` are (database, keys)."""

    move: int
    ranges: list[tuple[int, int]]
    generation: int
    ready: bool
    counts: list[tuple[int, int]]


class ExportState(msgspec.Struct, array_like=True, frozen=True):
    """One sealed export: ``expired`` are (database, keys gone since the seal)."""

    move: int
    ranges: list[tuple[int, int]]
    expired: list[tuple[int, int]]


class WithheldState(msgspec.Struct, array_like=True, frozen=True):
    """One database that is not held; ``epoch`` 0: not decided yet."""

    database: int
    token: int
    epoch: int


def _everything() -> list[tuple[int, int]]:
    return [(0, SLOTS - 1)]


class OwnershipState(msgspec.Struct, array_like=True, frozen=True):
    """All of it; the default is that of a group that was founded with every slot.

    ``owned``: the sealed ones are among them. ``done``: (move, how it ended, keys by database).
    """

    epoch: int = 0
    owned: list[tuple[int, int]] = msgspec.field(default_factory=_everything)
    imports: list[ImportState] = []
    exports: list[ExportState] = []
    done: list[tuple[int, bytes, list[tuple[int, int]]]] = []
    keyspace: int = 0
    withheld: list[WithheldState] = []
