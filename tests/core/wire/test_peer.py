"""Frames between nodes: every way of cutting them, every way of damaging them."""

import itertools
import os

from hypothesis import given, settings
from hypothesis import strategies as st

from trivet.core.wire.peer import FrameParser, frame

LIMIT = 1000
FUZZ_EXAMPLES = int(os.environ.get("TRIVET_FUZZ_EXAMPLES", "300"))
fuzz = settings(max_examples=FUZZ_EXAMPLES, derandomize=FUZZ_EXAMPLES == 300, deadline=None)


def test_a_frame() -> None:
    assert frame(b"abc") == b"\x07\0\0\0\xc2\x41\x24\x35abc"
    assert FrameParser(LIMIT).feed(frame(b"abc") + frame(b"")) == [b"abc", b""]


def test_an_announcement_costs_nothing() -> None:
    subject = FrameParser(2**31)
    assert subject.feed(b"\0\0\0\x7f1234") == []
    assert not subject.error
    assert subject.buffered_bytes() == 8


def test_the_limit_is_on_the_body() -> None:
    assert FrameParser(LIMIT).feed(frame(b"x" * LIMIT)) == [b"x" * LIMIT]
    subject = FrameParser(LIMIT)
    assert subject.feed(frame(b"a") + frame(b"x" * (LIMIT + 1))) == [b"a"]
    assert "1005 bytes announced" in subject.error


def test_a_frame_shorter_than_its_checksum() -> None:
    subject = FrameParser(LIMIT)
    assert subject.feed(b"\x03\0\0\0abcdefgh") == []
    assert subject.error


@fuzz
@given(st.lists(st.binary(max_size=60), max_size=6), st.lists(st.integers(0, 400), max_size=8))
def test_split_input_makes_no_difference(bodies: list[bytes], cuts: list[int]) -> None:
    data = b"".join(frame(body) for body in bodies)
    for edges in ([0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)], list(range(len(data) + 1))):
        subject = FrameParser(LIMIT)
        got = [body for start, end in itertools.pairwise(edges) for body in subject.feed(data[start:end])]
        assert got == bodies
        assert not subject.error
        assert subject.buffered_bytes() == 0


@fuzz
@given(st.binary(min_size=1, max_size=60), st.data())
def test_property_a_changed_bit_is_seen(body: bytes, data: st.DataObject) -> None:
    good = frame(body)
    at = data.draw(st.integers(0, len(good) * 8 - 1))
    bad = bytearray(good)
    bad[at // 8] ^= 1 << (at % 8)
    subject = FrameParser(LIMIT)
    assert subject.feed(bytes(bad)) == []
    assert subject.error or at < 32  # a changed length may also wait for bytes that do not come


@fuzz
@given(st.lists(st.binary(max_size=50), max_size=5))
def test_random_bytes_never_raise(pieces: list[bytes]) -> None:
    subject = FrameParser(LIMIT)
    for piece in pieces:
        if not subject.error:
            subject.feed(piece)
    assert subject.buffered_bytes() <= LIMIT + 8 + 50
