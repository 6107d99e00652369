"""Snapshots without a fork: whatever happens during the walk, the chunks are the state at its start.

The judge: a machine restored from the chunks, given the entries since, is the same as the
one that wrote them, and stays so for ever (Rules N1 and N2).
"""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.machine.replicas import Replica, call, execute, follow
from trivet.core.base.errors import CorruptionError
from trivet.core.base.prng import Prng
from trivet.core.machine.machine import Machine
from trivet.core.machine.snapshot import SnapshotLoad, SnapshotWalk
from trivet.core.values.codec import state_digest
from trivet.core.wire.reply import NULL_ARRAY


def restored(chunks: list[bytes], expire_max: int = 100) -> Machine:
    load = SnapshotLoad(Machine(expire_max))
    for chunk in chunks:
        load.feed(chunk)
    return load.machine


def chunks_of(walk: SnapshotWalk) -> list[bytes]:
    chunks = []
    while (chunk := walk.next_chunk()) is not None:
        chunks.append(chunk)
    return chunks


def whole(machine: Machine) -> dict[str, object]:
    """Everything on which the future of a machine depends, order and shape included."""
    databases = machine.databases
    shape = {
        index: (
            database.values.bucket_count,
            list(database.values.keys()),
            [database.deadline_ms(key) for key in database.values],
            database.expired_count,
        )
        for index, database in databases.items()
    }
    sessions = {
        n: (s.incarnation, s.last_sequence, dict(s.replies)) for n, s in machine.sessions.by_node.items()
    }
    watches = {
        watcher: (dict(keys), watcher in machine.watches.dirty)
        for watcher, keys in machine.watches.watchers.items()
    }
    return {
        "index": machine.applied_index,
        "now": machine.now_ms,
        "digest": machine.digest,
        "data": state_digest(databases),
        "shape": shape,
        "sessions": sessions,
        "watches": watches,
        "ownership": machine.ownership.state(),
        "foreign": [database.foreign_count for _, database in databases.items()],
    }


# -- what hypothesis draws: commands that make and break buckets, deadlines, collections, databases

_NUMBERS = st.integers(0, 999)


def _many(verb: str, first: int, count: int) -> str:
    value = " v" if verb == "MSET" else ""
    return verb + "".join(f" k{(first + i) % 1000}{value}" for i in range(count))


_MANY = st.builds(_many, st.sampled_from(["MSET", "MSET", "DEL"]), _NUMBERS, st.sampled_from([5, 100, 700]))
_ONE = st.builds(
    str.format,
    st.sampled_from(
        [
            "SET k{0} {1}",
            "APPEND k{0} x",
            "RENAME k{0} k{1}",
            "PEXPIREAT k{0} 10000{1:03}",
            "SET k{0} soon PXAT 10000{1:03}",
            "PERSIST k{0}",
            "SADD s{0} a b c d e{1}",
            "SPOP s{0}",
            "RENAME s{0} s{1}",
            "RENAME s{0} big",
            "COPY big s{0}",
            "SADD big m{0} m{1} n{0}",
            "SPOP big",
            "SREM big m{1}",
            "ZADD z {0} m{1}",
            "ZADD z {1} n{0}",
            "ZPOPMIN z",
            "HSET h f{0} {1}",
            "HDEL h f{1}",
            "HSET k{0} f{1} x g x",
            "HPEXPIREAT h 10000{0:03} FIELDS 2 f{1} f{0}",
            "HPEXPIREAT k{0} 10000{0:03} FIELDS 2 f{1} g",
            "HSET s{0} f{1} x g x",
            "HPEXPIREAT s{0} 10000{0:03} FIELDS 2 f{1} g",
            "HPERSIST h FIELDS 1 f{0}",
            "RPUSH l {0} {1}",
            "LPOP l",
            "WATCH {1} k{0}",
            "UNWATCH {1}",
            "3:SET k{0} three",
            "3:MSET a{0} 1 b{0} 2 c{0} 3",
            "9:SET new {0}",
        ]
    ),
    _NUMBERS,
    st.integers(0, 20),
)
_WHOLE = st.sampled_from(
    ["FLUSHDB", "3:FLUSHDB", "FLUSHALL", "SWAPDB 0 3", "SWAPDB 3 9", "RANDOMKEY", "3:RANDOMKEY"]
)
_COMMANDS = st.one_of(_ONE, _ONE, _ONE, _MANY, _MANY, _WHOLE)
_STEPS = st.lists(st.tuples(st.lists(_COMMANDS, min_size=1, max_size=4), st.integers(0, 1)), max_size=8)
_START_MS = 9_999_500


