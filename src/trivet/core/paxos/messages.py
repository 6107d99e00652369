"""What proposers and acceptors say to each other.

On the path: the frames between nodes carry these. Each is one msgpack array that starts with its tag (16 to
27; others are of other rooms, and one decoder reads them all); tags and fields are never reused or reordered,
new fields are appended with defaults. A question holds what one turn has to ask about many registers, in
columns: the register at one *position* has its key, its ballot and so on at that place of each list. It names
its proposer and the *flight* that it is, and every answer repeats both and speaks of positions, so an answer
to something else, or to a former life, is recognised. What is as it should be an answer does not name: it
tells of the others. All carry the epoch (Rule P12). Answers carry the acceptor's ``Standing``.
"""

from collections.abc import Sized
from typing import Union

import msgspec

from trivet.core.paxos.ballot import NOTHING, Number, WireBallot
from trivet.core.paxos.content import Sealed


class Standing(msgspec.Struct, array_like=True, frozen=True):
    """What an acceptor is and knows beside its registers.

    ``life``: which disk it speaks from; ``lives``: the same of other members, as far as it has been told of
    losses (Rule P16). ``floor``: promised where it has no register; ``floor_version``: no register that it
    has removed had a later version (Rules P10, P11).
    """

    life: Number = 0
    lives: tuple[tuple[Number, Number], ...] = ()
    floor: WireBallot = NOTHING
    floor_version: Number = 0


def check_columns(*columns: Sized) -> None:
    """Raises ``ValueError``, which the decoder makes its own error of."""
    count = len(columns[0])
    for column in columns:
        if len(column) != count:
            raise ValueError("columns of different lengths")


class Prepare(msgspec.Struct, array_like=True, tag=16, frozen=True):
    """Phase 1: promise to refuse ballots below (counter, proposer), and say what you have accepted."""

    proposer: Number
    epoch: Number
    flight: Number
    keys: list[bytes]
    counters: list[Number]

    def __post_init__(self) -> None:
        check_columns(self.keys, self.counters)


class Refused(msgspec.Struct, array_like=True, frozen=True):
    """``promised`` is in the way there. ``NOTHING``: what was asked is damaged, and was not looked at."""

    position: Number
    promised: WireBallot


class Promises(msgspec.Struct, array_like=True, tag=17, frozen=True):
    """Answers to ``Prepare``, from position ``start`` on: they leave when they are durable.

    What is asked is promised, but for ``refused``; ``contents`` were accepted at ``accepted``. ``hearsay``:
    positions where that was accepted by somebody, but it need not have been the sender (Rule P16).
    """

    proposer: Number
    epoch: Number
    standing: Standing
    flight: Number
    start: Number
    accepted: list[WireBallot]
    contents: list[Sealed | None]
    refused: list[Refused]
    hearsay: list[Number]

    def __post_init__(self) -> None:
        check_columns(self.accepted, self.contents)


class Accept(msgspec.Struct, array_like=True, tag=18, frozen=True):
    """Phase 2: accept ``contents`` at (counter, proposer).

    ``next_counters`` not 0: and promise that ballot (§2.2.1).
    """

    proposer: Number
    epoch: Number
    flight: Number
    keys: list[bytes]
    counters: list[Number]
    next_counters: list[Number]
    contents: list[Sealed]

    def __post_init__(self) -> None:
        check_columns(self.keys, self.counters, self.next_counters, self.contents)


class PromisedSince(msgspec.Struct, array_like=True, frozen=True):
    """It is accepted there, but ``promised`` is another ballot than was asked for by now."""

    position: Number
    promised: WireBallot


class Accepted(msgspec.Struct, array_like=True, tag=19, frozen=True):
    """Answers to ``Accept``: they leave when they are durable.

    All is accepted, but for ``refused``, and what was to be promised is, but for ``since``.
    """

    proposer: Number
    epoch: Number
    standing: Standing
    flight: Number
    refused: list[Refused]
    since: list[PromisedSince]


class Read(msgspec.Struct, array_like=True, tag=20, frozen=True):
    """The one round trip of a read (Rule P6): what have you accepted?

    ``held``: what the asker itself has. Not ``wants_contents``: the ballots are enough.
    """

    proposer: Number
    epoch: Number
    flight: Number
    keys: list[bytes]
    held: list[WireBallot]
    wants_contents: bool

    def __post_init__(self) -> None:
        check_columns(self.keys, self.held)


class Other(msgspec.Struct, array_like=True, frozen=True):
    """``content`` was accepted at ``accepted`` there. ``hearsay``: as in ``Promises``."""

    position: Number
    accepted: WireBallot
    content: Sealed | None = None
    hearsay: bool = False


class ReadReply(msgspec.Struct, array_like=True, tag=21, frozen=True):
    """Answers to ``Read``, from ``start`` to before ``end``: they leave when what they tell of is durable.

    But for ``others``, the sender has accepted what the asker holds itself.
    """

    proposer: Number
    epoch: Number
    standing: Standing
    flight: Number
    start: Number
    end: Number
    others: list[Other]


class RemoveItem(msgspec.Struct, array_like=True, frozen=True):
    """Every member has accepted the tombstone of ``key`` at ``ballot``: drop it if it is still that one."""

    key: bytes
    ballot: WireBallot


class Remove(msgspec.Struct, array_like=True, tag=22, frozen=True):
    """The last step of a deletion (Rule P11). There is no answer."""

    proposer: Number
    epoch: Number
    items: list[RemoveItem]


class Page(msgspec.Struct, array_like=True, tag=23, frozen=True):
    """The next ``limit`` registers after ``cursor`` (None: from the first key on).

    ``life`` not 0: the sender has lost what it knew and is now in this life; it wants whole registers (Rule
    P16). ``keys``: not those after a cursor but these, whole, as far as they are there.
    """

    proposer: Number
    epoch: Number
    round_id: Number
    cursor: bytes | None
    limit: Number
    life: Number = 0
    keys: list[bytes] = []


class PageItem(msgspec.Struct, array_like=True, frozen=True):
    """One register. ``is_there``: with a value, as far as this member knows."""

    key: bytes
    promised: WireBallot
    accepted: WireBallot
    is_there: bool
    content: Sealed | None = None
    hearsay: bool = False


class PageReply(msgspec.Struct, array_like=True, tag=24, frozen=True):
    """``more``: there are keys after the last of these. It leaves when all that is durable.

    To a question for ``keys``: those that are there, in order; ``more``: not all of them.
    """

    proposer: Number
    epoch: Number
    standing: Standing
    round_id: Number
    items: list[PageItem]
    more: bool


class Raise(msgspec.Struct, array_like=True, tag=25, frozen=True):
    """Raise your floors to these: new members have none yet (Rule P14)."""

    proposer: Number
    epoch: Number
    round_id: Number
    floor: WireBallot
    floor_version: Number


class Raised(msgspec.Struct, array_like=True, tag=26, frozen=True):
    """Durably raised."""

    proposer: Number
    epoch: Number
    standing: Standing
    round_id: Number


class Refusal(msgspec.Struct, array_like=True, tag=27, frozen=True):
    """Nothing of the message was looked at. ``epoch`` is the acceptor's own: the asker, or it, is behind.

    ``doubtful``: it may have forgotten something, and answers nothing until it has caught up.
    """

    proposer: Number
    epoch: Number
    doubtful: bool = False


Message = Union[  # noqa: UP007 (one typed decoder)
    Prepare,
    Promises,
    Accept,
    Accepted,
    Read,
    ReadReply,
    Remove,
    Page,
    PageReply,
    Raise,
    Raised,
    Refusal,
]
