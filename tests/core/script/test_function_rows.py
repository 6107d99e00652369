from tests.core.command.dialogue import Replica, show
from trivet.core.script import rows
from trivet.core.wire.reply import Error

assert rows.FAMILIES
LIBRARY = b"""#!lua name=mylib
local function double(keys, args) return args[1] * 2 end
redis.register_function('double', double)
redis.register_function{function_name='put', callback=function(k, a) return redis.call('set', k[1], a[1]) end, description='d'}
redis.register_function{function_name='read', callback=function(k) return redis.call('get', k[1]) end, flags={'no-writes'}}
"""


def replica() -> Replica:
    made = Replica()
    assert made.run_args([b"FUNCTION", b"LOAD", LIBRARY]) == b"mylib"
    return made


def text(of: Replica, *args: bytes) -> str:
    return show(of.run_args(list(args)))


def test_calls():
    on = replica()
    assert text(on, b"FCALL", b"double", b"0", b"21") == "42"
    assert text(on, b"FCALL", b"put", b"1", b"k", b"v") == "+OK"
    assert text(on, b"FCALL_RO", b"read", b"1", b"k") == '"v"'
    assert "*_ro command" in text(on, b"FCALL_RO", b"put", b"1", b"k", b"v")
    assert text(on, b"FCALL", b"nosuch", b"0") == "-ERR Function not found"
    assert text(on, b"FCALL", b"double", b"x") == "-ERR Bad number of keys provided"
    assert text(on, b"FCALL", b"double", b"0") == (
        "-ERR user_function:2: attempt to perform arithmetic on field '?' (a nil value) script: double, on @user_function:2."
    )


def test_loading():
    on = replica()
    assert text(on, b"FUNCTION", b"LOAD", LIBRARY) == "-ERR Library 'mylib' already exists"
    assert text(on, b"FUNCTION", b"LOAD", b"REPLACE", LIBRARY) == '"mylib"'
    assert text(on, b"FUNCTION", b"LOAD", b"X", LIBRARY) == "-ERR Unknown option given: X"
    assert text(on, b"FUNCTION", b"LOAD", b"return 1") == "-ERR Missing library metadata"
    begin = b"#!lua name=ab\n"
    for body, error in (
        (b"return 1", "No functions registered"),
        (b"return 1 +", "Error compiling function: user_function:2: unexpected symbol near '<eof>'"),
        (b"redis.call('get', 'x')", "nonexistent global variable 'call'"),
        (b"redis.register_function('double', function() end)", "Function double already exists"),
        (b"redis.register_function('f-1', function() end)", "Library names can only contain"),
        (b"redis.register_function('f', 1)", "second argument to redis.register_function must be a function"),
        (b"redis.register_function{callback=function() end}", "must get a function name argument"),
        (
            b"redis.register_function{function_name='x', callback=function() end, flags={'z'}}",
            "unknown flag given",
        ),
        (b"x = 1", "Attempt to modify a readonly table"),
        (b"while true do end", "script stopped"),
    ):
        assert error in text(on, b"FUNCTION", b"LOAD", begin + body)
    assert text(on, b"FCALL", b"double", b"0", b"1") == "2"


def test_lists_and_counts():
    on = replica()
    listed = text(on, b"FUNCTION", b"LIST")
    assert listed.startswith('[{"library_name": "mylib", "engine": "LUA", "functions": [{"name": "double"')
    assert '"flags": ~[+no-writes]' in listed
    assert "library_code" not in listed
    assert "library_code" in text(on, b"FUNCTION", b"LIST", b"WITHCODE", b"LIBRARYNAME", b"my*")
    assert text(on, b"FUNCTION", b"LIST", b"LIBRARYNAME", b"x*") == "[]"
    assert text(on, b"FUNCTION", b"LIST", b"X") == "-ERR Unknown argument X"
    assert '"functions_count": 3' in text(on, b"FUNCTION", b"STATS")
    assert text(on, b"FUNCTION", b"KILL") == "-NOTBUSY No scripts in execution right now."


def test_dump_and_restore():
    on = replica()
    payload = on.run_args([b"FUNCTION", b"DUMP"])
    assert isinstance(payload, bytes)
    assert text(on, b"FUNCTION", b"RESTORE", payload) == "-ERR Library mylib already exists"
    assert text(on, b"FUNCTION", b"RESTORE", payload, b"REPLACE") == "+OK"
    assert text(on, b"FUNCTION", b"DELETE", b"mylib") == "+OK"
    assert text(on, b"FUNCTION", b"DELETE", b"mylib") == "-ERR Library not found"
    assert text(on, b"FUNCTION", b"RESTORE", payload, b"FLUSH") == "+OK"
    assert text(on, b"FCALL", b"double", b"0", b"4") == "8"
    assert text(on, b"FUNCTION", b"RESTORE", b"xx") == "-ERR DUMP payload version or checksum are wrong"
    assert "Wrong restore policy" in text(on, b"FUNCTION", b"RESTORE", payload, b"X")
    assert text(on, b"FUNCTION", b"FLUSH", b"x") == "-ERR FUNCTION FLUSH only supports SYNC|ASYNC option"
    assert text(on, b"FUNCTION", b"FLUSH") == "+OK"
    assert text(on, b"FUNCTION", b"LIST") == "[]"


def test_a_library_keeps_nothing_between_calls():
    on = Replica()
    source = b"#!lua name=n\nlocal n = 0\nredis.register_function('count', function() n = n + 1 return n end)"
    on.run_args([b"FUNCTION", b"LOAD", source])
    assert [on.run_args([b"FCALL", b"count", b"0"]) for _ in range(2)] == [1, 1]
    assert not isinstance(on.run_args([b"FUNCTION", b"HELP"]), Error)
