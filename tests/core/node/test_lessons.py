"""Whoever teaches falls: somebody finishes it (Rule L3)."""

from tests.core.node.bench import Bench, encode
from tests.core.node.founded import founded
from tests.core.node.test_sharing import LIBRARY
from trivet.core.base.ids import SYSTEM_GROUP
from trivet.core.group.run import Run
from trivet.core.node.lessons import MISSED_MS

LOADED = f"FUNCTION LOAD {LIBRARY}"


class Nobody:
    def run_done(self) -> None:
        pass


def knows(bench: Bench, number: int, group: int) -> bool:
    return b"lib" in bench.node(number).groups[group].machine.scripts.libraries


def falls_between(database: str = "20") -> Bench:
    """Node 3 has told the system group, and falls before any other group has heard of it."""
    bench = founded(3, database)
    bench.connect("c", 3)
    bench.settle()
    bench.send("c", encode(LOADED))
    while not knows(bench, 1, SYSTEM_GROUP):
        assert bench.step()
    bench.crash(3)
    bench.settle()
    groups = [group for group in bench.node(1).groups if group != SYSTEM_GROUP]
    assert len(groups) == 2
    assert not any(knows(bench, number, group) for number in (1, 2) for group in groups)
    return bench


def test_what_is_taught_half_way_is_taught_by_those_who_are_left():
    bench = falls_between()
    bench.wait(1_000)
    bench.until(lambda: all(knows(bench, n, group) for n in (1, 2) for group in bench.node(n).groups))
    for database in (0, 20):
        assert bench.say(f"d{database}@2", f"SELECT {database} | FCALL f 0") == ["+OK", "7"]
    bench.start(3)
    bench.until(lambda: all(knows(bench, 3, group) for group in bench.node(3).groups))


def test_while_somebody_teaches_nobody_else_does():
    """One entry each: the lesson is only for those who are left alone."""
    bench = founded(3, "20")
    assert bench.answer("a", LOADED) == '"lib"'
    bench.wait(200)
    index = [bench.node(1).groups[group].machine.applied_index for group in bench.node(1).groups]
    bench.wait(4 * MISSED_MS)
    assert [bench.node(1).groups[group].machine.applied_index for group in bench.node(1).groups] == index


def test_a_group_that_heard_two_words_in_another_order_comes_to_the_right_one():
    bench = founded(3, "20")
    assert bench.answer("a", LOADED) == '"lib"'
    group = next(group for group in bench.node(1).groups if group != SYSTEM_GROUP)
    leader = next(n for n in (1, 2, 3) if bench.node(n).groups[group].raft.role.name == "LEADER")
    late = Run(Nobody(), True)
    late.add((0, [b"FUNCTION", b"DELETE", b"lib"]), 64)
    bench.node(leader).groups[group].write(late, bench.mono_ms)
    bench.servers[leader].dirty = True
    bench.wait(100)
    assert not knows(bench, leader, group)
    bench.until(lambda: all(knows(bench, n, group) for n in (1, 2, 3)))
