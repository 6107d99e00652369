"""What a group tells of its registers, to whoever carries them to another."""

from types import ModuleType
from typing import Any

import pytest

from trivet.core.paxos.ready import Fetched, ScanResult


class Asking:
    """A group of three, and what node 1 was told."""

    def __init__(self, harness: ModuleType, **settings: int) -> None:
        self.harness = harness
        self.group: Any = harness.Group(3, 0, 1, patience_ticks=2, **settings)
        self.listed: list[ScanResult] = []
        self.fetched: list[Fetched] = []
        self.group.outlet = self.told

    def told(self, node: int, ready: Any) -> None:
        self.listed += ready.listed
        self.fetched += ready.fetched

    def settle(self) -> None:
        for _ in range(50):
            flights, self.group.flights = self.group.flights, []
            for flight in flights:
                self.group.deliver(flight)
            for node in self.group.desks:
                self.group.sync(node)
            if not self.group.flights:
                return

    def write(self, *keys: bytes, value: bytes = b"x" * 40) -> None:
        for number, key in enumerate(keys):
            change = self.harness.change_of((b"SET", key, value))
            self.group.submit(1, self.harness.Operation(number, key, change, False, 50, number + 1, 0, True))
        self.settle()

    @property
    def live(self) -> Any:
        return self.group.desks[1].live

    def fetch(self, *keys: bytes, holder: int = 2, ballot: tuple[int, int] = (1, 0)) -> None:
        self.live.fetch(dict.fromkeys(keys, ballot), holder)
        self.group.turn(1)

    def tick(self, times: int) -> None:
        for _ in range(times):
            self.group.tick(1)
            self.settle()


def test_a_listing_has_the_highest_ballots_and_who_has_them(harness: ModuleType) -> None:
    asking = Asking(harness)
    asking.write(b"a", b"b")
    asking.group.cut[(1, 3)] = True
    asking.write(b"b")
    asking.live.list_registers(None, 10)
    asking.group.turn(1)
    asking.settle()
    (result,) = asking.listed
    assert result.ok
    assert result.keys == [b"a", b"b"]
    assert result.cursor is None
    assert result.epoch == 1
    registers = asking.group.desks[2].live.acceptor.registers
    assert [ballot for ballot, _ in result.holders] == [registers.get(key).accepted for key in (b"a", b"b")]
    assert result.holders[1][1] in (1, 2)


def test_contents_come_in_portions(harness: ModuleType) -> None:
    asking = Asking(harness, page_bytes_max=100, page_keys_max=2)
    keys = [b"%c" % letter for letter in range(97, 104)]
    asking.write(*keys)
    asking.fetch(*keys)
    asking.settle()
    (fetched,) = asking.fetched
    assert sorted(key for key, _, _ in fetched.found) == keys
    assert not fetched.missing
    assert asking.live.export.underway == 0


def test_who_has_it_not_is_not_believed_to_be_the_only_one(harness: ModuleType) -> None:
    asking = Asking(harness)
    asking.group.cut[(1, 3)] = True
    asking.write(b"a")
    asking.group.cut.clear()
    asking.fetch(b"a", b"z", holder=3)
    asking.settle()
    (fetched,) = asking.fetched
    assert [key for key, _, _ in fetched.found] == [b"a"]
    assert fetched.missing == [b"z"]


def test_an_earlier_ballot_will_not_do(harness: ModuleType) -> None:
    asking = Asking(harness)
    asking.write(b"a")
    asking.fetch(b"a", ballot=(1 << 40, 0))
    asking.settle()
    assert asking.fetched[0].missing == [b"a"]


@pytest.mark.parametrize("holder", [1, 2])
def test_who_is_behind_is_not_asked_for_the_same_again_and_again(harness: ModuleType, holder: int) -> None:
    """What it tells of first will not do, and fills the answer: what comes after it is asked for alone."""
    asking = Asking(harness, page_bytes_max=1)
    asking.write(b"a", b"b", b"c")
    asking.live.fetch({b"a": (1 << 40, 0), b"b": (1, 0), b"c": (1 << 40, 0)}, holder)
    asking.group.turn(1)
    asking.settle()
    (fetched,) = asking.fetched
    assert [key for key, _, _ in fetched.found] == [b"b"]
    assert fetched.missing == [b"a", b"c"]


def test_a_holder_that_is_silent_is_asked_again_and_the_others_too(harness: ModuleType) -> None:
    asking = Asking(harness)
    asking.write(b"a")
    asking.group.cut[(1, 2)] = True
    asking.fetch(b"a")
    asking.settle()
    assert not asking.fetched
    asking.tick(2)
    assert [key for key, _, _ in asking.fetched[0].found] == [b"a"]


def test_it_ends_when_nobody_answers(harness: ModuleType) -> None:
    asking = Asking(harness)
    asking.write(b"a")
    asking.group.cut.update(dict.fromkeys([(1, 2), (1, 3)], True))
    asking.fetch(b"a", b"z")
    asking.group.desks[1].live.acceptor.registers.remove(b"a")
    asking.tick(20)
    (fetched,) = asking.fetched
    assert sorted(fetched.missing) == [b"a", b"z"]


def test_what_nobody_wants_any_more_is_forgotten(harness: ModuleType) -> None:
    asking = Asking(harness)
    asking.write(b"a")
    asking.fetch(b"a")
    asking.live.list_registers(None, 10)
    asking.group.turn(1)
    asking.live.stop_export()
    asking.settle()
    asking.tick(5)
    assert not asking.fetched
    assert not asking.listed
    assert asking.live.quiet
