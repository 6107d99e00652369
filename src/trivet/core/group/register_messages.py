"""What nodes say to each other about a group of registers beside the room's own messages (``core/paxos``).

A node hands writes of its clients to the member that is preferred for their key (``Submit``), which answers
each when it has ended (``Submitted``). What they carry is judged again by whoever gets it.
"""

from typing import Annotated, Final, get_args

import msgspec

from trivet.core.machine.register import Task
from trivet.core.paxos.ballot import Number
from trivet.core.paxos.messages import Message, check_columns

ITEMS_MAX: Final = 10_000
"""Operations in one ``Submit``, ends in one ``Submitted``."""
TASKS_MAX: Final = 256
"""Tasks in one operation."""

ELSEWHERE: Final = 100
"""An outcome beside the room's: it was not taken here, so this copy has done nothing."""


Tasks = Annotated[list[Task], msgspec.Meta(max_length=TASKS_MAX)]
"""Of one register; one after the other."""
Column = msgspec.Meta(max_length=ITEMS_MAX)


class Submit(msgspec.Struct, array_like=True, tag=73, frozen=True):
    """Bring operations to their ends, for a node whose clients want them: one at each place of the columns.

    ``origin``: of this life of that node. ``settled``: its operations below this are over. ``taught``: what
    functions it knows; who knows others does not take it (``ELSEWHERE``). ``epoch``: of the members by which
    it chose the receiver. ``seqs``, ``sinces``: see ``paxos/operation``. ``seeds``: the chance of each.
    """

    origin: Number
    settled: Number
    taught: bytes
    epoch: Number
    seqs: Annotated[list[Number], Column]
    sinces: Annotated[list[Number], Column]
    seeds: Annotated[list[Number], Column]
    tasks: Annotated[list[Tasks], Column]

    def __post_init__(self) -> None:
        check_columns(self.seqs, self.sinces, self.seeds, self.tasks)


class Submitted(msgspec.Struct, array_like=True, tag=74, frozen=True):
    """Ends of copies of operations, in any order: one at each place of the columns.

    ``floor_version``: no register that was removed had a later version. ``outcomes``: each is one of
    ``Outcome``, or ``ELSEWHERE``. ``versions``: of the registers. ``replies``: what the operations have left
    as such (see ``register_errands``).
    """

    origin: Number
    floor_version: Number
    seqs: Annotated[list[Number], Column]
    outcomes: Annotated[list[Number], Column]
    versions: Annotated[list[Number], Column]
    replies: Annotated[list[bytes], Column]

    def __post_init__(self) -> None:
        check_columns(self.seqs, self.outcomes, self.versions, self.replies)


RegisterMessage = Message | Submit | Submitted

OF_REGISTERS: Final = frozenset(get_args(RegisterMessage))
"""Everything else about a group is about one of mode ``raft``."""
