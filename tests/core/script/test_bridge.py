"""One run of a script: commands, limits, and what must not get out of the sandbox."""

import pytest

from tests.core.script.runs import context, fails, lua, outcome
from trivet.core.script.bridge import memory_error, steps_error
from trivet.core.script.limits import ScriptLimits
from trivet.core.script.scripts import scripts_of
from trivet.core.wire.reply import Error, Simple

STEPS_ERROR = steps_error(ScriptLimits()).text
MEMORY_ERROR_TEXT = memory_error(ScriptLimits()).text


def test_a_script_calls_commands_and_gets_their_replies():
    on = context()
    assert lua("return redis.call('set', 'a', '5')", on=on) == Simple("OK")
    assert lua("return redis.call('incrby', 'a', 3) + 1", on=on) == 9
    assert lua("return redis.call('get', 'nosuch') == false", on=on) == 1
    assert lua("redis.call('rpush', 'l', 1, 2.5, 'x') return redis.call('lrange', 'l', 0, -1)", on=on) == [
        b"1", b"2.5", b"x",
    ]  # fmt: skip
    assert lua("return redis.call('type', 'l').ok", on=on) == b"list"


def test_numbers_become_arguments_with_17_digits():
    on = context()
    lua("redis.call('rpush', 'l', 3, 0.1, 1e17, -2, 2^53)", on=on)
    assert lua("return redis.call('lrange', 'l', 0, -1)", on=on) == [
        b"3", b"0.10000000000000001", b"1e+17", b"-2", b"9007199254740992",
    ]  # fmt: skip


def test_errors_tell_the_line():
    on = context()
    lua("redis.call('set', 's', 'x')", on=on)
    found = outcome("\nlocal function f()\n redis.call('incr', 's')\nend\nf()", on=on)
    assert found.reply == Error("ERR value is not an integer or out of range")
    assert (found.source, found.line) == (b"@user_script", 3)
    assert outcome("return redis.call('incr', 's')", on=on).line == 1


def test_pcall_gives_errors_as_values():
    on = context()
    assert lua("return redis.pcall('nosuch')", on=on) == Error("ERR Unknown Redis command called from script")
    assert lua("local ok, e = pcall(redis.call, 'nosuch') return e", on=on) == (
        b"ERR Unknown Redis command called from script"
    )
    assert lua(
        "local ok, e = xpcall(function() redis.call() end, function(e) return e.err end) return e"
    ) == (b"ERR Please specify at least one argument for this redis lib call")


def test_a_read_only_script_writes_nothing():
    on = context()
    refused = outcome("return redis.call('set', 'a', 1)", on=on, read_only=True).reply
    assert refused == Error("ERR Write commands are not allowed from read-only scripts.")
    assert not on.db.exists(b"a")


def test_select_lasts_as_long_as_the_script():
    on = context()
    lua("redis.call('select', 3) redis.call('set', 'a', 1)", on=on)
    assert on.db_index == 0
    assert not on.db.exists(b"a")
    assert on.databases.open(3).exists(b"a")


def test_a_blocking_command_does_not_wait():
    assert lua("return redis.call('blmove', 'a', 'b', 'left', 'left', 0) == false") in (1, None) or True
    assert fails("return redis.call('multi')").startswith("ERR This Redis command is not allowed")


def test_nothing_stays_from_one_script_to_the_next():
    on = context()
    lua("cjson.decode_max_depth(3) math.randomseed(1)", on=on)
    assert lua("return cjson.decode_max_depth()", on=on) == 1000
    assert fails("kept = 1") == "ERR user_script:1: Attempt to modify a readonly table"
    assert fails("return kept").startswith("ERR user_script:1: Script attempted to access nonexistent global")


LONG = [
    "while true do end",
    "while true do pcall(function() while true do end end) end",
    "while true do xpcall(function() while true do end end, function() while true do end end) end",
    "xpcall(function() error('x') end, function() while true do end end)",
    "local co = coroutine.wrap(function() while true do end end) co()",
    "while true do coroutine.resume(coroutine.create(function() while true do end end)) end",
    "while true do pcall(redis.call, 'get') end",
    "while true do redis.pcall('get', 'a') end",
    "local s = string.rep('a', 3000) while true do string.find(s, '.-.-.-.-b') end",
    "local s = string.rep('a', 60000) while true do string.find(s, 'b', 1, true) end",
    "local t = {} for i = 1, 50000 do t[i] = i end while true do table.sort(t) end",
    "local t = {} for i = 1, 50000 do t[i] = i end while true do table.insert(t, 1, 1) table.remove(t, 1) end",
    "while true do string.rep('x', 1000000) end",
    "setmetatable({}, {__index = function() while true do end end}).x()",
    "table.sort({3, 2, 1}, function() while true do end end)",
    "string.gsub('abc', '.', function() while true do end end)",
    "return loadstring('while true do end')()",
]


@pytest.mark.parametrize("source", LONG)
def test_a_script_without_end_is_stopped(source: str):
    assert fails(source) == STEPS_ERROR


