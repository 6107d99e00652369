"""Snapshots that somebody made up: a machine or ``CorruptionError``, in bounded memory and time.

The seeds hold all that a head and a bucket can: users, scripts, settings, watches, calls that wait and calls that
were served, every type of value, fields with deadlines, streams with groups.
"""

import os
import time
import tracemalloc
from random import Random

import pytest

from tests.core.machine.replicas import Replica
from tests.fuzz.mangling import made_up
from trivet.core.base.errors import CorruptionError
from trivet.core.machine.machine import Machine
from trivet.core.machine.snapshot import SnapshotLoad, SnapshotWalk
from trivet.core.script import rows as _rows  # noqa: F401

FUZZ_EXAMPLES = int(os.environ.get("TRIVET_FUZZ_EXAMPLES", "300"))
PEAK_BYTES_MAX = 64 * 1024 * 1024
"""The chunks have some kilobytes; a head may ask for some buckets."""
SECONDS_MAX = 2.0
LIBRARY = b"#!lua name=l\nredis.register_function('f', function(k, a) return 1 end)"


def seeds() -> list[bytes]:
    """Head and buckets of a machine that holds everything."""
    replica = Replica()
    replica.run((0, [b"USERS", b"SET", b"ann", b"", b"on", b">pw", b"~a*", b"&c*", b"+@all", b"(%R~b +get)"]))
    replica.run((0, [b"FUNCTION", b"LOAD", LIBRARY]), (0, [b"EVAL", b"return 1", b"0"]))
    replica.run(
        "SETTING notify-keyspace-events KEA", "SETTING maxmemory 100000000 maxmemory-policy allkeys-lru"
    )
    replica.run(
        "WATCH 5 a b", "BLOCK 7 BLPOP q1 q2 0", "BLOCK 8 BLPOP q3 0", "BLOCK 9 XREAD BLOCK 0 STREAMS x 99-1"
    )
    replica.run("RPUSH q3 served")
    replica.run("SET a 1 PX 100000", "SET b " + "v" * 50, "RPUSH l 1 2 3", "SADD s a b c", "ZADD z 1 a 2.5 b")
    replica.run("HSET h a 1 b 2", "HSET m a 1 b 2 c 3", "HPEXPIRE m 100000 FIELDS 2 a b", "5:SET other 1")
    replica.run(
        "XADD x 1-1 a 1", "XADD x 2-1 a 1 b 2", "XGROUP CREATE x g 0", "XREADGROUP GROUP g me STREAMS x >"
    )
    replica.run(
        "XADD y 1-1 a 1", "XDEL y 1-1", "PFADD p a b c", "SADD big " + " ".join(f"m{n}" for n in range(700))
    )
    walk = SnapshotWalk(replica.machine, 100)
    chunks = []
    while (chunk := walk.next_chunk()) is not None:
        chunks.append(chunk)
    return chunks


SEEDS = seeds()


def test_the_seeds_load():
    load = SnapshotLoad(Machine(10))
    for chunk in SEEDS:
        load.feed(chunk)
    assert len(load.machine.waiting.by_client) == 3


@pytest.mark.parametrize("part", range(len(SEEDS)))
def test_a_made_up_chunk_is_refused_or_taken(part: int):
    random = Random(part)
    taken = 0
    for _ in range(FUZZ_EXAMPLES):
        data = made_up(SEEDS[part], random)
        load = SnapshotLoad(Machine(10))
        tracemalloc.start()
        begun_s = time.process_time()
        try:
            if part:
                load.feed(SEEDS[0])
            load.feed(data)
            taken += 1
        except CorruptionError:
            pass
        took_s = time.process_time() - begun_s
        peak_bytes = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert took_s < SECONDS_MAX, data
        assert peak_bytes < PEAK_BYTES_MAX, data
    assert taken
