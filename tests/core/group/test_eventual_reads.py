"""Reads that first hear what other members have (``READ QUORUM``, Rule X18)."""

import copy

from tests.core.group.test_eventual_causal import TIMEOUT_MS, apart, causal, said
from tests.core.group.test_eventual_group import FIRST, group, with_copies
from trivet.core.group.eventual_messages import AskClock, TellClock
from trivet.core.group.eventual_quorums import Sides
from trivet.core.group.eventual_reads import ReadQuorum, too_few
from trivet.core.group.run import Run
from trivet.core.lattice.clock import Clock

BOTH = "REPLICAS 3 WRITE QUORUM 2 READ QUORUM 2"
TOO_FEW = "-" + too_few(2).text


def test_a_read_sees_every_write_that_was_acknowledged_before():
    """Node 3 does not hear node 1, and asks node 2, which has it."""
    bench = with_copies(3, BOTH)
    apart(bench, 1, 3)
    for turn in range(5):
        assert bench.answer("a", f"SET k {turn}") == "+OK"
        assert bench.answer("c", "GET k") == f'"{turn}"'


def test_what_nobody_has_but_its_member_is_waited_for_when_that_was_heard():
    bench = with_copies(3, "REPLICAS 3 READ QUORUM 3")
    bench.cut(3)
    bench.answer("a", "SET k 1")
    assert bench.ask("c", "GET k") == "", "it hears nobody"
    bench.heal()
    bench.until(lambda: said(bench, "c") == ['"1"'], 2_000)


def test_without_a_quorum_nothing_is_read_and_writes_go_on():
    bench = with_copies(3, "REPLICAS 3 READ QUORUM 2")
    bench.cut(3)
    assert bench.answer("c", "SET k 1") == "+OK"
    bench.ask("c", "GET k | EXISTS k")
    bench.wait(TIMEOUT_MS - 200)
    assert said(bench, "c") == [] and not group(bench, 3).asleep
    bench.wait(400)
    assert said(bench, "c") == [TOO_FEW] * 2
    assert bench.answer("a", "GET k") == "nil", "the others are two"


