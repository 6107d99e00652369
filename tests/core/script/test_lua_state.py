"""The door to Lua."""

import pytest

from trivet.core.script.lua_state import MEMORY_ERROR, new_state


def test_strings_are_bytes_and_memory_is_bounded():
    state = new_state(1 << 20)
    assert state.execute(b"return ...", b"a\x00\xff") == b"a\x00\xff"
    with pytest.raises(MEMORY_ERROR):
        state.execute(b"local s = 'x' while true do s = s .. s end")


def test_python_objects_have_no_attributes():
    state = new_state(1 << 20)
    read = state.execute(b"return function(o) return (pcall(function() return o.real end)) end")
    assert read(object()) is False
    write = state.execute(b"return function(o) return (pcall(function() o.x = 1 end)) end")
    assert write(object()) is False
    assert state.execute(b"return python.eval == nil and python.builtins == nil") is True
