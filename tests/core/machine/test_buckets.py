"""The keys of one bucket, in their order, with their deadlines."""

from tests.core.machine.replicas import Replica
from trivet.core.machine.buckets import bucket_items


def items_of(replica: Replica) -> list[tuple[bytes, object, int]]:
    database = replica.machine.databases.open(0)
    table = database.values
    found = [bucket_items(table, database.deadlines, bucket) for bucket in range(table.bucket_count)]
    return [item for items in found for item in items]


def test_without_deadlines_every_key_has_none():
    replica = Replica()
    replica.run("SET b 1", "SET a 2")
    assert items_of(replica) == [(b"b", b"1", -1), (b"a", b"2", -1)]


def test_deadlines_come_with_their_keys():
    replica = Replica()
    replica.run("SET a 1", "SET b 2", "PEXPIREAT b 5000000")
    assert items_of(replica) == [(b"a", b"1", -1), (b"b", b"2", 5_000_000)]


def test_all_buckets_together_are_all_keys():
    replica = Replica()
    replica.run(*[f"SET key{i} {i}" for i in range(1000)])
    assert replica.machine.databases.open(0).values.bucket_count > 4
    assert sorted(item[0] for item in items_of(replica)) == sorted(b"key%d" % i for i in range(1000))
