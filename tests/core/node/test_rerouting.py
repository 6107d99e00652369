"""Calls that came to a group which does not hold their keys."""

import pytest

from tests.core.node.test_router import HIGH, LOW, halved, router
from trivet.core.group.run import Run
from trivet.core.machine.entry import encode_calls
from trivet.core.node.blocking import BlockedClients
from trivet.core.node.gathering import Gathering, Plan, plan_of
from trivet.core.node.rerouting import (
    HELD_MS,
    HELD_TOO_LONG,
    LOCKED_MS_MAX,
    MOVING,
    RETRY_MS,
    Rerouting,
    patience_ms,
    send_parts,
)
from trivet.core.node.session import Piece, Ready, Session
from trivet.core.node.wide import TOO_MANY
from trivet.core.wire.reply import NOT_HERE, OK, Blocked, NotHere
from trivet.core.wire.resp import RequestParser, RespLimits


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
            group.write = group.read = lambda run, now, group=group: group.taken.append(run)
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
    blocked = BlockedClients(5_000, halved()[0])
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


# -- locked keys -----------------------------------------------------------------------------------

LOCKED = NotHere(locked_at=40)


class Transactor:
    """Stands for whoever runs transactions over groups."""

    def __init__(self) -> None:
        self.held: bool | None = None
        self.asked = []
        self.begun = []
        self.watches = []
        self.full = False

    def is_held(self, call, group, locked_at) -> bool | None:
        self.asked.append((call, group, locked_at))
        return self.held

    def begin(self, waiter, call, client, watched):
        if self.full:
            return None
        run = Run(waiter, True)
        run.count = 1
        self.begun.append((run, call, client, watched))
        return run

    def watches_in(self, client, group) -> None:
        self.watches.append((client, group.number))


def refused(bench: Bench, *calls: list[bytes], reply=LOCKED, writes: bool = True) -> Run:
    bench.transactor = bench.rerouting.transactor = Transactor()
    run = Run(bench.client, writes)
    run.epoch = 3
    for call in calls:
        run.add((0, call), 10)
    run.sent = run.take_calls()
    assert run.finish_in_part([reply] * len(calls))
    bench.rerouting.take(run, 3, 0)
    return run


def test_what_is_locked_is_sent_again_later_and_later():
    bench = Bench()
    refused(bench, [b"SET", HIGH, b"v"])
    sent_ms = []
    for now_ms in range(40):
        bench.rerouting.look(3, now_ms)
        for again in bench.groups[2].taken:
            sent_ms.append(now_ms)
            assert again.calls == [(0, [b"SET", HIGH, b"v"])]
            again.finish_in_part([LOCKED])
            bench.rerouting.take(again, 3, now_ms)
        bench.groups[2].taken.clear()
    assert sent_ms == [1, 3, 7, 15, 31]


def test_at_once_when_a_replica_here_knows_that_it_is_free():
    bench = Bench()
    run = refused(bench, [b"SET", HIGH, b"v"])
    assert not bench.rerouting.look(3, 0)
    bench.transactor.held = False
    assert bench.rerouting.look(3, 0)
    assert bench.transactor.asked[-1] == ((0, [b"SET", HIGH, b"v"]), None, 40)
    bench.groups[2].taken[0].finish([OK])
    assert run.replies == [OK]


def test_while_a_replica_here_knows_that_it_is_held_it_is_hardly_asked_for():
    """Each try is a word in the log. That replica may be behind, so it is asked for all the same."""
    bench = Bench()
    refused(bench, [b"SET", HIGH, b"v"])
    bench.transactor.held = True
    tried_ms = [now_ms for now_ms in range(HELD_MS + 20) if bench.rerouting.look(3, now_ms)]
    assert tried_ms == [HELD_MS]
    bench.transactor.held = None
    assert patience_ms(None, 0) == 1 and patience_ms(None, 9) == LOCKED_MS_MAX


def test_what_stays_locked_is_withdrawn():
    bench = Bench()
    run = refused(bench, [b"SET", HIGH, b"v"])
    bench.rerouting.look(3, 5_000)
    assert run.replies == [HELD_TOO_LONG]


def test_of_one_run_each_call_waits_for_its_own_reason():
    bench = Bench()
    run = refused(bench, [b"SET", HIGH, b"1"], [b"SET", b"{foo}2", b"2"], reply=NOT_HERE)
    run.replies = [LOCKED, NOT_HERE]
    bench.rerouting.homeless.clear()
    bench.rerouting.take(run, 3, 0)
    bench.rerouting.look(3, 1)
    assert [sub.calls[0][1][2] for sub in bench.groups[2].taken] == [b"1"]
    bench.rerouting.look(3, RETRY_MS)
    assert [sub.calls[0][1][2] for sub in bench.groups[2].taken] == [b"1", b"2"]


