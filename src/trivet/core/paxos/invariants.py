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
    """Rounds and fronts belong to each other."""
    operations = 0
    for key, front in proposer.fronts.items():
        assert front.key == key
        operations += sum(1 for o in front.queue if o.outcome is Outcome.PENDING)
        if front.round is not None:
            assert front.round.front is front
            assert proposer.rounds.get(front.round.round_id) is front.round
            operations += sum(1 for o in front.round.operations if o.outcome is Outcome.PENDING)
    assert operations == proposer.underway
    for round_id, round_ in proposer.rounds.items():
        assert round_.round_id == round_id
        _check_round(proposer, round_)
    assert len(proposer.kept) <= proposer.settings.promises_max
    assert proposer.kept.bytes_in_memory <= proposer.settings.promises_bytes_max


def _check_round(proposer: Proposer, round_: Round) -> None:
    assert round_.mask & round_.refused == 0
    assert round_.front is None or round_.front.round is round_
    assert round_.counter <= proposer.counter
    assert round_.phase is not Phase.ACCEPTING or round_.content is not None
    for operation in round_.operations:
        assert operation.outcome is not Outcome.PENDING or not operation.wrote or operation.exposed
