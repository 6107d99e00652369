"""``TXN``: the words of transactions over groups in the log of one of them (see ``transaction.words``).

- Rule L12: effects are values, so nothing can fail after the decision. They are applied *heard*: watches,
  waiting calls, snapshots, moves, invalidations, the account of memory and keyspace events learn of them as
  of any write. The group's time is then not before that at which the transaction ran.
- Rule L13: a waiting call is not served while one of its keys is locked, and what would be given back to a
  locked key is put off: both are looked at again when the lock goes.
- Rule L16: what a group of mode ``primary`` had of a transaction may be lost with its former primary, the
  locks too. A commit whose locks are not here changes nothing, for others may have changed these keys since:
  the answer says so, once, and the rest of the locks goes.
- Rule L14: a slot that is not owned, or sealed, gets no new lock. The intents there end as usual, and the
  mover copies the last keys when there are none left.
"""

from typing import Final

from trivet.core.base.ids import NodeId
from trivet.core.cluster.slots import SLOTS, slot_of
from trivet.core.command.table import Context
from trivet.core.machine.importing import catch_up
from trivet.core.machine.ownership import OWNED
from trivet.core.machine.packets import Parcel, unpack
from trivet.core.machine.slot_ranges import Ranges
from trivet.core.machine.state import State
from trivet.core.transaction.locks import Intent
from trivet.core.transaction.words import (
    ABORT,
    ABORTED,
    BLIND,
    COMMIT,
    DECIDE,
    DIRTY,
    FINISH,
    FORGET,
    GRANTED,
    LOCK,
    LOST,
    RESOLVE,
    SHARED,
    Effects,
    LockKey,
    LockReply,
    LockRequest,
    pack,
    unpack_decide,
    unpack_effects,
    unpack_finish,
    unpack_forget,
    unpack_lock,
    unpack_resolve,
)
from trivet.core.values.codec import Item
from trivet.core.values.database import Database
from trivet.core.values.databases import NUMBERS_MAX
from trivet.core.wire.reply import NOT_HERE, OK, Error, Reply, Simple

BAD_WORD: Final = Error("ERR a word about a transaction that makes no sense")
IS_ABORTED: Final = Simple(ABORTED.decode())
IS_LOST: Final = Simple(LOST.decode())

Changes = list[tuple[int, list[bytes], list[Item]]]
"""(database, keys that are gone, items)"""


def txn(state: State, context: Context, node: NodeId, args: list[bytes]) -> Reply:
    """``TXN verb packed``; raises ``ValueError`` for what makes no sense, before anything is changed."""
    verb, data = args[1], args[2]
    if verb == LOCK:
        return _lock(state, node, unpack_lock(data))
    if verb == DECIDE:
        return _decide(state, context, data)
    if verb == FINISH:
        return _finish(state, context, data)
    if verb == RESOLVE:
        request = unpack_resolve(data)
        effects, freed = state.intents.resolve(request.id, request.group)
        _released(state, context, freed)
        return [ABORT] if effects is None else [COMMIT, effects]
    if verb == FORGET:
        state.intents.forget(unpack_forget(data).id)
        return OK
    return BAD_WORD


def _lock(state: State, node: NodeId, request: LockRequest) -> Reply:
    wanted: dict[LockKey, int] = {}
    ownership = state.ownership
    for index, key, mode in request.keys:
        if not 0 <= index < NUMBERS_MAX:
            raise ValueError(index)
        if ownership.is_partial and ownership.place(key) != OWNED:
            return NOT_HERE  # Rule L14
        if ownership.bars and not ownership.holds(index):
            return NOT_HERE
        known = wanted.get((index, key), SHARED)
        wanted[(index, key)] = mode if known == SHARED else known
    if request.watcher >= 0:
        watcher = (node, request.watcher)
        if not state.watches.is_clean(watcher, state.databases):
            return pack(LockReply(DIRTY, state.now_ms))
        for watched in state.watches.watchers[watcher]:
            wanted.setdefault(watched, SHARED)  # and so it stays unchanged
    outcome = state.intents.lock(request, wanted, state.entry_index, state.now_ms)
    items = _items(state, request.keys) if outcome == GRANTED else b""
    return pack(LockReply(outcome, state.now_ms, state.settings.refuses_growth, items))


