"""What is always true: each check bites."""

import pytest

from trivet.core.base.prng import Prng
from trivet.core.paxos.ballot import proposer_of
from trivet.core.paxos.config import GroupConfig
from trivet.core.paxos.content import seal
from trivet.core.paxos.invariants import check_acceptor, check_proposer
from trivet.core.paxos.operation import UNCHANGED, Operation, Outcome
from trivet.core.paxos.paxos import Paxos
from trivet.core.paxos.settings import PaxosSettings


def make() -> Paxos:
    paxos = Paxos(PaxosSettings(node=1, proposer=proposer_of(1, 1)), Prng(1))
    paxos.learn(GroupConfig(1, (1, 2, 3)))
    paxos.submit(Operation(1, b"k", lambda value, version: UNCHANGED, False, 7, 1))
    paxos.ready()
    paxos.check_invariants()
    return paxos


def test_registers() -> None:
    acceptor = make().acceptor
    register = acceptor.registers.get(b"k")
    assert register is not None
    register.accepted = (9, 9)
    with pytest.raises(AssertionError):
        check_acceptor(acceptor)
    register.accepted = (0, 0)
    register.save_id = 99
    with pytest.raises(AssertionError):
        check_acceptor(acceptor)


def test_tombstones_and_bare_ones() -> None:
    acceptor = make().acceptor
    acceptor.registers.bare.clear()
    with pytest.raises(AssertionError):
        check_acceptor(acceptor)
    acceptor = make().acceptor
    register = acceptor.registers.get(b"k")
    assert register is not None
    acceptor.registers.accept(b"k", register, (1, 1), seal(b"k", 1, None, (), 0), 0)
    acceptor.registers.tombstones.clear()
    with pytest.raises(AssertionError):
        check_acceptor(acceptor)


def test_rounds_and_flights() -> None:
    proposer = make().proposer
    proposer.underway = 5
    with pytest.raises(AssertionError):
        check_proposer(proposer)
    proposer = make().proposer
    proposer.rounds.clear()
    with pytest.raises(AssertionError):
        check_proposer(proposer)
    proposer = make().proposer
    proposer.outbox.flights.clear()
    with pytest.raises(AssertionError):
        check_proposer(proposer)
    proposer = make().proposer
    (round_,) = proposer.rounds.values()
    round_.operations[0].wrote = True
    with pytest.raises(AssertionError):
        check_proposer(proposer)
    round_.operations[0].wrote = False
    round_.operations[0].outcome = Outcome.OK
    with pytest.raises(AssertionError):
        check_proposer(proposer)
