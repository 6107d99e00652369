"""Words of transactions, said to a machine: what the tests about them share."""

from tests.core.machine.replicas import Replica, call
from trivet.core.machine.machine import Machine
from trivet.core.machine.packets import Parcel, unpack
from trivet.core.machine.snapshot import SnapshotLoad, SnapshotWalk
from trivet.core.transaction import words
from trivet.core.transaction.words import (
    EXCLUSIVE,
    DecideRequest,
    Effects,
    FinishRequest,
    ForgetRequest,
    LockRequest,
    ResolveRequest,
    Stamp,
    TransactionId,
    pack,
    unpack_reply,
)

HOME = 1
"""The group of most tests."""


def ident(number: int, node: int = 1, incarnation: int = 1) -> TransactionId:
    return TransactionId(node, incarnation, number)


def said(verb: bytes, word) -> tuple[int, list[bytes]]:
    """A call with a word in it."""
    return 0, [b"TXN", verb, pack(word)]


def lock(id_, *keys, age=None, home=HOME, low=0, watcher=-1, db=0):
    """``LOCK``; keys as ``a`` or ``("a", mode)``."""
    age = id_.number if age is None else age
    wanted = [(db, *((k.encode(), EXCLUSIVE) if isinstance(k, str) else (k[0].encode(), k[1]))) for k in keys]
    return said(words.LOCK, LockRequest(id_, home, Stamp(age, id_.node, 0), low, watcher, wanted))


def finish(id_, effects: bytes | None = None, keys=0):
    return said(words.FINISH, FinishRequest(id_, effects is not None, effects or b"", keys))


def decide(id_, *effects, low=0, keys=0):
    return said(words.DECIDE, DecideRequest(id_, low, list(effects), keys))


def resolve(id_, group):
    return said(words.RESOLVE, ResolveRequest(id_, group))


def forget(id_):
    return said(words.FORGET, ForgetRequest(id_))


def effects_of(
    *lines: str, base: Machine | None = None, touched: tuple[str, ...] = (), db=0, **more
) -> bytes:
    """The effects of commands, as if they had run in a workspace; on an empty one without ``base``."""
    scratch = Replica()
    if base is not None:
        scratch.machine = copy_of(base)
    for line in lines:
        scratch.one(call(line, db))
    keys = touched or tuple(line.split()[1] for line in lines)
    parcel = Parcel()
    for key in dict.fromkeys(keys):
        parcel.add(scratch.machine.databases.open(db), key.encode())
    return pack(Effects(more.pop("time_ms", 0), parcel.packed(), **more))


def granted(reply) -> dict[bytes, object]:
    """The values that came with the locks."""
    found = unpack_reply(reply)
    assert found.outcome == words.GRANTED, found
    items = unpack(found.items) if found.items else []
    return {key: value for _, _, values in items for key, value, _ in values}


def outcome(reply) -> int:
    return unpack_reply(reply).outcome


def copy_of(machine: Machine) -> Machine:
    """The machine after a snapshot."""
    walk, load = SnapshotWalk(machine, 1000), SnapshotLoad(Machine(machine._expire_max))
    while (chunk := walk.next_chunk()) is not None:
        load.feed(chunk)
    return load.machine
