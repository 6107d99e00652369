"""The judges of values that converge, by histories told by hand; and the calls of the workload."""

import msgspec
import pytest
from told import Told, items

from trivet.core.base.prng import Prng
from trivet.lab.history import FOREVER_US, Outcome
from trivet.lab.resp import OK, ReplyError
from trivet.lab.workloads.copies import (
    EMPTIES,
    Copies,
    are_all_members,
    is_lossless,
    keeps_what_is_acknowledged,
    read_quorum_of,
    reads_what_is_acknowledged,
    replicas_of,
    write_quorum_of,
)
from trivet.lab.workloads.mix import COPIES_DATABASE, Mix, has_copies
from trivet.lab.workloads.workload import Context
from trivet.lab.world.options import RunOptions

HERE = RunOptions(seed=1, eventual_rate=1.0, eventual_replicas=3, nodes=3)


def judge(told: Told, slack_us: int = FOREVER_US, **changes: object) -> list[str]:
    workload = Copies(msgspec.structs.replace(HERE, **changes), Prng(1))
    finals = [o for o in told if o.final]
    return [c.sentence for c in workload.check(told, finals, Context(slack_us))]


def added(end: str, *replies: object) -> Told:
    """Two additions and one that nobody knows of, and how it ended."""
    told = Told().ok(0, 1, "INCRBY N:0 5", 5).ok(0, 1, "INCRBY N:0 -2", 3).open(2, "INCRBY N:0 4")
    return told.failed(2, 3, "INCRBY N:0 9").ok(9, 9, end, *replies, final=True)


def a_set(*members: str) -> Told:
    told = Told().ok(0, 1, "SADD S:0 a", 1).ok(0, 1, "SADD S:0 b", 1).open(0, "SADD S:0 c")
    told.failed(0, 1, "SADD S:0 d").ok(2, 3, "SREM S:0 a", 1).ok(2, 3, "SREM S:0 b", 0)
    return told.ok(9, 9, "SMEMBERS S:0", items(*members), final=True)


def a_list(*elements: str) -> Told:
    told = Told().ok(0, 1, "RPUSH L:0 a b", 2).ok(0, 1, "LPUSH L:0 d c", 4).ok(2, 3, "LPOP L:0", b"c")
    return told.ok(2, 3, "LPOP L:0", b"c").ok(9, 9, "LRANGE L:0 0 -1", items(*elements), final=True)


def popped(*elements: str) -> Told:
    told = Told().ok(0, 1, "RPUSH L:0 a b", 2).open(2, "RPOP L:0")
    return told.ok(9, 9, "LRANGE L:0 0 -1", items(*elements), final=True)


def a_hash(*flat: str) -> Told:
    told = Told().ok(0, 1, "HINCRBY H:0 n0 3", 3).ok(0, 1, "HSET H:0 o0 v", 1).ok(0, 1, "HSET H:0 u 1", 1)
    return told.ok(2, 3, "HDEL H:0 u", 1).ok(9, 9, "HGETALL H:0", items(*flat), final=True)


def scores(*flat: object) -> Told:
    told = Told().ok(0, 1, "ZINCRBY Z:0 3 n0", b"3").ok(0, 1, "ZADD Z:0 1 a", 1).ok(0, 1, "ZADD Z:0 2 b", 1)
    told.ok(2, 3, "ZREM Z:0 b", 1)
    return told.ok(9, 9, "ZRANGE Z:0 0 -1 WITHSCORES", tuple(flat), final=True)


def own(value: bytes | None, removed: int) -> Told:
    told = Told().ok(0, 1, "SET D:a a", OK).ok(2, 3, "DEL D:a", removed)
    return told.ok(9, 9, "GET D:a", value, final=True)


def over(value: bytes | None) -> Told:
    told = Told().ok(0, 1, "SET G:0 a", OK, conn=7).ok(2, 3, "SET G:0 b", OK, conn=7).open(4, "SET G:0 c")
    return told.failed(4, 5, "SET G:0 d").ok(9, 9, "GET G:0", value, final=True)


def emptied(*members: str, end: int = 5) -> Told:
    """Somebody empties the database at node 1, where ``a`` is known; ``b`` at node 2 may be known or not."""
    told = Told().ok(0, 1, "SADD S:0 a", 1).ok(0, 1, "SADD S:0 b", 1).ok(0, 1, "SADD S:0 seen", 1)
    told[1].node = told[2].node = 2
    told.ok(2, 3, "SMEMBERS S:0", items("a", "seen"))
    told.ok(4, end, "FLUSHDB", OK).ok(6, 7, "SADD S:0 later", 1)
    return told.ok(9, 9, "SMEMBERS S:0", items(*members), final=True)


