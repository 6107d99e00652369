"""Words as bytes and back; other bytes are refused."""

import pytest

from trivet.core.transaction.words import (
    BLIND,
    EXCLUSIVE,
    GRANTED,
    DecideRequest,
    Effects,
    FinishRequest,
    ForgetRequest,
    LockReply,
    LockRequest,
    ResolveRequest,
    Stamp,
    TransactionId,
    pack,
    unpack_decide,
    unpack_effects,
    unpack_finish,
    unpack_forget,
    unpack_lock,
    unpack_reply,
    unpack_resolve,
)

ID = TransactionId(1, 7, 3)
WORDS = [
    (LockRequest(ID, 1, Stamp(1000, 1, 3), 2, -1, [(0, b"a", EXCLUSIVE), (1, b"b", BLIND)]), unpack_lock),
    (LockReply(GRANTED, 1000, False, b"items"), unpack_reply),
    (Effects(1000, b"packets", [(0, 4, b"set", b"a")], [(False, b"c", b"m")]), unpack_effects),
    (DecideRequest(ID, 2, [(1, b"x"), (2, b"y")]), unpack_decide),
    (FinishRequest(ID, True, b"x"), unpack_finish),
    (ResolveRequest(ID, 2), unpack_resolve),
    (ForgetRequest(ID), unpack_forget),
]


@pytest.mark.parametrize(("word", "unpack"), WORDS)
def test_a_word_comes_back_as_it_was(word, unpack):
    found = unpack(pack(word))
    assert found == word
    assert pack(found) == pack(word)


@pytest.mark.parametrize(("word", "unpack"), WORDS)
@pytest.mark.parametrize("data", [b"", b"\xc1", b"\x90", b"text"])
def test_other_bytes_are_refused(word, unpack, data):
    with pytest.raises(ValueError):
        unpack(data)
    with pytest.raises(ValueError):
        unpack(pack(word)[:-1])


def test_a_mode_that_is_none_is_refused():
    with pytest.raises(ValueError, match="not a request for locks"):
        unpack_lock(pack(LockRequest(ID, 1, Stamp(1, 1, 1), 0, -1, [(0, b"a", 3)])))


def test_the_older_stamp_is_the_lower():
    assert Stamp(1, 2, 9) < Stamp(2, 1, 1)
    assert Stamp(1, 1, 9) < Stamp(1, 2, 1)
