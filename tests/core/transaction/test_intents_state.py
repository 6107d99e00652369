"""Intents in a snapshot: what a reader of the bytes finds, and what an old one does not have."""

import msgspec

from trivet.core.transaction.intents import Intents
from trivet.core.transaction.intents_state import IntentsState
from trivet.core.transaction.words import EXCLUSIVE, SHARED, LockRequest, Stamp, TransactionId


def test_a_group_that_never_heard_of_any_has_the_default():
    assert Intents().state() == IntentsState()
    assert msgspec.msgpack.decode(b"\x90", type=IntentsState) == IntentsState()


def test_the_order_of_shared_holders_is_kept():
    intents = Intents()
    key = (0, b"a")
    for number, wanted in [
        (1, {(0, b"b"): SHARED}),
        (2, {key: SHARED}),
        (1, {key: SHARED, (0, b"c"): EXCLUSIVE}),
    ]:
        id_ = TransactionId(number, 1, 1)
        request = LockRequest(id_, 1, Stamp(number, number, 1), 0, -1, [])
        intents.lock(request, wanted, number, 1000)
    loaded = Intents()
    loaded.restore(msgspec.msgpack.decode(msgspec.msgpack.encode(intents.state()), type=IntentsState))
    assert [one.node for one in loaded.locks.held[key]] == [2, 1]
    loaded.check_invariants()
    assert loaded.state() == intents.state()
