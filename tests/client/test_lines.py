"""Bytes become lines, whatever the pieces, within a bound."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trivet.client.lines import TOO_LONG, LineParser


def lines_in(*pieces, most=10):
    parser = LineParser(most)
    found = [line for piece in pieces for line in parser.feed(piece)]
    assert parser.held_bytes() <= most + 1
    return found, parser.end()


@pytest.mark.parametrize(
    ("pieces", "lines", "rest"),
    [
        ([b"a\nb\r\n\n\r\n"], [b"a", b"b", b"", b""], []),
        ([b"a", b"b", b"\nc"], [b"ab"], [b"c"]),
        ([b"a\r", b"\nb\r"], [b"a"], [b"b"]),
        ([b"a\rb\n\xff\x00\n"], [b"a\rb", b"\xff\x00"], []),
        ([b"0123456789\n0123456789\r\n"], [b"0123456789", b"0123456789"], []),
        ([b"0123456789a\nb\n"], [TOO_LONG, b"b"], []),
        ([b"0123456789abc", b"defg", b"\nb\n"], [TOO_LONG, b"b"], []),
        ([b"0123456789abc", b"d" * 100], [TOO_LONG], []),
        ([b"0123456789a"], [], [TOO_LONG]),
        ([], [], []),
    ],
)
def test_lines(pieces, lines, rest):
    assert lines_in(*pieces) == (lines, rest)


@given(st.binary(max_size=60), st.lists(st.integers(0, 60), max_size=5))
def test_pieces_do_not_matter(data, cuts):
    at = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    pieces = [data[start:stop] for start, stop in pairwise(at)]
    assert lines_in(*pieces, most=9) == lines_in(data, most=9)
