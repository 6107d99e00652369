"""Replies in one piece or in several (Rule F4)."""

from hypothesis import given
from hypothesis import strategies as st

from trivet.core.group.reply_parts import ReplyParts, split_replies
from trivet.core.machine.plain_reply import decode_replies, encode_replies
from trivet.core.wire.reply import Error

TOO_LARGE = Error("OOM too large")


def test_what_fits_goes_in_one_piece():
    assert split_replies([1, b"x", None], 100, TOO_LARGE) == [(0, encode_replies([1, b"x", None]))]


def test_what_does_not_fit_is_split_and_a_giant_harms_no_neighbour():
    parts = split_replies([b"a" * 60, 1, b"b" * 200, b"c" * 60], 100, TOO_LARGE)
    assert all(len(data) <= 100 for _, data in parts)
    assert [(first, decode_replies(data)) for first, data in parts] == [
        (0, [b"a" * 60, 1]), (2, [TOO_LARGE]), (3, [b"c" * 60]),
    ]  # fmt: skip


@given(st.lists(st.integers(0, 80), min_size=1, max_size=30), st.randoms(use_true_random=False))
def test_parts_make_the_whole_in_any_order_and_twice(sizes, chance):
    replies = [bytes([65 + size % 26]) * size for size in sizes]
    parts = split_replies(replies, 100, TOO_LARGE)
    known = parts + chance.sample(parts, len(parts) // 2)
    chance.shuffle(known)
    whole = ReplyParts(len(replies))
    assert sum([whole.add(first, data) for first, data in known]) == 1, "told once that it is whole"
    assert whole.whole and whole.replies == replies


def test_what_does_not_fit_in_is_passed_over():
    parts = ReplyParts(2)
    for first, data in ((0, b"\xc1"), (0, b""), (1, encode_replies([1, 2])), (1 << 62, encode_replies([1]))):
        assert not parts.add(first, data)
    assert not parts.add(0, encode_replies([7])) and not parts.whole
    assert parts.add(1, encode_replies([8]))
    assert not parts.add(0, encode_replies([9, 9]))
    assert parts.replies == [7, 8]


def test_forgotten_replies_are_whole():
    parts = ReplyParts(2)
    parts.forget()
    assert parts.whole and parts.forgotten
    done = ReplyParts(1)
    done.add(0, encode_replies([1]))
    done.forget()
    assert not done.forgotten, "a late word changes nothing"
