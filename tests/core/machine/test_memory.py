"""The account of memory: always the sum of all sizes, however the keys came and went."""

import pytest

from tests.core.machine.replicas import Replica, execute, follow
from tests.core.machine.two_groups import LOW, Groups, Move
from trivet.core.base.prng import Prng
from trivet.core.machine.machine import Machine
from trivet.core.machine.memory import Memory
from trivet.core.machine.snapshot import SnapshotLoad, SnapshotWalk
from trivet.core.values.sizes import BASE_BYTES, item_bytes


def summed(machine: Machine) -> int:
    total = BASE_BYTES
    for database in machine.databases.opened():
        for key, value in database.values.items():
            total += item_bytes(key, value, database.deadlines.get(key) is not None)
    return total


def account(replica: Replica) -> Memory:
    memory = replica.machine.memory
    assert memory is not None
    return memory


def limited(size: str = "1000000000", policy: str = "noeviction") -> Replica:
    replica = Replica()
    replica.one(f"SETTING maxmemory {size} maxmemory-policy {policy}")
    return replica


def test_without_a_limit_nothing_is_kept():
    replica = Replica()
    replica.one("SET k 1")
    assert replica.machine.memory is None
    replica.one("SETTING maxmemory 100000000")
    assert account(replica).total == summed(replica.machine)
    replica.one("SETTING maxmemory 0")
    assert replica.machine.memory is None


@pytest.mark.parametrize(
    "lines",
    [
        ["SET a 1", "SET a " + "x" * 100, "APPEND a yy", "DEL a"],
        ["RPUSH l " + " ".join(str(n) for n in range(50)), "LPOP l", "LINSERT l BEFORE 3 zz", "DEL l"],
        ["HSET h a 1 b 2", "HSET h a " + "x" * 50, "HDEL h b", "RENAME h g", "COPY g f"],
        ["ZADD z 1 a 2 b", "ZINCRBY z 5 a", "ZREMRANGEBYRANK z 0 0"],
        ["SET a 1 PX 500", "PERSIST a", "PEXPIRE a 100", "SET b 1 PX 1", "SET c 1", "SET d 1"],
        [
            "SET a 1",
            "1:SET a 1",
            "2:SET c 3",
            "SWAPDB 0 1",
            "SET a 7",
            "FLUSHDB",
            "SET b 1",
            "FLUSHALL",
            "SET b 2",
        ],
        [
            "HSET h a 1 b 2 c 3",
            "HPEXPIRE h 2 FIELDS 2 a b",
            "SET x 1",
            "SET y 1",
            "SET z 1",
            "HSET h d 4",
            "HLEN h",
        ],
        [
            "XADD s 1-1 f v",
            "XADD s 2-1 f v g w",
            "XGROUP CREATE s g 0",
            "XREADGROUP GROUP g c STREAMS s >",
            "XACK s g 1-1",
            "XDEL s 2-1",
            "XTRIM s MAXLEN 0",
        ],
        ["SETBIT b 900 1", "PFADD p a b c", "PFMERGE q p", "GEOADD g 1 2 m"],
        ["SADD s a b c", "SADD t b c d", "SINTERSTORE u s t", "SMOVE s t a", "SPOP t 2"],
    ],
)
def test_it_is_the_sum_after_every_entry(lines):
    replica = limited()
    for line in lines:
        replica.one(line)
        assert account(replica).total == summed(replica.machine), line
    replica.one(execute(lines))
    assert account(replica).total == summed(replica.machine)


def test_expired_keys_leave_it():
    replica = limited()
    replica.one("SET a 1 PX 100")
    replica.one("SET b 1", at_ms=replica.now_ms + 1000)
    assert account(replica).total == summed(replica.machine) == BASE_BYTES + item_bytes(b"b", b"1", False)


def test_a_large_store_is_counted_in_slices_while_it_changes():
    replica = Replica()
    for start in range(0, 20_000, 1000):
        replica.run(*[f"SET k{number} {number}" for number in range(start, start + 1000)])
    replica.one("SETTING maxmemory 1000000000")
    seen = []
    prng = Prng(3)
    while not account(replica).counted:
        seen.append(account(replica).total)
        numbers = [prng.below(40_000) for _ in range(50)]
        replica.run(*[f"SET k{n} {'x' * (n % 90)}" if n % 3 else f"DEL k{n}" for n in numbers])
    assert len(seen) > 3
    assert seen == sorted(seen)
    assert account(replica).total == summed(replica.machine)
    account(replica).advance(10)
    assert account(replica).total == summed(replica.machine)


def test_victims_by_time_of_use():
    replica = limited(policy="allkeys-lru")
    for number in range(10):
        replica.one(f"SET k{number} 1", at_ms=1_000_000 + number * 10_000)
    account(replica).note_reads([(0, b"k0"), (0, b"nosuch")], 2_000_000)
    first = account(replica).victims(1, 64, replica.now_ms, 10, Prng(1))
    assert first == [(0, b"k1")]
    some = account(replica).victims(400, 64, replica.now_ms, 10, Prng(1))
    assert [key for _, key in some] == [b"k1", b"k2", b"k3", b"k4"]
    assert len(account(replica).victims(10_000, 64, replica.now_ms, 3, Prng(1))) == 3


