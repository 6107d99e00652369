"""Remembered replies survive a snapshot, whatever they are."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trivet.core.machine.plain_reply import decode_replies, encode_replies
from trivet.core.wire.reply import (
    NOT_HERE,
    NULL_ARRAY,
    OK,
    Decimal,
    Error,
    MapPairs,
    Members,
    NotHere,
    Pairs,
    Push,
    Simple,
    Verbatim,
)

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.binary(max_size=20),
    st.text(max_size=10).map(Simple),
    st.text(max_size=10).map(Error),
    st.just(NULL_ARRAY),
    st.just(NOT_HERE),
    st.just(NotHere(7, True)),
    st.builds(Verbatim, st.just("txt"), st.binary(max_size=10)),
    st.binary(max_size=10).map(Decimal),
)


def _collections(items):
    lists = st.lists(items, max_size=4)
    return st.one_of(
        lists,
        lists.map(Members),
        lists.map(Push),
        st.lists(st.tuples(items, items), max_size=3).map(Pairs),
        st.lists(st.tuples(items, items), max_size=3).map(MapPairs),
        st.dictionaries(st.binary(max_size=5), items, max_size=3),
    )


REPLIES = st.recursive(SCALARS, _collections, max_leaves=20)


@settings(max_examples=60, deadline=None)
@given(st.lists(REPLIES, max_size=5))
def test_replies_come_back(replies):
    again = decode_replies(encode_replies(replies))
    assert again == replies
    assert [type(reply) for reply in again] == [type(reply) for reply in replies]


def test_a_lone_status_has_the_bytes_that_it_has_among_others():
    for reply in (OK, Simple("OK"), Simple("PONG"), Error("OK")):
        data = encode_replies([reply])
        assert encode_replies([reply, reply]) == b"\x92" + 2 * data[1:]
        assert decode_replies(data) == [reply] and type(decode_replies(data)[0]) is type(reply)
    assert encode_replies([OK]) == encode_replies([Simple("OK")])


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=60))
def test_other_bytes_raise_nothing_else(data):
    try:
        decode_replies(data)
    except (ValueError, msgspec.DecodeError):
        pass


@pytest.mark.parametrize(
    "plain",
    [
        7,
        [[]],
        [["?"]],
        ["text"],
        [["+"]],
        [["-"]],
        [["v", "txt"]],
        [["v", "txt", 3]],
        [["f", 0.5]],
        [["p", 1]],
        [["d", 1, 2]],
        [["d", b"k"]],
        [{"a": 1}],
    ],
)
def test_what_is_no_reply_is_refused(plain):
    with pytest.raises(ValueError):
        decode_replies(msgspec.msgpack.encode(plain))


def test_a_status_is_a_status():
    assert decode_replies(encode_replies([OK, Error("ERR no")])) == [OK, Error("ERR no")]
