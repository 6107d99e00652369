"""The time in the log: the leader's clock, and half speed where that is behind (Rule L6)."""

from itertools import pairwise

import pytest

from tests.core.node.bench import Bench
from trivet.core.group.log_time import LogTime
from trivet.core.values.deadlines import NEVER


def test_the_time_is_the_clocks_while_the_log_is_not_ahead():
    time = LogTime()
    assert time.at(0, 1_000, 0) == 1_000
    assert time.at(20, 1_020, 1_000) == 1_020
    assert time.at(40, 1_020, 1_020) == 1_020
    assert time.when(5_000) == 5_000
    assert time.when(NEVER) == NEVER


def test_where_the_log_is_ahead_it_goes_on_at_half_speed_until_the_clock_has_caught_up():
    """A clock that went back by 100 s: what was to end in 1 s ends in 2 s, not in 101 s."""
    time = LogTime()
    assert time.at(0, 200_000, 0) == 200_000
    told = [time.at(now_ms, 100_000 + now_ms, 200_000) for now_ms in range(20, 2_021, 20)]
    assert told[0] == 200_000
    assert told[-1] == 201_000
    assert all(0 <= later - earlier <= 10 for earlier, later in pairwise(told))
    assert time.at(190_020, 290_020, 201_000) == 290_020, "its own log is behind the clock by now"
    assert time.at(190_120, 290_120, 290_020) == 290_120


def test_it_never_goes_back_and_what_moves_the_log_on_counts():
    """Effects of a transaction bring the time of another group."""
    time = LogTime()
    assert time.at(0, 100_000, 200_000) == 200_000
    assert time.at(100, 100_100, 200_000) == 200_050
    assert time.at(200, 100_200, 230_000) == 230_000
    assert time.at(300, 100_300, 230_000) == 230_050
    assert time.at(400, 200_060, 230_000) == 230_100, "what was said and is not applied yet is no later time"
    assert time.at(500, 230_099, 230_000) == 230_150, "the clock is behind what was said"
    assert time.at(600, 230_199, 230_000) == 230_199


def test_the_alarm_for_a_deadline_rings_when_the_log_may_be_there():
    time = LogTime()
    time.at(0, 100_000, 200_000)
    assert time.when(201_000) == 102_000
    assert time.when(199_000) == 100_000, "at once"
    time.at(500, 100_500, 200_000)
    assert time.when(201_000) == 102_000
    assert time.when(100_600) == 100_500
    time.at(99_000, 199_000, 200_000)
    assert time.when(900_000) == 900_000, "by then the clock has long caught up"


def test_whoever_leads_again_begins_with_what_the_log_says():
    time = LogTime()
    time.at(0, 100_000, 200_000)
    time.reset()
    assert time.when(201_000) == 201_000
    assert time.at(10_000, 110_000, 200_000) == 200_000


@pytest.mark.parametrize("asleep", [False, True])
def test_a_leaders_clock_that_goes_back_holds_keys_twice_as_long_at_most(asleep):
    """L6, A3: not for as long as the clock needs to come to where it was."""
    bench = Bench(3)
    leader = bench.node(bench.leader()).group
    bench.say("a", "SET k 1 PX 2000 | SET for-ever 1")
    if asleep:
        bench.until(lambda: leader.asleep, 1_500)
    bench.servers[bench.leader()].wall_skew_ms = -100_000
    bench.wait(1_900 if not asleep else 400)
    assert len(bench.node(2).group.machine.databases.open(0)) == 2
    bench.wait(2_300 if not asleep else 3_800)
    assert len(bench.node(2).group.machine.databases.open(0)) == 1, "nobody has asked for it"
    assert bench.say("a", "GET k | SET j 1 PX 500") == ["nil", "+OK"]
    bench.wait(1_100)
    assert bench.say("a", "GET j") == ["nil"]
