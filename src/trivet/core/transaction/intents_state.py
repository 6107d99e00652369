"""Intents, records and marks as they stand in a snapshot."""

import msgspec

from trivet.core.base.ids import GroupId, NodeId
from trivet.core.transaction.words import Stamp, TransactionId


class IntentState(msgspec.Struct, array_like=True, frozen=True):
    """One intent: ``keys`` are (database, key, mode)."""

    id: TransactionId
    home: GroupId
    stamp: Stamp
    since_ms: int
    index: int
    keys: list[tuple[int, bytes, int]]


class RecordState(msgspec.Struct, array_like=True, frozen=True):
    """One commit record."""

    id: TransactionId
    since_ms: int
    effects: list[tuple[GroupId, bytes]]


class LifeState(msgspec.Struct, array_like=True, frozen=True):
    """What is over of one node: ``over`` are (number, whether it was committed)."""

    node: NodeId
    incarnation: int
    low: int
    over: list[tuple[int, bool]]


class ReservationState(msgspec.Struct, array_like=True, frozen=True):
    """Somebody waits for this key."""

    database: int
    key: bytes
    stamp: Stamp
    mode: int
    until_ms: int


class IntentsState(msgspec.Struct, array_like=True, frozen=True):
    """All of it; the default is that of a group which has never heard of any.

    ``shared``: (database, key, holders in their order), where there are several.
    """

    intents: list[IntentState] = []
    records: list[RecordState] = []
    lives: list[LifeState] = []
    reserved: list[ReservationState] = []
    barrier_until_ms: int = 0
    shared: list[tuple[int, bytes, list[TransactionId]]] = []
