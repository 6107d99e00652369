"""Removal of deleted registers: when, by whom, and that nothing comes back."""

from collections.abc import Callable
from types import ModuleType

import pytest

from trivet.core.paxos.operation import Operation
from trivet.core.paxos.preference import preferred


@pytest.mark.parametrize("name", ["removal", "why", "late_copies", "written_again"])
def test_collector(replay: Callable[[str], None], name: str) -> None:
    replay(f"collector/{name}")


def settle(group: object) -> None:
    for _ in range(20):
        flights, group.flights = group.flights, []
        for flight in flights:
            group.deliver(flight)
        for node in group.desks:
            group.sync(node)


def test_the_preferred_member_collects_when_it_is_time(harness: ModuleType) -> None:
    group = harness.Group(3, tombstone_ticks=5)
    keys = [b"k%d" % number for number in range(30)]
    for number, key in enumerate(keys):
        for command in ((b"SET", key, b"x"), (b"DEL", key)):
            group.submit(
                1,
                Operation(
                    number,
                    key,
                    harness.change_of(command),
                    False,
                    7 + number,
                    1 + (command[0] == b"DEL"),
                    0,
                    True,
                ),
            )
            settle(group)
    assert all(len(desk.live.acceptor.registers.tombstones) == 30 for desk in group.desks.values())
    for ticks in range(5):
        settle(group)
        assert all(len(desk.live.acceptor.registers) == 30 for desk in group.desks.values()), ticks
        for node in group.desks:
            group.tick(node)
    settle(group)
    assert all(len(desk.live.acceptor.registers) == 0 for desk in group.desks.values())
    wanted = {node: sum(1 for key in keys if preferred(key, (1, 2, 3)) == node) for node in (1, 2, 3)}
    assert {node: desk.live.collector.removed for node, desk in group.desks.items()} == wanted


def test_others_take_over_in_the_end(harness: ModuleType) -> None:
    group = harness.Group(3, tombstone_ticks=2)
    key = next(b"k%d" % n for n in range(100) if preferred(b"k%d" % n, (1, 2, 3)) == 3)
    for command in ((b"SET", key, b"x"), (b"DEL", key)):
        group.submit(
            1, Operation(1, key, harness.change_of(command), False, 7, 1 + (command[0] == b"DEL"), 0, True)
        )
        settle(group)
    for _ in range(60):
        for node in (1, 2):
            group.tick(node)
        settle(group)
    assert group.desks[1].live.collector.removed + group.desks[2].live.collector.removed >= 1
    assert all(len(desk.live.acceptor.registers) == 0 for desk in group.desks.values())