def emptied_sum(value: bytes | None) -> Told:
    told = Told().ok(0, 1, "INCRBY N:0 5", 5).ok(0, 1, "INCRBY N:0 3", 3).ok(4, 5, "FLUSHALL", OK)
    told[1].node = 2
    told.ok(6, 7, "INCRBY N:0 1", 1)
    return told.ok(9, 9, "GET N:0", value, final=True)


def emptied_value(value: bytes | None) -> Told:
    told = Told().ok(0, 1, "SET G:0 a", OK).ok(2, 3, "FLUSHDB", OK)
    return told.ok(9, 9, "GET G:0", value, final=True)


def emptied_perhaps(*members: str) -> Told:
    told = Told().ok(0, 1, "SADD S:0 a", 1).open(2, "FLUSHDB").failed(2, 3, "FLUSHDB")
    return told.ok(9, 9, "SMEMBERS S:0", items(*members), final=True)


def refused_emptying(*members: str) -> Told:
    told = Told().ok(0, 1, "SADD S:0 a", 1).failed(2, 3, "FLUSHDB")
    return told.ok(9, 9, "SMEMBERS S:0", items(*members), final=True)


GOOD = {
    "emptied": emptied("later"),
    "emptied, but for what was not seen": emptied("b", "later"),
    "emptied while something is added": emptied(end=8),
    "a sum that began anew": emptied_sum(b"1"),
    "a sum with what was not seen": emptied_sum(b"4"),
    "a value that went": emptied_value(None),
    "emptied, and nobody knows": emptied_perhaps(),
    "not emptied, and nobody knows": emptied_perhaps("a"),
    "not emptied": refused_emptying("a"),
    "a sum": added("GET N:0", b"3"),
    "a sum with what nobody knows": added("GET N:0", b"7"),
    "a set": a_set("b"),
    "a set without what a removal did not find": a_set("b", "c"),
    "a list whose element came out twice": a_list("d", "a", "b"),
    "a list from both sides": a_list("a", "d", "b"),
    "a list with a pop that nobody knows of": popped("a"),
    "a hash": a_hash("n0", "3", "o0", "v"),
    "scores": scores(b"a", b"1", b"n0", b"3"),
    "scores in pairs": scores((b"a", b"1"), (b"n0", b"3")),
    "a key that was removed": own(None, 1),
    "a key that was not found": own(b"a", 0),
    "the last": over(b"b"),
    "what nobody knows of": over(b"c"),
}

BROKEN = {
    "left over": (emptied("a", "later"), "S:0: what was removed is there again"),
    "left over though shown": (emptied("seen", "later"), "S:0: what was removed is there again"),
    "emptied too much": (emptied(), "S:0: what was acknowledged is lost"),
    "left in a sum": (emptied_sum(b"6"), "N:0: 6.0 is not the sum of what was added (1 to 4)"),
    "gone from a sum": (emptied_sum(None), "N:0: 0 is not the sum of what was added (1 to 4)"),
    "value back": (emptied_value(b"a"), "G:0: what was removed is there again"),
    "refused, and emptied": (refused_emptying(), "S:0: what was acknowledged is lost"),
    "lost addition": (added("GET N:0", b"-2"), "N:0: -2.0 is not the sum of what was added (3 to 7)"),
    "twice": (added("GET N:0", b"8"), "N:0: 8.0 is not the sum of what was added (3 to 7)"),
    "nothing": (added("GET N:0", None), "N:0: 0 is not the sum of what was added (3 to 7)"),
    "back": (a_set("a", "b"), "S:0: what was removed is there again"),
    "lost": (a_set(), "S:0: what was acknowledged is lost"),
    "refused": (a_set("b", "d"), "S:0: something is there whose adding was refused"),
    "invented": (a_set("b", "x"), "S:0: b'x' is there, which nobody added"),
    "double": (a_list("d", "a", "a", "b"), "L:0: something is there twice"),
    "popped and back": (a_list("c", "d", "a", "b"), "L:0: what was removed is there again"),
    "turned": (a_list("d", "b", "a"), "L:0: b'a' is behind b'b', not before it"),
    "two for one pop": (popped(), "L:0: what was acknowledged is lost"),
    "field": (a_hash("n0", "3", "o0", "v", "u", "1"), "H:0: what was removed is there again"),
    "field value": (a_hash("n0", "3", "o0", "w"), "H:0: b'w' is there, which nobody wrote"),
    "no field": (a_hash("n0", "3"), "H:0: what was acknowledged is lost"),
    "field sum": (a_hash("n0", "4", "o0", "v"), "H:0: 4.0 is not the sum of what was added (3)"),
    "score": (scores(b"a", b"1", b"n0", b"6"), "Z:0: 6.0 is not the sum of what was added (3)"),
    "member": (scores(b"b", b"2", b"n0", b"3"), "Z:0: what was removed is there again"),
    "key back": (own(b"a", 1), "D:a: what was removed is there again"),
    "key lost": (own(None, 0), "D:a: what was acknowledged is lost"),
    "written over": (over(b"a"), "G:0: what was written over is there again"),
    "refused write": (over(b"d"), "G:0: b'd' is there, which nobody wrote"),
    "nothing at all": (over(None), "G:0: what was acknowledged is lost"),
}


