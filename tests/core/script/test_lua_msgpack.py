"""cmsgpack, as Redis 7.0 has it (each line was compared with redis-server)."""

import pytest

from tests.core.script.runs import fails, lua
from trivet.core.script.lua_msgpack import MSGPACK

PACKED = {
    "{1, 2, 3}": b"\x93\x01\x02\x03", "{a = 1}": b"\x81\xa1a\x01", "{}": b"\x90", "1.5": b"\xca?\xc0\x00\x00",
    "0.1": b"\xcb?\xb9\x99\x99\x99\x99\x99\x9a", "-1": b"\xff", "-33": b"\xd0\xdf", "128": b"\xcc\x80",
    "70000": b"\xce\x00\x01\x11p", "2^32": b"\xcf\x00\x00\x00\x01\x00\x00\x00\x00", "2^63": b"\xca_\x00\x00\x00",
    "-2^31": b"\xd2\x80\x00\x00\x00", "-2^33": b"\xd3\xff\xff\xff\xfe\x00\x00\x00\x00", "1/0": b"\xca\x7f\x80\x00\x00",
    "nil": b"\xc0", "true": b"\xc3", "{1, nil, 3}": b"\x82\x01\x01\x03\x03", "1, 2, 'x'": b"\x01\x02\xa1x",
    "5e-324": b"\xcb\x00\x00\x00\x00\x00\x00\x00\x01", "{[0] = 'a'}": b"\x81\x00\xa1a",
}  # fmt: skip


@pytest.mark.parametrize("value", PACKED)
def test_pack(value: str):
    assert MSGPACK
    assert lua(f"return cmsgpack.pack({value})") == PACKED[value]


def test_what_is_packed_comes_back():
    numbers = "0, 1, -1, 127, 128, 255, 256, 65535, 65536, 2^31, 2^32, 2^53, -32, -33, -128, -129, -32768, -2^31, -2^53,"
    numbers += "0.1, 1.5, 1e300, 5e-324, -1e-310, 1/0, -1/0"
    source = f"local t = {{{numbers}}} local u = cmsgpack.unpack(cmsgpack.pack(t)) for i = 1, #t do if t[i] ~= u[i] then return i end end return 'same'"
    assert lua(source) == b"same"
    for length in (0, 31, 32, 255, 256, 65535, 65536):
        assert lua(f"return #cmsgpack.unpack(cmsgpack.pack(string.rep('x', {length})))") == length


def test_several_values():
    assert lua("return {cmsgpack.unpack('\\1\\2\\3')}") == [1, 2, 3]
    assert lua("return {cmsgpack.unpack_one('\\1\\2\\3', 1)}") == [2, 2]
    assert lua("return {cmsgpack.unpack_limit('\\1\\2\\3', 2)}") == [2, 1, 2]
    assert lua("return {cmsgpack.unpack_limit('\\1\\2\\3', 2, 1)}") == [-1, 2, 3]


def test_nesting_beyond_16_is_nil():
    assert lua("local t = {} t[1] = t return cmsgpack.pack(t)") == b"\x91" * 16 + b"\xc0"


def test_cve_2025_lengths_that_the_input_does_not_have():
    for text in (
        "\\221\\255\\255\\255\\255",
        "\\223\\255\\255\\255\\255",
        "\\219\\255\\255\\255\\255x",
        "\\147\\1",
    ):
        assert fails(f"return cmsgpack.unpack('{text}')") == "ERR user_script:1: Missing bytes in input."
    assert fails("return cmsgpack.unpack('\\193')") == "ERR user_script:1: Bad data format in input."
    assert "nested" in fails("return cmsgpack.unpack(string.rep('\\145', 100000))")
    assert "offset of -1" in fails("return cmsgpack.unpack_one('\\1', -1)")
