"""PFCOUNT of one key as it is asked, remembered counts and all: the family asks redis-server otherwise."""

import random

import pytest

from tests.differential.family_hyperloglog import header
from tests.differential.harness import Executor, Oracle, parse_reply
from trivet.core.wire.encode import encode

pytestmark = pytest.mark.skipif(not Oracle.is_there(), reason="redis-server 7.0 is not installed")


def test_counts_of_growing_sets(oracle: Oracle) -> None:
    executor = Executor()
    oracle.run_all(2, [[b"FLUSHALL"]])
    total = 0
    for size in (1, 2, 10, 50, 200, 500, 1000, 1000, 5000, 20_000, 60_000):
        add = [b"PFADD", b"a", *(b"%d" % number for number in range(total, total + size))]
        total += size
        for args in (add, [b"PFCOUNT", b"a"], [b"PFCOUNT", b"a"]):
            ours = parse_reply(encode(executor.run(args, 1, 1), 2))
            assert ours == oracle.run_all(2, [args])[0], total


def test_counts_of_registers_by_chance(oracle: Oracle) -> None:
    chance = random.Random(5)
    executor = Executor()
    for _ in range(100):
        bits = chance.getrandbits(12288 * 8)
        for _ in range(chance.randrange(4)):
            bits &= chance.getrandbits(12288 * 8)
        cached = chance.choice([bytes(7) + b"\x80", chance.randbytes(8)])
        value = header(0, cached) + bits.to_bytes(12288, "little")
        for args in ([b"SET", b"a", value], [b"PFCOUNT", b"a"], [b"PFCOUNT", b"a", b"a"]):
            ours = parse_reply(encode(executor.run(args, 1, 1), 2))
            assert ours == oracle.run_all(2, [args])[0]