def gathered(bench: Bench, *words: bytes, writes: bool = False) -> Gathering:
    """A call to all groups whose parts are under way."""
    bench.transactor = bench.rerouting.transactor = Transactor()
    router_of, _ = halved()
    router_of._replicas = bench.known
    plan = plan_of(router_of, 0, list(words))
    assert isinstance(plan, Plan)
    gathering = Gathering(bench.client, writes, plan)
    send_parts(gathering, 0, 3, 0)
    return gathering


def test_a_part_about_a_whole_database_goes_to_its_own_group_again_and_says_since_when_it_waits():
    bench = Bench()
    gathering = gathered(bench, b"DBSIZE")
    for number in (1, 2):
        (part,) = bench.groups[number].taken
        part.sent = part.take_calls()
        bench.groups[number].taken.clear()
        if number == 1:
            part.finish([3])
        else:
            part.finish_in_part([LOCKED])
            bench.rerouting.take(part, 3, 0)
    bench.rerouting.look(3, 1)
    (again,) = bench.groups[2].taken
    assert again.calls == [(0, [b"SINCE", b"40", b"DBSIZE"])] and not bench.groups[1].taken
    again.sent = again.take_calls()
    bench.groups[2].taken.clear()
    again.finish_in_part([NotHere(locked_at=55)])
    bench.rerouting.take(again, 3, 1)
    bench.rerouting.look(3, 3)
    (last,) = bench.groups[2].taken
    assert last.calls == [(0, [b"SINCE", b"40", b"DBSIZE"])], "since the first time"
    last.finish([4])
    assert gathering.replies == [7]


def test_a_part_that_went_by_an_old_map_begins_the_whole_anew():
    """Else slots that have moved were counted twice, or not at all."""
    bench = Bench()
    gathering = gathered(bench, b"SCAN", b"0")
    (first,), (second,) = bench.groups[1].taken, bench.groups[2].taken
    bench.groups[1].taken, bench.groups[2].taken = [], []
    first.finish([[b"0", [b"moved"]]])
    second.sent = second.take_calls()
    second.finish_in_part([NOT_HERE])
    bench.rerouting.take(second, 3, 0)
    bench.rerouting.look(4, 1)
    (first,), (second,) = bench.groups[1].taken, bench.groups[2].taken
    assert first.calls == second.calls == [(0, [b"SCANPART", b"0"])]
    first.finish([[b"0", []]])
    assert gathering.replies is None
    second.finish([[b"0", [b"moved"]]])
    assert gathering.replies == [[b"0", [b"moved"]]]


def test_parts_that_all_come_back_again_and_again_stay_as_many_and_are_withdrawn_in_time():
    """Each asking anew once doubled the parts, every 20 ms, and the time began anew as well."""
    bench = Bench()
    gathering = gathered(bench, b"DBSIZE")
    now_ms = 0
    while gathering.replies is None:
        assert now_ms <= 5_000 + RETRY_MS
        for number in (1, 2):
            (part,) = bench.groups[number].taken
            bench.groups[number].taken = []
            part.sent = part.take_calls()
            part.finish_in_part([NOT_HERE])
            bench.rerouting.take(part, 3, now_ms)
        now_ms += RETRY_MS
        bench.rerouting.look(3, now_ms)
    assert gathering.replies == [MOVING]
    assert now_ms >= 5_000


def test_a_part_that_went_by_an_old_map_when_one_group_has_all_by_now():
    bench = Bench()
    gathering = gathered(bench, b"DBSIZE")
    (part,) = bench.groups[2].taken
    part.sent = part.take_calls()
    part.finish_in_part([NOT_HERE])
    bench.groups[1].taken.clear()
    alone, known = router()
    bench.rerouting._router = alone
    known[1].taken = []
    known[1].read = lambda run, now: known[1].taken.append(run)
    bench.rerouting.take(part, 3, 0)
    bench.rerouting.look(4, 1)
    (whole,) = known[1].taken
    assert whole.calls == [(0, [b"DBSIZE"])]
    whole.finish([9])
    assert gathering.replies == [9]


# -- calls that turn out to be wider ------------------------------------------------------------------


WIDER = NotHere(is_wider=True)


def test_a_call_that_came_to_keys_of_others_runs_as_a_transaction():
    bench = Bench()
    run = refused(bench, [b"EVAL", b"code", b"1", HIGH], reply=WIDER)
    assert bench.rerouting.look(3, 0)
    ((wide, call, client, watched),) = bench.transactor.begun
    assert (call, client, watched) == ((0, [b"EVAL", b"code", b"1", HIGH]), -1, [])
    wide.finish([7])
    assert run.replies == [7]


def test_a_call_whose_keys_have_moved_apart_runs_as_a_transaction():
    bench = Bench()
    run = refused(bench, [b"MSET", HIGH, b"1", LOW, b"2"], reply=NOT_HERE)
    bench.rerouting.look(4, 0)
    ((wide, _, _, _),) = bench.transactor.begun
    wide.finish([OK])
    assert run.replies == [OK]


