"""Taking over what another group had (Rule P22).

On the path: while slots arrive, this node's proposer writes the registers of the group that they come from,
one operation each, as they are: versions, done entries, tombstones. Nobody else may do anything with them, so
whatever the register holds here is an earlier state of the same. Who begins anew with a move has the slots
arrive anew: what the one before him has still to write ends there, though the slots arrive.
"""

from trivet.core.paxos.content import Sealed
from trivet.core.paxos.operation import UNCHANGED, Change, Operation
from trivet.core.paxos.slots import Holding


def _nothing(value: bytes | None, version: int) -> Change:
    return UNCHANGED


class Adoption(Operation):
    """The register is to hold ``content``, whatever it holds. Several of one register end in order."""

    __slots__ = ("content", "epoch")

    def __init__(self, op_id: int, key: bytes, content: Sealed, origin: int, epoch: int) -> None:
        """``origin``: any; nothing is remembered under it. ``epoch``: since which the slot arrives."""
        super().__init__(op_id, key, _nothing, False, origin)
        self.content = content
        self.epoch = epoch


def takes(holding: Holding, operation: Operation) -> bool:
    """Whether its slot is served; what is adopted goes into one that arrives (Rules P20, P22)."""
    if isinstance(operation, Adoption):
        return holding.arrives(operation.key, operation.epoch)
    return holding.serves(operation.key)
