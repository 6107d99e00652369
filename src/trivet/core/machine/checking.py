"""Whether a call may run in this group: do its database and the slots of its keys belong to it (O1-O3, D2).

Only for calls that must be looked at; see ``Ownership.checks_below``.
"""

from typing import Final

from trivet.core.command.lookup import find_row, keys_of, other_databases
from trivet.core.command.table import ROWS
from trivet.core.machine.collecting import COLLECT, COLLECTED
from trivet.core.machine.entry import Call, decode_calls
from trivet.core.machine.ownership import OWNED, Ownership
from trivet.core.machine.rights import AS
from trivet.core.machine.scanning import SCANPART, SLOTKEYS
from trivet.core.machine.waiting import AWAIT, BLOCK, RETRY
from trivet.core.wire.reply import Error

WHOLE: Final = (
    b"DBSIZE", b"SCAN", b"KEYS", b"RANDOMKEY", b"FLUSHDB", b"FLUSHALL", b"SWAPDB", SCANPART
)  # fmt: skip
"""Calls about whole databases."""
ALWAYS: Final = (b"EXEC", AS)
"""Calls with others in them: looked at whatever their node knew, as long as some slots are not owned."""

EVERYWHERE: Final = {b"FLUSHALL": 1, b"SWAPDB": 1, b"SCRIPT": 1, b"FUNCTION": 1}
"""Commands that are not about one database."""
_OF_A_DATABASE: Final = {b"WATCH": 1, BLOCK: 1, AWAIT: 1, COLLECT: 1, COLLECTED: 1, SCANPART: 1, SLOTKEYS: 1}
"""What is no command of a client and about one database all the same."""

OTHER_KEYSPACE: Final = Error(
    "CROSSSLOT the other database is in another keyspace: scripts and SWAPDB stay within one; MOVE and COPY "
    "outside of scripts need not"
)
NOT_FOUNDED: Final = Error("TRYAGAIN this group is not founded yet")
"""Of what it is to learn: it will come with its founding, or has to be said again after that."""
LEARNT: Final = {b"SCRIPT": 1, b"FUNCTION": 1}
WARY: Final = (
    b"EVAL", b"EVALSHA", b"FCALL", b"EVAL_RO", b"EVALSHA_RO", b"FCALL_RO", b"SORT", b"SORT_RO"
)  # fmt: skip
"""Calls that come to keys which they did not name (Rule L15)."""


def names_of(args: list[bytes]) -> list[bytes]:
    """The keys that a call names; those of calls inside of others have to be asked for one by one."""
    name = args[0]
    if name == b"WATCH":
        return args[2:]
    if name == AWAIT:
        return args[3:]
    if name in (COLLECT, COLLECTED):
        return args[4:]
    if name in (BLOCK, RETRY):
        return names_of(args[2:])
    row = find_row(args)
    return [] if isinstance(row, Error) else keys_of(row, args)


def refuses(ownership: Ownership, db: int, args: list[bytes], epoch: int) -> bool:
    """Whether the call in database ``db`` is ``NotHere`` (Rules O2, O3, D2)."""
    name = args[0]
    if name == AS:
        return refuses(ownership, db, args[3:], epoch)
    if name == b"EXEC":
        return _refuses_any(ownership, decode_calls(args[1]), epoch)
    if ownership.bars and _is_of_another_keyspace(ownership, db, args):
        return True
    if name == SLOTKEYS:
        slot = int(args[1])
        return not ownership.are_all([(slot, slot)], OWNED)
    if name in WHOLE:
        return epoch < ownership.epoch or ownership.is_in_the_way()
    return any(ownership.place(key) != OWNED for key in names_of(args))


def _refuses_any(ownership: Ownership, calls: list[Call], epoch: int) -> bool:
    """Those of database -1 are replies (see ``run_calls``)."""
    return any(db_index >= 0 and refuses(ownership, db_index, args, epoch) for db_index, args in calls)


def _is_of_another_keyspace(ownership: Ownership, db: int, args: list[bytes]) -> bool:
    """Rule D2. What nodes say in the log beside commands has no database."""
    name = args[0]
    row = ROWS.get(name)
    if name not in _OF_A_DATABASE and (row is None or row.run is None):
        return False
    if name not in EVERYWHERE and not ownership.holds(db):
        return True
    return not all(ownership.holds(other) for other in other_databases(args))


def is_wary(args: list[bytes]) -> bool:
    """Whether the call, or one in it, comes to keys which it did not name."""
    name = args[0]
    if name == AS:
        return is_wary(args[3:])
    if name == b"EXEC":
        return any(inner[0] in WARY for db_index, inner in decode_calls(args[1]) if db_index >= 0)
    return name in WARY
