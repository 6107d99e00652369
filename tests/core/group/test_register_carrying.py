"""Carrying registers at one node: what drives it, and how fast it goes."""

from typing import Any

import pytest

from trivet.core.base.prng import Prng
from trivet.core.cluster.slots import slot_of
from trivet.core.group.register_carrying import MIDDLE_SAMPLES_MIN, Carrying, middle_slot
from trivet.core.group.register_keys import place_key, slot_of_place
from trivet.core.paxos.ballot import proposer_of
from trivet.core.paxos.config import GroupConfig
from trivet.core.paxos.content import seal, value_of
from trivet.core.paxos.operation import Change, Operation
from trivet.core.paxos.paxos import Paxos
from trivet.core.paxos.registers import Registers
from trivet.core.paxos.settings import PaxosSettings
from trivet.core.paxos.slots import ARRIVING, SEALED, Span
from trivet.core.paxos.transfer import State

ALL = (0, 16383)


class Pair:
    """Two groups of one member, on one node."""

    def __init__(self, keys: int) -> None:
        settings = PaxosSettings(node=1, proposer=proposer_of(1, 1))
        self.source, self.target = (Paxos(settings, Prng(one), slot_of=slot_of_place) for one in (1, 2))
        self.source.learn(GroupConfig(1, (1,)))
        self.target.learn(GroupConfig(1, (1,), spans=()))
        self.stirred = self.woken = 0
        self.carrying: Any = None
        self.places = [place_key(7, b"k%d" % number) for number in range(keys)]
        for number, place in enumerate(self.places):
            self.write(self.source, place, b"v", number + 1)

    def write(self, paxos: Paxos, place: bytes, value: bytes | None, seq: int) -> None:
        change = Change(True, value, b"OK")
        paxos.submit(Operation(seq, place, lambda value, version: change, False, 9, seq, 0, True))
        self.turns()

    def turns(self) -> None:
        for _ in range(30):
            for paxos in (self.source, self.target):
                ready = paxos.ready()
                if ready is None:
                    continue
                if ready.save is not None:
                    paxos.saved(ready.save.save_id)
                if self.carrying is not None and (ready.listed or ready.fetched or ready.adopted):
                    self.carrying.take(ready)

    def stir(self) -> None:
        self.stirred += 1

    def wake(self) -> None:
        self.woken += 1

    def begin(self, allowance_bytes: int = 1 << 20) -> Carrying:
        self.target.learn(GroupConfig(2, (1,), spans=(Span(*ALL, 2, ARRIVING),)))
        self.carrying = Carrying(self.source, self.target, [ALL], 2, self.stir, self.wake)
        self.carrying.allowance_bytes = allowance_bytes
        self.carrying.go_on()
        self.turns()
        return self.carrying


def test_everything_goes_over_and_who_carries_is_woken() -> None:
    pair = Pair(20)
    carrying = pair.begin()
    assert carrying.transfer.state is State.READY
    assert (carrying.transfer.held, pair.woken) == (20, 1)
    assert pair.stirred
    assert carrying.allowance_bytes < 1 << 20
    pair.write(pair.source, pair.places[0], b"later", 100)
    pair.source.learn(GroupConfig(2, (1,), spans=(Span(*ALL, 1, SEALED),)))
    carrying.seal()
    pair.turns()
    assert carrying.transfer.state is State.DONE
    assert pair.woken == 2
    registers = pair.target.acceptor.registers
    assert len(registers) == 20
    assert value_of(registers.get(pair.places[0]).content) == b"later"


def test_before_the_seal_it_goes_as_fast_as_it_may() -> None:
    pair = Pair(20)
    carrying = pair.begin(0)
    assert carrying.transfer.held == 0
    assert carrying.transfer.left == 20
    carrying.allowance_bytes = 1
    carrying.go_on()
    pair.turns()
    assert carrying.transfer.held == 20


def test_who_carries_hears_that_it_was_in_vain() -> None:
    pair = Pair(3)
    pair.target.learn(GroupConfig(3, (1,), spans=(Span(*ALL, 3, ARRIVING),)))
    carrying = pair.begin()
    assert carrying.transfer.is_lost
    assert pair.woken


@pytest.mark.parametrize("count", [0, MIDDLE_SAMPLES_MIN - 1, MIDDLE_SAMPLES_MIN, 5_000])
def test_the_middle_is_where_half_of_the_registers_lie_below(count: int) -> None:
    registers = Registers()
    for number in range(count):
        place = place_key(7, b"k%d" % number)
        registers.accept(place, registers.add(place, (1, 1)), (1, 1), seal(place, 1, b"", (), 0), 0)
    middle = middle_slot(registers)
    if count < MIDDLE_SAMPLES_MIN:
        assert middle == 0
        return
    below = sum([slot_of(b"k%d" % number) < middle for number in range(count)])
    assert abs(below - count / 2) < count * 0.1 + 2
