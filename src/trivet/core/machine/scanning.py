"""``SCANPART``: one group's part of a ``SCAN`` over all groups of a keyspace.

A cursor is a point of the hash space, in which every key has its place whatever the shape of a
table (Rule V6). So the node asks all groups from the same cursor, takes the nearest of the points to
which they came, and gives the keys before it; the others come with the next call. That is why
a part begins exactly at its cursor, and is in the order of the places.

``SLOTKEYS``: the keys of one slot.
"""

from typing import Final
from zlib import crc32

from trivet.core.cluster.slots import slot_of
from trivet.core.command.arguments import INVALID_CURSOR
from trivet.core.command.keys import scan_options, type_name
from trivet.core.command.table import Context
from trivet.core.values.numbers import parse_cursor
from trivet.core.values.table import SPACE, reverse32
from trivet.core.wire.reply import Error, Reply

SCANPART: Final = b"SCANPART"
SLOTKEYS: Final = b"SLOTKEYS"


def scan_place(key: bytes) -> int:
    """Where ``key`` stands in the space of cursors."""
    return reverse32(crc32(key))


def scan_part(context: Context, args: list[bytes]) -> Reply:
    """``SCANPART cursor [MATCH pattern] [COUNT count] [TYPE type]``: [cursor to go on from or 0, keys]."""
    cursor = parse_cursor(args[1])
    if cursor is None:
        return INVALID_CURSOR
    options = scan_options(args, 2, with_type=True)
    if isinstance(options, Error):
        return options
    cursor &= SPACE - 1
    db, glob, wanted = context.db, options.glob, options.type_name
    following, found = db.scan(cursor, options.count)
    places: list[tuple[int, bytes]] = []
    for key in found:
        place = scan_place(key)
        if place < cursor or (glob is not None and not glob.matches(key)):
            continue
        if wanted:
            value = db.get(key)
            if value is None or type_name(value) != wanted:
                continue
        places.append((place, key))
    places.sort()
    keys: list[Reply] = [key for _, key in places]
    return [b"%d" % following, keys]


def slot_keys(context: Context, args: list[bytes]) -> Reply:
    """``SLOTKEYS slot [count]``: up to so many keys of the slot; without a count how many there are.

    It walks over all keys of the database, as ``KEYS`` does.
    """
    slot = int(args[1])
    present = context.db.keys()
    if len(args) == 2:
        return sum([slot_of(key) == slot for key in present])
    left = int(args[2])
    found: list[Reply] = []
    for key in present:
        if len(found) >= left:
            break
        if slot_of(key) == slot:
            found.append(key)
    return found