_BRINKS = [(256, 256), (512, 512), (400, 128), (1000, 256), (300, 200)]
"""(keys at most, keys left): one more key splits a bucket, or one less merges two (but for the last)."""


def _to(brink: tuple[int, int]) -> list[str]:
    most, left = brink
    return [_many("MSET", 0, most), *([_many("DEL", left, most - left)] if left < most else [])]


def _apply(replica: Replica, steps, walk: SnapshotWalk | None, chunks: list[bytes]) -> SnapshotWalk | None:
    """Entries, with a few slices of the walk after each; the walk, while it is not over."""
    for commands, slices in steps:
        replica.run(*commands, at_ms=replica.now_ms + 37)
        for _ in range(slices):
            if walk is not None:
                chunk = walk.next_chunk()
                if chunk is None:
                    walk = None
                else:
                    chunks.append(chunk)
    return walk


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(_BRINKS),
    _STEPS,
    _STEPS,
    _STEPS,
    st.sampled_from([1, 1, 5000]),
    st.sampled_from([2, 1000]),
)
def test_a_restored_machine_is_the_one_that_was_written(
    brink, before, during, after, chunk_bytes, expire_max
):
    replica = Replica(expire_max, _START_MS)
    _apply(replica, before, None, [])
    replica.run("FLUSHDB", *_to(brink))
    at_start = whole(replica.machine)
    walk = SnapshotWalk(replica.machine, chunk_bytes)
    chunks: list[bytes] = []
    left = _apply(replica, during, walk, chunks)
    if left is not None:
        chunks.extend(chunks_of(left))
    assert replica.machine.snapshot_hook is None

    other = restored(chunks, expire_max)
    assert whole(other) == at_start
    follow(replica.log, other)
    assert whole(other) == whole(replica.machine)

    _apply(replica, after, None, [])
    replica.run("RANDOMKEY", "SPOP big", "SCAN 0 COUNT 50", "3:RANDOMKEY", "ZRANDMEMBER z", "HRANDFIELD h")
    follow(replica.log, other)
    assert whole(other) == whole(replica.machine)
    lines = ["SCAN 0 COUNT 1000", "RANDOMKEY", "3:KEYS *", "SRANDMEMBER big 5", "HGETALL h"]
    assert _answers(other, lines) == _answers(replica.machine, lines)
    for _, database in other.databases.items():  # noqa: PERF102 (not a dict)
        database.check_invariants()


def _answers(machine: Machine, lines: list[str]):
    return machine.read([call(line) for line in lines], 0, Prng(3))


# -- named cases


def test_a_bucket_is_written_before_it_changes():
    replica = Replica()
    replica.run(*[f"SET k{i} old" for i in range(1000)])
    walk = SnapshotWalk(replica.machine, 1)
    head = walk.next_chunk()
    replica.run("SET k500 new", "DEL k501", "SET k1000 new")
    machine = restored([head, *chunks_of(walk)])
    assert _answers(machine, ["GET k500", "GET k501", "GET k1000", "DBSIZE"]) == [b"old", b"old", None, 1000]


def test_a_collection_that_moves_and_changes_is_written_as_it_was():
    replica = Replica()
    replica.run("SADD a 1 2", "SET b x", "SET b soon PXAT 20000000")
    before = whole(replica.machine)
    walk = SnapshotWalk(replica.machine, 1)
    replica.run("SET b y", "RENAME a c", "SADD c 3", "RENAME c a", "SADD a 4", "PERSIST b", "DEL b")
    assert whole(restored(chunks_of(walk))) == before


@pytest.mark.parametrize("brink", _BRINKS[:4])
@pytest.mark.parametrize("number", range(6))
def test_a_bucket_is_written_before_it_is_split_or_merged(brink, number):
    """Also when the key that does it lives in another."""
    replica = Replica()
    replica.run(*_to(brink))
    before = whole(replica.machine)
    walk = SnapshotWalk(replica.machine, 1)
    head = walk.next_chunk()
    table = replica.machine.databases.open(0).values
    buckets = table.bucket_count
    replica.run(f"SET new{number} v" if brink[0] == brink[1] else f"DEL k{number}")
    assert table.bucket_count != buckets
    assert whole(restored([head, *chunks_of(walk)])) == before