@pytest.mark.parametrize("name", GOOD)
def test_good(name: str) -> None:
    assert judge(GOOD[name]) == []


@pytest.mark.parametrize("name", BROKEN)
def test_broken(name: str) -> None:
    told, sentence = BROKEN[name]
    assert judge(told)[0] == sentence


LOST = [
    "lost addition",
    "back",
    "lost",
    "popped and back",
    "two for one pop",
    "no field",
    "key back",
    "key lost",
]


@pytest.mark.parametrize("name", LOST)
def test_where_disks_forget_nothing_is_said_of_losses(name: str) -> None:
    assert judge(BROKEN[name][0], wipe_every_ms=1_000) == []


@pytest.mark.parametrize("name", ["invented", "refused", "double", "turned", "refused write"])
def test_where_disks_forget_nothing_is_invented_all_the_same(name: str) -> None:
    assert judge(BROKEN[name][0], bit_rot_every_ms=1_000)


def test_who_is_no_member_may_have_written_over_what_it_did_not_see() -> None:
    assert judge(over(b"a"), eventual_replicas=2) == []


@pytest.mark.parametrize("name", ["left over", "left in a sum", "value back"])
def test_who_is_no_member_may_have_emptied_what_it_did_not_see(name: str) -> None:
    assert judge(BROKEN[name][0], eventual_replicas=2) == []


def test_nodes_show_the_same_in_the_end() -> None:
    told = Told().ok(0, 1, "SADD S:0 a", 1).open(0, "SADD S:0 b")
    told.ok(9, 9, "SMEMBERS S:0", items("a"), final=True)
    assert judge(told) == []
    told.ok(9, 9, "SMEMBERS S:0", items("a", "b"), final=True)
    assert judge(told) == ["S:0: in the end nodes show different values"]


def test_the_order_of_a_set_is_nobodys_business() -> None:
    told = Told().ok(0, 1, "SADD S:0 a", 1).ok(0, 1, "SADD S:0 b", 1)
    for seen in (items("a", "b"), items("b", "a")):
        told.ok(9, 9, "SMEMBERS S:0", seen, final=True)
    assert judge(told) == []


def test_a_key_ends_at_its_deadline() -> None:
    told = Told().ok(0, 1, "SET T:a a PX 100", OK)
    told.ok(150, 151, "GET T:a", b"a", final=True).ok(200, 201, "GET T:a", None, final=True)
    assert judge(told) == judge(told, 60_000) == []
    assert judge(told, 40_000) == ["T:a: a key was seen after its deadline"]


def test_when_disks_and_nodes_lose_nothing() -> None:
    assert is_lossless(HERE) and are_all_members(HERE)
    for change in ("wipe_every_ms", "bit_rot_every_ms", "misdirect_every_ms"):
        assert not is_lossless(msgspec.structs.replace(HERE, **{change: 1}))
    for grace_ms in (2_000, 300_000):
        planned = msgspec.structs.replace(HERE, plans=True, grace_ms=grace_ms)
        assert is_lossless(planned) is (grace_ms > 60_000) and not are_all_members(planned)
    for change in ("move_every_ms", "join_every_ms", "nodes"):
        assert not are_all_members(msgspec.structs.replace(HERE, **{change: 4}))


def test_calls_are_about_keys_of_its_own_and_things_are_added_once() -> None:
    workload, prng = Copies(HERE, Prng(1)), Prng(2)
    once: dict[bytes, int] = {}
    names: dict[bytes, int] = {}
    for n in range(3_000):
        call = workload.start(n % 5, prng)
        (words,) = call.commands
        assert call.keys[0][:2] in workload.prefixes and words[1] == call.keys[0]
        names[words[0]] = names.get(words[0], 0) + 1
        if words[0] in (b"SADD", b"RPUSH", b"LPUSH"):
            for word in words[2:]:
                once[word] = once.get(word, 0) + 1
    assert len(names) >= 20 and set(once.values()) == {1}
    assert workload.metrics()["removals"] > 100
    assert all(workload.read(1, prng).commands[0][0] not in (b"SET", b"SADD") for _ in range(50))


