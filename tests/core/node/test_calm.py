"""When ticks may be rare (Rule D5)."""

from tests.core.node.bench import Bench
from trivet.core.node.calm import is_calm


def calm(bench: Bench, number: int = 1) -> bool:
    node = bench.node(number)
    said = is_calm(node._agenda, node.front, node.steward)
    assert node.turn(bench.mono_ms, bench.wall_ms).calm is said
    return said


def test_a_node_is_calm_when_all_its_groups_sleep_and_not_before():
    bench = Bench(3)
    assert not calm(bench)
    bench.say("a", "SET k 1")
    bench.wait(3_000)
    assert [calm(bench, number) for number in (1, 2, 3)] == [True, True, True]
    bench.say("a", "GET k")
    assert not calm(bench)
    bench.wait(3_000)
    assert calm(bench)


def test_a_deadline_that_is_near_is_waited_for_closely():
    bench = Bench()
    bench.say("a", "SET k 1 PX 4000")
    bench.wait(3_000)
    assert calm(bench)
    bench.wait(940)
    assert not calm(bench)


def test_clients_that_wait_for_time_to_pass():
    bench = Bench(3)
    bench.wait(3_000)
    assert calm(bench)
    bench.say("a", "CLIENT PAUSE 60000")
    bench.wait(3_000)
    assert not calm(bench)
    bench.say("a", "CLIENT UNPAUSE")
    bench.wait(3_000)
    assert calm(bench)
    for peer in (2, 3):
        bench.crash(peer)
    bench.wait(100)
    assert not calm(bench)


def test_a_node_that_stops_is_not_calm():
    bench = Bench()
    bench.wait(3_000)
    bench.node(1).stop()
    assert not calm(bench)