def test_growth_and_shrinking_are_not_delayed_by_a_walk():
    """N1."""
    replica = Replica()
    replica.run(*[f"SET k{i} v" for i in range(1000)])
    walk = SnapshotWalk(replica.machine, 1)
    head = walk.next_chunk()
    table = replica.machine.databases.open(0).values
    buckets = table.bucket_count
    replica.run(*[f"SET m{i} v" for i in range(2000)])
    assert table.bucket_count > 2 * buckets
    replica.run(*[f"DEL m{i}" for i in range(2000)], *[f"DEL k{i}" for i in range(990)])
    assert table.bucket_count < buckets
    machine = restored([head, *chunks_of(walk)])
    assert machine.databases.open(0).values.bucket_count == buckets
    assert _answers(machine, ["DBSIZE"]) == [1000]


def test_a_flush_during_the_walk_loses_nothing_of_it():
    replica = Replica()
    replica.run(*[f"SET k{i} v PXAT 2000000" for i in range(300)], "5:SET x 1")
    walk = SnapshotWalk(replica.machine, 1)
    head = walk.next_chunk()
    replica.run("FLUSHALL", "SET k1 after")
    machine = restored([head, *chunks_of(walk)])
    assert _answers(machine, ["DBSIZE", "GET k1", "5:GET x"]) == [300, b"v", b"1"]
    assert machine.databases.open(0).deadline_count == 300


def test_databases_exchanged_during_the_walk():
    replica = Replica()
    replica.run("SET a 0", "3:SET a 3")
    walk = SnapshotWalk(replica.machine, 1)
    head = walk.next_chunk()
    replica.run("SWAPDB 0 3", "SET a changed")
    machine = restored([head, *chunks_of(walk)])
    assert _answers(machine, ["GET a", "3:GET a"]) == [b"0", b"3"]
    follow(replica.log, machine)
    assert whole(machine) == whole(replica.machine)


def test_keys_that_expire_during_the_walk():
    replica = Replica()
    replica.run(*[f"SET k{i} v PXAT 2000000" for i in range(300)])
    walk = SnapshotWalk(replica.machine, 1)
    head = walk.next_chunk()
    replica.run("SET other 1", at_ms=2_000_000)
    machine = restored([head, *chunks_of(walk)])
    assert len(machine.databases.open(0)) == 300
    follow(replica.log, machine)
    assert whole(machine) == whole(replica.machine)


def test_sessions_and_watches_come_along():
    replica = Replica()
    replica.entry(
        [replica.batch([call("SET a 1")], acknowledged=0), replica.batch([call("GET a")], acknowledged=0)]
    )
    replica.run("WATCH 9 a", "WATCH 8 a b", node=2)
    replica.run("SET b 1", node=3)
    machine = restored(chunks_of(SnapshotWalk(replica.machine, 100)))
    for one in (machine, replica.machine):
        assert one.sessions.by_node[1].replies[2] == [b"1"]
    replica.run(execute(["GET a"], "8"), execute(["GET a"], "9"), node=2)
    follow(replica.log, machine)
    assert machine.sessions.by_node[2].replies[2] == [NULL_ARRAY, [b"1"]]
    assert whole(machine) == whole(replica.machine)


def test_a_restored_machine_tells_its_watches_of_changes():
    replica = Replica()
    replica.run("SET a 1", "WATCH 9 a")
    machine = restored(chunks_of(SnapshotWalk(replica.machine, 100)))
    replica.run("SET a 2", node=2)
    replica.run(execute(["GET a"], "9"))
    follow(replica.log, machine)
    assert machine.sessions.by_node[1].replies[2] == [NULL_ARRAY]


def test_an_empty_machine():
    machine = restored(chunks_of(SnapshotWalk(Machine(10), 100)))
    assert whole(machine) == whole(Machine(10))


def test_a_walk_that_is_given_up_leaves_nothing_behind():
    replica = Replica()
    replica.run("SET a 1")
    walk = SnapshotWalk(replica.machine, 1)
    walk.next_chunk()
    walk.close()
    database = replica.machine.databases.open(0)
    assert (database.hook, database.values.walk, replica.machine.snapshot_hook) == (None, None, None)
    assert len(chunks_of(SnapshotWalk(replica.machine, 1))) == 2


def test_one_chunk_is_about_as_large_as_asked():
    replica = Replica()
    replica.run(*[f"SET k{i} {'v' * 100}" for i in range(2000)])
    chunks = chunks_of(SnapshotWalk(replica.machine, 20_000))
    assert max(map(len, chunks)) < 20_000 + 3 * 128 * 130
    assert len(chunks) >= 5


