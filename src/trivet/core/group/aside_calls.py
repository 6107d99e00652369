"""What a batch asked for, as commands that people can read: for files of what was set aside.

On the path: nowhere. A transaction of one group stands there as its commands. What one over several groups
did to this group stands there as values: ``SET`` of a string, ``RESTORE`` of all else, ``DEL`` of what went.
Other words of transactions (who locks what) have changed nothing, and are left out. Who reads the file has no
way to know what of all this took effect: a condition may not have been met, a transaction been aborted.
"""

import msgspec

from trivet.core.base.ids import GroupId
from trivet.core.machine.entry import Call, decode_calls
from trivet.core.machine.packets import unpack
from trivet.core.machine.rights import AS
from trivet.core.machine.waiting import BLOCK
from trivet.core.transaction.words import (
    DECIDE,
    FINISH,
    SINCE,
    TXN,
    unpack_decide,
    unpack_effects,
    unpack_finish,
)
from trivet.core.values.codec import Item
from trivet.core.values.rdb.payload import dump


def plain_calls(group: GroupId, calls: list[Call]) -> list[Call]:
    """The calls of a batch of ``group``. What can't be read stands as it is."""
    plain: list[Call] = []
    for call in calls:
        try:
            plain.extend(_plain(group, call))
        except (ValueError, IndexError, msgspec.DecodeError):
            plain.append(call)
    return plain


def _plain(group: GroupId, call: Call) -> list[Call]:
    db, args = call
    while args[0] in _WRAPPERS:
        args = args[_WRAPPERS[args[0]] :]
    if args[0] == b"EXEC":
        return [(number, words) for number, words in decode_calls(args[1]) if number >= 0]
    if args[0] != TXN:
        return [(db, args)]
    if args[1] == DECIDE:
        own = [raw for number, raw in unpack_decide(args[2]).effects if number == group]
        return _values(own[0]) if own else []
    if args[1] == FINISH:
        request = unpack_finish(args[2])
        return _values(request.effects) if request.commits else []
    return []


_WRAPPERS = {AS: 3, SINCE: 2, BLOCK: 2}
"""So many words stand before the call itself."""


def _values(raw: bytes) -> list[Call]:
    """What is left of effects: each key as it was to be."""
    if not raw:
        return []
    packets = unpack_effects(raw).packets
    plain: list[Call] = []
    for index, gone, items in unpack(packets) if packets else []:
        plain += [(index, [b"DEL", key]) for key in gone]
        plain += [(index, _value(item)) for item in items]
    return plain


def _value(item: Item) -> list[bytes]:
    key, value, deadline_ms = item
    if isinstance(value, bytes):
        return [b"SET", key, value, *([b"PXAT", b"%d" % deadline_ms] if deadline_ms >= 0 else [])]
    return [b"RESTORE", key, b"%d" % max(0, deadline_ms), dump(value), b"REPLACE", b"ABSTTL"]
