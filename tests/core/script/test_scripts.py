"""The store of scripts and libraries."""

import pytest

from tests.core.script.runs import context
from trivet.core.script import scripts as module
from trivet.core.script.scripts import Function, Library, Scripts, scripts_of, sha1_of


def test_evaluated_scripts_make_room_and_loaded_ones_stay(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "SCRIPTS_MAX", 3)
    scripts = Scripts()
    for text in (b"a", b"b", b"c", b"d"):
        assert scripts.remember(sha1_of(text), text, text == b"b")
    assert [scripts.script(sha1_of(text)) for text in (b"a", b"b", b"c", b"d")] == [None, b"b", b"c", b"d"]
    assert scripts.remember(sha1_of(b"c"), b"c", True)
    assert scripts.remember(sha1_of(b"e"), b"e", True)
    assert not scripts.remember(sha1_of(b"f"), b"f", True)
    assert not scripts.remember(sha1_of(b"f"), b"f", False)
    scripts.forget_scripts()
    assert scripts.remember(sha1_of(b"f"), b"f", False)


def test_libraries():
    scripts = Scripts()
    library = Library(b"l", b"text", [Function(b"f", None, [])])
    assert scripts.has_room_for(library)
    scripts.put_library(library)
    scripts.put_library(Library(b"l", b"other", [Function(b"g", b"d", [b"no-writes"])]))
    assert scripts.owner_of(b"f") is None
    assert scripts.owner_of(b"g") is scripts.libraries[b"l"]
    assert scripts.remove_library(b"l")
    assert not scripts.remove_library(b"l")


def test_the_digest_says_what_is_there_and_in_which_order():
    one, other = Scripts(), Scripts()
    assert one.digest == 0
    for text in (b"a", b"b"):
        one.remember(sha1_of(text), text, False)
    for text in (b"b", b"a"):
        other.remember(sha1_of(text), text, False)
    assert one.digest != other.digest
    twin = Scripts()
    twin.restore(one.state())
    assert twin.digest == one.digest
    one.put_library(Library(b"l", b"text", [Function(b"f", None, [])]))
    assert twin.digest != one.digest


def test_a_context_without_a_machine_gets_its_own():
    on = context()
    assert scripts_of(on) is scripts_of(on)