def test_nobody_empties_another_database_than_its_own() -> None:
    workload = Copies(msgspec.structs.replace(HERE, emptying_rate=0.5), Prng(1))
    mix = Mix(msgspec.structs.replace(HERE, emptying_rate=0.5, workloads="copies"))
    prng = Prng(2)
    calls = [workload.start(1, prng) for _ in range(20)]
    first = next(call for call in calls if call.keys == (EMPTIES,))
    workload.note(first)
    assert first.commands == ((b"DBSIZE",),) and not workload.used
    dressed = mix._places[mix.workloads["copies"]].dress(first)
    assert dressed.wire == [[b"SELECT", b"8"], [b"DBSIZE"]]
    assert dressed.pick([ReplyError("CLUSTERDOWN nobody"), 3])[0] is not Outcome.OK, "then nothing follows"
    assert dressed.then is not None
    follow = dressed.then((3,))
    assert follow is not None and follow.wire == [[b"FLUSHDB"]]


def test_where_it_lives() -> None:
    mix = Mix(msgspec.structs.replace(HERE, eventual_write_quorum=1))
    workload = mix.workloads["copies"]
    assert mix._places[workload].database == COPIES_DATABASE
    preparation, clearance = mix.preparation(), mix.clearance()
    assert preparation is not None and clearance is not None
    (words,) = preparation.next_calls(1, Prng(1))[0].wire
    assert words[:8] == b"KEYSPACE CREATE 8 MODE eventual REPLICAS 3 SHARDS".split()
    assert words[9:] == b"WRITE QUORUM 1 READ QUORUM 1".split()
    assert clearance.next_calls(1, Prng(1))[0].wire == [b"KEYSPACE DROP 8 FORCE".split()]


def test_without_the_option_there_is_none_of_it() -> None:
    options = RunOptions(seed=1)
    assert not has_copies(options) and "copies" not in Mix(options).workloads
    drawn = [replicas_of(RunOptions(seed=seed)) for seed in range(50)]
    assert sorted(set(drawn)) == [2, 3, 4, 5]


def test_on_how_many_members_a_write_has_to_be() -> None:
    drawn = [write_quorum_of(msgspec.structs.replace(HERE, seed=seed)) for seed in range(1, 100)]
    assert sorted(dict.fromkeys(drawn)) == [1, 2]
    assert write_quorum_of(msgspec.structs.replace(HERE, eventual_write_quorum=3)) == 3
    few = msgspec.structs.replace(HERE, nodes=5)
    assert all(write_quorum_of(msgspec.structs.replace(few, seed=seed)) == 1 for seed in range(1, 50))


def test_what_two_disks_have_one_does_not_lose() -> None:
    rots = msgspec.structs.replace(HERE, bit_rot_every_ms=1, eventual_write_quorum=1)
    assert not keeps_what_is_acknowledged(rots)
    assert keeps_what_is_acknowledged(msgspec.structs.replace(rots, eventual_write_quorum=2))
    moves = msgspec.structs.replace(rots, eventual_write_quorum=2, move_every_ms=1)
    assert not keeps_what_is_acknowledged(moves)


def test_whether_quorums_meet() -> None:
    drawn = [msgspec.structs.replace(HERE, seed=seed) for seed in range(1, 200)]
    pairs = {(write_quorum_of(one), read_quorum_of(one)) for one in drawn}
    assert pairs == {(1, 1), (2, 1), (2, 2)}
    assert all(reads_what_is_acknowledged(one) is (read_quorum_of(one) == 2) for one in drawn)
    both = msgspec.structs.replace(HERE, eventual_write_quorum=2, eventual_read_quorum=2)
    assert reads_what_is_acknowledged(both)
    for change, holds in (
        ({"bit_rot_every_ms": 1}, True),
        ({"move_every_ms": 1}, True),
        ({"bit_rot_every_ms": 1, "move_every_ms": 1}, False),
        ({"wipe_every_ms": 1}, False),
        ({"plans": True, "grace_ms": 5_000}, False),
        ({"eventual_replicas": 4}, False),
    ):
        assert reads_what_is_acknowledged(msgspec.structs.replace(both, **change)) is holds, change
