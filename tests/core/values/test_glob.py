import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trivet.core.values.glob import Glob, glob_matches


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        (b"", [b""], [b"a"]),
        (b"*", [b"", b"a", b"abc"], []),
        (b"a", [b"a"], [b"", b"b", b"aa"]),
        (b"a*", [b"a", b"abc"], [b"", b"ba"]),
        (b"*a", [b"a", b"ba"], [b"ab", b""]),
        (b"a*b", [b"ab", b"axxb"], [b"a", b"b", b"aba"]),
        (b"a*b*c", [b"abc", b"axbxc", b"abbcc"], [b"acb", b"ab"]),
        (b"*ab*ab*", [b"abab", b"xabyabz"], [b"ab", b"aab"]),
        (b"?", [b"a", b"\xff"], [b"", b"ab"]),
        (b"a?c", [b"abc"], [b"ac", b"abbc"]),
        (b"[abc]", [b"a", b"c"], [b"d", b""]),
        (b"[^abc]", [b"d"], [b"a", b""]),
        (b"[a-c]x", [b"ax", b"cx"], [b"dx"]),
        (b"[c-a]", [b"b"], [b"d"]),
        (b"[\\]]", [b"]"], [b"\\"]),
        (b"[\\a-c]", [b"a", b"-", b"c"], [b"b"]),
        (b"\\*", [b"*"], [b"a", b"\\*"]),
        (b"\\a", [b"a"], [b"\\a"]),
        (b"*\\?*", [b"a?b"], [b"ab"]),
        (b"h[ae]*o", [b"hello", b"hao"], [b"hillo"]),
    ],
)
def test_patterns(pattern: bytes, matching: list[bytes], others: list[bytes]):
    assert [text for text in matching if not glob_matches(pattern, text)] == []
    assert [text for text in others if glob_matches(pattern, text)] == []


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        (b"[", [], [b"[", b"a"]),
        (b"[^", [b"a", b"^"], [b""]),
        (b"[a", [b"a"], [b"b", b"[a"]),
        (b"[a-", [b"a", b"-"], [b"b"]),
        (b"[]", [], [b"a", b"]"]),
        (b"[^]", [b"a"], [b""]),
        (b"[a-]", [b"]", b"a", b"^"], [b"-", b"b"]),
        (b"a\\", [b"a\\"], [b"a"]),
        (b"**", [b"a"], [b""]),
    ],
)
def test_corner_cases_are_those_of_redis(pattern: bytes, matching: list[bytes], others: list[bytes]):
    test_patterns(pattern, matching, others)


def reference(pattern: bytes, text: bytes) -> bool:
    """Stars, question marks and literals, by definition."""
    if not pattern:
        return not text
    if pattern[:1] == b"*":
        return any(reference(pattern[1:], text[start:]) for start in range(len(text) + 1))
    return bool(text) and pattern[:1] in (b"?", text[:1]) and reference(pattern[1:], text[1:])


@given(st.text("ab?*", max_size=8).map(str.encode), st.text("ab", min_size=1, max_size=10).map(str.encode))
def test_agrees_with_the_definition(pattern: bytes, text: bytes):
    assert glob_matches(pattern, text) == reference(pattern, text)


@pytest.mark.parametrize("unit", [b"a*", b"[a]*", b"?*", b"*a", b"[ab]a*"])
def test_no_pattern_explodes(unit: bytes):
    start = time.process_time()
    assert not Glob(unit * 2000 + b"b").matches(b"a" * 20_000)
    assert time.process_time() - start < 2


def test_deep_nesting_of_brackets_is_harmless():
    assert not glob_matches(b"[" * 100_000, b"a")
    assert glob_matches(b"[" * 100_000, b"[")


@given(
    st.lists(st.sampled_from([b"?", b"a", b"[ab]", b"[^a]", b"[b-c]", b"\\c"]), min_size=8, max_size=12),
    st.text("abc", min_size=70, max_size=200).map(str.encode),
)
def test_a_large_segment_is_found_where_a_slow_look_finds_it(elements: list[bytes], text: bytes):
    glob = Glob(b"*" + b"".join(elements) + b"[abc]*")
    tables = [Glob(element) for element in [*elements, b"[abc]"]]
    size = len(tables)
    slow = any(
        all(table.matches(text[at + offset : at + offset + 1]) for offset, table in enumerate(tables))
        for at in range(len(text) - size + 1)
    )
    assert glob.matches(text) == slow
