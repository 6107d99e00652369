"""Our matcher against Lua's own: the same pattern on a short text (native) and on a padded one (ours)."""

import pytest

from tests.core.script.runs import COMPILER, context, lua
from trivet.core.script.bridge import ScriptRun

CASES = [
    ("hello world from lua", "(%w+) (%w+)"), ("  trim me  ", "^%s*(.-)%s*$"), ("k = v", "^(%w+)%s*=%s*(%w+)$"),
    ("THE (quick) fox", "%((%a+)%)"), ("f(a(b)c)d", "%b()"), ("THE (quick) fox", "%f[%a]%a+"),
    ("x=1,y=2", "(%w)=(%w)"), ("aaa", "a-b"), ("abab", "(a)(b)%1%2"), ("[x]", "[]x[]+"), ("a-b", "[a%-]+"),
    ("0x1F", "^0[xX](%x+)$"), ("", ""), ("abc", "()b()"), ("a\0b", "%z"), ("a]b", "[^]]+"), ("aXb", "[^%u]"),
    ("colour color", "colou?r"), ("2024-01-02", "(%d+)-(%d+)-(%d+)"), ("caab", "a*"), ("x", "x$"), ("x$", "x$$"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "pattern"), CASES)
def test_ours_finds_what_lua_finds(text: str, pattern: str):
    native = _show("string.find(ARGV[1], ARGV[2])", text, pattern)
    ours = _show("string.find(ARGV[1], ARGV[3])", text, pattern)
    assert native == ours
    assert _show("string.gsub(ARGV[1], ARGV[2], '<%0>')", text, pattern) == _show(
        "string.gsub(ARGV[1], ARGV[3], '<%0>')", text, pattern
    )
    each = "(function() local t = {} for a, b in string.gmatch(ARGV[1], ARGV[%d]) do t[#t + 1] = tostring(a) .. tostring(b) end return table.concat(t, ',') end)()"
    if not pattern.startswith("^"):
        assert _show(each % 2, text, pattern) == _show(each % 3, text, pattern)


def _show(call: str, text: str, pattern: str) -> object:
    """Optional items at the end make a pattern heavy without changing what it matches."""
    heavy = pattern
    if pattern.endswith("$"):
        heavy = pattern[:-1] + "\x01?" * 13 + "$"
    else:
        heavy = pattern + "\x01?" * 13
    arguments = [text.encode("latin-1"), pattern.encode("latin-1"), heavy.encode("latin-1")]
    source = f"local t = {{{call}}} for i = 1, #t do t[i] = tostring(t[i]) end return t"
    return lua(source, *arguments)


def test_a_costly_pattern_is_stopped_by_steps_not_by_patience():
    run = ScriptRun(context(), COMPILER, False)
    run.close()
    assert (
        lua("return string.match(string.rep(' ', 300) .. 'x' .. string.rep(' ', 300), '^%s*(.-)%s*$')")
        == b"x"
    )
    assert lua("return (string.gsub(string.rep('ab,', 2000), '(%w+),', '%1;'))") == b"ab;" * 2000
    assert lua("return (string.gsub(string.rep('ab,', 2000), '(%w+),', {ab = 'x'}))") == b"x" * 2000
    assert (
        lua("return (string.gsub(string.rep('ab,', 2000), '(%w+),', function(a) return a end))")
        == b"ab" * 2000
    )
