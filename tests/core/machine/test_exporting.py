"""The walk that copies slots: whatever happens meanwhile, the import ends as the source was when it was sealed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.machine.two_groups import HIGH, LOW, Groups, Move, key_in
from trivet.core.cluster.slots import slot_of
from trivet.core.machine import exporting
from trivet.core.machine.exporting import RangeWalk
from trivet.core.machine.packets import unpack
from trivet.core.values.codec import encode_items, item_of
from trivet.core.wire.reply import OK

_TYPES = [
    "SET k{0} v{1}",
    "APPEND k{0} x",
    "DEL k{0}",
    "DEL k{0}",
    "PEXPIREAT k{0} 10009{1:02}",
    "PERSIST k{0}",
    "SADD s{0} a{1} b c d",
    "SPOP s{0}",
    "HSET h{0} f{1} x g x",
    "HPEXPIREAT h{0} 10009{1:02} FIELDS 2 f{1} g",
    "HDEL h{0} f{1}",
    "ZADD z{0} {1} m{1} 2 n",
    "ZPOPMIN z{0}",
    "RPUSH l{0} {1} x",
    "LPOP l{0}",
    "XADD x{0} * f v{1}",
    "XGROUP CREATE x{0} g 0 MKSTREAM",
    "XREADGROUP GROUP g me{1} COUNT 1 STREAMS x{0} >",
    "PFADD p{0} a{1}",
    "5:SET k{0} five",
    "5:DEL k{0}",
]
_LINES = st.builds(str.format, st.sampled_from(_TYPES), st.integers(0, 30), st.integers(10, 29))
_WHOLE = st.sampled_from(["FLUSHDB", "5:FLUSHDB", "SWAPDB 0 5", "FLUSHALL"])
_CROWD = st.builds(
    lambda verb, first, count: (
        verb + "".join(f" k{first + i}{' v' if verb == 'MSET' else ''}" for i in range(count))
    ),
    st.sampled_from(["MSET", "DEL"]),
    st.integers(0, 900),
    st.sampled_from([50, 400]),
)
_STEPS = st.lists(
    st.one_of(
        _LINES, _LINES, _LINES, _LINES, _CROWD, _WHOLE, st.just("step"), st.just("step"), st.just("reload")
    ),
    max_size=60,
)


def held(machine, ranges):
    """Every key of the ranges as bytes, by database."""
    return {
        (index, key): encode_items([item_of(database, key)])
        for index, database in machine.databases.items()
        for key in database.values
        if any(low <= slot_of(key) <= high for low, high in ranges)
    }


@settings(max_examples=60, deadline=None)
@given(
    _STEPS,
    st.sampled_from([[LOW], [HIGH], [(0, 16383)], [(0, 100), (5000, 5050), (9000, 16000)]]),
    st.sampled_from([1, 300, 100_000]),
)
def test_the_target_gets_what_the_source_had_when_it_was_sealed(steps, ranges, slice_bytes):
    groups = Groups()
    source, target = groups.groups
    move = Move(groups, 1, ranges, slice_bytes=slice_bytes)
    for line in steps:
        if line == "step":
            if move.phase in ("begin", "copy", "purge_target"):
                move.step()
        elif line == "reload":
            target.reload()
        else:
            source.do(line)
    move.until("ready")
    assert held(target.machine, ranges) == held(source.machine, ranges)
    assert target.machine.ownership.imports[1].counts.items() >= move.counts.items()
    assert sum(target.machine.ownership.imports[1].counts.values()) == sum(move.counts.values())
    groups.check()
    assert target.machine.databases.key_count() == 0, "foreign"
    move.until("over")
    groups.check()
    assert held(source.machine, ranges) == {}
    assert target.machine.databases.key_count() == sum(move.counts.values())
    for group in groups.groups:
        assert not group.machine.walks


def test_a_key_that_changes_all_the_time_holds_up_nobody():
    groups = Groups()
    source = groups.groups[0]
    source.do("MSET" + "".join(f" k{i} v" for i in range(2000)))
    walk = RangeWalk(source.machine, [(0, 16383)])
    takes = 0
    while walk.lag > 1:
        source.do("INCR n")
        assert walk.take(2000)
        takes += 1
        assert takes < 200
    assert walk.is_complete or walk.lag == 1


def test_a_key_before_the_walk_is_given_once():
    groups = Groups()
    source = groups.groups[0]
    source.do("MSET" + "".join(f" k{i} v" for i in range(2000)))
    walk = RangeWalk(source.machine, [(0, 16383)])
    walk.take(1)
    source.do("MSET" + "".join(f" k{i} w" for i in range(2000)))
    given_keys = []
    while not walk.is_complete:
        for _, gone, items in unpack(walk.take(1000)):
            assert not gone
            given_keys += [key for key, _, _ in items]
    assert 2000 <= len(given_keys) <= 2000 + exporting._DUE_ENOUGH + 200
    assert walk.counts_at_seal(1) == {0: 2000}


def test_keys_of_other_slots_are_not_given():
    groups = Groups()
    source = groups.groups[0]
    source.do(f"MSET {key_in(LOW)} low {key_in(HIGH)} high")
    walk = RangeWalk(source.machine, [HIGH])
    (packet,) = unpack(walk.take(1000))
    assert packet == (0, [], [(key_in(HIGH).encode(), b"high", -1)])
    source.do(f"MSET {key_in(LOW)} low {key_in(HIGH)} higher")
    assert walk.lag == 1
    walk.close()
    source.do(f"DEL {key_in(HIGH)}")
    assert walk.lag == 1, "it hears nothing any more"


@pytest.mark.parametrize("line", ["FLUSHDB", "FLUSHALL", "SWAPDB 0 3"])
def test_an_emptied_or_exchanged_database_begins_the_walk_anew(line):
    groups = Groups()
    source = groups.groups[0]
    source.do(f"SET {key_in(HIGH)} 1")
    walk = RangeWalk(source.machine, [HIGH])
    walk.take(1000)
    assert walk.is_complete
    source.do(line)
    assert walk.restarts > 0
    source.do(f"3:SET {key_in(HIGH, 1)} 1")
    assert [database for database, _, _ in unpack(walk.take(1000))] == [3]


def test_too_many_changes_begin_the_walk_anew():
    groups = Groups()
    source = groups.groups[0]
    walk = RangeWalk(source.machine, [(0, 16383)])
    walk.due_max = 100
    walk.take(1)
    source.do("MSET" + "".join(f" k{i} v" for i in range(101)))
    assert walk.restarts == 1
    data = walk.take(1 << 20)
    assert sum(len(items) for _, _, items in unpack(data)) == 101


def test_one_slice_is_about_as_large_as_asked():
    groups = Groups()
    source = groups.groups[0]
    for start in range(0, 3000, 500):
        source.do("MSET" + "".join(f" k{i} {'v' * 100}" for i in range(start, start + 500)))
    walk = RangeWalk(source.machine, [(0, 16383)])
    sizes = []
    while not walk.is_complete:
        sizes.append(len(walk.take(5000)))
    assert max(sizes) < 5300
    assert len(sizes) > 60


@pytest.mark.parametrize("count", [0, 30, 700])
def test_who_only_counts_comes_to_the_same(count):
    groups = Groups()
    for place in range(count):
        groups.run(f"SET k{place} v")
    source = groups.groups[0]
    assert source.say("SEAL", 1, "0-8191") == OK
    taking, counting = RangeWalk(source.machine, [LOW]), RangeWalk(source.machine, [LOW])
    while not taking.is_complete:
        taking.take(1000)
    while not counting.is_complete:
        counting.pass_over()
    assert counting.counts_at_seal(1) == taking.counts_at_seal(1)
    assert sum(counting.counts_at_seal(1).values()) == sum(
        slot_of(b"k%d" % place) < 8192 for place in range(count)
    )
