"""Inline commands: the quoting rules, one line each."""

import pytest

from trivet.core.wire.inline import is_http, split_inline


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"", []),
        (b" \t\v\f\r", []),
        (b"set a b\r", [b"set", b"a", b"b"]),
        (b"echo a\rb", [b"echo", b"a", b"b"]),
        (b"echo a\vb", [b"echo", b"a\vb"]),
        (b"echo \va\v", [b"echo", b"a\v"]),
        (b"a\fb", [b"a\fb"]),
        (b'"" a', [b"", b"a"]),
        (b"'' a", [b"", b"a"]),
        (b'"a b" c', [b"a b", b"c"]),
        (b'foo"bar"', [b"foobar"]),
        (b'"a"\vb', [b"a", b"b"]),
        (rb'"\x41\n\r\t\b\a\q\"\\"', [b'A\n\r\t\b\aq"\\']),
        (rb'"\x4"', [b"x4"]),
        (rb'"\xzz"', [b"xzz"]),
        (rb"'b\x41\'c'", [rb"b\x41'c"]),
        (rb"a\b", [rb"a\b"]),
        (b"'\"' \"'\"", [b'"', b"'"]),
        (b"\xff\xfe 'x'", [b"\xff\xfe", b"x"]),
    ],
)
def test_words(line: bytes, words: list[bytes]) -> None:
    assert split_inline(line) == words


@pytest.mark.parametrize(
    "line", [b'"', b"'", b'a "b', b"a 'b", b'"a"b', b"'a'b", b'"a""b"', b'"\\', b'"a\\"', b"'a\\'"]
)
def test_unbalanced_quotes(line: bytes) -> None:
    assert split_inline(line) is None


@pytest.mark.parametrize("word", [b"POST", b"post", b"Host:", b"HOST:"])
def test_words_of_a_browser(word: bytes) -> None:
    assert is_http(word)


@pytest.mark.parametrize("word", [b"GET", b"HOST", b"POSTS", b"", b"hosts:"])
def test_words_of_a_client(word: bytes) -> None:
    assert not is_http(word)
