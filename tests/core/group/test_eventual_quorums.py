"""Writes that are answered when several members have them (``WRITE QUORUM``, Rule X16)."""

import pytest

from tests.core.group.test_eventual_causal import TIMEOUT_MS, apart, causal, hop, said
from tests.core.group.test_eventual_group import group, with_copies
from trivet.core.group.eventual_quorums import Sides, WriteQuorum, not_enough
from trivet.core.group.run import Run
from trivet.core.wire.reply import OK, Error


def told(held_by: int, count: int) -> str:
    return "-" + not_enough(count, held_by).text


def test_a_write_is_answered_when_so_many_have_it_on_their_disks():
    bench = with_copies(3, "REPLICAS 3 WRITE QUORUM 2")
    for number in (2, 3):
        bench.hold(number)
    assert bench.ask("a", "SET k 1") == ""
    bench.wait(200)
    assert said(bench, "a") == [], "others have heard of it, and not written it down"
    assert group(bench, 1).has_writes and group(bench, 1).pending_bytes and not group(bench, 1).asleep
    bench.release(3)
    bench.until(lambda: said(bench, "a") == ["+OK"], 500)
    bench.release(2)


def test_reads_wait_for_nobody():
    bench = with_copies(3, "REPLICAS 3 WRITE QUORUM 3")
    assert bench.answer("a", "SET k 1") == "+OK"
    bench.cut(1)
    assert bench.ask("a", "GET k") == '"1"'


def test_who_waits_for_too_long_is_told_that_it_is_done_and_spreads():
    bench = with_copies(3, "REPLICAS 3 WRITE QUORUM 3")
    bench.cut(3)
    bench.ask("a", "SET k 1 | INCR n")
    bench.wait(TIMEOUT_MS - 300)
    assert said(bench, "a") == []
    bench.wait(500)
    assert said(bench, "a") == [told(2, 3)] * 2
    assert bench.answer("b", "MGET k n") == '["1" "1"]', "it is not undone"
    bench.heal()
    bench.until(lambda: bench.answer("c", "MGET k n") == '["1" "1"]')


def test_alone_a_member_writes_and_says_so():
    bench = with_copies(3, "REPLICAS 3 WRITE QUORUM 2")
    bench.cut(1)
    bench.ask("a", "SET k 1")
    bench.wait(TIMEOUT_MS + 200)
    assert said(bench, "a") == [told(1, 2)]


def test_what_was_refused_keeps_its_own_answer():
    bench = with_copies(3, "REPLICAS 3 WRITE QUORUM 3")
    bench.answer("a", "SET s x")
    bench.cut(3)
    bench.ask("a", "SADD s x | SET k 1")
    bench.wait(TIMEOUT_MS + 200)
    wrong, late = said(bench, "a")
    assert wrong.startswith("-WRONGTYPE") and late == told(2, 3)


def test_what_changes_nothing_waits_for_what_was_written_before():
    """So the same command, said again, is answered when the first has got around."""
    bench = with_copies(3, "REPLICAS 3 WRITE QUORUM 2")
    bench.cut(1)
    bench.ask("a", "SADD s x")
    bench.wait(TIMEOUT_MS + 200)
    assert said(bench, "a") == [told(1, 2)]
    assert bench.ask("a", "SADD s x") == ""
    bench.heal()
    bench.until(lambda: said(bench, "a") == ["0"], 1_000)


def test_it_can_be_changed_while_somebody_waits():
    bench = with_copies(3, "REPLICAS 3 WRITE QUORUM 3")
    bench.crash(3)
    bench.ask("a", "SET k 1")
    bench.wait(200)
    assert bench.events == []
    assert "+OK" in bench.say("m@2", "KEYSPACE ALTER 7 WRITE QUORUM 2")
    bench.until(lambda: not group(bench, 1).has_writes, 500)
    assert bench.answer("a", "GET k") == '"1"'
    assert '"write-quorum" 2' in bench.answer("m", "KEYSPACE INFO 7").replace(": ", " ")


def test_calls_of_who_has_no_copy_wait_at_the_member():
    bench = with_copies(5, "REPLICAS 2 WRITE QUORUM 2 ON 1 2")
    assert bench.answer("c", "SET k 1") == "+OK"
    apart(bench, 1, 2)
    bench.ask("c", "SET k 2")
    bench.wait(TIMEOUT_MS)
    assert said(bench, "c") == [told(1, 2)], "by the member, before nobody would know"


def test_a_causal_client_has_seen_what_it_was_told_of():
    bench = with_copies(3, "REPLICAS 3 WRITE QUORUM 3")
    causal(bench, "a")
    bench.cut(3)
    bench.ask("a", "SET k 1")
    bench.wait(TIMEOUT_MS + 200)
    assert said(bench, "a") == [told(2, 3)]
    hop(bench, "a", "c")
    assert bench.ask("c", "GET k") == ""
    bench.heal()
    bench.until(lambda: said(bench, "c") == ['"1"'], 1_000)


# -- by itself ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "staying", "nodes", "fewest"),
    [
        ((), (), (1,), 1),
        ((), (), (1, 2, 9), 2),
        ((1, 2, 3), (1, 2, 4), (1, 3), 1),
        ((1, 2, 3), (1, 2, 4), (1, 2), 2),
        ((1, 2, 3), (1, 2, 4), (1, 4, 3), 2),
        ((1,), (2,), (1,), 0),
        ((1, 2, 3), (1, 4, 5), (1, 4, 5), 1),
    ],
)
def test_of_two_sets_the_one_counts_that_has_it_less(before, staying, nodes, fewest):
    assert Sides((1, 2, 3), before, staying).fewest(nodes) == fewest


class Waiter:
    def run_done(self) -> None:
        """As ``Waiter``."""


def run_of(patience_ms: int = 0) -> Run:
    run = Run(Waiter(), True)
    run.patience_ms = patience_ms
    run.add((0, [b"SET", b"k", b"v"]), 10)
    return run


def test_each_waits_for_its_own_number_and_time():
    quorum = WriteQuorum(1_000)
    quorum.count = 2
    first, hasty, last = run_of(), run_of(100), run_of()
    for number, run in enumerate((first, hasty, last), 1):
        quorum.add(run, [OK], (9, number), 0)
    assert len(quorum) == 3 and quorum.first == (9, 1) and quorum.pending_bytes == 30
    quorum.expire(101, 1)
    assert hasty.replies == [not_enough(2, 1)] and first.replies is None
    quorum.finish_first()
    assert first.replies == [OK] and quorum.first == (9, 3)
    gone = Error("ERR gone")
    quorum.fail_all(gone)
    assert last.replies == [gone] and not quorum
