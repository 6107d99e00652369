"""cjson, as Redis 7.0 has it (each line was compared with redis-server)."""

import pytest

from tests.core.script.runs import fails, lua
from trivet.core.script.lua_json import JSON

ENCODED = {
    "{}": b"{}", "{1, 2, 3}": b"[1,2,3]", "{a = 1}": b'{"a":1}', "{1, nil, 3}": b"[1,null,3]",
    "{[1] = 1, a = 2}": b'{"1":1,"a":2}', "{[1.5] = 1}": b'{"1.5":1}', "{[-1] = 1}": b'{"-1":1}',
    "1/3": b"0.33333333333333", "1e20": b"1e+20", "2^53": b"9.007199254741e+15", "cjson.null": b"null", "nil": b"null",
    "true": b"true", "{{}, {a = {}}}": b'[{},{"a":{}}]', "-0": b"-0", "cjson.decode('[]')": b"{}",
    "'a\\0\\n\\t\\\"\\\\/\\127\\200\\31\\b\\f'": b'"a\\u0000\\n\\t\\"\\\\\\/\\u007f\xc8\\u001f\\b\\f"',
}  # fmt: skip


@pytest.mark.parametrize("value", ENCODED)
def test_encode(value: str):
    assert JSON
    assert lua(f"return cjson.encode({value})") == ENCODED[value]


DECODED = {
    "'[1,2.5,\"x\",null,true,false]'": [1, 2, b"x", None, 1, None], "'\"\\\\u0041\\\\u20ac\\\\ud83d\\\\ude00\"'": "A€😀".encode(),
    "'  [ 1 , 2 ] '": [1, 2], "'[1]\\0'": [1], "'0x10'": 16, "'+1'": 1, "'1.'": 1, "'1e5'": 100000, "1": 1,
}  # fmt: skip


@pytest.mark.parametrize("text", DECODED)
def test_decode(text: str):
    assert lua(f"return cjson.decode({text})") == DECODED[text]


ERRORS = {
    "encode(1/0)": "Cannot serialise number: must not be NaN or Inf",
    "encode(function() end)": "Cannot serialise function: type not supported",
    "encode({[true] = 1})": "Cannot serialise boolean: table key must be a number or string",
    "encode({[1] = 1, [11] = 2, [100] = 1})": "Cannot serialise table: excessively sparse array",
    "encode()": "bad argument #1 to 'encode' (expected 1 argument)",
    "decode('')": "Expected value but found T_END at character 1",
    "decode('[1 2]')": "Expected comma or array end but found T_NUMBER at character 4",
    "decode('{1:2}')": "Expected object key string but found T_NUMBER at character 2",
    "decode('{\"a\" 2}')": "Expected colon but found T_NUMBER at character 6",
    "decode('\"abc')": "Expected value but found unexpected end of string at character 5",
    "decode('1 1')": "Expected the end but found T_NUMBER at character 3",
    "decode('a\\0')": "JSON parser does not support UTF-16 or UTF-32",
    "decode(string.rep('[', 1001))": "Found too many nested data structures (1001) at character 1001",
    "decode(string.rep('[', 1000000))": "Found too many nested data structures (1001) at character 1001",
}


@pytest.mark.parametrize("call", ERRORS)
def test_errors(call: str):
    assert fails(f"return cjson.{call}") == "ERR user_script:1: " + ERRORS[call]


def test_nesting_of_1000_is_the_end():
    assert lua("return cjson.decode(string.rep('[', 1000) .. string.rep(']', 1000)) ~= nil") == 1
    assert "excessive nesting (1001)" in fails("local t = {} t[1] = t return cjson.encode(t)")


def test_settings():
    assert lua("return {cjson.encode_sparse_array()}") == [None, 2, 10]
    assert lua("return {cjson.encode_sparse_array(true, 2, 3), cjson.encode({[30] = 1})}") == [1, b'{"30":1}']
    assert lua("cjson.encode_number_precision(3) return cjson.encode(1/3)") == b"0.333"
    assert lua("return cjson.decode_max_depth(5)") == 5


def test_cve_2022_24834_2015_4335_long_and_hostile_texts():
    assert lua("return #cjson.encode(string.rep('\\1', 1000000))") == 6_000_002
    assert lua("return #cjson.decode('\"' .. string.rep('\\\\u0041', 100000) .. '\"')") == 100_000
    assert lua("cjson.encode_keep_buffer(false) return cjson.encode({1})") == b"[1]"
