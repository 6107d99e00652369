"""What scripts find in their globals: redis, text functions with their guards."""

import pytest

from tests.core.script.runs import fails, lua
from trivet.core.script.lua_api import API
from trivet.core.wire.reply import Error, Members, Simple, Verbatim


def test_it_is_text_that_compiles():
    assert b"protect" in API


def test_small_functions_of_redis():
    assert lua("return redis.sha1hex('')") == b"da39a3ee5e6b4b0d3255bfef95601890afd80709"
    assert lua("return redis.error_reply('x')") == Error("ERR x")
    assert lua("return redis.error_reply('-MY x')") == Error("MY x")
    assert lua("return redis.status_reply('fine')") == Simple("fine")
    assert lua("return {redis.REDIS_VERSION, redis.REDIS_VERSION_NUM}") == [b"7.0.15", 458767]
    assert lua("return redis.acl_check_cmd('get', 'x')") == 1
    assert lua("redis.log(redis.LOG_WARNING, 'a', 1) return redis.replicate_commands()") == 1
    assert lua("return redis.set_repl(redis.REPL_ALL)") is None


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("return redis.sha1hex()", "ERR wrong number of arguments"),
        ("return redis.log(1)", "ERR redis.log() requires two arguments or more."),
        ("return redis.log(9, 'x')", "ERR Invalid debug level."),
        ("return redis.setresp(4)", "ERR RESP version must be 2 or 3."),
        ("return redis.acl_check_cmd('nosuch')", "ERR Invalid command passed to redis.acl_check_cmd()"),
    ],
)
def test_their_errors(source: str, text: str):
    assert fails(source) == text


def test_what_scripts_return():
    assert lua("return {1, 2.9, -2.9, 'x', false, true, {3}, nil, 4}") == [1, 2, -2, b"x", None, 1, [3]]
    assert lua("return 1e300") == -(2**63)
    assert lua("return {ok = 'a\\r\\nb'}") == Simple("a  b")
    assert lua("return {double = 3.5}") == 3.5
    assert lua("return {map = {a = 1}}") == {b"a": 1}
    assert lua("return {set = {a = true}}") == Members([b"a"])
    assert lua("return {verbatim_string = {format = 'txt', string = 'hi'}}") == Verbatim("txt", b"hi")
    assert lua("return function() end") is None
    assert lua("redis.setresp(3) return {true, false}") == [True, False]


def test_replies_in_resp3():
    source = "redis.call('hset', 'h', 'a', 1) redis.setresp(3) return redis.call('hgetall', 'h').map.a"
    assert lua(source) == b"1"
    assert lua("redis.call('sadd', 's', 'a') redis.setresp(3) return redis.call('smembers', 's').set.a") == 1
    assert lua("redis.call('hset', 'h', 'a', 1) return redis.call('hgetall', 'h')") == [b"a", b"1"]


def test_absurd_sizes_are_refused():
    assert fails("return string.rep('x', 1e10)") == "ERR user_script:1: resulting string too large"
    assert "out of range" in fails("return table.insert({}, 1e9, 1)")
    assert "pattern too long" in fails("return string.find('a', string.rep('a?', 100000))")


PATTERNS = [
    ("'hello world', 'o w'", [5, 7]), ("'hello', 'l+'", [3, 4]), ("'key=val', '(%w+)=(%w+)'", [1, 7, b"key", b"val"]),
    ("'x', 'y'", None), ("'a.b', '.', 2, true", [2, 2]), ("'abc', '', 10", [4, 3]), ("'abc', 'b', -2", [2, 2]),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "found"), PATTERNS)
def test_find(arguments: str, found: object):
    assert lua(f"local t = {{string.find({arguments})}} if #t == 0 then return nil end return t") == found
