"""What nodes say to each other about a group of registers beside the room's own messages (``core/paxos``).

A node hands writes of its clients to the member that is preferred for their key (``Submit``), which answers
each when it has ended (``Submitted``). What they carry is judged again by whoever gets it.
"""

from typing import Annotated, Final, get_args

import msgspec

from trivet.core.machine.register import Task
from trivet.core.paxos.ballot import Number
from trivet.core.paxos.messages import Message

ITEMS_MAX: Final = 10_000
"""Operations in one ``Submit``, ends in one ``Submitted``."""
TASKS_MAX: Final = 256
"""Tasks in one operation."""

ELSEWHERE: Final = 100
"""An outcome beside the room's: it was not taken here, so this copy has done nothing."""


class SubmitItem(msgspec.Struct, array_like=True, frozen=True):
    """One operation on the register ``place``: ``tasks``, one after the other, with the chance of ``seed``.

    ``seq``, ``since``: of its origin, the node that sends it (see ``paxos/operation``).
    """

    seq: Number
    since: Number
    place: bytes
    tasks: Annotated[list[Task], msgspec.Meta(max_length=TASKS_MAX)]
    seed: Number


class Submit(msgspec.Struct, array_like=True, tag=73, frozen=True):
    """Bring these to their ends, for a node whose clients want them.

    ``origin``: of this life of that node. ``settled``: its operations below this are over. ``taught``: what
    functions it knows; who knows others does not take it (``ELSEWHERE``). ``epoch``: of the members by which
    it chose the receiver.
    """

    origin: Number
    settled: Number
    taught: bytes
    items: Annotated[list[SubmitItem], msgspec.Meta(max_length=ITEMS_MAX)]
    epoch: Number = 0


class SubmittedItem(msgspec.Struct, array_like=True, frozen=True):
    """How the copy of ``seq`` ended here: ``outcome`` is one of ``Outcome``, or ``ELSEWHERE``.

    ``version``: of the register. ``reply``: what the operation has left as such (see ``register_errands``).
    """

    seq: Number
    outcome: Number
    version: Number = 0
    reply: bytes = b""


class Submitted(msgspec.Struct, array_like=True, tag=74, frozen=True):
    """Ends, in any order. ``floor_version``: no register that was removed had a later version."""

    origin: Number
    floor_version: Number
    items: Annotated[list[SubmittedItem], msgspec.Meta(max_length=ITEMS_MAX)]


RegisterMessage = Message | Submit | Submitted

OF_REGISTERS: Final = frozenset(get_args(RegisterMessage))
"""Everything else about a group is about one of mode ``raft``."""
