"""Payloads that a client made up: a value or an error, quickly, in bounded memory, never an exception.

The payloads are valid ones, ours and in every form that redis-server writes or wrote, of which some bytes are
changed, cut out, repeated or put together with those of others; the checksum is made right again.
"""

import os
import time
import tracemalloc
from random import Random

import pytest

from tests.core.command.dialogue import Replica
from tests.core.values.rdb.old_forms import intset, quicklist, ziplist, zipmap, zset
from trivet.core.values.hash_value import MortalHash
from trivet.core.values.rdb.forms import Form
from trivet.core.values.rdb.lengths import write_length, write_string
from trivet.core.values.rdb.listpack import encode
from trivet.core.values.rdb.payload import seal
from trivet.core.values.stream import Stream
from trivet.core.wire.reply import OK, Error

FUZZ_EXAMPLES = int(os.environ.get("TRIVET_FUZZ_EXAMPLES", "300"))
PER_BYTE_MAX = 5_000
"""Bytes of memory that a byte of these small payloads may cost for a moment; compression and packing multiply."""
SECONDS_MAX = 2.0

WORDS = [b"a", b"1", b"-129", b"70000", b"b" * 70, b"", b"9223372036854775807", b"word"]
SCORED = [b"a", b"-inf", b"b", b"1.5", b"c", b"17"]
LISTPACK = write_string(encode([*WORDS]))
LZF_LISTPACK = bytes.fromhex("c3093c016161e02f00016161")
STREAM = bytes.fromhex(
    "0110000000000000000500000000000000014052520000002000030101010201816602816702000102010001000181760202010501"
    "030100010201817702c12c02050100010201dfff020101816802817802060100010301dfff0201018168028178020601ff0308000501"
    "05030402036f6e65050181ffffffffffffffff010000000000000005000000000000000187d6120000000000030205616c6963659ad0"
    "5919a20100000003626f629ad05919a201000001000000000000000500000000000000010374776f080081ffffffffffffffff0000"
)
"""Of redis-server 7.0.15: four entries, one deleted, and two groups."""
SEEDS = [
    bytes([Form.STREAM_LISTPACKS_2]) + STREAM,
    bytes([Form.STREAM_LISTPACKS, 0, 0, 5, 1, 0]),
    bytes([Form.STRING]) + write_string(b"x" * 100),
    bytes([Form.STRING]) + b"\xc2\x01\x02\x03\x04",
    bytes([Form.STRING]) + LZF_LISTPACK,
    bytes([Form.LIST, 8]) + b"".join(map(write_string, WORDS)),
    bytes([Form.SET, 8]) + b"".join(map(write_string, WORDS)),
    bytes([Form.HASH, 4]) + b"".join(map(write_string, WORDS)),
    bytes([Form.ZSET]) + zset([b"a", b"b"], [1.5, float("inf")]),
    bytes([Form.ZSET_2, 2]) + (b"\x01a" + bytes(8)) + (b"\x01b" + bytes(6) + b"\xf0\x7f"),
    bytes([Form.HASH_ZIPMAP]) + write_string(zipmap(WORDS)),
    bytes([Form.LIST_ZIPLIST]) + write_string(ziplist(WORDS)),
    bytes([Form.SET_INTSET]) + write_string(intset([-5, 1, 70_000])),
    bytes([Form.ZSET_ZIPLIST]) + write_string(ziplist(SCORED)),
    bytes([Form.HASH_ZIPLIST]) + write_string(ziplist(WORDS)),
    bytes([Form.LIST_QUICKLIST]) + quicklist([WORDS, WORDS]),
    bytes([Form.HASH_LISTPACK]) + LISTPACK,
    bytes([Form.ZSET_LISTPACK]) + write_string(encode([*SCORED])),
    bytes([Form.LIST_QUICKLIST_2, 2, 2]) + LISTPACK + b"\x01\x03abc",
    bytes([Form.SET_LISTPACK]) + LISTPACK,
    bytes([Form.HASH_METADATA]) + b"\x80\x84\x1e" + bytes(5) + b"\x02\x01\x01f\x01v\x00\x01g\x01w",
    bytes([Form.HASH_LISTPACK_EX])
    + bytes(8)
    + write_string(encode([b"f", b"v", b"2000000", b"g", b"w", b"0"])),
]
LENGTHS = [
    b"\x3f",
    b"\x7f\xff",
    b"\x80\xff\xff\xff\xff",
    b"\x80\x7f\xff\xff\xff",
    b"\x81" + b"\xff" * 8,
    b"\x81\x7f" + b"\xff" * 7,
    b"\x00",
]


def mutated(random: Random, body: bytes) -> bytes:
    """The body with one to four changes."""
    data = bytearray(body)
    for _ in range(random.randrange(1, 5)):
        at = random.randrange(len(data) + 1)
        kind = random.randrange(7)
        if kind == 0 and at < len(data):
            data[at] = random.randrange(256)
        elif kind == 1 and at < len(data):
            data[at] ^= 1 << random.randrange(8)
        elif kind == 2:
            del data[at : at + random.randrange(1, 9)]
        elif kind == 3:
            data[at:at] = random.randbytes(random.randrange(1, 9))
        elif kind == 4:
            data[at:at] = data[at : at + 40] * random.randrange(1, 20)
        elif kind == 5:
            data[at : at + 1] = random.choice(LENGTHS)
        else:
            other = random.choice(SEEDS)
            data[at:] = other[random.randrange(len(other)) :]
    if random.randrange(4) == 0 and data:
        data[0] = random.choice(list(Form))
    return bytes(data)


