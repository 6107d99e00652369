"""What is true of a member after every input; tests call ``check`` each time.

On the path: nowhere. Each line is an invariant that stands at a field.
"""

from trivet.core.paxos.acceptor import Acceptor
from trivet.core.paxos.ballot import NOTHING
from trivet.core.paxos.operation import Outcome
from trivet.core.paxos.proposer import Proposer
from trivet.core.paxos.rounds import Phase, Round


def check(acceptor: Acceptor, proposer: Proposer) -> None:
    """Assert everything that one member can know about itself."""
    check_acceptor(acceptor)
    check_proposer(proposer)


def check_acceptor(acceptor: Acceptor) -> None:
    """Registers are possible, and so is what is kept beside them."""
    registers = acceptor.registers
    tombstones = bare = 0
    for key, register in registers.after(None):
        assert register.accepted <= register.promised
        assert (register.content is None) == (register.accepted == NOTHING)
        assert register.save_id <= acceptor.saves.latest()
        tombstones += register.is_tombstone
        bare += register.is_bare
        assert register.is_tombstone == (key in registers.tombstones)
        assert register.is_bare == (key in registers.bare)
    assert tombstones == len(registers.tombstones)
    assert bare == len(registers.bare)
    assert acceptor.marks_id <= acceptor.saves.latest()
    assert acceptor.saves.saved_id < acceptor.saves.next_id
    assert acceptor.joined <= acceptor.epoch or acceptor.epoch == 0
    assert acceptor.joined or not len(registers) or acceptor.doubtful
    assert acceptor.standing.life == acceptor.life
    assert acceptor.standing.floor == acceptor.floor


def check_proposer(proposer: Proposer) -> None:
    """Rounds and flights belong to each other."""
    operations = 0
    for key, round_ in proposer.rounds.items():
        assert round_.key == key and not round_.is_collecting
        operations += sum(1 for o in [*round_.operations, *round_.queue] if o.outcome is Outcome.PENDING)
        _check_round(proposer, round_)
    assert operations == proposer.underway
    for key, round_ in proposer.collecting.items():
        assert round_.key == key and round_.is_collecting and not round_.operations
        _check_round(proposer, round_)
    for number, flight in proposer.outbox.flights.items():
        assert flight.number == number and flight.left
        assert flight.left == sum(round_ is not None for round_ in flight.rounds)
    assert len(proposer.kept) <= proposer.settings.promises_max
    assert proposer.kept.bytes_in_memory <= proposer.settings.promises_bytes_max


def _check_round(proposer: Proposer, round_: Round) -> None:
    flight = round_.flight
    assert (flight is None) == (round_.phase is Phase.WAITING), "what is asked is in a flight"
    if flight is not None:
        assert proposer.outbox.flights.get(flight.number) is flight and flight.at(round_.position) is round_
        assert flight.phase is round_.phase and flight.is_collecting == round_.is_collecting
    assert round_.mask & round_.refused == 0
    assert round_.counter <= proposer.counter
    assert round_.phase is not Phase.ACCEPTING or round_.content is not None
    for operation in round_.operations:
        assert operation.outcome is not Outcome.PENDING or not operation.wrote or operation.exposed
