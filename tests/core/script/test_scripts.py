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


def test_what_is_taught_is_the_same_in_any_order_and_without_what_was_only_evaluated():
    one, other = Scripts(), Scripts()
    assert one.taught == b""
    libraries = [Library(name, b"text", [Function(name, None, [])]) for name in (b"l", b"m")]
    for scripts, order in ((one, 1), (other, -1)):
        for library in libraries[::order]:
            scripts.put_library(library)
        for text in (b"a", b"b")[::order]:
            scripts.remember_loaded(text)
    other.remember(sha1_of(b"c"), b"c", False)
    assert one.taught == other.taught
    assert one.loaded() == other.loaded() == {sha1_of(b"a"): b"a", sha1_of(b"b"): b"b"}
    assert one.digest != other.digest
    other.forget_script(sha1_of(b"c"))
    assert other.script(sha1_of(b"c")) == b"c"
    other.forget_script(sha1_of(b"a"))
    assert other.script(sha1_of(b"a")) is None
    assert one.taught != other.taught
    other.remember(sha1_of(b"a"), b"a", False)
    assert one.taught != other.taught
    other.remember_loaded(b"a")
    assert one.taught == other.taught
    one.forget_libraries()
    one.forget_scripts()
    assert one.taught == b""