TWO = encode_calls([(0, [b"GET", HIGH]), (0, [b"GET", LOW])])
ONE = encode_calls([(0, [b"EVAL", b"code", b"1", HIGH])])


@pytest.mark.parametrize(
    ("call", "reply", "client", "watched"),
    [
        ([b"EXEC", ONE, b"9"], WIDER, 9, [2]),
        ([b"EXEC", ONE, b""], WIDER, -1, []),
        ([b"EXEC", TWO, b"9"], NOT_HERE, 9, [-1]),
        ([b"AS", b"ann", b"7", b"EXEC", ONE, b"7"], WIDER, 7, [2]),
        ([b"AS", b"ann", b"7", b"EXEC", ONE, b""], WIDER, 7, []),
    ],
)
def test_what_its_client_watches_is_where_it_was_sent_or_lost(call, reply, client, watched):
    bench = Bench()
    refused(bench, call, reply=reply)
    bench.rerouting.look(4, 0)
    ((_, begun, whose, where),) = bench.transactor.begun
    assert (begun, whose, where) == ((0, call), client, watched)


def test_too_many_of_them():
    bench = Bench()
    run = refused(bench, [b"EVAL", b"code", b"0"], reply=WIDER)
    bench.transactor.full = True
    bench.rerouting.look(3, 0)
    assert run.replies == [TOO_MANY]


def test_a_watch_that_goes_elsewhere_is_noted():
    bench = Bench()
    run = refused(bench, [b"WATCH", b"9", HIGH, LOW], reply=NOT_HERE)
    bench.rerouting.look(4, 0)
    assert bench.transactor.watches == [(9, 2), (9, 1)]
    for number in (1, 2):
        bench.groups[number].taken[0].finish([OK])
    assert run.replies == [OK]


# -- one session (Rule N5) ------------------------------------------------------------------------------

OTHER = b"{foo}2"
"""In the slot of ``HIGH``."""


class Pipeline(Bench):
    """A session that has sent calls to one group, all of which were refused."""

    def __init__(self, *calls: list[bytes], reply: NotHere = LOCKED) -> None:
        super().__init__()
        self.client = Session(1, "127.0.0.1:1", RequestParser(RespLimits()), Ready(), 0)
        self.runs: list[Run] = []
        self.rerouting.transactor = Transactor()
        for call in calls:
            run = Run(self.client, True)
            run.epoch = 3
            run.add((0, call), 10)
            run.sent = run.take_calls()
            self.runs.append(run)
            self.client.pending.append(Piece(run, 0))
            assert run.finish_in_part([reply])
        for run in self.runs:
            self.rerouting.take(run, 3, 0)

    def look(self, now_ms: int, epoch: int = 3) -> list[list[bytes]]:
        """What is sent again."""
        self.rerouting.look(epoch, now_ms)
        self.sent = [run for group in self.groups.values() for run in group.taken]
        for group in self.groups.values():
            group.taken = []
        return [run.calls[0][1] for run in self.sent]


SET_BOTH = [b"MSET", HIGH, b"1", OTHER, b"1"]
POP = [b"LPOP", OTHER]


def test_what_a_session_sent_later_waits_for_what_it_sent_before():
    """The lock of one may be gone before that of the other."""
    bench = Pipeline(SET_BOTH, POP)
    assert bench.look(1) == [SET_BOTH]
    (again,) = bench.sent
    assert bench.look(9) == [], "it may be refused once more"
    again.sent = again.take_calls()
    again.finish_in_part([LOCKED])
    bench.rerouting.take(again, 3, 10)
    assert bench.look(11) == []
    assert bench.look(12) == [SET_BOTH]
    bench.sent[0].finish([OK])
    assert bench.look(13) == [POP]
    bench.sent[0].finish([b"x"])
    assert [run.replies for run in bench.runs] == [[OK], [b"x"]] and not bench.rerouting.homeless


def test_whichever_comes_back_first():
    bench = Pipeline(SET_BOTH, POP)
    bench.rerouting.homeless.reverse()
    assert bench.look(1) == [SET_BOTH]


def test_what_wants_the_same_locks_goes_together():
    code = [b"EVAL", b"code", b"1", HIGH]
    bench = Pipeline([b"INCR", HIGH], [b"DECR", HIGH], code, code, POP)
    for wanted in ([[b"INCR", HIGH], [b"DECR", HIGH]], [code], [code], [POP]):
        assert bench.look(1) == wanted
        for again in bench.sent:
            again.finish([1])


def test_what_has_moved_goes_together():
    bench = Pipeline([b"SET", HIGH, b"1"], [b"SET", OTHER, b"2"], reply=NOT_HERE)
    assert bench.look(4, 4) == [[b"SET", HIGH, b"1"], [b"SET", OTHER, b"2"]]


def test_of_a_session_that_is_gone_nothing_waits():
    bench = Pipeline(SET_BOTH, POP)
    bench.client.pending.clear()
    assert bench.look(1) == [SET_BOTH, POP]
