"""Compiling apart, and what is refused."""

import pytest

from trivet.core.script.bytecode import SOURCE_BYTES_MAX, Bytecode, Refused, compile_source, strip


def test_the_same_text_gives_the_same_bytecode():
    one = compile_source(b"local a = 1 return function(...) return a, 'x', 2.5, nil, true end", b"@s")
    assert one == compile_source(b"local a = 1 return function(...) return a, 'x', 2.5, nil, true end", b"@s")
    assert len(strip(one)) < len(one)


def test_tail_calls_become_plain_ones():
    plain = compile_source(b"local f = ... return (f())", b"@s")
    tail = compile_source(b"local f = ... return f()", b"@s")
    assert plain != tail


@pytest.mark.parametrize("source", [b"\x1bLua", b"\x1b", compile_source(b"return 1", b"@s")])
def test_bytecode_does_not_come_in(source: bytes):
    with pytest.raises(Refused):
        compile_source(source, b"@s")


def test_errors_are_lua_s():
    with pytest.raises(Refused, match="user_script:2: unexpected symbol near"):
        compile_source(b"\nreturn +", b"@user_script")
    with pytest.raises(Refused, match="at most"):
        compile_source(b" " * (SOURCE_BYTES_MAX + 1), b"@s")
    with pytest.raises(Refused):
        compile_source(b"return " + b"(" * 100_000, b"@s")


def test_few_parameters_before_dots():
    assert compile_source(b"return function(a, b, c, d, e, ...) end", b"@s")
    with pytest.raises(Refused, match="function at line 2"):
        compile_source(b"\nreturn {function(a, b, c, d, e, f, ...) end}", b"@s")


def test_the_memory_is_bounded():
    compiler = Bytecode()
    for number in range(20):
        assert compiler.of(b"return %d" % number + b" " * 1_000_000, b"@s")
    assert compiler.of(b"return 1", b"@s") == compiler.of(b"return 1", b"@s")
