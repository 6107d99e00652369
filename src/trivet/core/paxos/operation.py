"""One operation on a register, from its submission to its end.

On the path: the owner makes one per call (or per run of calls of one client node on one key), submits it,
and finds it again in ``Ready.finished`` with its outcome. Rules P8 and P9 say what origin, seq, since,
fresh and settled are for.
"""

from collections.abc import Callable
from enum import IntEnum
from typing import Final

import msgspec

SINCE_MAX = 1 << 62
"""Versions rise above what an origin claims to know: not so far that they leave their range."""


class Outcome(IntEnum):
    """How an operation stands. Up to ``OK`` nothing is wrong."""

    PENDING = 0
    OK = 1
    """``reply`` holds."""
    DEFINITE = 2
    """It did not happen by this submission, and will not: no quorum in time."""
    INDEFINITE = 3
    """It may have happened, and may still."""
    FORGOTTEN = 4
    """It was not run now, but may have been before: what would tell is forgotten. ``version`` would do as
    ``since`` of another one if this is the only time that it was submitted, and it is not ``exposed``."""
    OVER = 5
    """A later operation of its origin has happened: this is a late copy, whose origin has its end."""
    BUSY = 6
    """Not begun: too many are under way."""
    TOO_LARGE = 7
    """Not done: the key, or the value that came out, is too large."""
    MOVED = 8
    """The group does not serve the key's slot (any more). Not done by this submission, and will not be,
    unless it is ``exposed``: then only a copy of it, where the slot is served, can tell (Rule P20)."""


PENDING: Final = Outcome.PENDING
OK: Final = Outcome.OK
"""What every operation asks of its outcome: to look a member up in its class takes six times as long."""


class Change(msgspec.Struct):
    """What a change function gives. ``changed`` and ``value`` None: delete it."""

    changed: bool
    value: bytes | None
    reply: bytes


ChangeFunction = Callable[[bytes | None, int], Change]
"""From value and version. It may run several times, upon different values; it has no effects of its own."""

UNCHANGED = Change(False, None, b"")
"""For who only reads and needs no reply of its own."""


class Operation:
    """Submitted once; the owner may make another one with the same origin and seq, elsewhere."""

    __slots__ = (
        "change", "due", "exposed", "fresh", "is_internal", "key", "op_id", "origin", "outcome",
        "reads_only", "reply", "seq", "settled", "since", "sole", "tentative", "value", "version",
        "wants_content", "wrote",
    )  # fmt: skip

    def __init__(
        self, op_id: int, key: bytes, change: ChangeFunction, reads_only: bool = False, origin: int = 0,
        seq: int = 0, since: int = 0, fresh: bool = False, settled: int = 0,
    ) -> None:  # fmt: skip
        """Nothing happens before it is submitted.

        ``fresh``: (origin, seq) was never submitted or sent before, so it cannot have happened; and nobody
        will submit or send it elsewhere before this one has ended without ``OK``.

        ``since``: the same number with every copy of it, and best the version of the key that its origin
        knew before it sent the first: if something of a later version is forgotten, it is not run (Rule
        P9).
        """
        assert reads_only or origin >= 1, "what changes something has an origin"
        self.op_id = op_id
        self.key = key
        self.change = change
        self.reads_only = reads_only
        self.origin = origin
        self.seq = seq
        self.since = since
        self.fresh = fresh
        """Until it has been run once."""
        self.sole = fresh
        """There are no copies of it that could come later."""
        self.settled = settled
        self.wants_content = True
        self.is_internal = False
        """Of the room itself; the owner does not see its end."""

        self.outcome: Outcome = PENDING
        self.reply = b""
        self.version = 0
        """Of the register, when it ended: the origin may take it as ``since`` of its next one."""
        self.value: bytes | None = None

        self.due = 0
        """The tick in which it is given up."""
        self.exposed = False
        """An accept with its change has left: it may happen, whatever comes."""
        self.tentative: Outcome = PENDING
        """What its outcome will be if the value that it was run upon is confirmed."""
        self.wrote = False
        """Run upon the present value, it changed it."""
