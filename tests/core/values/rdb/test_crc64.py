from random import Random

import pytest

from trivet.core.values.rdb import crc64 as module
from trivet.core.values.rdb.crc64 import crc64


def bit_by_bit(data: bytes) -> int:
    """The definition: the remainder of a division, one bit at a time."""
    crc = 0
    for byte in data:
        for i in range(8):
            bit = (byte >> i & 1) ^ (crc & 1)
            crc = crc >> 1 ^ (0x95AC9329AC4BC9B5 if bit else 0)
    return crc


def test_the_check_value_of_the_catalogue():
    assert crc64(b"123456789") == 0xE9C6D914C4B8D9CA


def test_nothing_and_zeros():
    assert crc64(b"") == crc64(bytes(10)) == crc64(bytes(20_000)) == 0


@pytest.mark.parametrize("size", [1, 7, 8, 9, 15, 64, 100, 511])
def test_short_messages_are_divided_as_the_definition_says(size: int):
    data = Random(size).randbytes(size)
    assert crc64(data) == bit_by_bit(data)


@pytest.mark.parametrize("size", [8191, 8192, 8193, 12_345, 16_383, 16_384, 65_537, 300_001])
def test_folding_a_long_message_changes_nothing(size: int):
    data = Random(size).randbytes(size)
    assert crc64(data) == module._by_tables(data)


def test_a_flipped_bit_changes_it():
    data = bytearray(Random(1).randbytes(20_000))
    whole = crc64(bytes(data))
    data[10_000] ^= 4
    assert crc64(bytes(data)) != whole
