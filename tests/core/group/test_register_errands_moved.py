"""Errands when slots move: what goes elsewhere, and what stays in doubt until somebody serves them."""

import pytest

from tests.core.group.errand_world import GET, INCR, SET, Bench, Wanted
from tests.core.group.pure import only_pure
from trivet.core.group.outbox import TIMEOUT_ERROR
from trivet.core.group.register_keys import slot_of_place
from trivet.core.group.run import Run
from trivet.core.paxos.operation import Operation, Outcome
from trivet.core.paxos.slots import SEALED, SERVED, Holding, Span
from trivet.core.wire.reply import NOT_HERE

pytestmark = only_pure


@pytest.fixture
def bench() -> Bench:
    return Bench()


def holding(*states: int) -> Holding:
    """All slots in that state; none: nothing is held."""
    return Holding(tuple([Span(0, 16383, 1, state) for state in states]), slot_of_place)


def test_calls_of_slots_that_are_not_served_go_elsewhere(bench: Bench) -> None:
    """M1."""
    bench.errands.hold(holding(SEALED))
    assert bench.add(INCR).replies == [NOT_HERE]
    assert bench.add(GET, reads=True).replies == [NOT_HERE]
    assert bench.add([b"TIME"]).replies != [NOT_HERE]
    assert not bench.errands.busy


def test_what_has_surely_not_happened_goes_elsewhere(bench: Bench) -> None:
    """M2."""
    write, read = bench.add(INCR), bench.add(GET, reads=True)
    begun = bench.begin()
    waiting = bench.add(INCR)
    bench.errands.hold(holding(SEALED))
    for operation in begun:
        operation.exposed = operation.reads_only  # of a read that tells nothing
        bench.end(operation, Outcome.MOVED)
    assert write.replies == read.replies == [NOT_HERE]
    (next_one,) = bench.begin()
    bench.end(next_one, Outcome.MOVED)
    assert waiting.replies == [NOT_HERE]
    assert bench.errands.pending_bytes == 0


def stranded(bench: Bench) -> tuple[Wanted, Operation]:
    """A write in doubt, of a slot that is sealed."""
    write = bench.add(INCR)
    (operation,) = bench.begin()
    bench.errands.hold(holding(SEALED))
    operation.exposed = True
    bench.end(operation, Outcome.MOVED)
    assert write.replies is None
    return write, operation


def test_what_is_in_doubt_waits_for_who_serves_the_slot_next(bench: Bench) -> None:
    """M4: a copy with all its numbers; what waits behind it goes elsewhere at once."""
    bench.errands.hold(holding(SERVED))
    write = bench.add(INCR)
    (operation,) = bench.begin()
    behind = bench.add(SET)
    bench.errands.hold(holding(SEALED))
    operation.exposed = True
    bench.end(operation, Outcome.MOVED)
    assert behind.replies == [NOT_HERE]
    heir = Bench(bench.runner.numbers)
    heir.errands.since = 50
    misrouted: list[Run] = []
    (errand,) = bench.errands.stranded.values()
    bench.errands.hand_over(errand, heir.errands, misrouted)
    bench.errands.check_rest()
    assert not bench.errands.busy
    assert bench.errands.pending_bytes == 0
    assert write.home is misrouted
    (copy,) = heir.begin()
    assert (copy.seq, copy.since, copy.fresh) == (operation.seq, operation.since, False)
    heir.do(copy)
    assert write.replies == [1]
    assert heir.errands.pending_bytes == 0


def test_a_seal_that_is_lifted_lets_it_go_on_here(bench: Bench) -> None:
    write, operation = stranded(bench)
    bench.errands.hold(holding(SERVED))
    assert not bench.errands.stranded
    (copy,) = bench.begin()
    assert (copy.seq, copy.fresh) == (operation.seq, False)
    bench.do(copy)
    assert write.replies == [1]


def test_what_comes_to_be_in_doubt_too_late_stays_in_doubt(bench: Bench) -> None:
    """It would come behind what its client has sent to the other group since."""
    write, _ = stranded(bench)
    bench.errands.give_up_stranded()
    assert write.replies is None
    bench.errands.hold(holding())
    bench.errands.give_up_stranded()
    assert write.replies == [TIMEOUT_ERROR]
    assert not bench.errands.busy


def test_a_copy_elsewhere_is_waited_for(bench: Bench) -> None:
    write = bench.add(INCR)
    (errand,) = bench.due()
    bench.errands.sent(errand, 2, 0)
    bench.errands.hold(holding(SEALED))
    bench.errands.answered(2, errand.seq, Outcome.BUSY, 0, b"", 0)
    (here,) = bench.begin()
    bench.end(here, Outcome.MOVED)
    assert write.replies == [NOT_HERE]


def test_a_link_that_breaks_leaves_a_doubt(bench: Bench) -> None:
    write = bench.add(INCR)
    (errand,) = bench.due()
    bench.errands.sent(errand, 2, 0)
    bench.errands.hold(holding(SEALED))
    bench.errands.lost(2)
    (here,) = bench.begin()
    bench.end(here, Outcome.MOVED)
    assert write.replies is None
    assert list(bench.errands.stranded.values()) == [errand]


def test_two_groups_of_a_node_count_together(bench: Bench) -> None:
    """M3: registers bring along what they remember of an origin."""
    other = Bench(bench.runner.numbers)
    marks, seqs = {}, {}
    for one in (bench, other, bench, other):
        one.add(INCR)
        (operation,) = one.begin()
        seqs[operation.seq] = None
        one.do(operation)
        marks[operation.reply[:16]] = None
    assert (len(seqs), len(marks)) == (4, 4)


def test_an_errand_that_finds_another_on_its_key_is_in_doubt(bench: Bench) -> None:
    write, _ = stranded(bench)
    heir = Bench(bench.runner.numbers)
    heir.add(INCR)
    (errand,) = bench.errands.stranded.values()
    bench.errands.hand_over(errand, heir.errands, [])
    assert write.replies == [TIMEOUT_ERROR]
    heir.errands.check_rest()