def test_victims_by_number_of_uses():
    replica = limited(policy="allkeys-lfu")
    replica.run("SET often 1", "SET seldom 1")
    for _ in range(300):
        account(replica).note_reads([(0, b"often")], replica.now_ms)
    assert account(replica).victims(1, 16, replica.now_ms, 10, Prng(1)) == [(0, b"seldom")]
    frequency = account(replica).frequency(replica.machine.databases.open(0), b"often", replica.now_ms)
    assert frequency is not None
    assert frequency > 10
    assert account(replica).idle_s(replica.machine.databases.open(0), b"often", replica.now_ms) is None


@pytest.mark.parametrize("policy", ["volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl"])
def test_volatile_policies_take_only_keys_with_a_deadline(policy):
    replica = limited(policy=policy)
    replica.run(*[f"SET stays{number} 1" for number in range(50)])
    assert account(replica).victims(1, 5, replica.now_ms, 10, Prng(1)) == []
    replica.run("SET late 1 PX 900000", "SET soon 1 PX 1000", "2:SET other 1 PX 500000")
    chosen = account(replica).victims(10_000, 16, replica.now_ms, 10, Prng(1))
    assert sorted(chosen) == [(0, b"late"), (0, b"soon"), (2, b"other")]
    if policy == "volatile-ttl":
        assert chosen[0] == (0, b"soon")


def test_victims_by_chance_are_of_all_databases():
    replica = limited(policy="allkeys-random")
    replica.run(*[f"{number % 2}:SET k{number} 1" for number in range(40)])
    chosen = account(replica).victims(3000, 5, replica.now_ms, 100, Prng(1))
    assert len(dict.fromkeys(chosen)) == len(chosen)
    assert {db_index for db_index, _ in chosen} == {0, 1}


def test_what_object_tells_of_uses():
    replica = limited(policy="allkeys-lru")
    replica.one("SET k 1")
    asked = replica.machine.read([(0, [b"OBJECT", b"IDLETIME", b"k"])], replica.now_ms + 5000, Prng(1))
    assert asked == [5]
    # Through the log every replica must say the same.
    assert replica.one(execute(["OBJECT IDLETIME k", "SET j 1"]))[0] == 0
    replica.one("SETTING maxmemory-policy allkeys-lfu")
    replica.one("SET k 1")
    calls = [(0, [b"OBJECT", b"FREQ", b"k"]), (0, [b"OBJECT", b"IDLETIME", b"k"])]
    frequency, idle = replica.machine.read(calls, replica.now_ms, Prng(1))
    assert frequency == 5
    assert idle.text.startswith("ERR An LFU maxmemory policy is selected")


def test_a_restored_replica_counts_what_it_got():
    replica = limited()
    replica.run(*[f"SET k{number} {number}" for number in range(300)], "RPUSH l a b c")
    walk = SnapshotWalk(replica.machine, 1000)
    load = SnapshotLoad(Machine(100))
    while (chunk := walk.next_chunk()) is not None:
        load.feed(chunk)
    load.machine.memory.advance(0)
    assert not load.machine.memory.counted
    replica.one("SET after 1")
    follow(replica.log, load.machine)
    for _ in range(10):
        load.machine.memory.advance(10)
    assert load.machine.memory.counted
    assert load.machine.memory.total == account(replica).total == summed(load.machine)


def test_another_limit_does_not_begin_anew():
    replica = limited(policy="allkeys-lru")
    before = account(replica)
    replica.one("SETTING maxmemory 2000000000")
    assert account(replica) is before
    replica.one("SETTING lfu-log-factor 3")
    assert account(replica) is not before


def test_keys_that_come_from_another_group_are_in_the_account_and_no_victims():
    groups = Groups()
    source, target = groups.groups
    for group in groups.groups:
        group.do("SETTING maxmemory 1 maxmemory-policy allkeys-random", groups.epoch)
    for i in range(300):
        source.do(f"SET k{i} v{'v' * i}")
    move = Move(groups, 1, [LOW])
    move.until("ready")
    for group in groups.groups:
        memory = group.machine.memory
        assert memory is not None and memory.counted
        fresh = Memory(group.machine.databases, b"allkeys-random", 10, 1)
        while not fresh.counted:
            fresh.advance(100)
        assert memory.total == fresh.total
    assert target.machine.memory.victims(1000, 5, 0, 100, Prng(1)) == []
    victims = source.machine.memory.victims(1 << 30, 5, 0, 1000, Prng(1))
    assert victims
    move.until("over")
    for group in groups.groups:
        fresh = Memory(group.machine.databases, b"allkeys-random", 10, 1)
        while not fresh.counted:
            fresh.advance(100)
        assert group.machine.memory.total == fresh.total
