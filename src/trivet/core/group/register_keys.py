"""Names of registers: a key with its database and its place in the space of cursors before it.

The room ``core/paxos`` keeps registers in the order of their names. With the place of the key in front that
is the order of ``SCAN`` cursors, so a cursor is a number that means the same on all nodes, and the parts of
several groups fit together (see ``machine/scanning``).
"""

import struct
from typing import Final
from zlib import crc32

from trivet.core.cluster.slots import slot_of
from trivet.core.values.table import reversed_bytes

_HEAD: Final = struct.Struct(">HI")
HEAD_BYTES: Final = _HEAD.size
_DB_BYTES: Final = 2


def place_key(db: int, key: bytes) -> bytes:
    """The name of the register of ``key`` in database ``db``."""
    return db.to_bytes(_DB_BYTES, "big") + reversed_bytes(crc32(key)) + key  # see ``scan_place``


def db_of(place: bytes) -> int:
    """The database of a register."""
    return place[0] << 8 | place[1]


def key_of(place: bytes) -> bytes:
    """The key of a register."""
    return place[HEAD_BYTES:]


def slot_of_place(place: bytes) -> int:
    """The slot of a register's key."""
    return slot_of(place[HEAD_BYTES:])


def cursor_of(place: bytes) -> int:
    """Where the key stands in the space of cursors."""
    return int.from_bytes(place[2:HEAD_BYTES], "big")


def before(db: int, cursor: int) -> bytes:
    """From here a walk begins: every register of ``db`` that stands at ``cursor`` or later comes after it.

    And nothing else does of ``db``, nor of those before it.
    """
    head = _HEAD.pack(db, cursor)
    return head if cursor else head[:-1]  # the empty key, which stands at 0, has just this head as its name
