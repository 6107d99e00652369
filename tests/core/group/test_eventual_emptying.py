"""Rule X9: a database is emptied in shares, and answered when the last is gone."""

from tests.core.group.test_eventual_group import group, with_copies
from trivet.core.access.users import Users
from trivet.core.base.limits import Limits
from trivet.core.base.prng import Prng
from trivet.core.group.eventual_carrying import IN_DOUBT
from trivet.core.group.eventual_emptying import Emptyings
from trivet.core.group.run import Nobody, Run
from trivet.core.lattice.delta import Delta
from trivet.core.lattice.hlc import Hlc
from trivet.core.lattice.lattice import Lattice
from trivet.core.machine.convergent import Convergent
from trivet.core.node.router import NO_DATABASE
from trivet.core.wire.reply import OK, Reply

SLICE_KEYS = Limits().emptied_per_turn_max


def filled(keys: int) -> Convergent:
    executor = Convergent(Lattice(), 1, 1, Hlc(0), Users(), 7)
    calls = [(7, [b"SET", b"k%d" % n, b"v"]) for n in range(keys)]
    executor.run(calls, 1, Prng(1).u64(), [])
    return executor


def asked(*words: bytes) -> Run:
    run = Run(Nobody(), True)
    run.add((7, list(words)), 10)
    return run


def step(emptyings: Emptyings) -> tuple[int, list[list[Reply]]]:
    made: list[Delta] = []
    waiting: list[tuple[Run, list[Reply]]] = []
    emptyings.step(made, waiting)
    return len(made), [replies for _, replies in waiting]


def test_a_turn_takes_its_share_and_the_last_one_answers():
    executor = filled(2 * SLICE_KEYS + 1)
    emptyings = Emptyings(executor, SLICE_KEYS)
    assert emptyings.take(asked(b"FLUSHDB"))
    assert step(emptyings) == (SLICE_KEYS, []) and executor.keys == SLICE_KEYS + 1
    assert step(emptyings) == (SLICE_KEYS, [])
    assert step(emptyings) == (1, [[OK]]) and executor.keys == 0
    assert not emptyings


def test_what_was_written_after_it_began_stays():
    executor = filled(SLICE_KEYS + 1)
    emptyings = Emptyings(executor, SLICE_KEYS)
    emptyings.take(asked(b"FLUSHALL", b"ASYNC"))
    step(emptyings)
    executor.run([(7, [b"SET", b"new", b"v"])], 2, 3, [])
    assert step(emptyings) == (1, [[OK]])
    assert list(executor.view.values) == [b"new"]


def test_many_that_wait_cost_nothing_and_the_second_finds_nothing():
    executor = filled(SLICE_KEYS + 1)
    emptyings = Emptyings(executor, SLICE_KEYS)
    for _ in range(3):
        emptyings.take(asked(b"AS", b"joe", b"1", b"FLUSHDB"))
    assert step(emptyings) == (SLICE_KEYS, [])
    assert step(emptyings) == (1, [[OK]] * 3)


def test_what_has_begun_is_in_doubt_when_the_node_stops_and_the_others_go_elsewhere():
    emptyings = Emptyings(filled(SLICE_KEYS + 1), SLICE_KEYS)
    begun, waits = asked(b"FLUSHDB"), asked(b"FLUSHDB")
    emptyings.take(begun)
    emptyings.take(waits)
    step(emptyings)
    assert emptyings.drain() == [waits] and not emptyings
    assert begun.replies == [IN_DOUBT], "a part of it is done"
    assert waits.calls and waits.replies is None, "its calls are there, to be sent"
    emptyings.take(waits)
    assert emptyings.drain() == [waits]


def test_all_are_told_when_the_group_is_no_more():
    emptyings = Emptyings(filled(SLICE_KEYS + 1), SLICE_KEYS)
    begun, waits = asked(b"FLUSHDB"), asked(b"FLUSHDB")
    emptyings.take(begun)
    emptyings.take(waits)
    step(emptyings)
    emptyings.fail_all(NO_DATABASE)
    assert begun.replies == waits.replies == [NO_DATABASE] and not emptyings


def test_others_are_not_taken():
    emptyings = Emptyings(filled(1), SLICE_KEYS)
    assert not emptyings.take(asked(b"SET", b"k", b"FLUSHDB"))
    assert not emptyings.take(asked(b"AS", b"joe", b"1", b"GET", b"k"))
    two = asked(b"FLUSHDB")
    two.add((7, [b"SET", b"k", b"v"]), 10)
    assert not emptyings.take(two), "they are answered together"


def test_others_are_served_meanwhile_and_all_members_are_empty_at_the_end():
    bench = with_copies()
    keys = 4 * SLICE_KEYS + 3
    for begin in range(0, keys, 100):
        pairs = " ".join(f"k{n} v" for n in range(begin, min(begin + 100, keys)))
        assert bench.answer("a", f"MSET {pairs}") == "+OK"
    bench.wait(500)
    assert group(bench, 3).keys == keys
    assert bench.answer("a2@1", "SELECT 7") == "+OK"
    bench.hold(1)
    bench.ask("a", "FLUSHDB | SET after 1")
    assert bench.ask("a2", "DBSIZE") == ""
    bench.release(1)
    bench.until(lambda: group(bench, 1).keys == 1)
    assert bench.answer("a", "GET after") == '"1"'
    bench.until(lambda: all(group(bench, number).keys == 1 for number in bench.servers))
    for number in bench.servers:
        group(bench, number).check_rest()
