"""The log of one group of registers: what its acceptor saves, in the log of the node, and snapshots of it.

On the path: a save of the room -> **an entry** -> the log of the node -> ``saved``. How saves become entries
and snapshots, see ``save_log`` (Rules J1 to J3, J5).

- Rule J4: what can't be read is doubt: the member answers nothing before it has caught up (Rule P16 of the
  room).
"""

from typing import Final

import msgspec

from trivet.core.base.buggify import Buggify
from trivet.core.base.disk import Storage
from trivet.core.base.ids import GroupId, Index, Instant
from trivet.core.base.limits import Limits
from trivet.core.base.tokens import Tokens
from trivet.core.group.save_log import Found, SaveLog
from trivet.core.group.snapshots import SnapshotFile
from trivet.core.paxos.former import decode_records
from trivet.core.paxos.paxos import Paxos
from trivet.core.paxos.ready import Save, SavedRecord, SavedRegister
from trivet.core.wal.recovery import Recovery
from trivet.core.wal.replay import RecoveredGroup
from trivet.core.wal.wal import Wal

REGISTERS: Final = b"registers"
"""Rule J3."""
WALK_STEP: Final = 8
"""Registers looked at together on a walk."""

_encoder = msgspec.msgpack.Encoder()


Kept = Found[SavedRecord]
"""What the disk has kept of a group."""


def found_registers(found: RecoveredGroup, storage: Storage, recovery: Recovery) -> Kept:
    """The group ``found`` in a log (Rules J1, J4)."""
    kept = Kept()
    kept.read(found, storage, recovery, decode_records, REGISTERS)
    return kept


class RegisterLog(SaveLog):
    """See the module. The owner takes ``jobs`` after every turn."""

    def __init__(
        self, group: GroupId, wal: Wal, tokens: Tokens, limits: Limits, last_index: Index = 0,
        newest: SnapshotFile | None = None, buggify: Buggify | None = None,
    ) -> None:  # fmt: skip
        """``last_index``, ``newest``: as ``Kept`` has them."""
        super().__init__(REGISTERS, group, wal, tokens, limits, last_index, newest, buggify)

    def save(self, save: Save) -> None:
        """Stage a save behind all before (Rule J1)."""
        self.append(save.save_id, _encoder.encode(save.records))

    def step(self, paxos: Paxos, now_ms: Instant) -> None:
        """One slice of work, behind the saves of the turn."""
        self.slice(_Walk(paxos), now_ms)


class _Walk:
    """A ``Source``: an acceptor's registers, its marks first."""

    __slots__ = ("_paxos",)

    def __init__(self, paxos: Paxos) -> None:
        self._paxos = paxos

    def walk(self, cursor: bytes | None) -> tuple[list[bytes], bytes | None]:
        """See ``Source``."""
        pieces: list[bytes] = []
        last: bytes | None = None
        for record in self._paxos.records(cursor, WALK_STEP):
            if isinstance(record, SavedRegister):
                last = record.key
            elif cursor is not None:
                continue
            pieces.append(_encoder.encode(record))
        return pieces, last
