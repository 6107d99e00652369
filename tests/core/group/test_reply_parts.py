"""Replies in one message or in chunks (Rule F4)."""

from hypothesis import given
from hypothesis import strategies as st

from trivet.core.group.reply_parts import CHUNK_BYTES, ReplyParts, chunks, encode_bounded
from trivet.core.machine.plain_reply import decode_replies, encode_replies
from trivet.core.wire.reply import Error

TOO_LARGE = Error("OOM too large")
MAX = 100 * CHUNK_BYTES


def test_the_largest_give_way_when_all_are_too_large():
    replies = [b"a" * 60, 1, b"b" * 200, b"c" * 60]
    assert decode_replies(encode_bounded(replies, 1000, TOO_LARGE)) == replies
    assert decode_replies(encode_bounded(replies, 300, TOO_LARGE)) == [b"a" * 60, 1, TOO_LARGE, b"c" * 60]
    assert decode_replies(encode_bounded([b"x" * 200], 100, TOO_LARGE)) == [TOO_LARGE]


@given(st.integers(1, 5 * CHUNK_BYTES), st.randoms(use_true_random=False))
def test_chunks_make_the_whole_in_any_order_and_twice(size, chance):
    data = encode_replies([b"x" * size, 7])
    pieces = chunks(data)
    known = pieces + chance.sample(pieces, len(pieces) // 2)
    chance.shuffle(known)
    parts = ReplyParts(2, MAX)
    assert sum([parts.add(offset, len(data), piece) for offset, piece in known]) == 1, "told once"
    assert parts.whole and parts.replies == [b"x" * size, 7]


def test_what_is_short_comes_whole():
    parts = ReplyParts(1, MAX)
    assert parts.add(0, 0, encode_replies([7])) and parts.replies == [7]
    assert not parts.add(0, 0, encode_replies([8])) and parts.replies == [7]


def test_what_does_not_fit_is_passed_over():
    data = encode_replies([b"x" * CHUNK_BYTES])
    total = len(data)
    (_, first), (offset, last) = chunks(data)
    parts = ReplyParts(1, MAX)
    for one in (
        (0, 0, b"\xc1"), (0, 0, b""), (0, 0, encode_replies([1, 2])), (0, 1 << 62, first), (1, total, first),
        (0, total, last), (offset, total, first), (1 << 61, total, b""), (2 * CHUNK_BYTES, total, b""),
    ):  # fmt: skip
        assert not parts.add(*one)
    assert not parts.add(0, total, first)
    assert not parts.add(0, total + 1, first), "of another whole: begun anew"
    assert not parts.add(offset, total, last)
    assert parts.add(0, total, first) and parts.replies == [b"x" * CHUNK_BYTES]


def test_forgotten_replies_are_whole():
    parts = ReplyParts(2, MAX)
    parts.forget()
    assert parts.whole and parts.forgotten
    done = ReplyParts(1, MAX)
    done.add(0, 0, encode_replies([1]))
    done.forget()
    assert not done.forgotten, "a late word changes nothing"
