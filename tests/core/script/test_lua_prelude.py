"""The sandbox: what is not there, and what does not depend on addresses."""

import pytest

from tests.core.script.runs import fails, lua
from trivet.core.script.lua_prelude import PRELUDE


def test_it_is_text_that_compiles():
    assert b"sethook" in PRELUDE
    assert lua("return 1") == 1


@pytest.mark.parametrize(
    "name",
    [
        "io",
        "os",
        "package",
        "require",
        "module",
        "debug",
        "dofile",
        "loadfile",
        "print",
        "newproxy",
        "setfenv",
        "getfenv",
        "python",
        "arg",
    ],
)
def test_what_reaches_out_is_not_there(name: str):
    assert f"nonexistent global variable '{name}'" in fails(f"return {name}")
    assert lua(f"return rawget(_G, '{name}') == nil") == 1
    assert f"nonexistent global variable '{name}'" in fails(f"return loadstring('return {name}')()")


ESCAPES = {
    "return getmetatable('')": None,
    "return getmetatable(_G)": None,
    "return string.dump": None,
    "return getmetatable(redis.call)": None,
    "return loadstring('\\27Lua')": None,
    "return loadstring(('\\27Lua')) == nil": 1,
    "return load(coroutine.wrap(function() coroutine.yield('\\27') coroutine.yield('Lua') end)) == nil": 1,
    "return type(redis.call)": b"function",
    "return tostring(redis.call)": b"function",
    "return tostring({}) .. tostring(pcall) .. tostring(coroutine.create(function() end))": b"tablefunctionthread",
    "return tostring(cjson.null)": b"userdata: (nil)",
    "local ok, e = pcall(redis.call, {}) return type(e)": b"string",
    "local e = select(2, coroutine.resume(coroutine.create(function() redis.call() end))) return type(e)": b"table",
    "return select(2, xpcall(function() redis.call() end, function(e) return type(e) end))": b"table",
    "return collectgarbage('count') == collectgarbage('count')": 1,
    "return #string.format('%99.99f', 1e308)": 409,
    "return string.format('%d', 1e300)": b"-9223372036854775808",
    "return #string.rep('', 1e10)": 0,
    "return 'a\\0b' == ARGV[1]": 1,
    "return ARGV[2]": b"\xff\xfe",
}


@pytest.mark.parametrize("source", ESCAPES)
def test_no_way_out(source: str):
    assert lua(source, b"a\x00b", b"\xff\xfe") == ESCAPES[source]


@pytest.mark.parametrize(
    "source",
    [
        "string.rep = nil", "redis.call = nil", "_G.pcall = nil", "setmetatable(_G, {})", "rawset(_G, 'x', 1)",
        "rawset(string, 'x', 1)", "setmetatable(string, {})", "math.pi = 3", "cjson.encode = nil", "KEYS = 1",
        "table.concat({}).x = 1 string.x = 1", "getmetatable('').__index = 1",
    ],
)  # fmt: skip
def test_what_scripts_share_cannot_be_changed(source: str):
    assert fails(source)


@pytest.mark.parametrize(
    "key", ["{}", "print or function() end", "pcall", "coroutine.create(function() end)", "cjson.null"]
)
def test_no_walk_over_keys_whose_order_is_an_address(key: str):
    key = key.replace("print or ", "")
    walk = f"local t = {{1, a = 2}} t[{key}] = 3 for k in pairs(t) do end"
    assert "its order would differ between replicas" in fails(walk)
    assert "its order would differ" in fails(f"local t = {{}} t[{key}] = 3 return next(t)")
    assert "its order would differ" in fails(
        f"local t = {{a = 1}} t[{key}] = 3 table.foreach(t, function() end)"
    )


def test_walks_over_other_keys_are_lua_s():
    assert lua("local n = 0 for k, v in pairs({1, 2, a = 3, [true] = 4}) do n = n + v end return n") == 10
    assert lua("local k, v = next({a = 1}) return k") == b"a"


def test_cve_2025_46817_unpack_overflow():
    assert "too many results" in fails("return unpack({}, -2147483648, 2147483647)")
    assert "too many results" in fails("return unpack({}, 1, 1e300)")
    assert "too many results" in fails("return unpack({}, 1, 0/0)")


def test_cve_2014_5461_parameters_before_dots():
    names = ",".join(f"p{i}" for i in range(90))
    assert "takes '...'" in fails(f"return (function({names}, ...) return 1 end)()")
    assert lua(f"return loadstring('return function({names}, ...) end')") is None


def test_cve_2022_24735_2025_46818_no_code_for_other_users():
    assert fails("getmetatable('').__index = function() end")
    assert fails("function redis.call() end")
    assert lua("return ('abc'):upper()") == b"ABC"


def test_coroutines_work():
    source = """
    local co = coroutine.create(function(a) local b = coroutine.yield(a + 1) return b * 2 end)
    local _, one = coroutine.resume(co, 1)
    local _, two = coroutine.resume(co, 10)
    return {one, two, coroutine.status(co), (select(2, coroutine.resume(co)))}
    """
    assert lua(source) == [2, 20, b"dead", b"cannot resume dead coroutine"]


def test_errors_of_scripts():
    assert fails("error('boom')") == "ERR user_script:1: boom"
    assert fails("error({err = 'MINE boom'})") == "MINE boom"
    assert fails("error()") == "ERR nil"
    assert fails("error({})") == "ERR unknown error"  # redis-server 7.0.15 ends here
    assert fails("local t return t.x") == "ERR user_script:1: attempt to index local 't' (a nil value)"
    assert fails("return cjson.decode('x')").startswith(
        "ERR user_script:1: Expected value but found invalid token"
    )
    assert fails("return 1 +") == "refused: user_script:1: unexpected symbol near '<eof>'"
