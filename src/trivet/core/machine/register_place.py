"""Which register calls concern, where each key is a register of its own; or why they can run on none.

Told by the rows of the command table before anything runs. Only a script may still come to another key than
the one it names, and is refused that call then (see ``register``).
"""

from typing import Final

import msgspec

from trivet.core.command.lookup import find_row, keys_of, other_databases
from trivet.core.command.table import ROWS, Flag, Place
from trivet.core.command.waiting import may_wait
from trivet.core.machine.checking import WHOLE
from trivet.core.machine.entry import Call, decode_calls
from trivet.core.machine.rights import AS
from trivet.core.values.databases import NUMBERS_MAX
from trivet.core.wire.reply import Error

RegisterPlace = tuple[int, bytes]
"""(database, key)."""

SEVERAL: Final[Error] = Error(
    "CROSSSLOT each key stands for itself in a keyspace of mode paxos: a command, a transaction or a script "
    "there concerns one key; nothing was done"
)
OTHER_DATABASE: Final[Error] = Error(
    "CROSSSLOT each key stands for itself in a keyspace of mode paxos: none of it can be moved or copied to "
    "another database; nothing was done"
)
WHOLE_DATABASE: Final[Error] = Error(
    "CROSSSLOT each key stands for itself in a keyspace of mode paxos: commands about whole databases "
    "(DBSIZE, KEYS, ...) can't be part of a transaction or a script there"
)
WAITS: Final[Error] = Error(
    "ERR calls that wait (BLPOP, XREAD BLOCK, ...) are not for a keyspace of mode paxos; nothing was done"
)
NOT_ON_REGISTERS: Final[Error] = Error(
    "ERR this command can't run upon a key of a keyspace of mode paxos; nothing was done"
)

_REFUSED: Final = {b"SCRIPT": 1, b"FUNCTION": 1}
"""What concerns no key, and all groups."""
_BETWEEN: Final = {b"MOVE": 1, b"COPY": 1}


def _names_one_key(name: bytes) -> bool:
    row = ROWS[name]
    return (
        row.place is Place.DATA
        and row.run is not None
        and row.first_key == row.last_key == 1
        and row.key_finder is None
        and not row.flags & Flag.BLOCKING
        and name not in _BETWEEN
    )


_SIMPLE: Final = {name: row.arity for name, row in ROWS.items() if _names_one_key(name)}
"""Commands whose first argument is their only key, whatever the others say."""


def simple_place(call: Call) -> RegisterPlace | None:
    """The register of a call whose first argument is its only key; None: it takes a closer look."""
    db, args = call
    arity = _SIMPLE.get(args[0]) if args else None
    if arity is None or not (len(args) == arity or 0 < -arity <= len(args)) or not 0 <= db < NUMBERS_MAX:
        return None
    return db, args[1]


def register_of(calls: list[Call]) -> RegisterPlace | Error | None:
    """The one register that all ``calls`` concern; None: they concern no key at all.

    A call is a command, ``EXEC``, or either on behalf of a user (``AS``), its name in upper case. An error is
    the reply to the first call for which there is none; nothing was run.
    """
    return _place_of_all(calls, False)


def register_of_transaction(calls: list[Call]) -> RegisterPlace | Error | None:
    """The same of the calls in a transaction. Those of database -1 are replies."""
    return _place_of_all(calls, True)


def _place_of_all(calls: list[Call], in_transaction: bool) -> RegisterPlace | Error | None:
    found: RegisterPlace | None = None
    for db, args in calls:
        place: RegisterPlace | Error | None
        if db < 0 and in_transaction:
            continue  # a reply (see ``run_calls``)
        if not args or not 0 <= db < NUMBERS_MAX:
            return NOT_ON_REGISTERS
        arity = _SIMPLE.get(args[0])
        if arity is not None and (len(args) == arity or 0 < -arity <= len(args)):
            place = (db, args[1])
        else:
            place = _place_of(db, args, in_transaction)
        if place is None:
            continue
        if isinstance(place, Error):
            return place
        if found is None:
            found = place
        elif found != place:
            return SEVERAL
    return found


def _place_of(db: int, args: list[bytes], in_transaction: bool) -> RegisterPlace | Error | None:
    name = args[0]
    if not in_transaction:
        if name == AS:
            args = args[3:]
            if not args or args[0] == AS:
                return NOT_ON_REGISTERS
            name = args[0]
        if name == b"EXEC":
            return _place_of_transaction(args)
    row = find_row(args)
    if isinstance(row, Error):
        return row
    if row.run is None or name in _REFUSED:
        return NOT_ON_REGISTERS
    if name in WHOLE:
        return WHOLE_DATABASE
    if row.flags & Flag.BLOCKING and not in_transaction and may_wait(args):
        return WAITS
    if any(other != db for other in other_databases(args)):
        return OTHER_DATABASE
    keys = keys_of(row, args)
    if not keys:
        return None
    return (db, keys[0]) if all(key == keys[0] for key in keys) else SEVERAL


def _place_of_transaction(args: list[bytes]) -> RegisterPlace | Error | None:
    """``EXEC packed-calls client``."""
    try:
        return _place_of_all(decode_calls(args[1]), True) if len(args) > 1 else NOT_ON_REGISTERS
    except msgspec.DecodeError:
        return NOT_ON_REGISTERS
