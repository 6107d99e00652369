"""Hash flooding: tables hash by crc32, so a client can choose keys that all fall into one bucket.

A bucket is a dict, so reading and writing stay what they are. What looked through whole buckets must not cost
more with every such key. The bounds are generous; before they were kept, these took minutes.
"""

import time
from zlib import crc32

import pytest

from tests.core.command.dialogue import Replica
from tests.security.collisions import colliding
from trivet.core.base.prng import Prng
from trivet.core.values.deadlines import Deadlines
from trivet.core.values.table import Table

COUNT = 30_000
KEYS = list(colliding(COUNT))


def seconds(work) -> float:
    begun_s = time.process_time()
    work()
    return time.process_time() - begun_s


def test_the_keys_collide():
    assert len({crc32(key) for key in KEYS}) == 1
    assert len({*KEYS}) == COUNT


def test_a_table_stays_one():
    table: Table[int] = Table()

    def work():
        for number, key in enumerate(KEYS):
            table.put(key, number)
        for _ in range(100):
            table.random_key(Prng(1))

    assert seconds(work) < 10
    table.check_invariants()
    assert not table.is_even()
    assert table.scan(0, 10)[1] == KEYS
    for key in KEYS:
        table.pop(key)
    assert len(table) == 0


@pytest.mark.parametrize("same", [True, False])
def test_deadlines_of_colliding_keys_pass_one_by_one(same):
    """With 30,000 deadlines in one bucket, each that passed looked through all the others, on every replica."""
    deadlines = Deadlines()
    drained: list[bytes] = []

    def work():
        for number, key in enumerate(KEYS):
            deadlines.put(key, 7 if same else number * 7919 % COUNT)
        deadlines.check_invariants()
        for key in KEYS[:1000]:
            deadlines.put(key, 0)
        while due := deadlines.due(COUNT, 2000):
            for key in due:
                deadlines.drop(key)
            drained.extend(due)

    assert seconds(work) < 20
    assert sorted(drained) == sorted(KEYS)
    assert drained[:1000] == sorted(KEYS[:1000]) or not same
    assert len(deadlines) == 0
    deadlines.check_invariants()


def test_a_crowd_keeps_its_order_while_its_table_grows_and_shrinks():
    """Against a plain sort, with honest keys between, through splits and merges."""
    deadlines = Deadlines()
    honest = [b"h%d" % number for number in range(3000)]
    crowd = KEYS[:600]
    for number, key in enumerate(crowd + honest):
        deadlines.put(key, number * 7919 % 1009)
        if number % 100 == 0:
            deadlines.check_invariants()
    for number, key in enumerate(honest[:2900] + crowd[:200]):
        assert deadlines.drop(key)
        if number % 100 == 0:
            deadlines.check_invariants()
    left = {key: deadlines.get(key) for key in crowd[200:] + honest[2900:]}
    drained = []
    while due := deadlines.due(2000, 7):
        assert {deadlines.get(key) for key in due} == {deadlines.next_ms()}
        for key in due:
            deadlines.drop(key)
        drained += due
    assert [left[key] for key in drained] == sorted(left.values())


@pytest.mark.parametrize(
    "call", [b"SRANDMEMBER s -5000", b"SRANDMEMBER s 5000", b"SPOP s 5000", b"SSCAN s 0"]
)
def test_sets_of_colliding_members(call):
    replica = Replica()
    replica.run_args([b"SADD", b"s", *KEYS])
    assert seconds(lambda: replica.run_args(call.split())) < 0.5


def test_keys_that_expire_on_a_replica():
    replica = Replica()

    def work():
        for number, key in enumerate(KEYS[:10_000]):
            replica.run_args([b"SET", key, b"v", b"PX", b"%d" % (1 + number * 7919 % 10_000)])
        replica.context.databases.set_now(2_000_000)
        replica.context.databases.expire_due(10_000)

    assert seconds(work) < 10
    assert len(replica.context.databases.open(0).values) == 0