def _items(state: State, keys: list[tuple[int, bytes, int]]) -> bytes:
    parcel = Parcel()
    for index, key, mode in keys:
        database = state.databases.open(index)
        if not database.exists(key):
            continue
        if mode == BLIND:
            parcel.add_blind(index, key)
        else:
            parcel.add(database, key)
    return parcel.packed()


class _Unlocked(ValueError):
    """Effects on a key that is not locked."""


def _decide(state: State, context: Context, data: bytes) -> Reply:
    request = unpack_decide(data)
    intents = state.intents
    intent = intents.by_id.get(request.id)
    effects, changes = Effects(0), Changes()
    if intent is not None:
        for group, raw in request.effects:
            if group == intent.home:
                effects, changes = _own(intent, raw)
            elif raw:
                unpack_effects(raw)
    freed = intents.decide(request, state.now_ms)
    if freed is None:
        if intents.has_committed(request.id):
            return OK
        if intent is not None:  # with fewer locks than it had been granted
            _released(state, context, intents.finish(request.id, False))
        return IS_ABORTED
    _apply(state, context, effects, changes)
    _released(state, context, freed)
    return OK


def _finish(state: State, context: Context, data: bytes) -> Reply:
    request = unpack_finish(data)
    intent = state.intents.by_id.get(request.id)
    effects, changes = Effects(0), Changes()
    is_lost = request.commits and state.intents.lacks(request.id, request.keys)
    if intent is not None and request.commits and not is_lost:
        try:
            effects, changes = _own(intent, request.effects)
        except _Unlocked:
            is_lost = True
    freed = state.intents.finish(request.id, request.commits)
    _apply(state, context, effects, changes)
    _released(state, context, freed)
    return IS_LOST if is_lost else OK


def _own(intent: Intent, raw: bytes) -> tuple[Effects, Changes]:
    """The effects on this group; ``ValueError`` when they are none, or on keys that it has not locked."""
    if not raw:
        return Effects(0), []
    effects = unpack_effects(raw)
    changes = unpack(effects.packets) if effects.packets else []
    for index, gone, items in changes:
        for key in [*gone, *[item[0] for item in items]]:
            if intent.keys.get((index, key), SHARED) == SHARED:
                raise _Unlocked(key)
    return effects, changes


def _apply(state: State, context: Context, effects: Effects, changes: Changes) -> None:
    """Rule L12."""
    catch_up(state, context, effects.time_ms)
    for index, gone, items in changes:
        database = state.databases.open(index)
        for key in gone:
            database.edit(key)  # one that is past its deadline goes as such, heard
            database.remove(key)
        for item in items:
            database.edit(item[0])
            _put(database, item)
    if context.notifies:
        for index, kind, name, key in effects.events:
            context.notify(kind, name, key, index)
    context.published.extend(effects.published)


def _put(database: Database, item: Item) -> None:
    """As a write does, but for the event of a new key: that is among the transaction's own."""
    key, value, deadline_ms = item
    listener, database.listener = database.listener, None
    database.set(key, value)
    database.listener = listener
    database.adopt(key, value)
    if deadline_ms >= 0:
        database.expire_at(key, deadline_ms)


def _released(state: State, context: Context, freed: list[LockKey]) -> None:
    """Rule L13."""
    if freed:
        state.waiting.released(context, freed)


def locks_left(state: State, ranges: Ranges) -> int:
    """How many keys of these slots are locked (Rule L14)."""
    if not state.intents.by_id:
        return 0
    wanted = bytearray(SLOTS)
    for low, high in ranges:
        wanted[low : high + 1] = b"\1" * (high + 1 - low)
    return sum([wanted[slot_of(key)] for _, key in state.intents.locks.held])
