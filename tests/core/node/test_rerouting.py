"""Calls that came to a group which does not hold their keys."""

from tests.core.node.test_router import HIGH, LOW, halved
from trivet.core.group.run import Run
from trivet.core.node.blocking import BlockedClients
from trivet.core.node.rerouting import MOVING, RETRY_MS, Rerouting
from trivet.core.wire.reply import NOT_HERE, OK, Blocked


class Client:
    told = 0

    def run_done(self) -> None:
        self.told += 1


class Bench:
    def __init__(self) -> None:
        router, self.known = halved()
        self.groups = dict(self.known)
        for group in self.groups.values():
            group.taken = []
            group.write = lambda run, now, group=group: group.taken.append(run)
        self.rerouting = Rerouting(router, 5_000)
        self.client = Client()

    def came_back(self, *keys: bytes, answered: int = 0) -> Run:
        """A run routed by the map of epoch 3, of which the first so many calls were run."""
        run = Run(self.client, True)
        run.epoch = 3
        for key in keys:
            run.add((0, [b"SET", key, b"v"]), 10)
        run.sent = run.take_calls()
        replies = [OK] * answered + [NOT_HERE] * (len(keys) - answered)
        assert run.finish_in_part(replies) is (answered < len(keys))
        if run.misrouted:
            self.rerouting.take(run, 3, 0)
        return run


def test_with_a_newer_map_each_call_goes_where_it_belongs():
    bench = Bench()
    run = bench.came_back(LOW, HIGH, LOW, answered=1)
    assert not bench.rerouting.look(3, 5), "the map is the old one"
    assert bench.rerouting.look(4, 6)
    (high,), (low,) = bench.groups[2].taken, bench.groups[1].taken
    assert high.calls == [(0, [b"SET", HIGH, b"v"])] and high.epoch == 4
    low.finish([OK])
    assert bench.client.told == 0
    high.finish([OK])
    assert bench.client.told == 1 and run.replies == [OK, OK, OK] and not bench.rerouting.homeless


def test_without_a_newer_map_it_is_tried_again_after_a_while():
    bench = Bench()
    bench.came_back(HIGH)
    assert not bench.rerouting.look(3, RETRY_MS - 1)
    assert bench.rerouting.look(3, RETRY_MS)
    assert len(bench.groups[2].taken) == 1


def test_what_finds_no_home_in_time_is_withdrawn():
    bench = Bench()
    run = bench.came_back(HIGH)
    bench.rerouting.look(3, 5_000)
    assert run.replies == [MOVING] and bench.client.told == 1


def test_what_comes_back_again_and_again_is_withdrawn_all_the_same():
    bench = Bench()
    run = bench.came_back(HIGH)
    now_ms = 0
    while bench.client.told == 0:
        now_ms += RETRY_MS
        bench.rerouting.look(3, now_ms)
        for again in bench.groups[2].taken:
            if again.finish_in_part([NOT_HERE]):
                bench.rerouting.take(again, 3, now_ms)
        bench.groups[2].taken.clear()
    assert run.replies == [MOVING] and now_ms == 5_000


def test_a_group_that_this_node_does_not_know_yet_is_waited_for():
    bench = Bench()
    run = bench.came_back(HIGH, LOW)
    high = bench.known.pop(2)
    bench.rerouting.look(4, 10)
    assert bench.rerouting.homeless and len(bench.groups[1].taken) == 1
    bench.known[2] = high
    bench.rerouting.look(4, 10 + RETRY_MS)
    assert not bench.rerouting.homeless
    for group in (1, 2):
        bench.groups[group].taken[0].finish([OK])
    assert run.replies == [OK, OK] and bench.client.told == 1


def test_runs_without_such_replies_are_done():
    bench = Bench()
    run = bench.came_back(HIGH, answered=1)
    assert run.replies == [OK] and bench.client.told == 1


def test_a_call_that_waits_is_known_to_be_elsewhere_by_then():
    bench = Bench()
    blocked = BlockedClients(5_000)
    blocked.begin(9, 0, [b"BLPOP", HIGH, b"0"], bench.groups[1])
    blocked.waits(9, Blocked(0, [b"BLPOP", HIGH, b"0"]), 0)
    blocked.group_is_gone(bench.groups[1])
    assert bench.rerouting.go_on(blocked, 4, 5)
    (run,) = bench.groups[2].taken
    assert run.calls == [(0, [b"BLOCK", b"9", b"BLPOP", HIGH, b"0"])]
    run.finish([Blocked(0, [b"BLPOP", HIGH, b"0"])])
    blocked.settle()
    blocked.woken(9, bench.groups[2])
    assert bench.groups[2].taken[-1].calls == [(0, [b"CLAIM", b"9"])]
