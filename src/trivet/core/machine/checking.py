"""Whether a call may run in this group: do the slots of its keys belong to it (Rules O1 to O3).

Only for calls that must be looked at; see ``Ownership.checks_below``.
"""

from typing import Final

from trivet.core.command.lookup import find_row, keys_of
from trivet.core.machine.entry import Call, decode_calls
from trivet.core.machine.ownership import OWNED, Ownership
from trivet.core.machine.rights import AS
from trivet.core.machine.scanning import SCANPART, SLOTKEYS
from trivet.core.wire.reply import Error

WHOLE: Final = (
    b"DBSIZE", b"SCAN", b"KEYS", b"RANDOMKEY", b"FLUSHDB", b"FLUSHALL", b"SWAPDB", SCANPART
)  # fmt: skip
"""Calls about whole databases."""
ALWAYS: Final = (b"EXEC", AS)
"""Calls with others in them: looked at whatever their node knew, as long as some slots are not owned."""
WARY: Final = (
    b"EVAL", b"EVALSHA", b"FCALL", b"EVAL_RO", b"EVALSHA_RO", b"FCALL_RO", b"SORT", b"SORT_RO"
)  # fmt: skip
"""Calls that come to keys which they did not name (Rule L15)."""


def names_of(args: list[bytes]) -> list[bytes]:
    """The keys that a call names; those of calls inside of others have to be asked for one by one."""
    name = args[0]
    if name == b"WATCH":
        return args[2:]
    if name == b"BLOCK":
        return names_of(args[2:])
    row = find_row(args)
    return [] if isinstance(row, Error) else keys_of(row, args)


def refuses(ownership: Ownership, args: list[bytes], epoch: int) -> bool:
    """Whether the call is ``NotHere`` (Rules O2, O3)."""
    name = args[0]
    if name == AS:
        return refuses(ownership, args[3:], epoch)
    if name == b"EXEC":
        return _refuses_any(ownership, decode_calls(args[1]), epoch)
    if name == SLOTKEYS:
        slot = int(args[1])
        return not ownership.are_all([(slot, slot)], OWNED)
    if name in WHOLE:
        return epoch < ownership.epoch or ownership.is_in_the_way()
    return any(ownership.place(key) != OWNED for key in names_of(args))


def _refuses_any(ownership: Ownership, calls: list[Call], epoch: int) -> bool:
    """Those of database -1 are replies (see ``run_calls``)."""
    return any(db_index >= 0 and refuses(ownership, args, epoch) for db_index, args in calls)


def is_wary(args: list[bytes]) -> bool:
    """Whether the call, or one in it, comes to keys which it did not name."""
    name = args[0]
    if name == AS:
        return is_wary(args[3:])
    if name == b"EXEC":
        return any(inner[0] in WARY for db_index, inner in decode_calls(args[1]) if db_index >= 0)
    return name in WARY
