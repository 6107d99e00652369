"""Tokens of CLIENT CAUSAL: short, read within limits, and of this cluster."""

from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest

from trivet.core.base.checksum import crc32
from trivet.core.base.prng import Prng
from trivet.core.lattice.clock import Clock
from trivet.core.node.causal_token import (
    FOREIGN,
    MALFORMED,
    TOKEN_BYTES_MAX,
    TOO_LARGE,
    decode_token,
    encode_token,
)
from trivet.core.paxos.ballot import INCARNATION_MAX, NODE_MAX, proposer_of
from trivet.core.wire.reply import Error

CLUSTER = "c0ffee"
NOW_MS = 1_700_000_000_000


def clock(*rows: tuple[int, int, int]) -> Clock:
    """(node, life, last)."""
    made = Clock()
    for node, life, last in rows:
        made.add_range(proposer_of(node, life), 1, last)
    return made


def signed(data: bytes) -> bytes:
    """``data`` behind the format and the cluster, with its checksum."""
    whole = b"\x01" + crc32(CLUSTER.encode()).to_bytes(4, "big") + data
    return urlsafe_b64encode(whole + crc32(whole).to_bytes(4, "big")).rstrip(b"=")


@pytest.mark.parametrize(
    "clocks",
    [
        {},
        {2: Clock()},
        {2: clock((1, NOW_MS, 1))},
        {2: clock((1, NOW_MS, 127), (1, NOW_MS + 1, 128), (3, NOW_MS, 1 << 40)), 900: clock((9, 0, 5))},
        {2: clock((NODE_MAX, INCARNATION_MAX, (1 << 63) - 1)), (1 << 62): clock((1, 1, 1))},
    ],
)
def test_there_and_back(clocks):
    text = encode_token(CLUSTER, clocks)
    assert isinstance(text, bytes) and all(33 <= byte <= 126 for byte in text)
    assert decode_token(CLUSTER, text) == clocks


def test_it_is_short():
    text = encode_token(CLUSTER, {2: clock(*[(node, NOW_MS, 100_000) for node in (1, 2, 3)])})
    assert isinstance(text, bytes) and len(text) <= 60


def test_of_a_clock_with_a_gap_it_names_more_not_less():
    gap = clock((1, 1, 3))
    gap.add(proposer_of(1, 1), 7)
    text = encode_token(CLUSTER, {2: gap})
    assert isinstance(text, bytes) and decode_token(CLUSTER, text) == {2: clock((1, 1, 7))}


def test_another_cluster_is_told():
    text = encode_token("beef", {2: clock((1, 1, 1))})
    assert isinstance(text, bytes) and decode_token(CLUSTER, text) is FOREIGN


def test_another_format_is_told():
    whole = b"\x02" + crc32(CLUSTER.encode()).to_bytes(4, "big")
    found = decode_token(CLUSTER, urlsafe_b64encode(whole + crc32(whole).to_bytes(4, "big")))
    assert isinstance(found, Error) and "format" in found.text


def test_it_is_bounded():
    many = {group: clock(*[(node, NOW_MS, 1) for node in range(1, 10)]) for group in range(2, 500)}
    assert encode_token(CLUSTER, many) is TOO_LARGE
    assert decode_token(CLUSTER, b"A" * (TOKEN_BYTES_MAX + 1)) is MALFORMED


@pytest.mark.parametrize(
    "text",
    [
        b"", b"x", b"no token", b"\xff\x00", b"====", b"AAAA", b"A" * 12,
        signed(b"\x02"), signed(b"\x02\x01"), signed(b"\x02\x01\x01\x01"), signed(b"\x02\x00\x02\x00"),
        signed(b"\x03\x00\x02\x00"), signed(b"\x02\x01\x00\x01\x01"), signed(b"\x02\x01\x01\x01\x00"),
        signed(b"\x02\x02\x01\x01\x01\x01\x01\x01"), signed(b"\x02\x01" + b"\xff" * 12),
        signed(b"\x02\xff\xff\x7f\x01\x01\x01"), signed(b"\x80" * 9 + b"\x01"),
    ],
)  # fmt: skip
def test_nonsense_is_told(text):
    assert decode_token(CLUSTER, text) is MALFORMED


def test_no_change_of_a_byte_gets_by():
    text = encode_token(CLUSTER, {2: clock((1, NOW_MS, 4), (2, NOW_MS, 9))})
    assert isinstance(text, bytes)
    data = urlsafe_b64decode(text + b"=" * (-len(text) % 4))
    prng = Prng(1)
    for _ in range(2_000):
        place, bit = prng.below(len(data)), 1 << prng.below(8)
        changed = bytearray(data)
        changed[place] ^= bit
        assert decode_token(CLUSTER, urlsafe_b64encode(bytes(changed)).rstrip(b"=")) is MALFORMED
    for size in range(len(text)):
        assert decode_token(CLUSTER, text[:size]) is MALFORMED