def test_reads_of_a_turn_share_a_round():
    bench = with_copies(3, "REPLICAS 3 READ QUORUM 2")
    asked = []
    bench.on_send = lambda sender, to, frame: asked.append((sender, to))
    bench.connect("d")
    bench.answer("d", "SELECT 7")
    bench.settle()
    asked.clear()
    for name in "ad":
        bench.send(name, b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n" * 10)
    bench.settle()
    assert asked.count((1, 2)) == asked.count((1, 3)) == 1
    assert len([1 for who, _ in bench.events if who in "ad"]) == 20


def test_one_lost_question_is_asked_again():
    bench = with_copies(3, "REPLICAS 3 READ QUORUM 2")
    bench.cut(1)
    assert bench.ask("a", "GET k") == ""
    bench.cuts.clear()
    bench.until(lambda: said(bench, "a") == ["nil"], 2_000)


def test_calls_of_who_has_no_copy():
    bench = with_copies(5, "REPLICAS 2 READ QUORUM 2 ON 1 2")
    assert bench.answer("c", "SET k 1") == "+OK"
    assert bench.answer("c", "GET k") == '"1"'
    apart(bench, 1, 2)
    bench.ask("c", "GET k")
    bench.wait(TIMEOUT_MS)
    assert said(bench, "c") == [TOO_FEW], "by the member"


def test_a_causal_client_waits_for_both():
    bench = with_copies(3, BOTH)
    causal(bench, "a")
    assert bench.answer("a", "SET k 1") == "+OK"
    assert bench.answer("a", "GET k") == '"1"'


def test_who_doubts_what_it_has_tells_nothing():
    bench = with_copies(3, "REPLICAS 3 READ QUORUM 2")
    apart(bench, 1, 3)
    group(bench, 2).doubtful = True
    group(bench, 2).gossip.caught_up = False
    group(bench, 2).gossip.witnesses = ((1, 3), 9)
    bench.ask("c", "GET k")
    bench.wait(1_000)
    assert said(bench, "c") == []
    group(bench, 2).gossip.witnesses = ((1, 3), 2)
    bench.until(lambda: said(bench, "c") == ["nil"], 2_000)


def test_who_lost_something_catches_up_with_as_many_as_a_read_asks():
    """Rule N13 of ``core/gossip``."""
    bench = with_copies(3, BOTH)
    assert group(bench, 1).gossip.witnesses == ((2, 3), 2)
    assert "+OK" in bench.say("m", "KEYSPACE ALTER 7 READ QUORUM 1")
    bench.wait(100)
    assert group(bench, 1).gossip.witnesses == ((2, 3), 0)


def test_it_can_be_changed_while_somebody_waits():
    bench = with_copies(3, "REPLICAS 3 READ QUORUM 3")
    bench.crash(3)
    assert bench.ask("a", "GET k") == ""
    bench.say("m@2", "KEYSPACE ALTER 7 READ QUORUM 2")
    bench.until(lambda: not group(bench, 1).tally.read.busy, 2_000)
    assert bench.answer("a", "EXISTS k") == "0"


def test_while_members_change_both_sets_are_asked():
    bench = with_copies(3, "REPLICAS 3 READ QUORUM 2")
    row = copy.deepcopy(bench.node(1).front.cluster.groups[FIRST])
    bench.cut(3)
    for number in (1, 2):
        held = group(bench, number)
        row.membership, row.incoming, row.before = 1, [1, 3], [1, 2, 3]
        held.follow(row)
        bench.servers[number].dirty = True
    bench.settle()
    bench.ask("a", "GET k")
    bench.wait(1_000)
    assert said(bench, "a") == [], "node 2 goes, and node 3 is not heard"
    row.membership, row.incoming, row.before = 2, [1, 2], [1, 2, 3]
    for number in (1, 2):
        group(bench, number).follow(row)
        bench.servers[number].dirty = True
    bench.until(lambda: said(bench, "a") == ["nil"], 1_000)


def test_who_goes_by_other_members_counts_for_nothing():
    bench = with_copies(3, "REPLICAS 3 READ QUORUM 2")
    held = group(bench, 1)
    bench.cut(1)
    bench.ask("a", "GET k")
    number = held.tally.read._last
    for epoch, wanted in ((held.epoch - 1, 0), (held.epoch + 1, held.epoch + 1)):
        held.on_message(2, TellClock(number, held.settings.incarnation, epoch, Clock().encode()))
        assert held.epoch_wanted == wanted and held.tally.read.busy
    held.epoch_wanted = 0
    held.on_message(2, TellClock(number, held.settings.incarnation, held.epoch, b"\xff"))
    assert held.tally.read.release(Clock(), 0) == []
    held.on_message(2, TellClock(number, held.settings.incarnation, held.epoch, Clock().encode()))
    bench.servers[1].dirty = True
    bench.until(lambda: said(bench, "a") == ["nil"], 200)


# -- by itself ----------------------------------------------------------------------------------------

OWN, LIFE, RESEND_MS = 1, 77, 500
SIDES = Sides((1, 2, 3), (), ())


class Waiter:
    def run_done(self) -> None:
        """As ``Waiter``."""


def read_of(patience_ms: int = 0) -> Run:
    run = Run(Waiter(), False)
    run.patience_ms = patience_ms
    run.add((0, [b"GET", b"k"]), 10)
    return run


def clock(last: int) -> Clock:
    made = Clock()
    if last:
        made.add_range(9, 1, last)
    return made


def quorum_of(count: int) -> ReadQuorum:
    made = ReadQuorum(OWN, LIFE, TIMEOUT_MS, RESEND_MS)
    made.count = count
    return made


def asked(quorum: ReadQuorum, now_ms: int = 0) -> list[tuple[int, AskClock]]:
    out: list = []
    quorum.ask([2, 3], 4, out, now_ms)
    return out


def tell(quorum: ReadQuorum, sender: int, number: int, last: int, life: int = LIFE) -> None:
    quorum.on_told(sender, TellClock(number, life, 4, b""), clock(last), SIDES)


def test_a_round():
    quorum = quorum_of(2)
    run = read_of()
    quorum.add(run, 0)
    assert asked(quorum) == [(2, AskClock(1, LIFE, 4)), (3, AskClock(1, LIFE, 4))]
    assert asked(quorum) == [] and quorum.busy
    tell(quorum, 2, 1, 5, life=LIFE - 1)
    tell(quorum, 2, 9, 5)
    assert not quorum.may_run(clock(9)) and quorum.release(clock(9), 0) == []
    tell(quorum, 2, 1, 5)
    tell(quorum, 3, 1, 99)
    assert not quorum.may_run(clock(4)) and quorum.release(clock(4), 0) == [], "it lacks what node 2 has"
    assert quorum.may_run(clock(5)) and quorum.release(clock(5), 0) == [run] and not quorum.busy
    assert run.patience_ms == TIMEOUT_MS


def test_what_is_told_to_a_later_question_counts_for_what_came_before_it_and_not_the_other_way_round():
    quorum = quorum_of(3)
    first, second = read_of(), read_of()
    for run in (first, second):
        quorum.add(run, 0)
        asked(quorum)
    tell(quorum, 2, 2, 0)
    tell(quorum, 3, 1, 0)
    assert quorum.release(clock(0), 0) == [first], "node 3 was not asked after the second came"
    tell(quorum, 3, 2, 0)
    assert quorum.release(clock(0), 0) == [second]


def test_all_are_asked_again_by_one_question_when_too_few_have_told():
    quorum = quorum_of(3)
    for _ in range(10):
        quorum.add(read_of(), 0)
        asked(quorum)
    tell(quorum, 2, 10, 0)
    assert asked(quorum, RESEND_MS - 1) == []
    assert asked(quorum, RESEND_MS) == [(2, AskClock(11, LIFE, 4)), (3, AskClock(11, LIFE, 4))]
    tell(quorum, 3, 11, 0)
    assert len(quorum.release(clock(0), 0)) == 10


def test_what_was_told_by_others_than_are_members_now_does_not_count():
    quorum = quorum_of(3)
    quorum.add(read_of(), 0)
    asked(quorum)
    tell(quorum, 2, 1, 0)
    quorum.moved()
    tell(quorum, 3, 1, 0)
    assert quorum.release(clock(0), 0) == []
    assert [node for node, _ in asked(quorum, 1)] == [2, 3], "at once"
    tell(quorum, 2, 2, 0)
    assert len(quorum.release(clock(0), 0)) == 1


def test_each_has_its_own_time():
    quorum = quorum_of(2)
    hasty, calm = read_of(100), read_of()
    quorum.add(hasty, 0)
    quorum.add(calm, 0)
    asked(quorum)
    quorum.expire(101)
    assert hasty.replies == [too_few(2)] and calm.replies is None
    quorum.expire(TIMEOUT_MS + 1)
    assert calm.replies == [too_few(2)] and not quorum.busy


def test_what_waits_goes_elsewhere_and_answers_to_it_count_for_nobody_else():
    quorum = quorum_of(2)
    first, second = read_of(), read_of()
    quorum.add(first, 0)
    asked(quorum)
    quorum.add(second, 0)
    assert quorum.drain() == [first, second] and not quorum.busy
    heir = quorum_of(2)
    heir.go_on_from(quorum)
    heir.add(first, 0)
    asked(heir)
    tell(heir, 2, 1, 0)
    assert heir.release(clock(9), 0) == []
