"""What nodes say about a group of mode ``eventual`` beside the room's own messages (``core/gossip``).

A node that holds nothing of the group has a member run its clients' calls (``Carry``), which answers when
what they wrote is on its disk (``Carried``). What they carry is judged again by whoever gets it. Where there
is a read quorum, a member asks others what they have before it reads (``AskClock``, ``TellClock``).
"""

from typing import Annotated, Final

import msgspec

from trivet.core.machine.entry import Call

CALLS_MAX: Final = 100_000
"""Calls in one ``Carry``."""
Number = Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)]


class Carry(msgspec.Struct, array_like=True, tag=116, frozen=True):
    """Run these, all writes or all reads, for a client of the sender.

    ``number``: the sender's, in its life ``incarnation``; the answer has both. 0: only the receiver's
    ``life`` is asked for. Writes are taken by the life to which they were sent, once (Rule X8).
    ``after``: the clock of what the client has seen, for which they have to wait (Rule X15); empty: for
    nothing. ``patience_ms``: so long they may wait for others; 0: for as long as a command may.
    """

    number: Number
    incarnation: Number
    reads_only: bool
    calls: Annotated[list[Call], msgspec.Meta(max_length=CALLS_MAX)]
    life: Number = 0
    after: bytes = b""
    patience_ms: Number = 0


class Carried(msgspec.Struct, array_like=True, tag=117, frozen=True):
    """The replies to a ``Carry``, as ``encode_replies`` writes them, or a chunk of them, from ``offset`` on.

    ``total``: bytes of all chunks; 0: this is all. ``refused``: it was not taken, nothing was done. ``life``:
    the sender's, where that is asked for. ``seen``: the clock of what was seen there, where ``after`` was
    said; it goes with the chunk from 0 on.
    """

    number: Number
    incarnation: Number
    replies: bytes = b""
    offset: Number = 0
    total: Number = 0
    refused: bool = False
    life: Number = 0
    seen: bytes = b""


class AskClock(msgspec.Struct, array_like=True, tag=135, frozen=True):
    """What have you on your disk (Rule X18)? ``number``: the sender's, in its life ``incarnation``.

    ``epoch``: by which members the sender goes.
    """

    number: Number
    incarnation: Number
    epoch: Number


class TellClock(msgspec.Struct, array_like=True, tag=136, frozen=True):
    """The clock of what the sender has on its disk; ``epoch``: by which members it goes."""

    number: Number
    incarnation: Number
    epoch: Number
    clock: bytes


CarryMessage = Carry | Carried | AskClock | TellClock
