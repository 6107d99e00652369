"""Which keys a client's reads name: for those who remember what was read."""

from trivet.core.command.lookup import keys_of
from trivet.core.command.table import ROWS, Flag
from trivet.core.machine.entry import Call, decode_calls
from trivet.core.machine.rights import AS


def keys_read(calls: list[Call]) -> list[tuple[int, bytes]]:
    """(database, key) of the reads among the calls, those inside a transaction included."""
    keys: list[tuple[int, bytes]] = []
    for db_index, args in calls:
        if db_index < 0:
            continue
        if args[0] == AS:
            args = args[3:]
        row = ROWS.get(args[0])
        if row is None:
            continue  # a question of the node's own
        if args[0] == b"EXEC":
            keys += keys_read(decode_calls(args[1]))
        elif row.flags & Flag.READONLY:
            keys += [(db_index, key) for key in keys_of(row, args)]
    return keys
