"""What coordinators, participants and homes say to each other: words in the logs of groups.

Each word is one call, ``TXN verb packed``; what it answers is a reply as any other. Everything
here is msgpack, bounded, and decodes or is refused (``ValueError``).
"""

from typing import Final, NamedTuple

import msgspec

from trivet.core.base.ids import ConnectionId, GroupId, NodeId

TXN: Final = b"TXN"
LOCK: Final = b"LOCK"
DECIDE: Final = b"DECIDE"
FINISH: Final = b"FINISH"
RESOLVE: Final = b"RESOLVE"
FORGET: Final = b"FORGET"
SINCE: Final = b"SINCE"
"""``SINCE index call…``: the call was answered ``NotHere(locked_at=index)`` before. It waits for no
transaction whose first lock is later, if it is about whole databases."""

SHARED: Final = 0
EXCLUSIVE: Final = 1
BLIND: Final = 2
"""Exclusive, and only whether the key exists is wanted, not its value."""

GRANTED: Final = 0
WAIT: Final = 1
"""A younger transaction holds a key: ask again."""
DIE: Final = 2
"""An older transaction holds a key or waits for it: give up all locks, begin again with the same stamp."""
DIRTY: Final = 3
"""A key that the client watched has changed."""
STALE: Final = 4
"""That transaction is over here, or was aborted because nothing was heard of it."""

KEYS_MAX: Final = 100_000
"""Locks of one transaction in one group."""

COMMIT: Final = b"COMMIT"
ABORT: Final = b"ABORT"
"""How ``RESOLVE`` answers."""
ABORTED: Final = b"ABORTED"
"""How ``DECIDE`` answers (as a status) when it is not committed; else ``OK``."""
LOST: Final = b"LOST"
"""How ``FINISH`` answers (as a status) when it commits and has not its locks here (any more); else ``OK``."""


class TransactionId(NamedTuple):
    """One attempt of one transaction. Numbers rise within an incarnation and are never used again."""

    node: NodeId
    incarnation: int
    number: int


class Stamp(NamedTuple):
    """The age of a transaction, kept over its attempts: the lower is the older (wait-die)."""

    wall_ms: int
    node: NodeId
    number: int


LockKey = tuple[int, bytes]
"""(database, key)"""


class LockRequest(msgspec.Struct, array_like=True, frozen=True):
    """``TXN LOCK``: take these locks, all or none, beside those that the transaction has here."""

    id: TransactionId
    home: GroupId
    """Where it is decided."""
    stamp: Stamp
    low: int
    """All transactions of this node and incarnation with lower numbers are over, at every participant."""
    watcher: ConnectionId
    """The client whose watched keys here must be unchanged, and stay so; -1: none."""
    keys: list[tuple[int, bytes, int]]
    """(database, key, mode)"""


class LockReply(msgspec.Struct, array_like=True, frozen=True):
    """What a participant says to it."""

    outcome: int
    time_ms: int = 0
    """Of the participant's log."""
    refuses_growth: bool = False
    """Memory is short there."""
    items: bytes = b""
    """The keys that exist, as ``machine.packets`` has them; the values of blind ones are empty strings."""


class Effects(msgspec.Struct, array_like=True, frozen=True):
    """What a committed transaction does to one group."""

    time_ms: int
    """At which it ran: the group's time is not before it from then on."""
    packets: bytes = b""
    """Keys that are changed or gone, as ``machine.packets`` has them."""
    events: list[tuple[int, int, bytes, bytes]] = []
    """Keyspace events: (database, class, name, key)."""
    published: list[tuple[bool, bytes, bytes]] = []
    """(to a sharded channel, channel, message)"""


class DecideRequest(msgspec.Struct, array_like=True, frozen=True):
    """``TXN DECIDE`` to the home: commit, unless it was aborted already."""

    id: TransactionId
    low: int
    """As in ``LockRequest``."""
    effects: list[tuple[GroupId, bytes]]
    """For every participant, the home included, its ``Effects`` as bytes."""
    keys: int = 0
    """So many are locked at home: with fewer, some of them are lost (mode ``primary``)."""


class FinishRequest(msgspec.Struct, array_like=True, frozen=True):
    """``TXN FINISH`` to a participant: release the locks, with the effects or without."""

    id: TransactionId
    commits: bool
    effects: bytes = b""
    keys: int = 0
    """So many are locked there, as in ``DecideRequest``."""


class ResolveRequest(msgspec.Struct, array_like=True, frozen=True):
    """``TXN RESOLVE`` to the home: what became of it? If nothing did, it is aborted now.

    Answered with ``[ABORT]``, or ``[COMMIT, effects]`` with those of the asking group.
    """

    id: TransactionId
    group: GroupId
    """Who asks."""


class ForgetRequest(msgspec.Struct, array_like=True, frozen=True):
    """``TXN FORGET`` to the home: every participant has applied it."""

    id: TransactionId


_encoder: Final = msgspec.msgpack.Encoder()
_lock: Final = msgspec.msgpack.Decoder(LockRequest)
_reply: Final = msgspec.msgpack.Decoder(LockReply)
_effects: Final = msgspec.msgpack.Decoder(Effects)
_decide: Final = msgspec.msgpack.Decoder(DecideRequest)
_finish: Final = msgspec.msgpack.Decoder(FinishRequest)
_resolve: Final = msgspec.msgpack.Decoder(ResolveRequest)
_forget: Final = msgspec.msgpack.Decoder(ForgetRequest)


def pack(
    word: LockRequest | LockReply | Effects | DecideRequest | FinishRequest | ResolveRequest | ForgetRequest,
) -> bytes:
    """As bytes."""
    return _encoder.encode(word)


def unpack_lock(data: bytes) -> LockRequest:
    """``ValueError`` for other bytes, too many keys, or a mode that is none."""
    found = _lock.decode(data)
    if len(found.keys) > KEYS_MAX or any(mode not in (SHARED, EXCLUSIVE, BLIND) for _, _, mode in found.keys):
        raise ValueError("not a request for locks")
    return found


def unpack_reply(data: bytes) -> LockReply:
    """``ValueError`` for other bytes."""
    return _reply.decode(data)


def unpack_effects(data: bytes) -> Effects:
    """``ValueError`` for other bytes."""
    return _effects.decode(data)


def unpack_decide(data: bytes) -> DecideRequest:
    """``ValueError`` for other bytes."""
    return _decide.decode(data)


def unpack_finish(data: bytes) -> FinishRequest:
    """``ValueError`` for other bytes."""
    return _finish.decode(data)


def unpack_resolve(data: bytes) -> ResolveRequest:
    """``ValueError`` for other bytes."""
    return _resolve.decode(data)


def unpack_forget(data: bytes) -> ForgetRequest:
    """``ValueError`` for other bytes."""
    return _forget.decode(data)
