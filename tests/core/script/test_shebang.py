"""First lines."""

import pytest

from trivet.core.script.shebang import Script, is_name, known_flags, read_library, read_script
from trivet.core.wire.reply import Error


def test_scripts():
    plain = read_script(b"return 1")
    assert isinstance(plain, Script)
    assert (plain.body, plain.has_shebang, plain.no_writes) == (b"return 1", False, False)
    flagged = read_script(b"#!lua flags=no-writes,allow-oom\nreturn 1")
    assert isinstance(flagged, Script)
    assert (flagged.body, flagged.has_shebang, flagged.no_writes) == (b"\nreturn 1", True, True)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (b"#!lua flags=", "ERR Invalid script shebang"),
        (b"#!js\nx", "ERR Unexpected engine in script shebang: #!js"),
        (b"#!lua name=x\nx", "ERR Unknown lua shebang option: name=x"),
        (b"#!lua flags=nosuch\nx", "ERR Unexpected flag in script shebang: nosuch"),
    ],
)
def test_bad_scripts(source: bytes, text: str):
    assert read_script(source) == Error(text)


def test_libraries():
    assert read_library(b"#!lua name=ab\nreturn 1") == (b"ab", b"\nreturn 1")
    for source, text in (
        (b"return 1", "Missing library metadata"), (b"#!lua name=a", "Invalid library metadata"),
        (b"#!lua\n", "Library name was not given"), (b"#!js name=a\n", "Engine 'js' not found"),
        (b"#!lua x=1\n", "Invalid metadata value given: x=1"), (b"#!lua name=a-b\n", "Library names can only"),
        (b"#!lua name=a name=b\n", "name argument was given multiple times"),
    ):  # fmt: skip
        found = read_library(source)
        assert isinstance(found, Error)
        assert text in found.text


def test_words():
    assert known_flags(b"")
    assert known_flags(b"no-writes,allow-stale")
    assert not known_flags(b"no-writes,x")
    assert is_name(b"a_1")
    assert not is_name(b"")
    assert not is_name("é".encode())