# -- bad chunks


def test_chunks_that_are_none():
    good = chunks_of(SnapshotWalk(Replica().machine, 100))
    for bad in (b"", b"\xc1", msgspec.msgpack.encode([1, 2]), good[0][:-1], b"\x91" * 5000):
        with pytest.raises(CorruptionError):
            SnapshotLoad(Machine(10)).feed(bad)
        load = SnapshotLoad(Machine(10))
        load.feed(good[0])
        with pytest.raises(CorruptionError):
            load.feed(bad)


def test_a_format_of_the_future():
    head = msgspec.msgpack.decode(chunks_of(SnapshotWalk(Replica().machine, 100))[0])
    head[1] = 7
    with pytest.raises(CorruptionError, match="format 7"):
        SnapshotLoad(Machine(10)).feed(msgspec.msgpack.encode(head))


def test_a_snapshot_from_before_there_were_slots():
    replica = Replica()
    replica.run("SET a 1")
    head, *rest = chunks_of(SnapshotWalk(replica.machine, 100))
    old = msgspec.msgpack.decode(head)[:-7]
    old[1] = 2
    old[7] = [shape[:3] for shape in old[7]]
    assert whole(restored([msgspec.msgpack.encode(old), *rest])) == whole(replica.machine)


def test_a_snapshot_from_before_there_were_transactions_over_groups():
    replica = Replica()
    replica.run("SET a 1")
    head, *rest = chunks_of(SnapshotWalk(replica.machine, 100))
    old = msgspec.msgpack.decode(head)[:-3]
    old[1] = 4
    assert whole(restored([msgspec.msgpack.encode(old), *rest])) == whole(replica.machine)


def test_fencing_numbers_go_on_and_were_none_before_there_were_any():
    replica = Replica()
    replica.now_ms = 1_577_836_800_000
    told = replica.one("FENCE a")
    head, *rest = chunks_of(SnapshotWalk(replica.machine, 100))
    assert restored([head, *rest]).fences.last == told == 1 << 12
    old = msgspec.msgpack.decode(head)[:-1]
    old[1] = 5
    assert restored([msgspec.msgpack.encode(old), *rest]).fences.last == 0


def test_impossible_locks():
    head = msgspec.msgpack.decode(chunks_of(SnapshotWalk(Replica().machine, 100))[0])
    head[-3] = [[], [], [], [], 0, [[0, b"a", [[1, 1, 1], [2, 1, 1]]]]]
    with pytest.raises(CorruptionError):
        SnapshotLoad(Machine(10)).feed(msgspec.msgpack.encode(head))


def test_impossible_slots():
    head = msgspec.msgpack.decode(chunks_of(SnapshotWalk(Replica().machine, 100))[0])
    head[-7][1] = [[0, 99_999]]
    with pytest.raises(CorruptionError):
        SnapshotLoad(Machine(10)).feed(msgspec.msgpack.encode(head))


def test_replies_that_do_not_decode():
    replica = Replica()
    replica.run("SET a 1")
    head = msgspec.msgpack.decode(chunks_of(SnapshotWalk(replica.machine, 100))[0])
    head[5][0][3][0][1] = msgspec.msgpack.encode([["+"]])
    with pytest.raises(CorruptionError):
        SnapshotLoad(Machine(10)).feed(msgspec.msgpack.encode(head))


@pytest.mark.parametrize("database", [-1, 10_000])
def test_a_database_that_cannot_be(database):
    head = chunks_of(SnapshotWalk(Replica().machine, 100))[0]
    for bad in ([[2, database, msgspec.msgpack.encode([[0, b"k", -1, b"v"]])]],):
        load = SnapshotLoad(Machine(10))
        load.feed(head)
        with pytest.raises(CorruptionError):
            load.feed(msgspec.msgpack.encode(bad))
    shaped = msgspec.msgpack.decode(head)
    shaped[7] = [[database, 1, 0]]
    with pytest.raises(CorruptionError):
        SnapshotLoad(Machine(10)).feed(msgspec.msgpack.encode(shaped))


@pytest.mark.parametrize("bucket_count", [0, -1, 1 << 40])
def test_a_shape_that_cannot_be_allocates_nothing(bucket_count):
    head = msgspec.msgpack.decode(chunks_of(SnapshotWalk(Replica().machine, 100))[0])
    head[7] = [[0, bucket_count, 0]]
    with pytest.raises(CorruptionError):
        SnapshotLoad(Machine(10)).feed(msgspec.msgpack.encode(head))
