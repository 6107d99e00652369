"""What a damaged log tells of the lives of its node."""

import pytest

from trivet.core.node.lives import life_of_registers
from trivet.core.paxos.ballot import proposer_of
from trivet.core.paxos.ready import Marks, SavedAccepts, SavedPromises, SavedRegister, SavedRemoval, SavedWipe


@pytest.mark.parametrize(
    ("record", "newest"),
    [
        (Marks(1, 1, proposer_of(1, 70), False, ((2, proposer_of(2, 90)),)), 70),
        (Marks(1, 1, proposer_of(1, 70), False, ((1, proposer_of(1, 80)),)), 80),
        (SavedRegister(b"k", (9, proposer_of(1, 60)), (8, proposer_of(2, 90)), None), 60),
        (SavedRegister(b"k", (9, proposer_of(2, 90)), (8, proposer_of(1, 60)), None), 60),
        (SavedPromises(proposer_of(1, 60), [b"k"], [9]), 60),
        (SavedPromises(proposer_of(2, 90), [b"k"], [9]), 0),
        (SavedAccepts(proposer_of(1, 60), [b"k"], [9], [10], [b""]), 60),
        (SavedAccepts(proposer_of(2, 90), [b"k"], [9], [10], [b""]), 0),
        (SavedRemoval(b"k"), 0),
        (SavedWipe(), 0),
    ],
)
def test_a_record_tells_of_the_lives_of_its_node(record, newest):
    assert life_of_registers(1, [record]) == newest
    assert life_of_registers(1, [SavedPromises(proposer_of(1, 50), [b"j"], [1]), record]) == max(50, newest)