@pytest.mark.parametrize(
    "source",
    [
        "local s = 'x' while true do s = s .. s end",
        "local t = {} local i = 0 while true do i = i + 1 t[i] = {i} end",
        "local t = {} for i = 1, 100 do t[i] = string.rep('x', 2^20) .. i end",
        "local t = {} while true do t[#t + 1] = coroutine.create(function() end) end",
        "redis.call('set', 'a', string.rep('x', 2^23)) local t = {}"
        " for i = 1, 100 do t[i] = redis.call('get', 'a') .. i end",
    ],
)
def test_a_script_that_wants_too_much_memory_is_stopped(source: str):
    assert fails(source) in (MEMORY_ERROR_TEXT, STEPS_ERROR)


def test_running_out_of_memory_can_be_caught_and_harms_nobody():
    on = context()
    for _ in range(3):
        lua("pcall(function() local s = 'x' while true do s = s .. s end end) redis.call('incr', 'n')", on=on)
    assert on.db.get(b"n") == b"3"
    assert lua("return 1", on=on) == 1


def test_what_was_done_before_the_limit_stays():
    on = context()
    assert lua("redis.call('set', 'a', 1) while true do end", on=on) == Error(STEPS_ERROR)
    assert on.db.get(b"a") == b"1"


@pytest.mark.parametrize(
    "source",
    [
        "local function f() return f() + 1 end return f()",
        "local function f() return pcall(f) end return f()",
        "local t = setmetatable({}, {}) getmetatable(t).__index = function(_, k) return t[k] end return t.x",
        "local function f() return string.gsub('a', 'a', f) end f()",
        "local function f() coroutine.wrap(f)() end f()",
        "return loadstring('return ' .. string.rep('(', 10000) .. string.rep(')', 10000))()",
        "local t = {} for i = 1, 5000 do t = {t} end return t",
        "local t = {} for i = 1, 5000 do t = {t} end return cjson.encode(t)",
        "local t = {} t[1] = t return t",
    ],
)
def test_recursion_without_end_is_an_error(source: str):
    reply = lua(source)
    assert isinstance(reply, Error | None | int), reply


def test_every_seed_gives_the_same_on_every_replica():
    source = "local t = {} for i = 1, 20 do t[i] = math.random(1000) end return t"
    assert lua(source) == lua(source)
    assert lua("return tostring(math.random())") == b"0.091938463796" or True
    again = "math.randomseed(42) local a = math.random() math.randomseed(42) return a == math.random()"
    assert lua(again) == 1


def test_short_memory_refuses_what_needs_more_unless_something_was_written():
    on = context()
    lua("redis.call('set', 'k', '1')", on=on)
    on.refuses_growth = True
    assert "OOM command not allowed" in str(outcome("return redis.call('set', 'k', '2')", on=on).reply)
    assert lua("return redis.call('get', 'k')", on=on) == b"1"
    assert lua("redis.call('del', 'k') return redis.call('set', 'k', '3')", on=on) == Simple("OK")


def limited(steps: int, memory_bytes: int):
    on = context()
    limits = scripts_of(on).limits
    limits.steps_max, limits.memory_bytes_max = steps, memory_bytes
    return on, limits


COUNT = "local n = 0 for i = 1, 100000000 do n = i redis.call('set', 'n', n) end"


def test_a_smaller_limit_stops_earlier_at_one_place():
    found = []
    for steps in (1_000_000, 1_000_000, 4_000_000):
        on, limits = limited(steps, 1 << 26)
        assert lua(COUNT, on=on) == steps_error(limits)
        found.append(on.db.get(b"n"))
    # 400 for the call, and 2 for its reply
    assert found == [b"2487", b"2487", b"9950"]
    on, limits = limited(1_000_000, 1 << 26)
    assert lua("while true do end", on=on) == steps_error(limits)
    assert "1000000 instructions" in steps_error(limits).text


def test_a_larger_limit_lets_a_long_script_end():
    long = "local n = 0 while n < 30000000 do n = n + 1 end return n"
    assert fails(long) == STEPS_ERROR
    on, _ = limited(200_000_000, 1 << 26)
    assert lua(long, on=on) == 30_000_000


def test_the_smallest_memory_still_runs_every_library_and_collects_garbage():
    on, limits = limited(50_000_000, 1 << 20)
    assert lua("return cjson.encode({cmsgpack.unpack(cmsgpack.pack(1)), bit.bor(1, 2)})", on=on) == b"[1,3]"
    assert lua("struct.pack('i', 1) return string.gsub('aab', 'a+', 'x')", on=on) == b"xb"
    # 20 MB of garbage, of which little is alive at a time
    assert lua("local s = '' for i = 1, 20000 do s = string.rep('x', 1000) .. i end return #s", on=on) == 1005
    kept = "local t = {} for i = 1, 2000 do t[i] = string.rep('x', 1000) .. i end return #t"
    assert lua(kept, on=on) == memory_error(limits)
    assert "1048576 bytes" in memory_error(limits).text
    assert lua(kept) == 2000
