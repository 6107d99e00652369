"""struct and bit."""

import struct

import pytest

from tests.core.script.runs import fails, lua
from trivet.core.script.lua_binary import BIT, STRUCT


@pytest.mark.parametrize(
    ("call", "packed"),
    [
        ("'>I', 5", b"\x00\x00\x00\x05"), ("'<h', -2", b"\xfe\xff"), ("'b', 255", b"\xff"), ("'s', 'ab'", b"ab\x00"),
        ("'c3', 'abcd'", b"abc"), ("'c0', 'ab'", b"ab"), ("'>d', 1.5", struct.pack(">d", 1.5)),
        ("'<f', 0.1", struct.pack("<f", 0.1)), ("'!4 b i', 1, 2", b"\x01\x00\x00\x00\x02\x00\x00\x00"),
        ("'>I8', 2^40", struct.pack(">Q", 2**40)), ("'>l', -2^40", struct.pack(">q", -(2**40))), ("'x'", b"\x00"),
    ],
)  # fmt: skip
def test_pack(call: str, packed: bytes):
    assert STRUCT
    assert lua(f"return struct.pack({call})") == packed


def test_unpack():
    assert lua("return {struct.unpack('>Ih', '\\0\\0\\0\\5\\255\\254')}") == [5, -2, 7]
    assert lua("return {struct.unpack('s', 'ab\\0c')}") == [b"ab", 4]
    assert lua("return {struct.unpack('Bc0', '\\3abcd')}") == [b"abc", 5]
    assert lua("return struct.size('>Ihb')") == 7
    assert lua("return tostring(struct.unpack('<d', struct.pack('<d', 1e-310)) == 1e-310)") == b"true"


def test_cve_2020_14147_sizes_that_overflow():
    assert "integral size overflow" in fails("return struct.unpack('I4294967296', 'x')")
    assert "larger than limit" in fails("return struct.pack('I2147483647', 1)")
    assert "too short" in fails("return struct.unpack('I', 'x')")
    assert "offset must be 1" in fails("return struct.unpack('I', 'xxxxxxx', -2)")
    assert "too short" in fails("return struct.unpack('c2147483647', 'x')")
    assert "string too short" in fails("return struct.pack('c99999999', 'x')")


def test_bit():
    assert BIT
    assert lua("return {bit.band(7, 3), bit.bor(1, 6), bit.bxor(5, 1), bit.bnot(0)}") == [3, 7, 4, -1]
    assert lua("return {bit.lshift(1, 31), bit.rshift(-1, 28), bit.arshift(-16, 2), bit.lshift(1, 32)}") == [
        -(2**31), 15, -4, 1,
    ]  # fmt: skip
    assert lua("return {bit.rol(0x12345678, 12), bit.ror(0x12345678, 12), bit.bswap(0x01020304)}") == [
        0x45678123, 0x67812345, 0x04030201,
    ]  # fmt: skip
    assert lua("return bit.tohex(-1) .. bit.tohex(255, 2) .. bit.tohex(255, -4)") == b"ffffffffff00FF"
    assert lua("return {bit.tobit(2^32 + 5), bit.tobit(0/0), bit.band(-1)}") == [5, 0, -1]


def test_cve_2024_31449_tohex_of_the_smallest_number():
    assert lua("return bit.tohex(65535, -2147483648)") == b"0000FFFF"
