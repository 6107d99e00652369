"""What comes out of a member: everything its owner must do, as data.

On the path: the group takes one ``Ready`` per turn: sends the messages, stages the save, answers the finished
operations, in any order.
"""

from typing import Union

import msgspec

from trivet.core.base.ids import NodeId
from trivet.core.paxos.ballot import NOTHING, Ballot, Number, WireBallot
from trivet.core.paxos.content import Sealed
from trivet.core.paxos.messages import Message, check_columns
from trivet.core.paxos.operation import Operation
from trivet.core.paxos.slots import Range, Spans


class Marks(msgspec.Struct, array_like=True, tag=1, frozen=True):
    """What an acceptor must remember beside its registers. ``joined``: the epoch it became a member in."""

    epoch: Number = 0
    joined: Number = 0
    life: Number = 0
    doubtful: bool = False
    lives: tuple[tuple[Number, Number], ...] = ()
    floor: WireBallot = NOTHING
    floor_version: Number = 0
    spans: Spans = None


class SavedRegister(msgspec.Struct, array_like=True, tag=7, frozen=True):
    """A whole register. ``hearsay``: ``content`` is from others (Rule P16)."""

    key: bytes
    promised: WireBallot
    accepted: WireBallot
    content: Sealed | None
    hearsay: bool = False


class SavedPromises(msgspec.Struct, array_like=True, tag=8, frozen=True):
    """Registers promised (counter, ``proposer``), and are else what they were.

    Where there was none, nothing is accepted there.
    """

    proposer: Number
    keys: list[bytes]
    counters: list[Number]

    def __post_init__(self) -> None:
        check_columns(self.keys, self.counters)


class SavedAccepts(msgspec.Struct, array_like=True, tag=9, frozen=True):
    """Registers accepted ``contents`` at (counter, ``proposer``), as asked, and promised what else was asked.

    That is the next counter, where it is higher.
    """

    proposer: Number
    keys: list[bytes]
    counters: list[Number]
    next_counters: list[Number]
    contents: list[Sealed]

    def __post_init__(self) -> None:
        check_columns(self.keys, self.counters, self.next_counters, self.contents)


class SavedRemoval(msgspec.Struct, array_like=True, tag=4, frozen=True):
    """A register is gone."""

    key: bytes


class SavedWipe(msgspec.Struct, array_like=True, tag=5, frozen=True):
    """All registers before this record are gone: the member left, or is another one now."""


class SavedDrop(msgspec.Struct, array_like=True, tag=6, frozen=True):
    """All registers of these slots before this record are gone: the group has lost them, or has them anew."""

    ranges: list[Range]


SavedRecord = Union[  # noqa: UP007
    Marks, SavedRegister, SavedPromises, SavedAccepts, SavedRemoval, SavedWipe, SavedDrop
]
"""One record of the WAL; replayed in order. Of tags that are missing, see ``former.py``."""


class Save(msgspec.Struct, frozen=True):
    """To be written and synced, in order of ``save_id``; then ``Paxos.saved(save_id)``."""

    save_id: int
    records: list[SavedRecord]
    dropped: list[bytes] = []
    """The registers of a ``SavedDrop`` among them."""


class ScanResult(msgspec.Struct, frozen=True):
    """Keys of a walk that are there, in order, and where it goes on; ``cursor`` None: this was all.

    ``unsure``: keys, in order, of which only a read can tell. ``ok`` False: no quorum.
    ``holders``: of a listing (Rule P23), for each of ``keys``, the highest ballot at which any of a quorum
    has accepted something, and a member that has that; ``floor_version``: the highest of that quorum;
    ``epoch``: in which all of it was answered.
    """

    scan_id: int
    ok: bool
    keys: list[bytes]
    cursor: bytes | None
    unsure: list[bytes]
    holders: list[tuple[Ballot, NodeId]] = []
    floor_version: int = 0
    epoch: int = 0


class Fetched(msgspec.Struct, frozen=True):
    """Of ``Paxos.fetch``: (register, ballot, content); ``missing``: nobody told of it."""

    found: list[tuple[bytes, Ballot, Sealed]]
    missing: list[bytes]


class Ready:
    """One turn's outcome."""

    __slots__ = (
        "adopted", "epoch_wanted", "fetched", "finished", "listed", "messages", "rescanned", "revived",
        "save", "scans",
    )  # fmt: skip

    def __init__(self) -> None:
        self.messages: list[tuple[NodeId, Message]] = []
        """May leave at once. The same message to several peers is the same object."""
        self.save: Save | None = None
        self.finished: list[Operation] = []
        self.scans: list[ScanResult] = []
        self.listed: list[ScanResult] = []
        self.fetched: list[Fetched] = []
        self.adopted: list[Operation] = []
        """Ends of ``Paxos.adopt``."""
        self.rescanned = 0
        """Not 0: under this epoch every register is at quorums of all its sets (Rule P14)."""
        self.epoch_wanted = 0
        """Not 0: somebody is in this later epoch: look at the cluster map."""
        self.revived = False
        """What was doubtful has caught up, and is saved."""

    def is_empty(self) -> bool:
        """Nothing has come out."""
        return not (
            self.messages or self.save or self.finished or self.scans or self.rescanned
            or self.epoch_wanted or self.revived or self.listed or self.fetched or self.adopted
        )  # fmt: skip