def restore(replica: Replica, body: bytes) -> bool:
    """Whether the payload was taken; anything but a value that holds or an error fails."""
    reply = replica.run_args([b"RESTORE", b"k", b"0", seal(body, 10), b"REPLACE"])
    if isinstance(reply, Error):
        assert reply.text == "ERR Bad data format"
        return False
    assert reply == OK
    value = replica.context.db.get(b"k")
    if value is None:
        gone = replica.context.db.values.get(b"k")
        assert isinstance(gone, MortalHash) and gone.is_gone(), "all its fields were late"
        return True
    if not isinstance(value, (bytes, Stream)):
        assert len(value) > 0
    check = getattr(value, "check_invariants", None)
    if check is not None:
        check()
    again = replica.run("DUMP k")
    assert isinstance(again, bytes)
    assert replica.run_args([b"RESTORE", b"k2", b"0", again, b"REPLACE"]) == OK
    assert replica.run("DUMP k2") == again
    return True


def test_the_seeds_are_valid():
    assert all(restore(Replica(), body) for body in SEEDS)


def cost(replica, body):
    """(whether it was taken, seconds, bytes at the peak)."""
    tracemalloc.reset_peak()
    before, start = tracemalloc.get_traced_memory()[0], time.perf_counter()
    taken = restore(replica, body)
    return taken, time.perf_counter() - start, tracemalloc.get_traced_memory()[1] - before


def test_fuzz_mutated_payloads():
    random = Random(FUZZ_EXAMPLES)
    replica = Replica()
    taken = 0
    tracemalloc.start()
    try:
        for _ in range(FUZZ_EXAMPLES * 10):
            body = mutated(random, random.choice(SEEDS))
            was_taken, seconds, size_bytes = cost(replica, body)
            taken += was_taken
            bytes_max = 100_000 + PER_BYTE_MAX * len(body)
            if seconds >= SECONDS_MAX or size_bytes >= bytes_max:
                # Other threads of the test runner count too: what the payload itself costs it costs again.
                again = [cost(replica, body) for _ in range(3)]
                assert min(one[1] for one in again) < SECONDS_MAX, body
                assert min(one[2] for one in again) < bytes_max, body
    finally:
        tracemalloc.stop()
    assert 0 < taken < FUZZ_EXAMPLES * 10


BOMBS = {
    "a string of zeros that grows 88 times, announced to be of 2**40 bytes": (
        bytes([Form.STRING, 0xC3])
        + write_length(300_003)
        + write_length(1 << 40)
        + b"\x00a\x00"
        + b"\xe0\xff\x00" * 100_000
    ),
    "a small string that says it is larger than any limit": (
        bytes([Form.STRING, 0xC3, 3]) + write_length((1 << 64) - 1) + b"\xe0\xff\x00"
    ),
    "a string longer than the payload": bytes([Form.STRING]) + b"\x81" + b"\x7f" * 8,
    "a list of 2**63 items": bytes([Form.LIST]) + b"\x81\x80" + bytes(7),
    "a sorted set of 2**32 members": bytes([Form.ZSET_2]) + b"\x80\xff\xff\xff\xff",
    "an intset of 2**32 members": bytes([Form.SET_INTSET])
    + write_string(b"\x08\x00\x00\x00\xff\xff\xff\xff"),
    "a listpack whose string is of 2**32 bytes": (
        bytes([Form.SET_LISTPACK]) + write_string(b"\x0d\x00\x00\x00\x01\x00\xf0\xff\xff\xff\xff\x05\xff")
    ),
    "a stream of 2**32 nodes": bytes([Form.STREAM_LISTPACKS_2]) + b"\x80\xff\xff\xff\xff",
    "a stream with 2**62 entries in a node": (
        bytes([Form.STREAM_LISTPACKS_2, 1, 16])
        + bytes(16)
        + write_string(encode([1 << 62, 1 << 62, 1, b"f", 0, 2, 0, 0, b"v", 4]))
    ),
    "a list of many nodes": bytes([Form.LIST_QUICKLIST_2]) + b"\x81" + b"\x00\x00\x00\xff" * 2,
}


@pytest.mark.parametrize("name", BOMBS)
def test_what_is_announced_is_not_allocated(name: str):
    replica = Replica()
    body = BOMBS[name]
    payload = seal(body, 10)
    tracemalloc.start()
    start = time.perf_counter()
    reply = replica.run_args([b"RESTORE", b"k", b"0", payload])
    taken, (_, peak) = time.perf_counter() - start, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert reply == Error("ERR Bad data format")
    assert peak < 1_000_000 + 4 * len(body), name
    assert taken < SECONDS_MAX
