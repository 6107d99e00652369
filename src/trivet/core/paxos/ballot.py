"""Ballots: the logical time of one register (CASPaxos §2.2; "Paxos Made Simple").

On the path: in every promise and acceptance. A ballot is a pair (counter, proposer), compared in that
order. The proposer's number names one life of one node, so two lives never use the same ballot,
whatever the later one has forgotten (Rule P3).
"""

from typing import Annotated, Final

import msgspec

from trivet.core.base.ids import NodeId

Ballot = tuple[int, int]

NUMBER_MAX: Final = (1 << 63) - 1
Number = Annotated[int, msgspec.Meta(ge=0, le=NUMBER_MAX)]
"""Counters, proposers, versions, epochs: nothing else gets past the decoder."""
WireBallot = tuple[Number, Number]

NOTHING: Final[Ballot] = (0, 0)
"""Before every ballot: nothing is accepted, nothing promised."""


INCARNATION_BITS: Final = 44
"""Incarnations are milliseconds since 1970: enough until the year 2527."""
INCARNATION_MAX: Final = (1 << INCARNATION_BITS) - 1
NODE_MAX: Final = NUMBER_MAX >> INCARNATION_BITS


def proposer_of(node: NodeId, incarnation: int) -> int:
    """The number of one life of one node among all lives of all nodes (Rule P3)."""
    assert 1 <= node <= NODE_MAX and 0 <= incarnation <= INCARNATION_MAX, (node, incarnation)
    return node << INCARNATION_BITS | incarnation


def node_of(proposer: int) -> NodeId:
    """Whose number it is."""
    return proposer >> INCARNATION_BITS


def incarnation_of(proposer: int) -> int:
    """Which life of its node it is."""
    return proposer & INCARNATION_MAX


def after_all_of(counter: int) -> Ballot:
    """Above every proposer's ballot of this counter, below every ballot of the next."""
    return (counter, NUMBER_MAX)
