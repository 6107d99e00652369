"""Which locks a call wants when it runs as a transaction over groups: its keys, and how it uses them.

A command that only reads takes its keys *shared*. Of a key that a call puts or removes whatever is
there, only the existence is wanted (*blind*), so its value need not travel. All others are *exclusive*.
"""

from typing import Final

from trivet.core.command.lookup import find_row, keys_of, other_databases
from trivet.core.command.table import Flag, Row
from trivet.core.machine.entry import decode_calls
from trivet.core.machine.rights import AS
from trivet.core.machine.waiting import BLOCK, RETRY
from trivet.core.transaction.words import BLIND, EXCLUSIVE, SHARED, LockKey
from trivet.core.wire.reply import Error

_READS: Final = int(Flag.READONLY)
_ALL_BLIND: Final = {b"MSET": 1, b"MSETNX": 1, b"DEL": 1, b"UNLINK": 1}
_STORES: Final = {
    b"SINTERSTORE": 1, b"SUNIONSTORE": 1, b"SDIFFSTORE": 1, b"ZINTERSTORE": 1, b"ZUNIONSTORE": 1,
    b"ZDIFFSTORE": 1, b"ZRANGESTORE": 1, b"GEOSEARCHSTORE": 1, b"BITOP": 1,
}  # fmt: skip
"""The first key gets the result, whatever was there; the others are read."""
_PLAIN_SET_WORDS: Final = {b"EX": 2, b"PX": 2, b"EXAT": 2, b"PXAT": 2, b"NX": 1, b"XX": 1}


def locks_of(db: int, args: list[bytes]) -> dict[LockKey, int]:
    """The locks of a call, of all calls in it if there are any; in the order in which they are named."""
    wanted: dict[LockKey, int] = {}
    _add_call(wanted, db, args)
    return wanted


def add_lock(wanted: dict[LockKey, int], key: LockKey, mode: int) -> None:
    """One more use of a key: of different ones only the exclusive lock serves both."""
    known = wanted.get(key)
    if known is None:
        wanted[key] = mode
    elif known != mode:
        wanted[key] = EXCLUSIVE


def locks_of_row(row: Row, db: int, args: list[bytes]) -> list[tuple[LockKey, int]]:
    """The locks of one command."""
    keys = keys_of(row, args)
    name = args[0].upper()
    if int(row.flags) & _READS:
        return [((db, key), SHARED) for key in keys]
    if name in _ALL_BLIND or (name == b"SET" and _is_plain_set(args)):
        return [((db, key), BLIND) for key in keys]
    if name in _STORES and keys:
        return [((db, keys[0]), BLIND), *[((db, key), SHARED) for key in keys[1:]]]
    if name in (b"RENAME", b"RENAMENX"):
        return [((db, keys[0]), EXCLUSIVE), ((db, keys[1]), BLIND)]
    if name == b"COPY":
        return [((db, keys[0]), SHARED), ((_other_database(db, args), keys[1]), BLIND)]
    if name == b"MOVE":
        return [((db, keys[0]), EXCLUSIVE), ((_other_database(db, args), keys[0]), BLIND)]
    return [((db, key), EXCLUSIVE) for key in keys]


def _other_database(db: int, args: list[bytes]) -> int:
    """The database into which a ``MOVE`` or ``COPY`` puts something: ``db`` itself if it names no other."""
    named = [other for other in other_databases(args) if other >= 0]
    return named[-1] if named else db


def _add_call(wanted: dict[LockKey, int], db: int, args: list[bytes]) -> None:
    name = args[0]
    if name == AS:
        _add_call(wanted, db, args[3:])
    elif name in (BLOCK, RETRY):
        _add_call(wanted, db, args[2:])
    elif name == b"EXEC":
        for inner_db, inner in decode_calls(args[1]):
            if inner_db >= 0:  # those of database -1 are replies
                _add_call(wanted, inner_db, inner)
    else:
        row = find_row(args)
        if not isinstance(row, Error):
            for key, mode in locks_of_row(row, db, args):
                add_lock(wanted, key, mode)


def _is_plain_set(args: list[bytes]) -> bool:
    """Whether a ``SET`` needs nothing of the old value: no ``GET``, no ``KEEPTTL``."""
    at = 3
    while at < len(args):
        step = _PLAIN_SET_WORDS.get(args[at].upper())
        if step is None:
            return False
        at += step
    return True
