"""When a replica needs no ticks, and what it is never without a turn for."""

import pytest

from tests.core.node.bench import Bench
from trivet.core.group.rest import alarm_of, check_rest, may_sleep
from trivet.core.values.deadlines import NEVER


def group_of(bench: Bench, number: int = 1):
    return bench.node(number).group


def test_an_idle_group_falls_asleep_on_every_member_and_wakes_with_a_command():
    bench = Bench(3)
    bench.say("a", "SET k 1")
    bench.wait(1_500)
    assert [group_of(bench, number).asleep for number in (1, 2, 3)] == [True, True, True]
    agendas = [bench.node(number).residents._agenda for number in (1, 2, 3)]
    assert [agenda.awake for agenda in agendas] == [[], [], []]
    assert bench.say("b@2", "GET k") == ['"1"']
    assert not group_of(bench).asleep and not group_of(bench, 2).asleep


def test_a_leader_that_sleeps_tells_the_log_when_a_deadline_passes():
    """Rule L2, A3: the key is gone, and its event told, though nobody asks."""
    bench = Bench(3)
    bench.say("a", "SET k 1 PX 5000")
    bench.wait(2_000)
    leader, follower = group_of(bench), group_of(bench, 2)
    assert leader.asleep and follower.asleep
    assert alarm_of(leader) == leader.machine.databases.next_deadline_ms() != NEVER
    assert alarm_of(follower) == NEVER
    applied = leader.machine.applied_index
    bench.wait(2_900)
    assert leader.machine.applied_index == applied
    bench.wait(500)
    assert [group_of(bench, n).machine.databases.key_count() for n in (1, 2, 3)] == [0, 0, 0]


def test_a_call_that_waits_and_memory_that_is_short_keep_a_group_awake():
    bench = Bench()
    bench.say("a", "BLPOP q 0")
    bench.wait(1_500)
    assert not may_sleep(group_of(bench)) and not group_of(bench).asleep
    bench.say("b", "RPUSH q 1")
    bench.wait(1_500)
    assert group_of(bench).asleep
    bench.say("b", "SET k 1 | CONFIG SET maxmemory 1gb")
    bench.wait(1_500)
    assert group_of(bench).machine.memory.counted and group_of(bench).asleep
    bench.say("b", "CONFIG SET maxmemory 1")
    bench.wait(1_500)
    assert not group_of(bench).asleep
    assert bench.say("b", "SET k 2")[0].startswith("-OOM")


def test_a_command_keeps_a_group_awake_until_it_is_answered():
    bench = Bench(3)
    bench.wait(1_500)
    for peer in (2, 3):
        bench.crash(peer)
    assert not bench.say("a", "SET k 1")
    assert group_of(bench).outbox.under_way
    assert not may_sleep(group_of(bench))


@pytest.mark.parametrize("what", ["staged", "read", "stale", "proposed", "ticking"])
def test_what_is_to_be_carried_out_by_a_turn_that_nobody_gives_is_noticed(what):
    bench = Bench()
    bench.wait(1_500)
    group = group_of(bench)
    check_rest(group)
    run = object()
    if what == "staged":
        group.outbox._staged.append(run)
    elif what == "read":
        group.reads._open = run
    elif what == "stale":
        group.reads._stale.append(run)
    elif what == "proposed":
        assert group.raft.propose(b"")
    else:
        group.raft.wake()
    with pytest.raises(AssertionError):
        check_rest(group)
